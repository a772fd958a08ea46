"""Drawings of single trajectories: phase space, record, E in time, and all of it moving."""
