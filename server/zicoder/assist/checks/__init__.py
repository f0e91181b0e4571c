"""What is wrong with a text, found by ourselves: grammars, Python's own parser, ruff and jedi."""
