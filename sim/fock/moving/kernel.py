"""The inner loop of the Fock engine: one conditional step of one trajectory, compiled. Section 7 of sim/README.md.

Measured for one step on one AVX2 core, with 11 and 10 levels (77 kept states), in double precision, 0.6 ms in all:

- 𝒢 e^Z and its application from both sides are three matrix products of the BLAS: 0.09 ms each, 33 Gflop/s. Single
  precision takes half of that, but then a state that should stay pure does so only to 1e-7.
- exp(𝓙) is computed by its power series, with shifted rows and columns: 0.03 ms for each of about six terms where N is
  real, 0.05 ms otherwise. Columns are taken in stretches of constant shift, since gathering them takes twice as long.
  With products of Kraus matrices a term would take 0.7 ms. Computing only the upper half of ρ would save as much time
  as its loops would cost.
- e^{t𝓠} as an exact superoperator, in the sectors that its symmetry leaves, would be three times faster up to eight
  levels, but needs memory and time that grow as the seventh power of the levels, and works for the rotating-wave model
  only.
- Keeping Σ n_i/(N_i − 1) ≤ 5/4 instead of all n_i < N_i is as accurate, with 72 states instead of 100.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.compiled import compiled

__all__ = ["Basis", "Frame", "State", "Work", "advance", "exponentiate", "jump", "measure", "recenter", "step"]

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


class Basis(NamedTuple):
    """Truncated ladder operators r = (a_0, a_0†, a_1, …): row n of r_i ρ is weights[i, n]·ρ[sources[i, n]].

    ``runs`` (r, first, last, shift) are the stretches of states over which the source is a constant shift away.
    ``twice`` holds the weights with every entry repeated, for real and imaginary parts.
    ``numbers`` (D, modes) is the Fock level of each mode in each state, ``cutoffs`` (modes,) the number of levels.
    ``starts``, ``places`` and ``factors`` hold observables as compressed sparse rows over row-stacked ρ: first and
    second moments of ξ, then for each mode the population of its edge (the two highest levels) and the defect of its
    commutator.
    """

    sources: IntArray
    weights: FloatArray
    twice: FloatArray
    runs: IntArray
    numbers: IntArray
    cutoffs: IntArray
    starts: IntArray
    places: IntArray
    factors: ComplexArray


class Frame(NamedTuple):
    """One step in one frame, in ladder coefficients (``sim.fock.moving.step_factors``).

    Parameters
    ----------
    operator : 𝒢, (D, D)
    noise : N of 𝓙ρ = Σ_ab N_ab r_a ρ r_b†, (d, d)
    terms : number of terms of the power series of exp(𝓙)
    response : R, coefficients of Z for each innovation, (d, m)
    lag : R′, coefficients of Z for the distance from x̄ to the drifted mean of the start of the step, (d, d)
    displacement : coefficients of the unitary that displaces the state by −δ, for δ = 1, (d, d)
    symplectic : 𝖲, (d, d)
    substeps : number of parts of a step
    drift, drive : x̄ → drift·x̄ + drive in one part, (d, d) and (d,); a constant force makes the second
    held, held_response : in a frame at rest, the jump of x̄ before each part that compensates the drive, and the
        coefficients of the displacement of the state that belongs to it, (d,)
    forecast, forecast_drive : ∫⟨dY⟩ = forecast·x̂ + forecast_drive over a whole step, (m, d) and (m,)
    half_readout, half_cross : √(h/2) F and ½ h F S, of which the mean growth ½ h (F V Fᵀ + F S) ΔW of the record
        within a step is made; F in the frame, (m, d) and (m, m)
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
    drive: FloatArray
    held: FloatArray
    held_response: ComplexArray
    forecast: FloatArray
    forecast_drive: FloatArray
    half_readout: FloatArray
    half_cross: FloatArray


class State(NamedTuple):
    """The state of a trajectory: ρ (D, D) of ξ, x̄ ``origin`` (d,), the moments of ξ, and its diagnostics.

    ``mean`` (d,) and ``covariance`` (d, d) are those of ξ. ``edges`` (2 modes,) holds the populations of the edges and
    the defects of the commutators, ``worst_edges`` their largest values so far, and ``worst_term`` (1,) the largest
    contribution of the last term of exp(𝓙) to the trace so far.
    """

    density: ComplexArray
    origin: FloatArray
    mean: FloatArray
    covariance: FloatArray
    edges: FloatArray
    worst_edges: FloatArray
    worst_term: FloatArray


class Work(NamedTuple):
    """Working memory: three arrays (D, D), and one (d, D)."""

    first: ComplexArray
    second: ComplexArray
    third: ComplexArray
    rows: ComplexArray


@compiled
def _from_left(
    density: ComplexArray, n: int, noise: ComplexArray, basis: Basis, rows: ComplexArray, c: ComplexArray, s: IntArray
) -> None:
    """rows[b] = row n of Σ_a N_ab r_a ρ, two terms at a time, in real arithmetic where N is real.

    ``c`` and ``s`` (d + 1,) are working memory: the coefficients that are not zero, and the rows of ρ they multiply.
    """
    ladders, size = noise.shape[0], density.shape[0]
    plain, plain_rows = density.view(np.float64), rows.view(np.float64)
    for b in range(ladders):
        count, real = 0, True
        for a in range(ladders):
            coefficient = noise[a, b] * basis.weights[a, n]
            if coefficient != 0.0:
                c[count], s[count] = coefficient, basis.sources[a, n]
                real = real and coefficient.imag == 0.0
                count += 1
        c[count] = c[max(count, 1)] = 0.0
        for pair in range(0, max(count, 1), 2):
            c0, c1, s0, s1 = c[pair], c[pair + 1], np.uint64(s[pair]), np.uint64(s[pair + 1])
            if real and pair == 0:
                for m in range(2 * size):
                    plain_rows[b, m] = c0.real * plain[s0, m] + c1.real * plain[s1, m]
            elif real:
                for m in range(2 * size):
                    plain_rows[b, m] += c0.real * plain[s0, m] + c1.real * plain[s1, m]
            elif pair == 0:
                for m in range(size):
                    rows[b, m] = c0 * density[s0, m] + c1 * density[s1, m]
            else:
                for m in range(size):
                    rows[b, m] += c0 * density[s0, m] + c1 * density[s1, m]


