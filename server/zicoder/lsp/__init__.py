"""The language server: the only room that knows LSP. Converts at its edge; the inside has plain types."""
