"""One module for each LSP method, or for a few that belong together."""
