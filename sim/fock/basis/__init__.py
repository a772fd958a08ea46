"""Truncated Fock spaces: kept levels, states and their moments, and the errors of truncation."""
