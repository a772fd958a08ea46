"""How a direction is named in every report and file."""

__all__ = ["key"]


def key(direction: object) -> str:
    """The name of a direction's steering parameter: E_plus_given_minus of ``plus_given_minus``."""
    return f"E_{direction}"
