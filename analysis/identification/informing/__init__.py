"""What a record can tell of parameters: Fisher information per second, and errors that it would show."""
