"""Chat models: local and remote ones behind pydantic-ai, which takes a second to import: never at start-up."""
