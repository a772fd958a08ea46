"""Steering estimated from ensembles of trajectories, with intervals, and when an ensemble is large enough."""
