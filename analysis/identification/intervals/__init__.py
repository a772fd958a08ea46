"""Intervals of parameters, of E and of d, by profile likelihood."""
