"""The statements and figures of arXiv:1901.04250 computed again, and the validation report."""
