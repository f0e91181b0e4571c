"""Fixes that a model makes for any diagnostic, each applied in memory and checked before it is offered."""
