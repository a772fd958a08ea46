"""The region that a search for the best working point goes through, compiled."""
