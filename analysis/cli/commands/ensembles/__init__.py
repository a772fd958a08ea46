"""Commands that sample ensembles of trajectories."""
