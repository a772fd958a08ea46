"""The cascaded master equation of truncated oscillators: its steady state and its evolution."""
