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
# # What lies beyond the stable region?
#
# The best pair of [the first tutorial](01-the-paper-in-ten-minutes.py) sits at the very edge of what the paper
# allows, γ₋ > 0. Whoever sees an optimum at an edge asks what is beyond. There variances grow for ever, and steering
# does not suffer: $E_{+|-}$ falls as $2/C_-$, where the stable pair has $1/\sqrt{C_-}$. No record is needed, and no
# long time: half of $1/\tilde\gamma_0$ of light, or less if few quanta are allowed. Feedback of the record makes such
# a pair stay, at the E that is given the record, and never below. You need to know the first tutorial.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

import cascade_steering as cs

way = "plus_given_minus"
given = cs.WorkingPoint(c_minus=10)
stable = given.optimum(conditional=False)
best = given.optimum(conditional=False, unstable=True)
print(stable, best, sep="\n")
assert np.isclose(stable.E[way], 0.28504, atol=1e-5)
assert np.isclose(best.E[way], 0.14722, atol=1e-5)

# %% [markdown]
# **Over the edge.** From the best stable point θ₋ is turned from 0.35 π to 0. At π/4 the light neither cools nor
# heats −; below, it amplifies it:

# %%
edge = stable.points[way]
turns = np.linspace(0, 0.35, 141)
turned = edge.scan({"theta_minus_pi": turns})
figure, axes = plt.subplots(layout="constrained")
for name, label, colour in ((way, "$E_{+|-}$", "C0"), ("minus_given_plus", "$E_{-|+}$", "C1")):
    axes.plot(turns, turned.unconditional[name], color=colour, label=label)
axes.axvspan(0, 0.25, color="0.93", zorder=0)
axes.text(0.02, 0.48, "unstable, limit at long times")
axes.set(xlabel=r"$\theta_-/\pi$", ylabel="$E$ without a record", xlim=(0, 0.35), ylim=(0.1, 0.55))
axes.legend(frameon=False, loc="lower right")
plt.show()
lowest = turns[np.argmin(turned.unconditional[way])]
print(f"smallest at theta- = {lowest:.3f} pi: {turned.unconditional[way].min():.4f}")
assert lowest < 0.1
assert turned.unconditional[way].min() < 0.18

# %% [markdown]
# Nothing happens at the edge, except for a kink in E₋|₊. The paper's optimum is the last point that was allowed. How
# can E be small where the variance of + is infinite? Only *one* motion grows: −, and + follows it with a fixed ratio
# k. What is left when k times − is subtracted from + settles. To predict + from − one needs k and X₋, and X₋ shows
# the growing motion the better the larger it is.
#
# **A formula.** The limit is smallest at θ₋ = 0, θ₊ = π/2: there − only creates pairs of quanta with the light, as an
# amplifier does, and + only absorbs. Without loss and with $\gamma_0\to0$ it is
#
# $$ E_{+|-} = \frac12+\frac{1}{C_+}+\frac{4}{C_++C_-}-\frac{2C_+(C_-+2)}{(C_++C_-)^2}
# \;\longrightarrow\; \frac{2}{C_-} $$
#
# with the best C₊ at large C₋. Against a search that knows nothing of it:

# %%
strengths = np.geomspace(1, 1000, 19)
ratios = np.geomspace(1, 30, 3001)


def limit(c_minus):
    """The formula at its best C₊."""
    c_plus = c_minus * ratios
    total = c_plus + c_minus
    return np.min(0.5 + 1 / c_plus + 4 / total - 2 * c_plus * (c_minus + 2) / total**2)


