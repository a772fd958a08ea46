"""Single trajectories: means, records, clicks and E of one run, simulated or measured."""
