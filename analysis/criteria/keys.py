"""How a direction is named in every report and file."""

from cascade_steering.analysis.criteria.steering import Direction


def key(direction: Direction) -> str:
    """The name of a direction's steering parameter."""
    return f"E_{direction}"
