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
# # How much does one gain by also measuring the light?
#
# In the scheme of [the first tutorial](01-the-paper-in-ten-minutes.py) the light that leaves the second oscillator is
# thrown away. It has seen both oscillators. Does a record of it help to predict one from the other? Appendix B of
# [arXiv:1901.04250](https://arxiv.org/abs/1901.04250) says: hardly, by less than 1 % for $E_{+|-}$. What we find:
# that depends on the quadrature that is read. Read at its best phase, the light is worth up to 2.7 % with hot baths;
# read at phase 0, next to nothing; and large gains of $E_{-|+}$ are where neither scheme steers. So whoever can build
# only one thing need not build the detector. You need to know what a conditional state is.

# %%
import matplotlib.pyplot as plt
import numpy as np

import cascade_steering as cs

point = cs.WorkingPoint(c_minus=10, c_plus=18, theta_minus_pi=0.27, theta_plus_pi=0.41)
print(point.steady())

# %% [markdown]
# **What a record does.** A homodyne detector reads the light at a phase ϑ (`lo_phase_pi`, here ½). Given its record,
# the state of the oscillators is Gaussian with a *mean* that follows the record, and a covariance $V_c$ that does not
# depend on it. Who has no record sees the mean as noise:
#
# $$ V = V_c + \text{scatter of the means} . $$
#
# One trajectory, and the spread of 500:

# %%
run = point.simulate(duration_units=10, saves=400, trajectories=500, keep=1, seed=3)
mean = run.dataset["trajectory_mean"][0].to_numpy()
time = run.times / run.time_unit
figure, axes = plt.subplots(layout="constrained")
for place, name, colour in ((0, "$X_-$", "C0"), (2, "$X_+$", "C1")):
    scatter = np.sqrt(run.dataset["scatter"].to_numpy()[:, place, place])
    axes.plot(time, mean[:, place], color=colour, label=f"mean of {name} given one record")
    axes.fill_between(
        time, -scatter, scatter, color=colour, alpha=0.15, linewidth=0, label=f"scatter of 500 such means of {name}"
    )
axes.set(xlabel=r"time in units of $1/\tilde\gamma_0$", ylabel="quadrature, vacuum variance 1/2", ylim=(-10, 10))
axes.legend(frameon=False, ncols=2, loc="upper center", fontsize="small")
plt.show()

# %% [markdown]
# The two means mirror each other. That is why they are no loss for $E_{+|-}$: whoever measures X₋ learns what the
# record would have told of X₊. $V_-$ alone is three times smaller given the record, and E nearly the same:

# %%
steady = point.steady()
way = "plus_given_minus"
variance = {scheme: steady.covariance[scheme][0, 0] for scheme in ("unconditional", "conditional")}
print(f"V- = {variance['unconditional']:.1f} without the record and {variance['conditional']:.1f} given it")
print(f"E+|- = {steady.unconditional[way]:.4f} and {steady.conditional[way]:.4f}: d = {100 * steady.d[way]:.1f} %")
assert 2.5 < variance["unconditional"] / variance["conditional"] < 3.5
assert 0.005 < steady.d[way] < 0.05

# %% [markdown]
# **A fair comparison.** Each scheme deserves its own best working point: $E_u$ the smallest E without a record, $E_c$
# the smallest one given it, both of stable pairs. The gain is $d = 1 - E_c/E_u$. At C₋ = 2:

# %%
given = cs.WorkingPoint(c_minus=2)
without, seen = given.optimum(conditional=False), given.optimum(conditional=True)
print(without, seen, sep="\n")
exact = 1 - seen.E[way] / without.E[way]
print(f"d of E+|- = {100 * exact:.3f} %")
assert np.isclose(exact, 0.02698, atol=1e-5)

# %% [markdown]
# **The curve.** The same for all C₋ from 1 to 100, for both baths of the paper: + in a hot one (0.1 Hz and 10⁵ quanta)
# or a vacuum one (20 kHz, no quanta). Once ϑ is free, and once it is 0. This is the paper's Fig. 8.

# %%
strengths = np.geomspace(1, 100, 25)


def gains(bath, free_phase):
    """d of both directions, and the smallest E without and with the record, (2, 25) each."""
    points = [cs.WorkingPoint(c_minus=c, bath_plus=bath, lo_phase_pi=0.0) for c in strengths]
    u = np.array([list(each.optimum(conditional=False).E.values()) for each in points]).T
    c = np.array([list(each.optimum(free_lo_phase=free_phase).E.values()) for each in points]).T
    return 1 - c / u, u, c


found = {(bath, free): gains(bath, free) for bath in ("hot", "vacuum") for free in (True, False)}
figure, panels = plt.subplots(1, 2, figsize=(7.2, 3.4), layout="constrained")
for (bath, free), (d, _, _) in found.items():
    for axes, each in zip(panels, d, strict=True):
        label = f"{bath}, " + ("best phase" if free else "phase 0")
        axes.semilogx(strengths, 100 * each, "-" if free else "--", color="C0" if bath == "hot" else "C1", label=label)
for axes, title in zip(panels, ("$E_{+|-}$", "$E_{-|+}$"), strict=True):
    axes.set(xlabel="$C_-$", ylabel="d in percent", title=title)
panels[0].axhline(1, color="0.6", linewidth=0.8)
panels[1].legend(frameon=False, title="bath of +")
plt.show()

