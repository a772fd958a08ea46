"""Steering criteria that see more of a state than its second moments."""
