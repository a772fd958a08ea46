"""Steering in time: E(t), d(t) and the times of their milestones."""
