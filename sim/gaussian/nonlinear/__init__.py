"""A Gaussian approximation for oscillators with a polynomial in their Hamiltonian. Section 7 of sim/README.md."""
