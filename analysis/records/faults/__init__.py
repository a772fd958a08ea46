"""Faults of a detector, put into a record on purpose."""
