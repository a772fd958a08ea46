"""A claim: a statement of the paper with the verdict that is computed for it."""

from dataclasses import dataclass

__all__ = ["FAILS", "HOLDS", "PARTLY", "Claim", "verdict"]

HOLDS, PARTLY, FAILS = "holds", "holds in part", "fails"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement of the paper, its place, what is found, the verdict, and an explanation."""

    where: str
    statement: str
    found: str
    verdict: str
    why: str


def verdict(holds: bool, partly: bool = False) -> str:
    """The text of a verdict; ``holds`` has precedence over ``partly``."""
    return HOLDS if holds else PARTLY if partly else FAILS
