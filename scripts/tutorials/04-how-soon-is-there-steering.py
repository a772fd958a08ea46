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
# # How soon is there steering?
#
# The paper looks at steady states. In a laboratory light is switched on, and one wants to know how long to wait, and
# what is left when it is switched off. The answer at C₋ = 10, in units of $1/\tilde\gamma_0$ = 16 µs: from the ground
# state $E_{+|-}<\tfrac12$ after 0.03 units, from 10⁵ quanta after 0.86 units, because + must be cooled first; given a
# record of the light after 0.21 units. After the light is gone it lasts for a tenth of a unit. Who may switch the
# light twice cools first and then entangles. You need to know exponentials.

# %%
import matplotlib.pyplot as plt
import numpy as np

import cascade_steering as cs

way = "plus_given_minus"
point = cs.WorkingPoint(c_minus=10).optimum(conditional=False).points[way]
unit = point.time_unit
print(f"one unit of time: {1e6 * unit:.1f} us; best E+|- at late times: {point.steady().unconditional[way]:.4f}")
assert np.isclose(1e6 * unit, 15.9, atol=0.05)

# %% [markdown]
# **Switch the light on.** `transient` follows the exact moments from a state at t = 0: the ground state, the thermal
# state of the baths, or any Gaussian one. It also finds the times at which E crosses ½, by root finding on the exact
# flow.

# %%
times = np.concatenate([[0], np.geomspace(1e-4, 2, 300)])
course = {start: point.transient(times_units=times, initial=start) for start in ("ground", "thermal")}
for start, each in course.items():
    print(f"from the {start} state", each, "", sep="\n")

# %%
figure, axes = plt.subplots(layout="constrained")
for (start, each), colour in zip(course.items(), ("C0", "C1"), strict=True):
    axes.loglog(times[1:], each.unconditional[way][1:], color=colour, label=f"from the {start} state")
    axes.loglog(times[1:], each.conditional[way][1:], "--", color=colour, label="the same, given the record")
axes.axhline(0.5, color="0.6", linewidth=0.8)
axes.set(xlabel=r"time in units of $1/\tilde\gamma_0$", ylabel="$E_{+|-}$", xlim=(1e-3, 2), ylim=(0.2, 2e5))
axes.legend(frameon=False)
plt.show()


# %%
def first(of, scheme="unconditional"):
    """When E₊|₋ falls below ½ for the first time, in units of 1/γ̃₀."""
    return of.milestones.first(scheme, way) / unit


soon = {start: [first(each, scheme) for scheme in ("unconditional", "conditional")] for start, each in course.items()}
for start, (u, c) in soon.items():
    print(f"{start:8} without a record after {u:.4f} ({1e6 * u * unit:.1f} us), given it {c:.4f}: {u / c:.1f} x sooner")
assert np.allclose(soon["ground"], (0.0296, 0.0244), atol=1e-4)
assert np.allclose(soon["thermal"], (0.858, 0.205), atol=1e-3)

# %% [markdown]
# **Why so late?** Without a record the heat of + leaves at the rate γ₊. What is left of + when − is known begins at
# n̄ + ½ and relaxes to $E_\infty$, so that $t = \gamma_+^{-1}\ln\,(\bar n/(\tfrac12-E_\infty))$:

# %%
damping = point.cascade.plus.damping_rate * unit
occupation = point.cascade.plus.bath.occupation
estimate = np.log(occupation / (0.5 - point.steady().unconditional[way])) / damping
print(f"estimate {estimate:.4f}, exact {soon['thermal'][0]:.4f}")
assert abs(estimate / soon["thermal"][0] - 1) < 0.01

# %% [markdown]
# Cooling only knows exponentials, and 10⁵ quanta cost thirteen of them. A record does something else: it *tells*
# where the oscillators are. A variance that is measured at a rate k falls as 1/(kt) from whatever it was. That is why
# the dashed orange line is early, and why a record that is superfluous at late times (d = 1 %) is worth a factor 4 in
# time here.
#
# **Switch it off.** `pulse_units` ends the light. The baths then heat both oscillators. With a gain g of the
# inference, $\dot E \approx (1+g^2)\tilde\gamma_0$. For a pulse of half a unit from the ground state:

# %%
length = 0.5
dark = np.linspace(0, 0.8, 161)
pulse = point.transient(times_units=dark, initial="ground", pulse_units=length)
(window,) = pulse.milestones.windows["unconditional"][way]
start, end = window.start / unit, window.end / unit
at_end = np.argmin(np.abs(dark - length))
covariance = pulse.covariance["unconditional"][at_end]
gain = covariance[0, 2] / covariance[0, 0]
lasts = (0.5 - pulse.unconditional[way][at_end]) / (1 + gain**2)
print(f"steering from {start:.3f} to {end:.3f}: {end - length:.3f} after the light; estimate {lasts:.3f}")
assert np.isclose(end - length, 0.123, atol=0.001)
assert abs(lasts / (end - length) - 1) < 0.1

# %% [markdown]
# So a verification has two microseconds here. Trajectories with a longer pulse, from the hot state, with their 95 %
# intervals; the curves are exact:

