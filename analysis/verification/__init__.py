"""Steering as a laboratory verifies it, from the outcomes of local measurements."""
