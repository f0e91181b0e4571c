"""Measures of plane shapes."""
