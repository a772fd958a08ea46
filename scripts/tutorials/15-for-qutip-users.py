# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # For QuTiP users: how does this package relate to `mesolve` and `smesolve`?
#
# You know QuTiP and its solvers, and ask whether this package does the same, and when it is worth learning. The
# answer: from the same operators it gives the same covariances, and from the same record the same conditional state,
# which this page shows side by side. For linear models it needs no basis at all, at any number of quanta; QuTiP takes
# any Hamiltonian and any channel, where the states fit in a basis.

# %%
import matplotlib.pyplot as plt
import numpy as np
import qutip

import cascade_steering as cs

point = cs.WorkingPoint(
    c_minus=3, c_plus=3, theta_minus_pi=0.3, theta_plus_pi=0.35, bath_minus="vacuum", bath_plus="vacuum", loss=0.05,
    efficiency=0.9, lo_phase_pi=0.25,
)  # fmt: skip
model, unit = point.model, point.time_unit
print(point.steady())

# %% [markdown]
# **The model.** Every model here is a few small arrays over the quadratures x = (X₋, P₋, X₊, P₊) with [X, P] = i, so
# that the vacuum has a variance of ½:
#
# $$ H = \tfrac12 x^{\mathsf T} G x, \qquad L_k = c_k \cdot x . $$
#
# `hamiltonian` is $G$; the rows $c_k$ are `monitored`, each seen with its `efficiency`, and `unmonitored`. Rates are
# in rad/s; multiplied by the unit of time they are numbers of order one.

# %%
for name in ("hamiltonian", "monitored", "efficiency", "unmonitored"):
    print(f"{name:12} {getattr(model, name).shape}")
print("channels of the record:", model.record_names)

# %% [markdown]
# **The same as QuTiP operators**, in nine levels of each oscillator. A channel that is seen with the efficiency η is
# split: √η of it into `sc_ops`, √(1−η) into `c_ops`, as QuTiP has it.

# %%
levels = 9
lower = [
    qutip.tensor(qutip.destroy(levels), qutip.qeye(levels)), qutip.tensor(qutip.qeye(levels), qutip.destroy(levels)),
]  # fmt: skip
x = [part for a in lower for part in ((a + a.dag()) / np.sqrt(2), -1j * (a - a.dag()) / np.sqrt(2))]


def channels(rows: np.ndarray) -> list[qutip.Qobj]:
    """L of each row, with time in units of 1/γ̃₀."""
    return [np.sqrt(unit) * sum(entry * part for entry, part in zip(row, x, strict=True)) for row in rows]


H = sum(0.5 * unit * model.hamiltonian[j, k] * x[j] * x[k] for j in range(4) for k in range(4))
detected = channels(model.monitored)
sc_ops = [np.sqrt(share) * each for share, each in zip(model.efficiency, detected, strict=True)]
c_ops = [np.sqrt(1 - share) * each for share, each in zip(model.efficiency, detected, strict=True)]
c_ops += channels(model.unmonitored)
ground = qutip.ket2dm(qutip.tensor(qutip.basis(levels, 0), qutip.basis(levels, 0)))
print(f"{len(sc_ops)} channels with a record, {len(c_ops)} without; density matrix {ground.shape}")

# %% [markdown]
# **`mesolve` and `transient`.** Without the record, from the ground state: QuTiP's second moments make a covariance
# matrix, and `steering_parameter` takes E of any covariance matrix.

# %%
times = np.linspace(0, 2, 41)
pairs = [(j, k) for j in range(4) for k in range(j, 4)]
solved = qutip.mesolve(H, ground, times, c_ops + sc_ops, e_ops=[(x[j] * x[k] + x[k] * x[j]) / 2 for j, k in pairs])
covariance = np.zeros((len(times), 4, 4))
for (j, k), values in zip(pairs, solved.expect, strict=True):
    covariance[:, j, k] = covariance[:, k, j] = np.real(values)
way = "plus_given_minus"
by_qutip = cs.steering_parameter(covariance, way)
exact = point.transient(times_units=times, initial="ground").unconditional[way]
print(
    f"E+|- at t = 2: QuTiP {by_qutip[-1]:.4f}, here {exact[-1]:.4f}; "
    f"largest difference {np.abs(by_qutip - exact).max():.0e}"
)
# what nine levels leave out
assert np.abs(by_qutip - exact).max() < 1e-3

# %%
figure, axes = plt.subplots(layout="constrained")
axes.plot(times, exact, label="transient")
axes.plot(times, by_qutip, "o", markersize=4, label="mesolve, 9 × 9 levels")
axes.axhline(0.5, color="0.3", linestyle=":", linewidth=1)
axes.set_xlabel("time in units of 1/γ̃₀")
axes.set_ylabel("E₊|₋ without the record")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# **`smesolve` and `filter`.** Let QuTiP simulate one trajectory and its record. QuTiP's measurement is the current
# dY/dt of each channel; times the step it is dY, and in seconds it is a `Record`. The filter here never sees QuTiP's
# state, nor its noise.

