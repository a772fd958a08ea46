"""Steering and its neighbouring measures, from a covariance matrix."""