# %%
hot = point.transient(times_units=np.linspace(0, 1.4, 281), initial="thermal", pulse_units=1.2)
run = point.simulate(duration_units=1.4, saves=14, trajectories=4000, initial="thermal", pulse_units=1.2, seed=1)
exact = {scheme: hot.E[scheme][way][::20] for scheme in ("unconditional", "conditional")}
figure, axes = plt.subplots(layout="constrained")
labels = {"unconditional": "without the record", "conditional": "given the record"}
for (scheme, label), colour in zip(labels.items(), ("C0", "C1"), strict=True):
    axes.semilogy(hot.times / unit, hot.E[scheme][way], color=colour, label=label)
    each = getattr(run.over_time, scheme)[way]
    value, low, high = np.array([(one.value, one.low, one.high) for one in each]).T
    axes.errorbar(run.times / unit, value, [value - low, high - value], fmt=".", color=colour, capsize=2)
    # 14 estimates, each further off than 5.5 standard errors with a probability of 4e-8
    assert np.all(np.abs(value - exact[scheme])[1:] < 5.5 * (high - low)[1:] / (2 * 1.96) + 1e-9 * value[1:])
axes.axhline(0.5, color="0.6", linewidth=0.8)
axes.axvspan(1.2, 1.4, color="0.92", zorder=0)
axes.text(1.21, 30, "light off")
axes.set(xlabel=r"time in units of $1/\tilde\gamma_0$", ylabel="$E_{+|-}$", ylim=(0.2, 1e3))
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# **Switch twice.** The light that cools best makes no steering: at θ₋ = θ₊ = π/2 each oscillator gives its quanta to
# the light. Cool for one unit, then change the angles to θ₋ = 0, θ₊ = π/2, where − *creates* pairs and is not damped
# at all. A `Schedule` is a list of models with the times at which they take over from one another:

# %%
cooling = cs.WorkingPoint(c_minus=10, c_plus=18, theta_minus_pi=0.5, theta_plus_pi=0.5)
pairs = cs.WorkingPoint(c_minus=10, c_plus=17.4, theta_minus_pi=0.0, theta_plus_pi=0.5)
switched = cs.Schedule(models=(cooling.model, pairs.model), switches=(1.0 * unit,))
long = np.linspace(0, 1.5, 301)
twice = cs.TransientResult.of(switched, point.initial_state("thermal"), long * unit, time_unit=unit)
quanta = twice.covariance["unconditional"][-1, 0, 0] - 0.5
print(f"E+|- = {twice.unconditional[way][-1]:.4f} after 1.5 units, with {quanta:.0f} quanta in -")
print(f"steering {first(twice) - 1:.3f} after the switch")
assert twice.unconditional[way][-1] < 0.148
assert 0.02 < first(twice) - 1 < 0.04
assert 800 < quanta < 900

# %%
figure, axes = plt.subplots(layout="constrained")
axes.semilogy(long, twice.unconditional[way], label="cool, then create pairs")
axes.semilogy(times, course["thermal"].unconditional[way], "--", label="the best stable pair throughout")
axes.axhline(0.5, color="0.6", linewidth=0.8)
axes.axvline(1, color="0.6", linewidth=0.8)
axes.set(
    xlabel=r"time in units of $1/\tilde\gamma_0$", ylabel="$E_{+|-}$ without a record", ylim=(0.1, 2e5), xlim=(0, 1.5)
)
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# E is half of that of the best stable pair, and − has some 850 quanta. The pair is unstable while the second light is
# on: that is the subject of [the sixth tutorial](06-beyond-stability.py).
#
# **How fast can it be at all?** `best_pulse` with `below` searches the shortest pulse of constant light after which E
# is below a bound. It is shorter the stronger the light, so the ratio C₊/C₋ must be bounded, here by 2:

# %%
given = cs.WorkingPoint(c_minus=10)
for record in (False, True):
    for state in ("ground", "thermal"):
        found = given.best_pulse(within_units=2, below=0.5, initial=state, conditional=record, largest_ratio=2)
        time = found.pulses[way].duration_s / unit
        print(f"from the {state:7} state, {'given the record' if record else 'without a record':16}: {time:.5f} units")
        bound = {(False, "ground"): 0.00548, (False, "thermal"): 0.628, (True, "thermal"): 0.0455}.get((record, state))
        assert bound is None or np.isclose(time, bound, rtol=0.01)

# %% [markdown]
# From the ground state that is 90 ns, from 10⁵ quanta 10 µs, and given a record 0.7 µs.
#
# **What was found.** How soon there is steering is decided by the heat of +, and by whether the light is recorded:
# from hot states, a record is worth a factor 4 to 14 in time. Steering ends a tenth of $1/\tilde\gamma_0$ after the
# light.
#
# **What to try.** Start from `cs.thermal_state((100, 100))`: by how much is it sooner, and does the estimate hold?
# Set `most_quanta=1e3` in `transient`, and in `best_pulse` from a ground state. Give `pairs` the record: how does its
# E begin?
#
# From a terminal: `steering transient` with `--initial`, `--pulse`, and `steering pulse --fastest`. The equations of
# the exact flow are in [section 4 of the theory](../../sim/README.md#4-first-and-second-moments), and how a measured
# record of such a run becomes E is the subject of [the next tutorial](05-from-a-record-to-steering.py).
