"""The inner loop of the counting engine: a state between its clicks, compiled. Section 7 of sim/README.md.

The steps themselves are those of ``sim.fock.moving.kernel``. A click comes at the boundary of two steps. On either
side of a step the clicks of half of it are drawn, from the rate in the state at hand; where one comes the loop returns.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.compiled import compiled
from cascade_steering.sim.fock.moving.kernel import Basis, Frame, State, Work, jump, measure, recenter, step

__all__ = [
    "CLICK",
    "DONE",
    "FAILED",
    "FULL",
    "MISFIT",
    "MOVE",
    "Counted",
    "advance_counted",
    "click_rates",
    "copy_state",
]

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
# Why the loop returns: all steps are done, a click comes, the frame does not fit the state any more, a step fills the
# levels, the state has left its levels or is not finite, polynomials are to move it for half a step.
DONE, CLICK, MISFIT, FULL, FAILED, MOVE = range(6)


class Counted(NamedTuple):
    """The counters in one frame.

    Parameters
    ----------
    pull, pull_drive : coefficients of Z for x̄, and for a constant force and coherent light, ladder coefficients,
        (d, d) and (d,)
    noise : N of Σ_j η_j L_jρL_j† with L_j = c_j·𝖲ξ, ladder coefficients, (d, d)
    rows, at_rest : √η_j c_j of ξ and of x, (r, d)
    amplitude : √η_j λ_j of coherent light on the counters, (r,)
    counter : the number of the counter of each row, (r,)
    dark : the rates of dark clicks, (counters,)
    duration : length of a step, seconds, (1,)
    """

    pull: ComplexArray
    pull_drive: ComplexArray
    noise: ComplexArray
    rows: ComplexArray
    at_rest: ComplexArray
    amplitude: ComplexArray
    counter: IntArray
    dark: FloatArray
    duration: FloatArray


@compiled
def click_rates(state: State, counted: Counted) -> FloatArray:
    """The rate of clicks of each counter, η Σ_j ⟨L_j†L_j⟩ + dark rate, (counters,), 1/s."""
    rates = counted.dark.copy()
    d = state.mean.size
    for j in range(counted.counter.size):
        row = counted.rows[j]
        amplitude, second = counted.amplitude[j], 0.0
        for a in range(d):
            amplitude += counted.at_rest[j, a] * state.origin[a] + row[a] * state.mean[a]
            for b in range(d):
                second += (np.conj(row[a]) * row[b]).real * state.covariance[a, b]
        # i Σ/2 of the commutators
        for mode in range(d // 2):
            x, p = 2 * mode, 2 * mode + 1
            second -= (np.conj(row[x]) * row[p]).imag
        rates[counted.counter[j]] += max(second, 0.0) + abs(amplitude) ** 2
    return rates


@compiled
def _drift_of_mean(state: State, counted: Counted, basis: Basis, work: Work) -> FloatArray:
    """What the absence of clicks adds to d⟨ξ⟩/dt: −Σ_j η_j (⟨L†ξL⟩ − ⟨L†L⟩⟨ξ⟩), (d,)."""
    d, size = state.mean.size, state.density.shape[0]
    jump(state.density, work.third, counted.noise, basis, work.rows)
    flat = work.third.reshape(-1)
    trace = 0.0
    for n in range(size):
        trace += work.third[n, n].real
    drift = np.empty(d)
    for i in range(d):
        total = 0.0
        for k in range(basis.starts[i], basis.starts[i + 1]):
            total += (basis.factors[k] * flat[basis.places[k]]).real
        drift[i] = trace * state.mean[i] - total
    for j in range(counted.counter.size):
        row = counted.rows[j]
        amplitude = counted.amplitude[j]
        for a in range(d):
            amplitude += counted.at_rest[j, a] * state.origin[a]
        for i in range(d):
            found = 0.0j
            for b in range(d):
                found += row[b] * state.covariance[i, b]
            # ⟨ξ_i ξ_b⟩ − ⟨ξ_i⟩⟨ξ_b⟩ = V + iΣ/2
            found += 0.5j * row[i + 1] if i % 2 == 0 else -0.5j * row[i - 1]
            drift[i] -= 2.0 * (np.conj(amplitude) * found).real
    return drift


@compiled
def _misfit(state: State) -> float:
    """How far V of ξ is from equal variances in each mode without correlations; 0 in the normal modes of the state."""
    d, worst = state.mean.size, 0.0
    for a in range(d):
        for b in range(a, d):
            x, y = a - a % 2, b - b % 2
            first = 0.5 * (state.covariance[x, x] + state.covariance[x + 1, x + 1])
            second = 0.5 * (state.covariance[y, y] + state.covariance[y + 1, y + 1])
            found = abs(state.covariance[a, b] - (first if a == b else 0.0))
            worst = max(worst, found / np.sqrt(first * second))
    return worst


@compiled
def _step_without_click(
    state: State, given: FloatArray, measured: bool, frame: Frame, counted: Counted, basis: Basis, work: Work
) -> tuple[FloatArray, bool]:
    """One step without a click, in place; ``given`` is dY if ``measured``, else dW.

    Returns dY, and whether ρ is finite.

    As ``sim.fock.moving.kernel.advance``. Between clicks the mean moves otherwise, and so does the expected record.
    """
    reference = state.origin + frame.symplectic @ state.mean
    innovation = np.zeros(given.size, np.complex128)
    record = given.copy()
    if given.size > 0:
        predicted = frame.forecast @ reference + frame.forecast_drive
        if not measured:
            gain = frame.half_readout @ state.covariance @ frame.half_readout.T + frame.half_cross
            record += predicted + gain @ given
            if counted.counter.size > 0:
                # half_readout is √(h/2) F, and the mean moves the record by ½ h² F times its additional drift.
                drift = _drift_of_mean(state, counted, basis, work)
                record += np.sqrt(0.5 * counted.duration[0]) * counted.duration[0] * (frame.half_readout @ drift)
        innovation[:] = (record - predicted) / frame.substeps
    for _ in range(frame.substeps):
        coefficients = np.zeros(state.mean.size, np.complex128)
        if given.size > 0:
            coefficients += frame.response @ innovation
        ahead = counted.pull @ (state.origin + frame.symplectic @ state.mean).astype(np.complex128)
        coefficients += ahead
        recenter(state, coefficients, reference, frame)
        coefficients += counted.pull @ state.origin.astype(np.complex128) + counted.pull_drive - ahead
        coefficients += frame.lag @ (reference - state.origin).astype(np.complex128)
        state.origin[:] = frame.drift @ state.origin + frame.drive
        reference = frame.drift @ reference + frame.drive
        trace, last = step(state.density, coefficients, frame, basis, work)
        measure(state, basis)
        state.worst_term[0] = max(state.worst_term[0], last)
        if not (np.isfinite(trace) and trace > 0.0):
            return record, False
    return record, True


@compiled
def advance_counted(
    state: State,
    path: FloatArray,
    record: FloatArray,
    clock: FloatArray,
    measured: bool,
    limits: FloatArray,
    frame: Frame,
    counted: Counted,
    basis: Basis,
    work: Work,
    before: State,
) -> tuple[int, int]:
    """Advance along ``path`` (steps, m) until its end, or until something is to be done, in place.

    Parameters
    ----------
    path, measured : dY of each step if ``measured``, else dW
    record : dY of each step, which is filled in, (steps, m)
    clock : the hazard until the next click, what is left of this half of a step in seconds, where in a step the
        state is: 0 in the first half of the clicks, 1 before the step itself, 2 in the second half; the hazard so far,
        ∫ rate dt; and how many times polynomials have moved the state in this step, −1 if there are none; (5,)
    limits : the largest misfit of the frame, and the defects of a commutator at which more levels are taken and at
        which the run fails, (3,)
    before : working memory for the state before a step

    Section 7 of sim/README.md. Returns the number of steps that are complete, and one of DONE, CLICK, MISFIT, FULL,
    FAILED, MOVE. After FULL the state is
    that before the step, which is to be repeated with more levels; ``before.edges`` are those after it.
    """
    half = 0.5 * counted.duration[0]
    for k in range(path.shape[0]):
        while clock[2] < 3.0:
            # polynomials act between the clicks and the step itself, on either side of it
            if (clock[2] == 1.0 and clock[4] == 0.0) or (clock[2] == 2.0 and clock[4] == 1.0):
                return k, MOVE
            if clock[2] == 1.0:
                copy_state(state, before)
                record[k], finite = _step_without_click(state, path[k], measured, frame, counted, basis, work)
                defect = np.max(state.edges[state.mean.size // 2 :])
                left = not finite or defect > limits[2]
                if left and not limits[1] < limits[2]:
                    return k, FAILED
                if left or defect > limits[1]:
                    after = state.edges.copy()
                    copy_state(before, state)
                    before.edges[:] = after
                    return k, FULL
                clock[1] = half
            else:
                rate = np.sum(click_rates(state, counted))
                if clock[0] <= rate * clock[1]:
                    clock[1] -= clock[0] / rate
                    clock[3] += clock[0]
                    return k, CLICK
                clock[0] -= rate * clock[1]
                clock[3] += rate * clock[1]
            clock[2] += 1.0
        clock[1], clock[2], clock[4] = half, 0.0, min(clock[4], 0.0)
        if _misfit(state) > limits[0]:
            return k + 1, MISFIT
    return path.shape[0], DONE


@compiled
def copy_state(source: State, target: State) -> None:
    """Write all numbers of one state into another."""
    target.density[:] = source.density
    target.origin[:] = source.origin
    target.mean[:] = source.mean
    target.covariance[:] = source.covariance
    target.edges[:] = source.edges
    target.worst_edges[:] = source.worst_edges
    target.worst_term[:] = source.worst_term
