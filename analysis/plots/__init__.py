"""Figures of what the commands and the results answer."""
