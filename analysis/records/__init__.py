"""Homodyne records from outside: read, checked, filtered, and held against a model."""
