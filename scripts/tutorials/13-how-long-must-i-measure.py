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
# # How long must I measure?
#
# There are two questions in this one. How long a *record* until the parameters are known, and how many *runs*, each
# with a measurement of both oscillators at its end, until E < ½ is shown? Both are answered before anything is
# measured: errors fall as $1/\sqrt{T}$ and $1/\sqrt{n}$, and the factors in front are exact. You need to know what a
# standard error is; what a record can tell at all is the question of [another
# page](12-what-can-a-record-not-tell.py). All data here are simulated.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

import cascade_steering as cs

point = cs.WorkingPoint(c_minus=10, c_plus=20, theta_minus_pi=0.3, loss=0.1, efficiency=0.9, scheme="heterodyne")
unit = point.time_unit
print(point.steady())
print(f"times are in units of {1e6 * unit:.1f} us")

# %% [markdown]
# **A record.** The Fisher information $J$ of a long stationary record grows as its duration; `information` gives it
# per second, from the working point alone. The standard errors are the roots of the diagonal of $(JT)^{-1}$, with
# everything in the list fitted together.
#
# $$ J = \frac{1}{4\pi} \int \mathrm{tr}\left( S^{-1}\,\partial S\; S^{-1}\,\partial S \right) \mathrm{d}\omega $$

# %%
names = ["c_minus", "c_plus", "efficiency"]
known = point.information(names)
for units in (20, 80, 320):
    errors = known.standard_errors(units * unit)
    print(f"after {units:3} units: " + ", ".join(f"{name} ± {error:.2g}" for name, error in errors.items()))
ratio = known.standard_errors(20 * unit)["c_minus"] / known.standard_errors(80 * unit)["c_minus"]
assert abs(ratio - 2) < 1e-9

# %% [markdown]
# **Is it true?** Three records are simulated, fitted, and their 95 % intervals taken from the profile likelihood,
# which knows nothing of the formula above. Half an interval should be 1.96 standard errors.

# %%
halves = {}
for units in (20, 80, 320):
    record = point.simulate(duration_units=units, saves=50 * units, trajectories=1, keep=1, seed=6).record
    fit = point.fit(record, names)
    low, high = fit.interval("c_minus", profiled=True)
    halves[units] = (high - low) / 2
    expected = 1.96 * known.standard_errors(units * unit)["c_minus"]
    print(f"{units:3} units: C- in {low:5.2f} .. {high:5.2f}, half of it {halves[units]:.2f}, expected {expected:.2f}")
# in the longest record, where the law is nearly normal: 5 standard errors, 6e-7
assert abs(fit.estimates["c_minus"] - 10) < 5 * expected / 1.96
# the information is taken at the fitted values, of which C₋ and C₊ are off by some 8 %
assert abs(halves[320] / expected - 1) < 0.4

# %%
durations = np.geomspace(10, 1000, 50)
figure, axes = plt.subplots(layout="constrained")
axes.loglog(
    durations, [1.96 * known.standard_errors(each * unit)["c_minus"] for each in durations], label="Fisher information"
)
axes.loglog(list(halves), list(halves.values()), "o", label="profile likelihood of one record")
axes.set_xlabel("duration of the record in units of 1/γ̃₀")
axes.set_ylabel("half of the 95 % interval of C₋")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# They fall as they should, and lie a little below the line: the fitted C₋ of these records is below 10, and there the
# same record tells more.
#
# **Which detector?** The time is not only a matter of patience. Compare the phases of a local oscillator, and
# heterodyne detection, at 80 units:

# %%
homodyne = replace(point, scheme="homodyne")
phases = np.linspace(0, 1, 49)
error = [
    replace(homodyne, lo_phase_pi=phase).information(names).standard_errors(80 * unit)["c_plus"] for phase in phases
]
both = known.standard_errors(80 * unit)["c_plus"]
figure, axes = plt.subplots(layout="constrained")
axes.semilogy(phases, error, label="homodyne")
axes.axhline(both, color="C1", linestyle="--", label="heterodyne")
axes.set_xlabel("phase of the local oscillator / π")
axes.set_ylabel("standard error of C₊ after 80 units")
axes.legend(frameon=False)
plt.show()
phase, at_best = homodyne.information(names).best_lo_phase("c_plus")
print(
    f"best phase {phase:.2f} pi: C+ ± {at_best / np.sqrt(80 * unit):.2g}; "
    f"phase 0.5 pi: ± {error[24]:.2g}; heterodyne: ± {both:.2g}"
)
assert both < at_best / np.sqrt(80 * unit) < error[24]

