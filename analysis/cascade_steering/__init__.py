"""Hybrid quantum networks simulated in time: ``cascade_steering.sim`` and ``cascade_steering.analysis``."""
