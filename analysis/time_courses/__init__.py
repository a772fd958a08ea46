"""Steering in time: E(t) and d(t), and when they reach what is wanted."""
