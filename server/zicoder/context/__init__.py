"""What goes into a prompt, within which budget. Never calls a model."""
