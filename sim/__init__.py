"""The cascade of two oscillators on a one-way light field: physics in, states and records out."""
