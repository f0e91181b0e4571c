"""Capabilities that any front end can call."""
