"""The cascade as a linear model that every engine reads: built once, from components."""
