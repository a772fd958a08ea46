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
# # What does a click do to the state?
#
# As long as one measures light with homodyne detectors, all states stay Gaussian and E says everything about steering.
# A photon counter changes this. Send a tenth of the light to one and ask: what is the state after a click, and does it
# still steer? The answer for a short pulse on cold oscillators: the Wigner function becomes negative, E rises above ½
# as if the steering were gone, and two other criteria show that it is not. You need to know what a Wigner function is,
# and that there is steering where E < ½.

# %%
import matplotlib.pyplot as plt
import numpy as np

import cascade_steering as cs

point = cs.WorkingPoint(c_minus=50, c_plus=50, theta_minus_pi=0.0, theta_plus_pi=0.5)
counter = cs.Counter(ports=("upper",), share=0.1)
model = point.counted(counter)
print(
    f"1/gamma~_0 = {1e6 * point.time_unit:.1f} us; measured are {model.record_names}, counted is {model.counter_names}"
)

# %% [markdown]
# The pulse is short, 0.015/γ̃₀ or 0.24 µs, and the two oscillators begin in their ground states. At these angles the
# light of the first oscillator, −, comes from pairs (θ₋ = 0) and the second, +, only absorbs (θ₊ = π/2). What the
# counter sees is
#
# $$ L_u = \sqrt{\Gamma_-}\, a_-^\dagger + \sqrt{\Gamma_+}\, a_+ , $$
#
# so that in a short pulse a click says: one quantum more in −. The baths are the paper's hot ones, of 10⁵ quanta; the
# pulse is over before they matter much.
#
# **Before the click** the state is Gaussian, with a covariance given the homodyne record of the other nine tenths.
# What the record says of the means is taken out by displacing the light in front of the counter, so they are zero.


# %%
def before(duration_units):
    """The state at the end of a pulse, given the record and no click."""
    end = np.array([duration_units * point.time_unit])
    covariance = cs.transient(model, cs.ground_state().covariance, end, conditional=True)[0]
    return cs.StateInFrame.of(cs.InitialState(covariance=covariance, scatter=np.zeros((4, 4)), name="end of the pulse"))


dark_room = before(0.015)
click = cs.herald(dark_room, model.counted[0])
for name, state in (("before", dark_room), ("after", click.state)):
    ways = {
        way: float(cs.steering_parameter(state.covariance, way)) for way in ("plus_given_minus", "minus_given_plus")
    }
    print(f"{name:6} the click: E+|- = {ways['plus_given_minus']:.3f}, E-|+ = {ways['minus_given_plus']:.3f}")
print(f"clicks come at {click.rate / 1e3:.0f} per ms of light like this")

# %% [markdown]
# `herald` returns the state after the click and how often it happens. E₋|₊, which was 0.31, is 0.64 now: by second
# moments + does not steer − any more. But second moments do not say everything of this state.
#
# **The Wigner function** of − alone, the other oscillator traced out:

# %%
axis = np.linspace(-4, 4, 81)
places = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
figure, panels = plt.subplots(1, 2, figsize=(7.5, 3.4), layout="constrained", sharey=True)
for axes, state, title in zip(panels, (dark_room, click.state), ("before the click", "after the click"), strict=True):
    wigner = state.wigner_of(0, places).reshape(len(axis), len(axis))
    image = axes.pcolormesh(
        axis, axis, wigner, cmap="RdBu_r", vmin=-0.18, vmax=0.18, shading="gouraud", rasterized=True
    )
    if wigner.min() < -1e-6:
        axes.contour(axis, axis, wigner, levels=[0.0], colors="black", linewidths=0.8)
    axes.set(title=title, xlabel="$X_-$", aspect="equal")
panels[0].set_ylabel("$P_-$")
figure.colorbar(image, ax=panels, label="$W(X_-, P_-)$")
plt.show()

volume = click.state.negative_volume(0, points=61)
print(f"W at the origin after the click: {click.state.wigner_of(0, np.zeros((1, 2)))[0]:.3f}")
print(f"volume of the negative part: {dark_room.negative_volume(0, points=61):.4f} before, {volume:.4f} after")
assert abs(volume - 0.0686) < 2e-4

# %% [markdown]
# After the click W is negative around the origin, as that of one quantum is. No Gaussian state and no mixture of them
# has this.
#
# **Steering that E misses.** E compares variances. Two criteria go beyond them, both on the same scale with the same
# bound ½: the *entropic* one compares the entropies of the outcomes of two homodyne settings, and the *metrological*
# one asks how well the steered oscillator would sense a displacement if the other one is measured, against its own
# conditional variance. For Gaussian states both are E.

# %%
way = "minus_given_plus"
seen = {name: cs.non_gaussian_steering(state, way) for name, state in (("before", dark_room), ("after", click.state))}
for name, each in seen.items():
    print(f"{name:6} E = {each.moments:.3f}, entropic {each.entropic:.3f}, metrological {each.metrological:.3f}")
print("E misses it:", seen["after"].missed)
assert np.allclose([seen["before"].entropic, seen["before"].metrological], seen["before"].moments, atol=1e-6)
assert abs(seen["before"].moments - 0.3120) < 1e-4
after = seen["after"]
assert np.allclose([after.moments, after.entropic, after.metrological], [0.6422, 0.4162, 0.2944], atol=2e-4)
assert after.missed

# %% [markdown]
# So the state after the click does steer. By the metrological criterion it even steers more than before, 0.294 and
# 0.312. E is not wrong, it is sufficient for steering but not necessary once a state is not Gaussian.
#
# **How short must the pulse be?** Long pulses leave hot oscillators, and one quantum more is then nothing special.