# %% [markdown]
# The phase at which E is best is among the worst to learn C₊ from: the time is quadratic in the error. Calibrate at
# one phase, and steer at another.
#
# **Power.** Not the error of an estimate, but the chance to *notice* that a parameter is not what was assumed: a
# likelihood-ratio test that refuses right values once in a thousand notices an error $\delta$ with a probability of
# 90 % if $\delta^2 J = 20.9$, 4.6 standard errors.

# %%
seen = known.detectable(80 * unit)
for name in names:
    print(f"{name:12} alone {seen.alone[name]:6.2g}, beside the others {seen.beside_others[name]:6.2g}")
factor = seen.beside_others["c_minus"] / known.standard_errors(80 * unit)["c_minus"]
enough = 80 * (seen.beside_others["efficiency"] / 0.1) ** 2
print(f"{factor:.2f} standard errors; an efficiency that is wrong by 0.1 is noticed after {enough:.0f} units")
assert abs(factor**2 - 20.9) < 0.05

# %% [markdown]
# **Runs.** To *show* steering by measurements of both oscillators, one run gives one pair of outcomes. `plan` says
# how many runs it takes until E is below ½, or the gain by the record d = 1 − E_c/E_u above 0, by three standard
# errors; `verify=True` is the laboratory, with the dead time between runs ([the experiment that verifies
# it](../../sim/README.md#the-experiment-that-verifies-it)).

# %%
plan = homodyne.plan(verify=True, dead_time_s=1e-3)
print(plan)
way = "plus_given_minus"
needed = plan.needed["conditional"][way]
# E has the standard error E √(2/n)
large = 2 * (3 * needed.value / needed.distance) ** 2
print(f"E = {needed.value:.4f} is {needed.distance:.4f} below 1/2: {needed.runs} runs, for large numbers {large:.0f}")
assert abs(needed.runs / large - 1) < 0.1

# %% [markdown]
# Nearly all of the time is dead time. Twice as many standard errors take four times as many runs, and half the
# distance as well: the number of runs at which E < ½ is shown diverges as E approaches ½. So the best working point
# is also the quickest.

# %%
strengths = np.linspace(8, 40, 17)
runs = {name: [] for name in ("unconditional", "conditional", "d")}
for strength in strengths:
    found = replace(homodyne, c_minus=strength).plan(verify=True)
    for name, values in runs.items():
        values.append(found.needed[name][way].runs)
figure, axes = plt.subplots(layout="constrained")
for values, style, label in zip(
    runs.values(), ("--", "-", ":"), ("E < ½ without the record", "E < ½ given the record", "d > 0"), strict=True
):
    axes.semilogy(strengths, [np.nan if each is None else each for each in values], style, label=label)
axes.set_xlabel("C₋")
axes.set_ylabel("runs for three standard errors")
axes.legend(frameon=False)
plt.show()
four = homodyne.plan(verify=True, sigmas=6).needed["conditional"][way].runs / needed.runs
print(f"six standard errors instead of three: {four:.2f} times as many runs")
assert abs(four - 4) < 0.2

# %% [markdown]
# **In a simulation** E given the record is known exactly from one trajectory, and only the scatter of the conditional
# means is sampled. So an ensemble needs far fewer: compare the planned error with the interval of an ensemble.

# %%
count = 2000
result = homodyne.simulate(duration_units=2, trajectories=count, saves=4, seed=1)
d = result.d[way]
planned = homodyne.plan(duration_units=2, sigmas=3).needed["d"][way]
expected = planned.standard_error * np.sqrt(planned.runs / count)
print(f"d = {100 * d.value:.3f} %, 95 % in {100 * d.low:.3f} .. {100 * d.high:.3f} %")
print(f"standard error {100 * (d.high - d.low) / 3.92:.4f} %, planned from {planned.runs} runs {100 * expected:.4f} %")
# the standard error of 2000 runs is itself known to 1/√(2·2000), 1.6 %, and the planned one to first order in 1/50
assert abs((d.high - d.low) / 3.92 / expected - 1) < 0.15
assert abs(d.value - planned.value) < 5.5 * expected

# %% [markdown]
# **What was found.** Parameters are known as $1/\sqrt{T}$, and the factor depends on the detector by more than the
# time one has; E < ½ takes some hundred runs here, the gain d some thousand; trajectories say the same from a few.
#
# **What to try.** Add `"loss"` to the list of names: how much longer must one measure? Set `efficiency=0.5`: does
# `plan` ask for more runs for E, for d? Ask for the plan of Appendix B of the paper: `steering plan` with
# `--appendix-b`.
#
# Next: [from a lock-in file to E](14-from-a-lock-in-file-to-e-with-an-honest-error.py). Theory: [what a record leaves
# open](../../sim/README.md#what-a-record-leaves-open).
