"""Runs on disk: blocks of trajectories, and a manifest that says what they are blocks of."""
