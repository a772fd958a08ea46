"""Steering in a closed loop: what a law of control is to make small, and how much it tolerates. Section 9."""
