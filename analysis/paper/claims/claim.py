"""What a claim is: a statement of the paper, and the verdict computed for it."""

from dataclasses import dataclass

__all__ = ["FAILS", "HOLDS", "PARTLY", "Claim", "verdict"]

HOLDS, PARTLY, FAILS = "holds", "holds in part", "fails"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement of the paper, where it stands, what we find, the verdict, and a word of explanation."""

    where: str
    statement: str
    found: str
    verdict: str
    why: str


def verdict(holds: bool, partly: bool = False) -> str:
    """The word for it."""
    return HOLDS if holds else PARTLY if partly else FAILS
