"""Figures of the results of commands and of objects. Nothing is computed here."""
