"""What a nonlinearity of the oscillators costs: NONLINEAR.md."""
