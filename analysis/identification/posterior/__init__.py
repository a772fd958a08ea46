"""Posteriors of parameters: priors, the chain, and whether it has converged."""
