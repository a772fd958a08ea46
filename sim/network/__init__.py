"""Rows of any number of oscillators on the light: steady states in N³ operations."""
