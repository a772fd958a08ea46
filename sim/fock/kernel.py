"""The hot loop of the Fock engine: one conditional step of one trajectory, compiled.

What was tried, on one core with AVX2, per step at 8 × 8 levels (64 × 64 density matrix) in double precision:

- two-sided G e^Z ρ (…)† by matrix products of the BLAS: three of 0.064 ms, at 33 Gflop/s. Single precision halves
  that, but then η = 1 trajectories lose positivity at 1e-7, which double keeps at 1e-16.
- exp(𝓙) by its power series through shifted rows and columns: 0.05 ms a term, against 0.5 ms for the Kraus
  operators as matrices. Real and imaginary parts apart are no faster.
"""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

# not nnan and ninf: a state that is not finite has to be seen
_FAST = {"reassoc", "contract", "arcp", "nsz"}
_compiled = numba.njit(cache=True, fastmath=_FAST, error_model="numpy")


class Basis(NamedTuple):
    """Truncated ladder operators r = (a_0, a_0†, a_1, …): row n of r_i ρ is weights[i, n]·ρ[sources[i, n]].

    ``numbers`` (D, modes) is the Fock level of each mode in each state, ``cutoffs`` (modes,). ``starts``, ``places``
    and ``factors`` hold observables over row-stacked ρ, compressed row by row: first and second moments of ξ, then
    of each mode the population of its edge (the two levels below what is left out) and the defect of its commutator.
    """

    sources: IntArray
    weights: FloatArray
    numbers: IntArray
    cutoffs: IntArray
    starts: IntArray
    places: IntArray
    factors: ComplexArray


class Frame(NamedTuple):
    """One step in one frame, in ladder coefficients (``sim.fock.step_factors``).

    Parameters
    ----------
    operator : G, (D, D)
    noise : Γ of Σ_ab Γ_ab r_a ρ r_b†, (d, d)
    terms : of the power series of exp(𝓙)
    response : of e^Z per dY, (d, m)
    lag : of e^Z per distance of the mean at the start of the step, as it has drifted, from x̄, (d, d)
    displacement : of the unitary that takes the mean δ out of the state, (d, d)
    symplectic : S, (d, d)
    substeps : parts of a step
    drift : of one part, x̄ → drift·x̄, (d, d)
    forecast : ∫⟨dY⟩ = forecast·x̂ over a whole step, (m, d)
    half_readout, half_cross : the mean of dY grows by K dW/2 within a step, K = h (F V Fᵀ + F S) with F in the frame
    """

    operator: ComplexArray
    noise: ComplexArray
    terms: int
    response: ComplexArray
    lag: ComplexArray
    displacement: ComplexArray
    symplectic: FloatArray
    substeps: int
    drift: FloatArray
    forecast: FloatArray
    half_readout: FloatArray
    half_cross: FloatArray


class State(NamedTuple):
    """A trajectory: ρ (D, D) in the frame around x̄ ``origin`` (d,), its moments there, and the worst it has met.

    ``mean`` (d,) and ``covariance`` (d, d) of ξ; ``edges`` (2 modes,) the populations of the edge and the defects of
    the commutators, ``worst_edges`` their largest so far; ``worst_term`` (1,) the largest share of the last term of
    exp(𝓙).
    """

    density: ComplexArray
    origin: FloatArray
    mean: FloatArray
    covariance: FloatArray
    edges: FloatArray
    worst_edges: FloatArray
    worst_term: FloatArray


class Work(NamedTuple):
    """Scratch: three arrays (D, D), and one (d, D)."""

    first: ComplexArray
    second: ComplexArray
    third: ComplexArray
    rows: ComplexArray


@_compiled
def jump(density: ComplexArray, out: ComplexArray, noise: ComplexArray, basis: Basis, rows: ComplexArray) -> None:
    """out = 𝓙ρ = Σ_ab Γ_ab r_a ρ r_b†, row by row."""
    size = density.shape[0]
    ladders = noise.shape[0]
    for n in range(size):
        rows[:] = 0.0
        for a in range(ladders):
            weight = basis.weights[a, n]
            if weight != 0.0:
                source = density[basis.sources[a, n]]
                for b in range(ladders):
                    coefficient = noise[a, b] * weight
                    if coefficient != 0.0:
                        for m in range(size):
                            rows[b, m] += coefficient * source[m]
        out[n] = 0.0
        for b in range(ladders):
            for m in range(size):
                out[n, m] += basis.weights[b, m] * rows[b, basis.sources[b, m]]


@_compiled
def exponentiate(coefficients: ComplexArray, out: ComplexArray, basis: Basis) -> None:
    """out = ⊗ e^{βa†} e^{αa} for coefficients (α_0, β_0, α_1, …): exp(Σ αa + βa†) but for a number.

    In normal order the product of the truncated factors is the truncation of the product.
    """
    most = basis.cutoffs.max()
    modes = basis.cutoffs.size
    single = np.zeros((modes, most, most), np.complex128)
    lower = np.zeros((most, most), np.complex128)
    upper = np.zeros((most, most), np.complex128)
    for mode in range(modes):
        cutoff = basis.cutoffs[mode]
        alpha, beta = coefficients[2 * mode], coefficients[2 * mode + 1]
        for n in range(cutoff):
            lower[n, n] = upper[n, n] = 1.0
            for k in range(n - 1, -1, -1):
                ratio = np.sqrt(k + 1.0) / (n - k)
                lower[n, k] = lower[n, k + 1] * beta * ratio
                upper[k, n] = upper[k + 1, n] * alpha * ratio
        for n in range(cutoff):
            for m in range(cutoff):
                total = 0.0j
                for k in range(min(n, m) + 1):
                    total += lower[n, k] * upper[k, m]
                single[mode, n, m] = total
    for n in range(out.shape[0]):
        for m in range(out.shape[1]):
            value = single[0, basis.numbers[n, 0], basis.numbers[m, 0]]
            for mode in range(1, modes):
                value *= single[mode, basis.numbers[n, mode], basis.numbers[m, mode]]
            out[n, m] = value


