"""What can be done about a place of a text, by rules: fixes and refactorings that need no model."""
