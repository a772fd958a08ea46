"""Ensembles of trajectories: the contract of an engine, blocks in parallel, and the dataset of the results."""
