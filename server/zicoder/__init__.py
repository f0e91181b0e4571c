"""Zi Coder: an offline-first AI coding assistant. One library of plain types; thin front ends."""

__version__ = "0.1.0"
