"""Commands of networks."""
