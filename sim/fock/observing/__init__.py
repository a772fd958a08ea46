"""What is taken out of a truncated state: observables, purity, and the state itself in the laboratory frame."""
