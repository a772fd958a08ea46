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
# # How do I add a component, an engine or a measure of my own?
#
# Sooner or later something is missing: a bath of another kind, another way to integrate, a number that the literature
# likes. Each of the three is some twenty lines in your own session, without a change of the package: a component is an
# object with couplings, an engine an object with eleven members, a measure a function of a covariance matrix. This
# tutorial writes one of each and, which takes as long, checks it against something known. You need to know what a
# Lindblad operator is.

# %%
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import qutip

import cascade_steering as cs

# %% [markdown]
# **A component: recoil.** The photons that a trap scatters kick a levitated particle. This is no thermal bath, since
# it heats and does not damp. In the rotating wave it has two operators of equal rate,
#
# $$ L_1 = \sqrt{R}\, a, \qquad L_2 = \sqrt{R}\, a^\dagger, \qquad \frac{d\langle n\rangle}{dt} = R . $$
#
# A `Component` lists the couplings, each a row c with L = c·x and x = (X, P). These two have no name of a port, so
# that their light is neither connected nor detected.

# %%
a = np.array([1, 1j]) / np.sqrt(2)


def recoil(mode, rate):
    """Heating of a mode by ``rate`` quanta per second, without damping."""
    return cs.Component(modes=(mode,), couplings=np.sqrt(rate) * np.array([a, a.conj()]))


kappa, rate = 2.0, 0.6
cooled = cs.series(cs.cavity("drum", {"field": kappa}), recoil("drum", rate))
model = cs.detect(cooled, cs.homodyne())
rest = cs.stationary_state(model)
V = rest.covariance + rest.scatter
print(f"quanta at rest: {(V[0, 0] + V[1, 1] - 1) / 2:.6f}, by hand R/kappa = {rate / kappa:.6f}")

levels = 30
ladder = qutip.destroy(levels)
lindblad = [np.sqrt(kappa) * ladder, np.sqrt(rate) * ladder, np.sqrt(rate) * ladder.dag()]
by_qutip = qutip.expect(ladder.dag() * ladder, qutip.steadystate(0 * ladder, lindblad))
print(f"by the steady state of QuTiP: {by_qutip:.6f}")
assert abs((V[0, 0] + V[1, 1] - 1) / 2 - rate / kappa) < 1e-12
assert abs(by_qutip - rate / kappa) < 1e-6

# %% [markdown]
# `series` puts components one after the other on the light, and a mode that two of them name is one oscillator. So
# recoil is added to the second oscillator of the cascade by naming it. How much of it does the steering bear?

# %%
hot = cs.Bath.named("hot")
minus = cs.Oscillator.from_cooperativity(10, angle_pi=0.27, bath=hot)
plus = cs.Oscillator.from_cooperativity(16, angle_pi=0.41, bath=hot)
unit = 1 / hot.decoherence_rate


def pair(recoil_of_plus):
    """The cascade of the paper with recoil of +, in quanta per 1/gamma~_0."""
    return cs.detect(
        cs.series(
            cs.sideband_oscillator("minus", minus, mass="negative"),
            cs.sideband_oscillator("plus", plus, mass="positive"),
            recoil("plus", recoil_of_plus / unit),
        ),
        cs.demodulated(cs.Detection()),
    )


rates = np.linspace(0, 6, 13)
E = np.array([cs.steady(pair(each)).unconditional["plus_given_minus"] for each in rates])
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
axes.plot(rates, E, "o-", color="#1f4e9c")
axes.axhline(0.5, color="grey", linewidth=0.8)
axes.set(xlabel=r"recoil of + (quanta in $1/\tilde\gamma_0$)", ylabel=r"$E_{+|-}$")
plt.show()
known = cs.WorkingPoint(c_minus=10, c_plus=16, theta_minus_pi=0.27, theta_plus_pi=0.41).steady()
print(f"without recoil: {E[0]:.6f}, the working point of the package: {known.unconditional['plus_given_minus']:.6f}")
print(f"steering up to a recoil of {np.interp(0.5, E, rates):.1f} quanta in 1/gamma~_0")
assert abs(E[0] - known.unconditional["plus_given_minus"]) < 1e-9

# %% [markdown]
# Without recoil it is the working point that the package builds itself, to nine digits. Every engine, filter, fit and
# closed loop takes such a model.
#
# **An engine: Euler.** An engine makes trajectories. The package has an exact one for Gaussian states; as an example
# we integrate the Kalman-Bucy filter in the plainest way, by Euler's method,
#
# $$ d\hat x = A\hat x\,dt + K\,dW, \qquad \dot V = AV + VA^T + D - KK^T, \qquad
#    K = \sqrt\eta\,(2 V\,{\rm Re}\,c - \sigma\,{\rm Im}\,c) , $$
#
# with A = σ(G + Im C†C) and D = σ Re(C†C) σᵀ of all couplings C.
# ([Section 4](../../sim/README.md#4-first-and-second-moments) of the theory derives them.)


