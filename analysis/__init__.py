"""States and records in, answers out: steering, its estimates, the comparison of schemes, the command line."""
