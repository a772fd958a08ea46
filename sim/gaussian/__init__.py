"""The Gaussian-moments engine: exact in time, any linear model."""
