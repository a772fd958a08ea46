"""The colours of figures and of the page in the browser, and the range of E in them, without what draws either.

Colours are those of Okabe and Ito, which readers of any colour vision can distinguish: M. Okabe and K. Ito, "Color
Universal Design" (2008), https://jfly.uni-koeln.de/color/; B. Wong, Nature Methods 8, 441 (2011).
"""

from cascade_steering.analysis.criteria.steering import STEERING_BOUND, Scheme

__all__ = [
    "BLUE",
    "COLOURS",
    "GAIN_COLOUR",
    "GREEN",
    "HIGHEST",
    "ORANGE",
    "PURPLE",
    "REGION_COLOURS",
    "SCHEME_COLOURS",
    "SKY_BLUE",
    "VERMILION",
]

ORANGE, SKY_BLUE, GREEN, BLUE, VERMILION, PURPLE = "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7"
# without the record and given it, or − and +
COLOURS = (BLUE, VERMILION)
GAIN_COLOUR = GREEN
SCHEME_COLOURS: dict[Scheme, str] = {"unconditional": BLUE, "conditional": VERMILION}
# colours of regions without steering, in which − steers +, + steers −, and each the other; the lightness of each
# differs as well, so that a map can be told apart in grey
REGION_COLOURS = {"none": "#bdbdbd", "plus_given_minus": "#f5cf8a", "minus_given_plus": BLUE, "both": "white"}
# a hot start has E of 1e5, and the range around one half is the one of interest
HIGHEST = 20 * STEERING_BOUND