# %%
durations = np.array([0.006, 0.0105, 0.015, 0.0195, 0.024])
states = [before(each) for each in durations]
swept = [cs.non_gaussian_steering(cs.herald(each, model.counted[0]).state, way) for each in states]
gaussian = [float(cs.steering_parameter(each.covariance, way)) for each in states]

figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
axes.plot(1e3 * durations, gaussian, "o:", color="grey", label="$E$ before the click")
axes.plot(1e3 * durations, [each.moments for each in swept], "s-", color="#1f4e9c", label="$E$ after it")
axes.plot(1e3 * durations, [each.entropic for each in swept], "^--", color="#d9762b", label="entropic, after it")
axes.plot(
    1e3 * durations, [each.metrological for each in swept], "v-.", color="#4c7a34", label="metrological, after it"
)
axes.axhline(0.5, color="black", linewidth=0.8)
axes.set(xlabel=r"length of the pulse ($10^{-3}/\tilde\gamma_0$)", ylabel="− given +", ylim=(0, 1.3))
axes.legend(frameon=False)
plt.show()

for length, each in zip(durations, swept, strict=True):
    print(
        f"{1e3 * length:5.1f}: E {each.moments:.3f}, entropic {each.entropic:.3f}, metrological {each.metrological:.3f}"
    )
assert [each.moments > 0.5 for each in swept] == [True, True, True, False, False]
assert [each.entropic < 0.5 for each in swept] == [False, False, True, True, True]
assert all(each.metrological < 0.5 for each in swept)

# %% [markdown]
# E misses the steering in the first three pulses, and the entropic criterion in the first two. The metrological one
# sees it in all of them.
#
# **How good must the counter be?** Its efficiency and its dark rate enter the state by their ratio alone. We give dark
# clicks as a part of all clicks.

# %%
for dark_part in (0.1, 0.5, 0.9):
    rate = click.rate * dark_part / (1 - dark_part)
    worse = point.counted(cs.Counter(ports=("upper",), share=0.1, dark_rate=rate))
    found = cs.herald(dark_room, worse.counted[0])
    each = cs.non_gaussian_steering(found.state, way)
    print(
        f"{100 * found.dark:3.0f} % dark: E {each.moments:.3f}, entropic {each.entropic:.3f}, "
        f"metrological {each.metrological:.3f}, negative volume {found.state.negative_volume(0, points=61):.4f}"
    )
    assert abs(found.dark - dark_part) < 1e-12
    assert each.metrological < 0.5
    assert each.missed == (dark_part < 0.6)

# %% [markdown]
# With half of the clicks dark nothing of the negativity is left, and E still misses the steering. With nine tenths
# dark the state is nearly the one without a click, and E sees it again.
#
# **Clicks in time.** So far the counter was read once. `simulate` follows records and clicks together, each trajectory
# with its own state between Fock levels. Half of the sideband goes to the counter here, so that there is something to
# see.

# %%
half = cs.Counter(ports=("upper",), share=0.5)
result = point.simulate(
    counter=half, initial="ground", duration_units=0.015, saves=20, trajectories=24, keep=24, seed=2,
    save=cs.Save(observables={"quanta of -": cs.quanta(0)}), check=False,
)  # fmt: skip
clicks = [[time for time, _ in each] for each in result.record.clicks.each]
numbers = np.array([len(each) for each in clicks])
print(f"clicks in 24 pulses: {numbers.sum()}, at most {numbers.max()} in one of them")

lit = point.counted(half)
times = np.linspace(0, 0.015, 201) * point.time_unit
moments = cs.transient(lit, cs.ground_state().covariance, times, conditional=False)
commutator = 0.5j * np.kron(np.eye(2), [[0, 1], [-1, 0]])
row = lit.counted[0].rows[0]
expected = np.trapezoid([float((row.conj() @ (each + commutator) @ row).real) for each in moments], times)
error = numbers.std(ddof=1) / np.sqrt(len(numbers))
print(f"clicks in one pulse: {numbers.mean():.2f} +- {error:.2f}, and {expected:.3f} by the moments")
assert abs(numbers.mean() - expected) < 5 * max(error, np.sqrt(expected / len(numbers)))

# %% [markdown]
# The rate of clicks is η⟨L†L⟩, and its mean over all trajectories follows from second moments alone: a check of the
# simulation against something exact. Single trajectories jump when there is a click.

# %%
figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
quanta = result.dataset["trajectory_expectation"].to_numpy()[..., 0]
shown = [int(np.flatnonzero(numbers == most)[0]) for most in (0, 1, 2)]
scale = 1e9
for number, colour, line in zip(shown, ("grey", "#1f4e9c", "#d9762b"), (":", "-", "--"), strict=True):
    label = ("no click", "one click", "two clicks")[numbers[number]]
    axes.plot(scale * result.times, quanta[number], line, color=colour, label=label)
    for time in clicks[number]:
        axes.axvline(scale * time, ymax=0.06, color=colour, linewidth=2)
axes.set(xlabel="time (ns)", ylabel="quanta of −, given record and clicks")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# **What was found.** A click adds a quantum: it makes W negative, and E blind to steering that is there, while the
# metrological criterion sees it. That is so in short pulses; in a steady state a click changes little.
#
# **What to try.**
#
# - The other sideband, `ports=("lower",)`: what is subtracted from where?
# - `way = "plus_given_minus"`: in this direction E misses nothing.
# - A local oscillator at the counter, `cs.Counter(amplitude=…)`, displaces what is counted.
#
# Read next: [Where a state steers that E misses](../../analysis/heralding/AFTER_A_CLICK.md), with the same as a
# laboratory would find it, and sections [7](../../sim/README.md#7-one-step-of-the-fock-engine) and
# [8](../../sim/README.md#8-steering-and-its-estimate) of the theory. The figures come from `steering figures 13`, and
# `steering simulate --engine fock --count 0.1` counts from the command line.
