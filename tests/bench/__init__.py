"""Benchmarks, run by `zi bench NAME`. Results are kept as JSON, one file per benchmark and commit."""
