"""Truncated oscillators: levels kept, and the ladder operators between them.

Tensor order is mode order (minus, plus). A cutoff is the number of Fock levels kept of one oscillator.
"""

import numpy as np
import scipy.sparse as sp

from sim.conventions import OSCILLATORS

# x = LADDER·(a, a†) of one oscillator
LADDER = np.array([[1.0, 1.0], [-1.0j, 1.0j]]) / np.sqrt(2.0)


def check_cutoffs(cutoffs: tuple[int, ...], modes: int) -> None:
    """Raise ValueError unless there is one whole number ≥ 2 for each oscillator.

    One level has no ladder operator: the oscillator would drop out of H and every L_k without a word.
    """
    if not isinstance(cutoffs, tuple) or len(cutoffs) != modes:
        raise ValueError(
            f"cutoffs must be a tuple of one number of Fock levels per oscillator ({modes}), got {cutoffs!r}"
        )
    for name, cutoff in zip(mode_names(modes), cutoffs, strict=True):
        if isinstance(cutoff, bool) or not isinstance(cutoff, int | np.integer) or cutoff < 2:
            raise ValueError(
                f"the cutoff of oscillator {name} must be a whole number of Fock levels, at least 2 "
                f"(one level cannot be excited, so it has no dynamics), got {cutoff!r}"
            )


def mode_names(modes: int) -> tuple[str, ...]:
    """How messages refer to the oscillators: minus and plus, or by number where there are not two."""
    return OSCILLATORS if modes == len(OSCILLATORS) else tuple(str(mode) for mode in range(modes))


def embed(operator: sp.sparray, mode: int, cutoffs: tuple[int, ...]) -> sp.csr_array:
    """``operator`` of one oscillator on the whole space; sparse array of shape (D, D), D the product of cutoffs."""
    before, after = int(np.prod(cutoffs[:mode])), int(np.prod(cutoffs[mode + 1 :]))
    return sp.csr_array(sp.kron(sp.kron(sp.eye_array(before), operator), sp.eye_array(after)))


def ladder_operators(cutoffs: tuple[int, ...]) -> list[sp.csr_array]:
    """ξ = (a_0, a_0†, a_1, a_1†, …) on the whole space; sparse arrays of shape (D, D)."""
    lowering = [sp.diags_array(np.sqrt(np.arange(1.0, n)), offsets=1, shape=(n, n)) for n in cutoffs]
    return [embed(op, mode, cutoffs) for mode, a in enumerate(lowering) for op in (a, a.T)]


def ladder_products(cutoffs: tuple[int, ...]) -> list[list[sp.csr_array]]:
    """The true products ξ_j ξ_k between kept levels; sparse arrays of shape (D, D).

    Multiplying truncated ladders instead would pass over the first level left out and get a a† wrong at the
    top: a false level shift in H, and variances too small. One spare level each is enough to avoid that.
    """
    spare = ladder_operators(tuple(n + 1 for n in cutoffs))
    kept = np.arange(np.prod([n + 1 for n in cutoffs])).reshape([n + 1 for n in cutoffs])
    kept = kept[tuple(slice(n) for n in cutoffs)].ravel()
    return [[sp.csr_array((left @ right)[kept][:, kept]) for right in spare] for left in spare]
