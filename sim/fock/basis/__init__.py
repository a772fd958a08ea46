"""Truncated Fock spaces: levels, states between them, their moments, and how far they can be trusted."""
