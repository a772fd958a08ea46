"""Where to work: steady states, optima, Appendix B, and where the rotating wave holds."""
