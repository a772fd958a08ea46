"""Truncated Fock engine on QuTiP: operators, master equation, stochastic master equation."""
