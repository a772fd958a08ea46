"""Which motions grow, and how they are told apart and from one another: linear algebra alone."""