# %%
step, steps = 0.0025, 400
run = qutip.smesolve(
    H, ground, step * np.arange(steps + 1), c_ops=c_ops, sc_ops=sc_ops, e_ops=x, ntraj=1, seeds=3,
    options={
        "method": "platen", "dt": step, "store_measurement": "start", "store_final_state": True, "progress_bar": "",
    },
)  # fmt: skip
current = np.real(run.measurement[0])
record = cs.Record(
    values=(step * current).T[None] * np.sqrt(unit),
    interval=step * unit,
    start=0.0,
    channels=model.record_names,
    options={},
)
found = point.filter(record, initial="ground")
means = np.real(np.array(run.expect)).reshape(4, steps + 1)
print(found)
print(
    f"largest difference of a mean: {np.abs(means.T - found.mean[0]).max():.4f}; "
    f"of means up to {np.abs(means).max():.2f}"
)
# of first order in the step, for both
assert np.abs(means.T - found.mean[0]).max() < 0.005

# %%
figure, axes = plt.subplots(layout="constrained")
along = step * np.arange(steps + 1)
for k, (colour, label) in enumerate((("C0", "X₋"), ("C1", "P₋"))):
    axes.plot(along, found.mean[0, :, k], color=colour, label=f"{label}, filter of the record")
    axes.plot(along[::16], means[k, ::16], "o", color=colour, markersize=4, label=f"{label}, smesolve")
axes.set_xlabel("time in units of 1/γ̃₀")
axes.set_ylabel("mean given the record")
axes.set_ylim(-0.75, 0.65)
axes.legend(frameon=False, ncols=2, loc="upper right")
plt.show()

# %% [markdown]
# **The state.** `density_state` reads a density matrix; its covariance is that of the conditional state, which here
# is the same for every trajectory.

# %%
final = run.final_state[0] if isinstance(run.final_state, list) else run.final_state
seen = cs.steering_parameter(cs.density_state(final).covariance, way)
print(f"E+|- given the record at t = 1: smesolve {seen:.4f}, filter {found.E[way][-1]:.4f}")
assert abs(seen - found.E[way][-1]) < 3e-3

# %% [markdown]
# **QuTiP as an engine.** `simulate` runs on exact Gaussian moments (`cs.Gaussian`), on a Fock basis that moves with
# the state (`cs.Fock`), or on QuTiP's solver (`cs.QutipSME`). The question stays the same; one word is another.

# %%
for engine in (cs.Gaussian(), cs.QutipSME(cutoffs=(levels, levels))):
    result = point.simulate(
        engine=engine, initial="ground", duration_units=0.5, step_units=0.0025, saves=4, trajectories=2, seed=1
    )
    print(f"{type(engine).__name__:9} E+|- given the record: {result.conditional[way].value:.4f}")
    assert (
        abs(result.conditional[way].value - point.transient(times_units=[0.5], initial="ground").conditional[way][0])
        < 3e-3
    )

# %% [markdown]
# **Where a basis ends.** Near the edge of stability, θ → π/4, where the best working points are, there are many
# quanta. A basis at rest has to hold them all, and the density matrix of the pair has the fourth power of the levels
# as entries. The moments remain 14 numbers.

# %%
for angle in (0.3, 0.26, 0.2501):
    other = cs.WorkingPoint(c_minus=100, c_plus=100, theta_minus_pi=angle, theta_plus_pi=0.3)
    state = cs.stationary_state(other.model).unconditional
    quanta = (state[0, 0] + state[1, 1] - 1) / 2
    print(f"hot baths, theta- = {angle} pi: {quanta:7.1f} quanta in -, E+|- = {other.steady().unconditional[way]:.4f}")

# %% [markdown]
# **What was found.** Same operators, same record, same numbers: E by `mesolve` and by `transient`, the means of
# `smesolve` and of `filter`. So use
#
# | you want | take |
# |---|---|
# | any Hamiltonian and channels, few levels | QuTiP |
# | E, records, filters, fits, optima, closed loops of oscillators and light | this package |
# | a state that is not Gaussian, at many quanta | this package, `cs.Fock` |
# | to check the one by the other | `cs.QutipSME`, or this page |
#
# **What to try.** Take seven levels instead of nine: which of the differences grows? Give QuTiP `"euler"` as the
# method. Begin `smesolve` in one quantum, and the same here with `cs.density_state` and `cs.Fock` ([from
# Python](../../analysis/results/PYTHON.md)).
#
# How the operators come about: [from the coupling to the light to (L,
# H)](../../sim/README.md#1-from-the-coupling-to-the-light-to-l-h). From a record in a file: [from a record to
# steering](05-from-a-record-to-steering.py).
