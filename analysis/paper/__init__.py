"""What arXiv:1901.04250 says and shows, computed again: its figures, its claims, the validation report."""