@compiled
def jump(density: ComplexArray, out: ComplexArray, noise: ComplexArray, basis: Basis, rows: ComplexArray) -> None:
    """out = 𝓙ρ = Σ_ab N_ab r_a ρ r_b†, row by row. Section 7 of sim/README.md."""
    size, ladders = density.shape[0], noise.shape[0]
    plain_rows, plain_out = rows.view(np.float64), out.view(np.float64)
    # Terms are read in pairs, so the last one may be zero times row 0.
    c, s = np.zeros(ladders + 1, np.complex128), np.zeros(ladders + 1, np.intp)
    for n in range(size):
        _from_left(density, n, noise, basis, rows, c, s)
        for m in range(2 * size):
            plain_out[n, m] = 0.0
        for run in range(basis.runs.shape[0]):
            b, shift = np.uint64(basis.runs[run, 0]), 2 * basis.runs[run, 3]
            first, last = 2 * basis.runs[run, 1], 2 * basis.runs[run, 2]
            source, target = plain_rows[b, first + shift : last + shift], plain_out[n, first:last]
            weights = basis.twice[b, first:last]
            for m in range(target.size):
                target[m] += weights[m] * source[m]


@compiled
def exponentiate(coefficients: ComplexArray, out: ComplexArray, basis: Basis) -> None:
    """out = ⊗ e^{βa†} e^{αa} for coefficients (α_0, β_0, α_1, …): exp(Σ αa + βa†) up to a factor.

    In normal order the product of the truncated factors is the truncation of the product. Section 7 of sim/README.md.
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


@compiled
def step(
    density: ComplexArray, coefficients: ComplexArray, frame: Frame, basis: Basis, work: Work
) -> tuple[float, float]:
    """One part of a step, in place:  ρ ← exp(𝓙)[ T ρ T† ]/Tr,  T = 𝒢 exp(Z + iδᵀΣξ).

    ``coefficients`` (d,) are those of Z and of the displacement together. Returns the trace before normalisation, and
    the fraction of it that comes from the last term of exp(𝓙). Section 7 of sim/README.md.
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
        # Multiplying by a real number: dividing complex numbers takes ten times as long.
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


@compiled
def measure(state: State, basis: Basis) -> None:
    """Compute the moments and the edges of ρ, in place."""
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


@compiled
def recenter(state: State, coefficients: ComplexArray, reference: FloatArray, frame: Frame) -> None:
    """Move x̄ to where the mean will be after e^Z, and add the displacement of the state to ``coefficients``.

    The shift of the mean by e^Z is estimated as that of a Gaussian state, δ = 2V Re z − Σ Im z. The estimate need not
    be exact: any x̄ gives the same results, and the closer it is to the mean, the fewer levels are needed. Section 6 of
    sim/README.md.
    """
    ahead = coefficients + frame.lag @ (reference - state.origin - frame.symplectic @ state.mean).astype(np.complex128)
    delta = state.mean.copy()
    half = np.sqrt(0.5)
    for mode in range(delta.size // 2):
        x, p = 2 * mode, 2 * mode + 1
        # From ladder to quadrature coefficients: z_X = (α + β)/√2, z_P = i(α − β)/√2
        z_x, z_p = half * (ahead[x] + ahead[p]), 1j * half * (ahead[x] - ahead[p])
        delta += 2.0 * (state.covariance[:, x] * z_x.real + state.covariance[:, p] * z_p.real)
        delta[x] -= z_p.imag
        delta[p] += z_x.imag
    state.origin[:] += frame.symplectic @ delta
    coefficients += frame.displacement @ delta.astype(np.complex128)


@compiled
def advance(
    state: State, path: FloatArray, measured: bool, follow: bool, leak: float, frame: Frame, basis: Basis, work: Work
) -> tuple[FloatArray, int]:
    """Advance the state along ``path`` (steps, m) in one frame, in place; the path is dY if ``measured``, else dW.

    Returns dY of each step, (steps, m), and the number of steps taken: fewer than those of the path if the state is not
    finite or the commutator of a mode is wrong by more than ``leak``. Sections 4 and 7 of sim/README.md.
    """
    record = np.empty_like(path)
    for k in range(path.shape[0]):
        reference = state.origin + frame.symplectic @ state.mean
        predicted = frame.forecast @ reference + frame.forecast_drive
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
            else:
                state.origin[:] += frame.held
                coefficients += frame.held_response
            coefficients += frame.lag @ (reference - state.origin).astype(np.complex128)
            state.origin[:] = frame.drift @ state.origin + frame.drive
            reference = frame.drift @ reference + frame.drive
            trace, last = step(state.density, coefficients, frame, basis, work)
            measure(state, basis)
            state.worst_term[0] = max(state.worst_term[0], last)
            if not (np.isfinite(trace) and trace > 0.0 and np.max(state.edges) <= leak):
                return record, k
    return record, path.shape[0]