points = [cs.WorkingPoint(c_minus=c) for c in strengths]
searched = {
    free: np.array([each.optimum(conditional=False, unstable=free).E[way] for each in points]) for free in (False, True)
}
formula = np.array([limit(c) for c in strengths])
print(f"largest difference from the formula: {np.max(np.abs(searched[True] / formula - 1)):.1e}")
print(
    f"at C- = 1000: {1000 * searched[True][-1]:.3f}/C-; stable pairs {np.sqrt(1000) * searched[False][-1]:.3f}/sqrt(C-)"
)
assert np.allclose(searched[True], formula, rtol=2e-5)
costs = 1 - searched[True] / searched[False]
assert np.allclose(costs[[6, 12]], (0.48, 0.81), atol=0.01)
assert np.isclose(1000 * searched[True][-1], 2, rtol=0.01)
assert np.isclose(np.sqrt(1000) * searched[False][-1], 1, rtol=0.01)

# %%
figure, axes = plt.subplots(layout="constrained")
axes.loglog(strengths, searched[False], "o", color="C0", label="best stable pair")
axes.loglog(strengths, searched[True], "s", color="C1", label="best pair of any kind")
axes.loglog(strengths, 1 / np.sqrt(strengths), "--", color="C0", label=r"$1/\sqrt{C_-}$")
axes.loglog(strengths, formula, color="C1", label="the formula")
axes.loglog(strengths, 2 / strengths, ":", color="C1", label="$2/C_-$")
axes.axhline(0.5, color="0.6", linewidth=0.8)
axes.set(xlabel="$C_-$", ylabel="smallest $E_{+|-}$", ylim=(1e-3, 1.2))
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# At C₋ = 10 the demand for stability costs half of the steering, at C₋ = 100 four fifths. A record would give little,
# as d in the next table says.
#
# **How long, and how many quanta?** "At long times" is no answer for a laboratory, where the coupling is linear for
# so many quanta only. From the ground state:

# %%
pair = replace(given, c_plus=17.4, theta_minus_pi=0.0, theta_plus_pi=0.5)
print(pair.steady())
times = np.linspace(0, 1, 201)
course = pair.transient(times_units=times, initial="ground")
variance = course.covariance["unconditional"][:, 0, 0]
quanta = variance - 0.5
half = np.argmin(np.abs(times - 0.5))
print(
    f"\nat t = 0.5: E+|- = {course.unconditional[way][half]:.4f} with {quanta[half]:.0f} quanta in -; "
    f"at t = 1: {quanta[-1]:.0f} quanta"
)
assert np.isclose(course.unconditional[way][half], 0.1473, atol=1e-4)
assert 160 < quanta[half] < 165
figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(6.4, 4.6), layout="constrained")
above.plot(times, course.unconditional[way], label="without a record")
above.plot(times, course.conditional[way], "--", label="given the record")
above.axhline(stable.E[way], color="0.6", linewidth=0.8, label="best stable pair")
above.set(ylabel="$E_{+|-}$", ylim=(0.1, 0.55))
above.legend(frameon=False)
below.semilogy(times[1:], quanta[1:])
below.set(xlabel=r"time in units of $1/\tilde\gamma_0$", ylabel="quanta in $-$")
plt.show()

# %% [markdown]
# E has settled long before the quanta are many. Which pulse is best if only so many are allowed? `best_pulse`
# searches angles, C₊ and duration:

# %%
bounds = (0.3, 1, 3, 10, 30, 100)
pulses = [given.best_pulse(within_units=1, most_quanta=most) for most in bounds]
for most, each in zip(bounds, pulses, strict=True):
    found = each.pulses[way]
    print(f"at most {most:5g} quanta: E+|- = {found.value:.4f} after {found.duration_s / given.time_unit:.3f} units")
reached = [each.E[way] for each in pulses]
assert reached[1] < stable.E[way] < reached[0]
assert np.isclose(reached[-1], 0.1474, atol=1e-4)
two = given.best_pulse(within_units=1, most_quanta=10, segments=2)
print(f"light that changes once, at most 10 quanta: {two.E[way]:.4f}")
assert two.E[way] < 0.98 * reached[3]

# %% [markdown]
# A pulse that ends with a single quantum is already better than the best stable pair.
#
# **Feedback.** To have the pair for longer, the growing motion must be held by a force that follows the record. The
# best one can hope for is E *given* the record, $E_c$: whoever acts upon a record cannot know more than it tells.
# Four loops:

