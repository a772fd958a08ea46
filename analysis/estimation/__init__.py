"""Steering from ensembles of trajectories, with intervals; when an ensemble is large enough."""
