"""Edits that a model proposes: read from its answer, found in the files, checked, taken back.

Nothing in here writes a file of a project but `disk.apply_on_disk`, which a terminal calls after a person said yes.
"""
