"""A setup in the numbers of a laboratory: read from a file, derived rates, what elimination costs, what it assumes."""
