"""The code index of one project: walk, chunks, embeddings, store, hybrid search, incremental updates."""
