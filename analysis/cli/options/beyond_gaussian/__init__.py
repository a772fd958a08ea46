"""Of what makes states that are not Gaussian."""
