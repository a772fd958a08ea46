"""Protocols: light that changes in time, and which change of it gives the smallest E."""
