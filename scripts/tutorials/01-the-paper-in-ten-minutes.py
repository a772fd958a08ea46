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
# # When does one oscillator steer the other?
#
# Light passes a first oscillator, of negative mass, and then a second one. A measurement of the first can then tell
# more about the second than a local quantum state of the second would allow: the first *steers* the second. This is
# the scheme of [arXiv:1901.04250](https://arxiv.org/abs/1901.04250). Its answer: there is steering as soon as the
# light couples to the first oscillator more strongly than the thermal bath does, C₋ > 1, if the second one is damped
# in the right way; and the steering parameter of the best stable pair tends to $1/\sqrt{C_-}$, where ½ is the bound.
# Nothing needs to be measured on the light. You need to know what a variance is, and nothing of this package.

# %%
import matplotlib.pyplot as plt
import numpy as np

import cascade_steering as cs

point = cs.WorkingPoint(c_minus=50, c_plus=50, theta_minus_pi=0.35, theta_plus_pi=0.40)
print(point.steady())

# %% [markdown]
# **The model.** Oscillator − comes first, oscillator + second. The light couples to each with a strength Γ and an
# angle θ: the part $\Gamma\sin^2\theta$ exchanges quanta and cools, the part $\Gamma\cos^2\theta$ creates pairs of
# quanta and heats. A bath heats with the rate $\tilde\gamma_0=\gamma_0(\bar n+\tfrac12)$, and
# $C=\Gamma/\tilde\gamma_0$ is the cooperativity. In the frame that rotates with the oscillators, and without loss of
# light between them, both are damped with $\gamma = \gamma_0-\Gamma\cos 2\theta$, and − drives +:
#
# $$ \dot a_- = -\tfrac{\gamma_-}{2}a_- + \text{noise} \qquad
# \dot a_+ = -\tfrac{\gamma_+}{2}a_+ + R\,a_-^\dagger + \text{noise}
# \qquad R=-\sqrt{\Gamma_+\Gamma_-}\,\sin(\theta_+-\theta_-) $$
#
# The noise of the light is the same for both, with opposite sign in what matters, because one mass is negative.
#
# **The number.** Someone measures X₋ and predicts X₊ from it, with the best gain; likewise P. What is left of the
# variance of + is
#
# $$ E_{+|-} = V_+ - \frac{\langle X_+X_-\rangle^2}{V_-} , $$
#
# and $E_{+|-}<\tfrac12$, the variance of the vacuum, means that − steers +. $E_{-|+}$ is the same with + and −
# exchanged. The paper's Eq. (4) gives the three moments. Written by hand, in units of $\tilde\gamma_0$, with the
# paper's hot baths (0.1 Hz and 10⁵ quanta):


# %%
def steering_by_hand(c_minus, c_plus, theta_minus, theta_plus, occupation=1e5):
    """E₊|₋ and E₋|₊ by Eqs. (4), (6) and (7) of the paper, without loss; angles in radians, equal baths."""
    damping = 1 / (occupation + 0.5)
    gamma_minus, gamma_plus = (
        damping - c * np.cos(2 * theta) for c, theta in ((c_minus, theta_minus), (c_plus, theta_plus))
    )
    drive = -np.sqrt(c_plus * c_minus) * np.sin(theta_plus - theta_minus)
    v_minus = (c_minus / 2 + 1) / gamma_minus
    common = np.sqrt(c_plus * c_minus) * np.sin(theta_plus + theta_minus)
    correlation = -(common - 2 * drive * v_minus) / (gamma_plus + gamma_minus)
    v_plus = (c_plus / 2 + 1 + 2 * drive * correlation) / gamma_plus
    return v_plus - correlation**2 / v_minus, v_minus - correlation**2 / v_plus


by_hand = steering_by_hand(50, 50, 0.35 * np.pi, 0.40 * np.pi)
print("by hand: E+|- = {:.6f}, E-|+ = {:.6f}".format(*by_hand))
assert np.allclose(by_hand, list(point.steady().unconditional.values()), rtol=1e-9)

# %% [markdown]
# These are the numbers in the first line of the table above, which the package computes from a matrix equation. The
# second line, given a record of the light that leaves +, is the subject of
# [the next tutorial](02-conditional-or-unconditional.py).
#
# **Who steers whom?** The right column of the paper's Fig. 2 shows both E against C₊/C₋ at C₋ = 50, the left column
# the regions of the plane. A scan computes a grid of working points at once. Here is the lowest row of the figure, θ₊
# = 0.40 π:

# %%
ratio = np.geomspace(0.05, 20, 2001)
cut = point.scan({"c_plus": 50 * ratio})
strength = np.geomspace(1, 100, 201)
plane = point.scan({"c_minus": strength, "c_plus": strength})
ways = {
    "plus_given_minus": ("$E_{+|-}$: $-$ steers $+$", "C0", "--"),
    "minus_given_plus": ("$E_{-|+}$: $+$ steers $-$", "C1", "-"),
}
figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.4), layout="constrained")
for way, (name, colour, dashes) in ways.items():
    left.contour(strength, strength, plane.unconditional[way].T, levels=[0.5], colors=colour, linestyles=dashes)
    right.plot(ratio, cut.unconditional[way], color=colour, linestyle=dashes, label=name)
left.set(xscale="log", yscale="log", xlabel="$C_-$", ylabel="$C_+$", title="where $E=1/2$")
left.text(33, 55, "two-way")
right.axhline(0.5, color="0.6", linewidth=0.8)
right.set(xlabel="$C_+/C_-$", ylabel="$E$", xlim=(0, 10), ylim=(0.25, 0.8), title="$C_-=50$")
right.legend(frameon=False)
plt.show()

# %% [markdown]
# Both directions steer in a window of C₊/C₋. Just below it only + steers −, just above it only − steers +: the
# strength of the second coupling turns the direction around. Where does the window end?

# %%
both = np.all([cut.unconditional[way] < 0.5 for way in ways], axis=0)
window = ratio[both][[0, -1]]
print(f"both steer for C+/C- from {window[0]:.2f} to {window[1]:.2f}")
from_below = strength[plane.unconditional["plus_given_minus"][-1] < 0.5][0] / 100
from_above = 100 / strength[plane.unconditional["minus_given_plus"][:, -1] < 0.5][0]
print(f"at the edges of the plane, where C- or C+ is 100, from {from_below:.2f} to {from_above:.2f}")
assert np.allclose(window, (0.49, 3.65), atol=0.01)
assert np.allclose((from_below, from_above), (0.45, 3.30), atol=0.03)

# %% [markdown]
# The paper writes "0.45 to 3.2" below its map: those are the ends at the edges of the map, as far as one can read
# them, and along the cut the window is wider. All its statements are checked in this way in
# [CLAIMS.md](../../analysis/paper/claims/CLAIMS.md).
#
# **The best stable pair.** Given C₋, which angles and which C₊ make E₊|₋ smallest? The paper demands γ± > 0. A search
# over the three finds:

# %%
given = np.array([1, 1.5, 2, 3, 5, 10, 20, 50, 100, 300, 1000])
best = [cs.WorkingPoint(c_minus=c).optimum(conditional=False) for c in given]
smallest = np.array([each.E["plus_given_minus"] for each in best])
points = [each.points["plus_given_minus"] for each in best]
print("  C-    E+|-   E sqrt(C-)  theta-/pi  theta+/pi  C+/C-")
for c, E, at in zip(given, smallest, points, strict=True):
    angles = f"{at.theta_minus_pi:9.4f}  {at.theta_plus_pi:9.4f}"
    print(f"{c:6g}  {E:.4f}  {E * np.sqrt(c):9.4f}  {angles}  {at.c_plus / c:6.2f}")
assert np.allclose([at.theta_minus_pi for at in points], 0.25, atol=1e-5)
assert abs(smallest[-1] * np.sqrt(1000) - 1) < 2e-3
assert smallest[0] > 0.5 > smallest[1]

# %% [markdown]
# θ₋ is π/4 throughout: the oscillator − is read out, neither damped nor driven, at the edge of what is stable. At
# large C₋ both strengths become equal and E tends to $1/\sqrt{C_-}$. This can be understood in two lines. At θ₋ =
# π/4, with θ₊ = π/4 + δ and C₊ = C₋ = C, the combination of + and − that is left settles at the rate γ₊ = Γ sin 2δ.
# Two kinds of noise feed it: thermal noise of both oscillators, and the noise of the light, which cancels except for
# a part of order δ²:
#
# $$ E_{+|-} \approx \frac{2\tilde\gamma_0 + \tfrac12\Gamma\delta^2}{2\Gamma\delta} = \frac{1}{C\delta}+\frac{\delta}{4}
# \quad\Rightarrow\quad \delta = \frac{2}{\sqrt C},\quad E_{+|-} = \frac{1}{\sqrt C} . $$
#
# Damp + more, and its thermal noise matters less; damp it less, and the light cancels better.