# %%
loops = {
    "direct, on both": {"law": "direct"},
    "LQG, along the growing motion": {"law": "lqg", "actuators_on": "mode"},
    "LQG, on both, delay 0.01": {"law": "lqg", "delay_units": 0.01},
    "the best of any law, on - alone": {"law": "ideal", "actuators_on": "minus"},
}
held = {name: pair.feedback(**options) for name, options in loops.items()}
bound = pair.steady().conditional[way]
print(f"{'E given the record, E_c':33} {bound:.5f}")
for name, found in held.items():
    print(f"{name:33} {found.controlled[way]:.5f}")
assert np.isclose(held["direct, on both"].controlled[way], bound, rtol=1e-9)
assert 1e-4 < held["LQG, along the growing motion"].controlled[way] / bound - 1 < 1e-3
assert 1e-5 < held["LQG, on both, delay 0.01"].controlled[way] / bound - 1 < 1e-3
assert held["the best of any law, on - alone"].controlled[way] > 5

# %% [markdown]
# `direct` sends the photocurrent itself, as a force, to both oscillators, with the gain of the filter: then the state
# without the record *is* the one given it, exactly, and no computer is needed. A force along the growing motion and a
# delay of 160 ns cost next to nothing. A force on the unstable oscillator alone destroys steering, whatever its
# law: + keeps what − has told it while the force has moved − away.
#
# **In time.** Means of X₋ given one record, of the free pair and of one in a digital loop that displaces the
# oscillators every hundredth of a unit, one interval late; and what 1000 such runs say of E:

# %%
digital = cs.Feedback(law="lqg", actuators_on="mode", control_interval_units=0.01, delay_units=0.01)
free = pair.simulate(duration_units=1, saves=100, trajectories=2, initial="ground", keep=1, seed=4)
loop = pair.simulate(duration_units=1, saves=100, trajectories=1000, feedback=digital, keep=1, seed=4)
figure, axes = plt.subplots(layout="constrained")
for run, label in ((free, "free, from the ground state"), (loop, "in the loop")):
    axes.plot(run.times / run.time_unit, run.dataset["trajectory_mean"][0, :, 0], label=label)
spread = np.sqrt(variance)
axes.fill_between(times, -spread, spread, alpha=0.15, linewidth=0, label="spread of free pairs")
axes.set(xlabel=r"time in units of $1/\tilde\gamma_0$", ylabel="mean of $X_-$ given the record")
axes.legend(frameon=False, loc="lower left")
plt.show()

# %%
seen = loop.unconditional[way]
error = (seen.high - seen.low) / (2 * 1.96)
print(f"1000 runs in the loop, without their records: E+|- = {seen.value:.5f} in [{seen.low:.5f}, {seen.high:.5f}]")
# 5.5 standard errors, 4e-8, beside what the sampling of the controller changes
assert abs(seen.value - held["LQG, along the growing motion"].controlled[way]) < 5.5 * error + 5e-6
assert seen.low > bound

# %% [markdown]
# **What was found.** The demand for stability costs 48 % of E at C₋ = 10 and more at larger C₋; the missing record
# costs 0.1 %. Pulses of few quanta reach nearly the limit. Feedback holds a pair at $E_c$, if it acts on both
# oscillators or along the motion that grows.
#
# **What to try.** With `loss=0.2` the limits are ε/2 and √ε/2: which C₋ is then worth its light? Start the pulse from
# `initial="thermal"` and look at the quanta; or [cool first](04-how-soon-is-there-steering.py). Make the delay 0.1,
# or the efficiency 0.3: what is left of $E_c$?
#
# Every number with its command, and what is assumed:
# [Beyond the stable region](../../analysis/paper/BEYOND_STABILITY.md). From a terminal:
# `steering optimum --unstable`, `steering pulse --most-quanta 100`, `steering feedback --law direct`. The equations:
# [section 5](../../sim/README.md#5-the-rotating-wave-in-two-amplitudes) and
# [section 9](../../sim/README.md#9-closed-loop) of the theory.
