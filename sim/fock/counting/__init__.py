"""Photon counting: trajectories with clicks, each in a frame that follows its own state, and heralded states."""
