"""The engine of this package for the stochastic master equation, in a Fock basis that moves and is squeezed with
the state.
"""
