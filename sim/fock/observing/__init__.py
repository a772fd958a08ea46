"""Observables and purity of a truncated state, and the state itself in the laboratory frame."""
