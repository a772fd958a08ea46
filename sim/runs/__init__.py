"""Runs that last: blocks of trajectories on disk, and the manifest that says what they are blocks of."""
