"""Figures 2 to 8 of arXiv:1901.04250, and 9 without its demand for stability: their data, and how they are drawn."""
