"""Sentence embedders behind the index: MiniLM, sentence-transformers, and any OpenAI-compatible server."""