@_compiled
def step(
    density: ComplexArray, coefficients: ComplexArray, frame: Frame, basis: Basis, work: Work
) -> tuple[float, float]:
    """One part of a step, in place:  ρ ← exp(𝓙)[ T ρ T† ]/Tr,  T = G exp(Z − iδᵀΣξ).

    ``coefficients`` (d,) of Z and of the displacement together. Returns the trace before normalisation, and what
    part of it the last term of exp(𝓙) made.
    """
    size = density.shape[0]
    exponentiate(coefficients, work.first, basis)
    np.dot(frame.operator, work.first, work.second)
    np.dot(work.second, density, work.first)
    for n in range(size):
        for m in range(size):
            work.third[m, n] = np.conj(work.first[n, m])
    np.dot(work.second, work.third, density)
    term, following = work.first, work.third
    term[:] = density
    for order in range(1, frame.terms + 1):
        jump(term, following, frame.noise, basis, work.rows)
        # a product with a real number: dividing complex numbers takes ten times as long
        share = 1.0 / order
        for n in range(size):
            for m in range(size):
                following[n, m] *= share
                density[n, m] += following[n, m]
        term, following = following, term
    trace, last = 0.0, 0.0
    for n in range(size):
        trace += density[n, n].real
        last += term[n, n].real
    inverse = 1.0 / trace
    for n in range(size):
        for m in range(size):
            density[n, m] *= inverse
    return trace, (last / trace if frame.terms > 0 else 0.0)


@_compiled
def measure(state: State, basis: Basis) -> None:
    """The moments of ρ, in place."""
    d = state.mean.size
    flat = state.density.reshape(-1)
    row = 0
    values = np.empty(basis.starts.size - 1)
    for row in range(values.size):
        total = 0.0
        for k in range(basis.starts[row], basis.starts[row + 1]):
            total += (basis.factors[k] * flat[basis.places[k]]).real
        values[row] = total
    state.mean[:] = values[:d]
    row = d
    for i in range(d):
        for j in range(i, d):
            state.covariance[i, j] = state.covariance[j, i] = values[row] - values[i] * values[j]
            row += 1
    for edge in range(state.edges.size):
        state.edges[edge] = values[row + edge]
        state.worst_edges[edge] = max(state.worst_edges[edge], state.edges[edge])


@_compiled
def recenter(state: State, coefficients: ComplexArray, reference: FloatArray, frame: Frame) -> None:
    """Move x̄ to where the mean is and where e^Z is about to take it, and add the displacement to ``coefficients``.

    For the second part the response of a Gaussian state serves, δ = 2V Re z − Σ Im z. It need not be right: x̄ may be
    anywhere, the closer the fewer levels are needed.
    """
    ahead = coefficients + frame.lag @ (reference - state.origin - frame.symplectic @ state.mean).astype(np.complex128)
    delta = state.mean.copy()
    half = np.sqrt(0.5)
    for mode in range(delta.size // 2):
        x, p = 2 * mode, 2 * mode + 1
        # from ladder to quadrature coefficients: z_X = (α + β)/√2, z_P = i(α − β)/√2
        z_x, z_p = half * (ahead[x] + ahead[p]), 1j * half * (ahead[x] - ahead[p])
        delta += 2.0 * (state.covariance[:, x] * z_x.real + state.covariance[:, p] * z_p.real)
        delta[x] -= z_p.imag
        delta[p] += z_x.imag
    state.origin[:] += frame.symplectic @ delta
    coefficients += frame.displacement @ delta.astype(np.complex128)


@_compiled
def advance(
    state: State, path: FloatArray, measured: bool, follow: bool, leak: float, frame: Frame, basis: Basis, work: Work
) -> tuple[FloatArray, int]:
    """Steps of one frame, in place, along ``path`` (steps, m): dY where ``measured``, else dW.

    Returns dY of each step, (steps, m), and the number of steps taken: fewer than asked for if the state is not
    finite or the commutator of a mode is off by more than ``leak``.
    """
    record = np.empty_like(path)
    for k in range(path.shape[0]):
        reference = state.origin + frame.symplectic @ state.mean
        predicted = frame.forecast @ reference
        if measured:
            record[k] = path[k]
        else:
            gain = frame.half_readout @ state.covariance @ frame.half_readout.T + frame.half_cross
            record[k] = predicted + path[k] + gain @ path[k]
        innovation = ((record[k] - predicted) / frame.substeps).astype(np.complex128)
        for _ in range(frame.substeps):
            coefficients = frame.response @ innovation
            if follow:
                recenter(state, coefficients, reference, frame)
            coefficients += frame.lag @ (reference - state.origin).astype(np.complex128)
            state.origin[:] = frame.drift @ state.origin
            reference = frame.drift @ reference
            trace, last = step(state.density, coefficients, frame, basis, work)
            measure(state, basis)
            state.worst_term[0] = max(state.worst_term[0], last)
            if not (np.isfinite(trace) and trace > 0.0 and np.max(state.edges) <= leak):
                return record, k
    return record, path.shape[0]
