"""Working points: steady states, scans, optima, Appendix B, and the validity of the rotating-wave approximation."""
