"""Drawings of steady states and of states: the map of regimes, and Wigner functions."""
