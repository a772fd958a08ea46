"""Figures 2 to 8 of arXiv:1901.04250: their data, and how they are drawn."""