# %%
for (bath, free), (d, _, _) in found.items():
    print(f"{bath:6} {'best phase' if free else 'phase 0':10} largest d of E+|- {100 * d[0].max():.2f} %")
assert 0.026 < found["hot", True][0][0].max() < 0.028
assert found["hot", False][0][0].max() < 0.0005
assert found["vacuum", True][0][0].max() < 0.0055

# %% [markdown]
# So "d < 1 %" holds for a vacuum bath, and for a hot one if ϑ = 0; the paper does not say which quadrature it reads.
# The right panel looks better for the record: d of $E_{-|+}$ reaches more than 20 %. But look where:

# %%
d, u, c = (each[1] for each in found["hot", True])
large = d > 0.1
print(f"d > 10 % up to C- = {strengths[large].max():.1f}; there E-|+ given the record is {c[large].min():.3f} or more")
print(f"once E-|+ steers without a record, d is at most {100 * d[u < 0.5].max():.1f} %")
assert np.all(c[large] > 0.5)
assert d[u < 0.5].max() < 0.1

# %% [markdown]
# Where the gain is large there is no steering in that direction, with the record or without. Why is the gain so small
# elsewhere? The second oscillator has already absorbed what the light knew of the first: it is itself the detector.
#
# **From trajectories.** All this was computed with the Riccati equation. An ensemble of trajectories gives the same
# with an interval: one of the working point that is best without a record, one of the other.

# %%
best_u, best_c = without.points[way], seen.points[way]
first = best_u.simulate(duration_units=3, saves=1, trajectories=20000, seed=1)
second = best_c.simulate(duration_units=3, saves=1, trajectories=2, seed=2)
sampled = cs.relative_improvement(first.unconditional[way], second.conditional[way])
print(
    f"d = {100 * sampled.value:.3f} % in [{100 * sampled.low:.3f}, {100 * sampled.high:.3f}], exact {100 * exact:.3f} %"
)
error = (sampled.high - sampled.low) / (2 * 1.96)
# 5.5 standard errors: further off with a probability of 4e-8
assert abs(sampled.value - exact) < 5.5 * error
assert error < 0.02 * exact

# %% [markdown]
# $E_c$ is no sampled number here: the covariance given the record is the same in every trajectory, so two are enough.
#
# **Without the assumption of a Gaussian state.** `cs.Fock()` solves the stochastic master equation for the density
# matrix, in a basis that moves with the state. 10⁵ quanta of the bath are no obstacle: the record keeps the state
# small. $E_c$ from the ground state on, until it has settled; $E_u$ from 80 trajectories:

# %%
settled = [5 * cs.relaxation_time(at.model) / at.time_unit for at in (best_u, best_c)]
one = best_u.simulate(duration_units=settled[0], saves=1, trajectories=80, engine=cs.Fock(), seed=1)
two = best_c.simulate(duration_units=settled[1], saves=1, trajectories=4, engine=cs.Fock(), initial="ground", seed=2)
fock = cs.relative_improvement(one.unconditional[way], two.conditional[way])
print(f"E_c = {two.conditional[way].value:.5f}, exact {seen.E[way]:.5f}")
print(f"d = {100 * fock.value:.2f} % in [{100 * fock.low:.2f}, {100 * fock.high:.2f}]")
# e⁻¹⁰ of the start is left
assert abs(two.conditional[way].value / seen.E[way] - 1) < 2e-4
assert abs(fock.value - exact) < 5.5 * (fock.high - fock.low) / (2 * 1.96)
assert fock.low > 0.015

# %% [markdown]
# The interval lies above 1 %. The engines share the model and nothing else.
#
# **Which phase?** At the best conditional point, E against ϑ:

# %%
phases = np.linspace(0, 1, 201)
scanned = best_c.scan({"lo_phase_pi": phases})
figure, axes = plt.subplots(layout="constrained")
axes.plot(phases, scanned.conditional[way], label="given the record")
axes.axhline(best_c.steady().unconditional[way], color="C1", linestyle="--", label="without it, same working point")
axes.axhline(without.E[way], color="0.5", linewidth=0.8, label="without it, best working point")
axes.set(xlabel=r"phase of the local oscillator $\vartheta/\pi$", ylabel="$E_{+|-}$")
axes.legend(frameon=False)
plt.show()
assert np.isclose(phases[np.argmin(scanned.conditional[way])], 0.5)

# %% [markdown]
# ϑ = ½ reads the quadrature that drives the oscillators; ϑ = 0 reads the one that shows their motion, which + already
# knows.
#
# **What was found.** For stable pairs d of $E_{+|-}$ is at most 2.7 %, at C₋ near 2, with hot baths and the best
# phase, and falls with C₋. Exact moments, Gaussian trajectories and the master equation agree. The record is worth
# more where something changes: from hot states ([how soon is there steering?](04-how-soon-is-there-steering.py)), and
# for a loop that holds an unstable pair ([beyond stability](06-beyond-stability.py)).
#
# **What to try.** Set `efficiency=0.5`, or `scheme="heterodyne"`, or `loss=0.2` in `gains`. With twice the
# trajectories, by how much does the interval of the Fock engine shrink? From a terminal all this is
# `steering compare`, also with `--engine fock`, and Fig. 8 is `steering figures 8`. The equations:
# [section 8 of the theory](../../sim/README.md#8-steering-and-its-estimate).
