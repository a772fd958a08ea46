"""The reference engine: QuTiP's own solver of the stochastic master equation."""
