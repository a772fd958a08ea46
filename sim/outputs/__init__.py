"""What is asked of a simulation beside means and covariances: observables, purity, states, and how much memory they
take.
"""
