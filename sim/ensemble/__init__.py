"""Many trajectories: what an engine has to offer, blocks of them in parallel, and the dataset that they give."""
