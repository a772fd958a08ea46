"""Of measured records."""