# %%
turn = [np.pi * (at.theta_plus_pi - 0.25) for at in points]
assert abs(turn[-1] / (2 / np.sqrt(1000)) - 1) < 0.01
many = np.geomspace(1, 1000, 100)
figure, axes = plt.subplots(layout="constrained")
axes.loglog(given, smallest, "o", label="the best stable pair, by search")
axes.loglog(many, 1 / np.sqrt(many), color="C1", label=r"$1/\sqrt{C_-}$")
axes.axhline(0.5, color="0.6", linewidth=0.8)
axes.set(xlabel="$C_-$", ylabel="smallest $E_{+|-}$")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# At small C₋ the search does better than the formula of large C₋, which would have steering only from C₋ = 4 on: it
# begins at C₋ = 1.
#
# **Is it true?** A closed form is only as good as its derivation. So simulate: the light is measured, each trajectory
# has a record of its own, and the means of the oscillators follow it at random. V without the record is V given it
# plus the scatter of the means over many trajectories. No formula of the paper enters. 4000 trajectories from the
# ground state:

# %%
run = point.simulate(duration_units=1, saves=10, trajectories=4000, initial="ground", seed=1)
seen = run.over_time.unconditional["plus_given_minus"]
exact = point.transient(times_s=run.times, initial="ground").unconditional["plus_given_minus"]
error = np.array([(each.high - each.low) / (2 * 1.96) for each in seen[1:]])
off = np.array([each.value for each in seen[1:]]) - exact[1:]
print(f"E+|- at the end: {seen[-1].value:.4f} in [{seen[-1].low:.4f}, {seen[-1].high:.4f}], exact {exact[-1]:.4f}")
# 10 estimates, each further off than 5.5 standard errors with a probability of 4e-8
assert np.all(np.abs(off) < 5.5 * error)
assert np.all(error < 0.005 * exact[1:])

# %%
times = np.linspace(0, 1, 201)
curve = point.transient(times_units=times, initial="ground")
figure, axes = plt.subplots(layout="constrained")
for way, (name, colour, dashes) in ways.items():
    each = run.over_time.unconditional[way]
    value, low, high = np.array([(one.value, one.low, one.high) for one in each]).T
    axes.plot(times, curve.unconditional[way], color=colour, linestyle=dashes, label=f"exact, {name}")
    axes.errorbar(run.times / run.time_unit, value, [value - low, high - value], fmt=".", color=colour, capsize=2)
    axes.axhline(point.steady().unconditional[way], color=colour, linewidth=0.6)
axes.axhline(0.5, color="0.6", linewidth=0.8)
axes.set(xlabel=r"time in units of $1/\tilde\gamma_0$", ylabel="$E$ without the record")
axes.legend(frameon=False)
plt.show()
assert np.isclose(curve.unconditional["plus_given_minus"][-1], by_hand[0], rtol=1e-3)

# %% [markdown]
# The points are the trajectories with their 95 % intervals, the curves the exact E(t), the thin lines the closed form
# of the steady state, which is reached in less than one time unit of 16 µs. They agree.
#
# **What was found.** The light of a stable pair makes steering in both directions, which C₊/C₋ turns around; the best
# pair has $E_{+|-}\to1/\sqrt{C_-}$, at θ₋ = π/4. This optimum is not a minimum but the edge of what the paper allows:
# what lies beyond is in [the sixth tutorial](06-beyond-stability.py).
#
# **What to try.** Put a `loss=0.2` into the search: E no longer falls with C₋ without bound, but tends to
# $\sqrt\varepsilon/2$. Put `bath_plus="vacuum"`: which direction gains? Scan `theta_plus_pi` at fixed strengths, and
# find the paper's Fig. 3.
#
# To read next: [does measuring the light help?](02-conditional-or-unconditional.py),
# [how soon is there steering?](04-how-soon-is-there-steering.py); the derivation in
# [section 5 of the theory](../../sim/README.md#5-the-rotating-wave-in-two-amplitudes). From a terminal:
# `steering steady`, `steering scan`, `steering optimum`, and all figures of the paper by `steering figures`.
