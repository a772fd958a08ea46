"""Answers of the commands that start from a laboratory."""