# %%
@dataclass(frozen=True, kw_only=True)
class EulerRun:
    """Euler's method for one problem: what all trajectories share."""

    model: object
    grid: object
    initial: object

    def run(self, entropy, trajectories):
        """The trajectories of these indices."""
        model, grid, n = self.model, self.grid, len(trajectories)
        d, channels, h = model.dimension, len(model.record_names), grid.step
        sigma = np.kron(np.eye(d // 2), [[0, 1], [-1, 0]])
        c, root_eta = model.monitored.T, np.sqrt(model.efficiency)
        couplings = np.concatenate([model.monitored, model.unmonitored])
        square = couplings.conj().T @ couplings
        A, D = sigma @ (model.hamiltonian + square.imag), sigma @ square.real @ sigma.T
        drawn = cs.standard_normals(entropy, trajectories, d + grid.steps * channels)
        x = self.initial.center + drawn[:, :d] @ self.initial.scatter_root
        dW = np.sqrt(h) * drawn[:, d:].reshape(n, grid.steps, channels)
        V, means, covariances, dY = self.initial.covariance, [x], [self.initial.covariance], []
        for k in range(grid.steps):
            K = root_eta * (2 * V @ c.real - sigma @ c.imag)
            dY.append(h * x @ (2 * root_eta * c.real) + dW[:, k])
            x = x + h * (x @ A.T + sigma @ model.force) + dW[:, k] @ K.T
            V = V + h * (A @ V + V @ A.T + D - K @ K.T)
            if (k + 1) % grid.steps_per_save == 0:
                means.append(x)
                covariances.append(V)
        record = np.stack(dY, axis=1).reshape(n, grid.saves, grid.steps_per_save, channels).sum(axis=2)
        return cs.Trajectories(means=np.stack(means, axis=1), covariances=np.array(covariances), record=record)


# %% [markdown]
# That is the physics. Random numbers come from `standard_normals`, so that trajectory i depends on the seed and on i
# alone, and the same run gives the same numbers in any number of processes. What is left is what the engine says of
# itself:


# %%
@dataclass(frozen=True, kw_only=True)
class Euler:
    """Euler's method with ``steps_per_unit`` steps in 1/gamma~_0."""

    steps_per_unit: int
    block: int = 500

    exact, random_covariances = False, False
    strong_order = average_order = 1.0

    @property
    def identity(self):
        """A name and the settings on which results depend."""
        return {"engine": "euler", "steps_per_unit": self.steps_per_unit}

    def suggested_step(self, model, grid, initial):
        """The longest step, seconds."""
        return unit / self.steps_per_unit

    def require_step(self, model, grid, initial):
        """Take any step."""

    def holds(self, initial):
        """Whether it can start from this state."""
        return initial.gaussian

    def prepare(self, model, grid, initial):
        """The engine for one problem."""
        return EulerRun(model=model, grid=grid, initial=initial)

    def check(self, model, grid, initial):
        """It does not measure the error of its steps, and says so."""


point = cs.WorkingPoint(c_minus=10, c_plus=16, theta_minus_pi=0.3, theta_plus_pi=0.41)
result = point.simulate(
    engine=Euler(steps_per_unit=500), initial="ground", duration_units=1, saves=10, trajectories=1000, seed=1, keep=3
)
print(result)
print(f"errors of its steps: {result.dataset.attrs['discretisation']}")

# %% [markdown]
# It joins `WorkingPoint.simulate`, with intervals, as any engine. The dataset says "left out": since `check` returns
# nothing, the intervals do not know of the error of the step. So we have to measure it. Three checks:
#
# 1. *Order.* Half the step, half the error of the conditional covariance.
# 2. *Record.* The exact filter, given the record of this engine, must find the same means up to the error of the step.
# 3. *Partition.* Trajectories 4 to 6 alone are those of the whole ensemble.

# %%
start, model = cs.ground_state(), point.model
exact = cs.transient(model, start.covariance, np.linspace(0, unit, 11), conditional=True)


def with_steps(number):
    """Trajectories by Euler's method, and their grid."""
    engine = Euler(steps_per_unit=number)
    grid = cs.grid_for(engine, model, start, unit, saves=10)
    return engine.prepare(model, grid, start).run(1, range(200)), grid


steps = np.array([250, 500, 1000, 2000])
errors, distances = [], []
for number in steps:
    found, grid = with_steps(int(number))
    errors.append(np.max(np.abs(found.covariances - exact)) / np.max(exact))
    # the filter has sums of dY over the intervals between saves: here each step is one
    fine = cs.TimeGrid.over(unit, saves=grid.steps)
    each = Euler(steps_per_unit=int(number)).prepare(model, fine, start).run(1, range(200))
    means = cs.filter_record(model, each.record, fine.save_interval, start).means
    distances.append(np.sqrt(np.mean((means[:, -1] - each.means[:, -1]) ** 2)))
slopes = [np.polyfit(np.log(steps), np.log(each), 1)[0] for each in (errors, distances)]
for number, error, distance in zip(steps, errors, distances, strict=True):
    print(f"{number:5} steps: error of V {error:.1e}, distance of the means from the exact filter {distance:.1e}")
print(f"they fall as step^{-slopes[0]:.2f} and step^{-slopes[1]:.2f}")
whole, grid = with_steps(500)
part = Euler(steps_per_unit=500).prepare(model, grid, start).run(1, range(4, 7))
assert np.array_equal(part.means, whole.means[4:7])
assert 0.9 < -slopes[0] < 1.15
assert 0.9 < -slopes[1] < 1.15

# %%
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
axes.loglog(1 / steps, errors, "o-", color="#1f4e9c", label="covariance, largest of ten times")
axes.loglog(1 / steps, distances, "s--", color="#d9762b", label="means, rms at the end")
axes.loglog(1 / steps, 2 * errors[0] * steps[0] / steps, ":", color="grey", label="order 1")
axes.set_xticks(1 / steps, [f"1/{number}" for number in steps])
axes.minorticks_off()
axes.set(xlabel=r"step (units of $1/\tilde\gamma_0$)", ylabel="error within one unit")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# First order, as Euler's method must be for noise whose strength does not depend on the state, and as the engine
# declares.
#
# **A measure.** Which number of a Gaussian state do you want? A function of covariances (…, 4, 4) is all it needs.
# Rényi's mutual information of order 2 of the two oscillators is
#
# $$ I_2 = \tfrac12 \ln\frac{\det V_-\,\det V_+}{\det V} $$
#
# (Adesso, Girolami and Serafini, Phys. Rev. Lett. 109, 190502 (2012)); it is 0 for a product, and 2 ln cosh 2r for the
# two-mode squeezed vacuum.


# %%
def mutual_information(covariance):
    """Renyi's mutual information of order 2 of two oscillators, in nats; array of shape (...,)."""
    both, first, second = (np.linalg.slogdet(each)[1] for each in (
        covariance, covariance[..., :2, :2], covariance[..., 2:, 2:],
    ))  # fmt: skip
    return (first + second - both) / 2


r = 0.7
squeezed = 0.5 * np.block([
    [np.cosh(2 * r) * np.eye(2), np.sinh(2 * r) * np.diag([1, -1])],
    [np.sinh(2 * r) * np.diag([1, -1]), np.cosh(2 * r) * np.eye(2)],
])  # fmt: skip
turn = np.kron(np.diag([1, 0]), [[0.6, 0.8], [-0.8, 0.6]]) + np.kron(np.diag([0, 1]), np.diag([1.7, 1 / 1.7]))
print(f"{mutual_information(squeezed):.6f}, by hand {2 * np.log(np.cosh(2 * r)):.6f}")
assert abs(mutual_information(squeezed) - 2 * np.log(np.cosh(2 * r))) < 1e-12
assert abs(mutual_information(turn @ squeezed @ turn.T) - mutual_information(squeezed)) < 1e-12
assert abs(mutual_information(np.diag([0.5, 0.5, 3.0, 3.0]))) < 1e-12

# %% [markdown]
# A closed form, a limit, and local operations, which must not change it. Now it goes wherever there is a covariance:

# %%
times = np.linspace(0, 2, 60)
course = point.transient(times_units=times, initial="ground")
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
for scheme, line in (("unconditional", "-"), ("conditional", "--")):
    information = mutual_information(course.covariance[scheme])
    axes.plot(times, information, line, color="#1f4e9c", label=rf"$I_2$, {scheme}")
    axes.plot(times, course.E[scheme]["plus_given_minus"], line, color="#d9762b", label=rf"$E_{{+|-}}$, {scheme}")
axes.axhline(0.5, color="grey", linewidth=0.8)
axes.set(xlabel=r"time ($1/\tilde\gamma_0$)", ylabel=r"$I_2$ (nats) and $E_{+|-}$")
axes.legend(frameon=False, ncols=2)
plt.show()
last = {scheme: mutual_information(course.covariance[scheme][-1]) for scheme in ("unconditional", "conditional")}
print(", ".join(f"{scheme}: {value:.3f} nats" for scheme, value in last.items()))
assert last["unconditional"] > last["conditional"] > 0

# %% [markdown]
# The record lowers E and lowers the mutual information as well: noise that both oscillators share counts as
# information, and the record takes it away.
#
# **What to try.**
#
# - Recoil of the *first* oscillator: is it worse?
# - `Euler` with the midpoint rule for V: what do the slopes become, and why is that of the means not 2?
# - The purity 1/(4 √det V) as a measure, along the same transient.
#
# Read next: [How to add something](../CONTRIBUTING.md) says where these go in the package, which test to copy, and how
# an engine joins the command line; [Models of your own](../../analysis/results/PYTHON.md#models-of-your-own) has
# squeezers and chains.
