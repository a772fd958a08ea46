"""What is answered: E and d in every direction, without and with the record, covariances, figures.

Values are held by scheme, ``unconditional`` (without the record) and ``conditional`` (given it), and by direction:
``plus_given_minus`` is E₊|₋, − steering +, and of other oscillators ``b_given_a`` is E of b given a. Sampled values are
an ``Estimate`` with its 95 % interval. Times are in seconds.
"""
