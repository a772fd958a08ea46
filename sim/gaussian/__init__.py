"""First and second moments of any linear model, exact in time: covariances, trajectories and filter."""
