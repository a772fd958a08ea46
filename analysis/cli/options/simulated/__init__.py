"""Of simulated ensembles."""
