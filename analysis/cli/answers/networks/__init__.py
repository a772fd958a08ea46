"""Answers of the commands of networks."""
