"""Figures 2 to 8 of arXiv:1901.04250, 9 without its demand for stability, 10 with a cavity: data and drawing."""
