"""Truncated Fock spaces: the moving Fock engine, the QuTiP reference engine, and the master equation."""
