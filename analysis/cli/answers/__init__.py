"""What the commands answer: as plain data ready for JSON, and as tables."""
