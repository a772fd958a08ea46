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
# # What can a record not tell?
#
# A record fits the model, the fit has small errors, E comes out at 0.45: is there steering? This page is for who is
# about to write that into a paper. The answer: a stationary homodyne record determines seven numbers of the thirteen
# that E depends on. Experiments with and without steering may have *exactly* the same record; which of them it was,
# only other measurements say. You should have seen [how a record becomes E](05-from-a-record-to-steering.py). All
# data here are simulated.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

import cascade_steering as cs

point = cs.WorkingPoint(c_minus=8, c_plus=10, theta_minus_pi=0.3, loss=0.1, efficiency=0.8, lo_phase_pi=0.2)
print(point.steady())

# %% [markdown]
# **Count.** In the rotating wave the record is one complex noise with the spectrum
#
# $$ S(\omega) = c^2\left( 1 + \frac{n_0 + n_1\omega + n_2\omega^2 + n_3\omega^3}
# {(\omega^2 + \gamma_-^2/4)(\omega^2 + \gamma_+^2/4)} \right) . $$
#
# It has seven numbers: the calibration $c$, two damping rates, four coefficients. A Gaussian process holds nothing
# beyond its spectrum. `information` gives the Fisher information per second of a record that has not been taken yet,
# and its rank says how many numbers can be known ([what a record leaves
# open](../../sim/README.md#what-a-record-leaves-open)).

# %%
everything = [
    "c_minus", "c_plus", "theta_minus_pi", "theta_plus_pi", "linewidth_minus_hz", "linewidth_plus_hz",
    "occupation_minus", "occupation_plus", "loss", "path_phase_pi", "lo_phase_pi", "efficiency", "calibration",
]  # fmt: skip
ranks = {}
for scheme in ("homodyne", "heterodyne"):
    general = replace(point, scheme=scheme, path_phase_pi=0.1)
    ranks[scheme] = general.information(everything, interval_s=0.02 * point.time_unit).rank
    print(f"{scheme}: {ranks[scheme]} of {len(everything)} numbers are determined")
assert ranks == {"homodyne": 7, "heterodyne": 11}

# %% [markdown]
# (A heterodyne record of baths with few quanta determines 12. Of these hot baths it shows linewidth times occupation
# alone.)
#
# **Walk where the record sees nothing.** Of seven parameters of the experiment a continuous homodyne record
# determines six. So there is one direction, at each working point, in which all seven can be changed together while
# the record stays as it is: the eigenvector of the information with the eigenvalue 0. Follow it in small steps, in
# both directions, until a parameter has no meaning any more.

# %%
names = ["c_minus", "c_plus", "theta_minus_pi", "theta_plus_pi", "loss", "lo_phase_pi", "efficiency"]
start = np.array([getattr(point, name) for name in names])
# what is a large step of each parameter
size = np.array([point.c_minus, point.c_plus, 0.3, 0.3, 1.0, 1.0, 1.0])


def at(values: np.ndarray) -> cs.WorkingPoint:
    """The working point with these values."""
    return replace(point, **dict(zip(names, values, strict=True)))


def unseen(values: np.ndarray, before: np.ndarray) -> np.ndarray:
    """The direction that the record does not show, on the side of the one before."""
    information = at(values).information(names).rate
    scale = 1 / np.sqrt(np.diag(information))
    direction = scale * np.linalg.eigh(information * np.outer(scale, scale))[1][:, 0]
    return np.sign(direction @ before) * direction / np.linalg.norm(direction / size)


def walk(step: float) -> list[np.ndarray]:
    """Points along it, by the midpoint rule, until a parameter leaves its range."""
    along, here, before = [], start, step * np.eye(len(names))[-1]
    while len(along) < 15:
        try:
            middle = here + abs(step) / 2 * unseen(here, before)
            before = unseen(middle, before)
            here = here + abs(step) * before
            at(here)
        except ValueError:
            break
        along.append(here)
    return along


line = [*reversed(walk(-0.06)), start, *walk(0.06)]
for title, values in (("one end", line[0]), ("in between", start), ("other end", line[-1])):
    print(f"{title:12}", ", ".join(f"{name} {value:.2f}" for name, value in zip(names, values, strict=True)))

# %% [markdown]
# **One record, all of them.** Simulate a record at the point in between, and ask of each point of the line how
# probable the record is, whether it fits, and what E is.

# %%
record = point.simulate(duration_units=100, saves=2000, trajectories=14, keep=14, seed=5).record
filtered = [at(values).filter(record) for values in line]
unlikely = np.array([each.log_likelihood for each in filtered]) - point.filter(record).log_likelihood
E = {way: np.array([at(values).steady().conditional[way] for values in line]) for way in point.steady().conditional}
print("all fit:", all(each.fits for each in filtered))
print(f"log p differs by at most {np.abs(unlikely).max():.0e}, rounded")
for way, values in E.items():
    print(f"{way:17} {values.min():.2f} .. {values.max():.2f}")
# the error of the midpoint rule; a difference of 2 would be two standard errors
assert np.abs(unlikely).max() < 0.05
assert all(each.fits for each in filtered)
assert E["minus_given_plus"].min() < 0.4
assert E["minus_given_plus"].max() > 0.55

# %%
efficiency = [values[-1] for values in line]
figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(6.4, 5.0), layout="constrained")
for way, style, label in (("plus_given_minus", "--", "E₊|₋"), ("minus_given_plus", "-", "E₋|₊")):
    above.plot(efficiency, E[way], style, label=label)
above.axhline(0.5, color="0.3", linestyle=":", linewidth=1)
above.plot(point.efficiency, point.steady().conditional["minus_given_plus"], "ko", markersize=4)
above.set_ylabel("E given the record")
above.legend(frameon=False)
below.plot(efficiency, unlikely, color="k")
below.axhline(-1.92, color="0.6", linestyle="--", linewidth=1)
below.text(efficiency[-1], -1.8, "end of a 95 % interval", ha="right")
below.set_ylim(-2.2, 0.3)
below.set_ylabel("log p − log p of the truth")
below.set_xlabel("efficiency along the line (all seven parameters change)")
plt.show()

# %% [markdown]
# The likelihood is flat, and E₋|₊ crosses ½ on the way. No length of the record helps, and no better analysis: these
# experiments have the same record.
#
# **So a fit is as sure as what it was told.** Fit the cooperativities alone, once told the truth about the other
# numbers, and once what is true near one end of the line. Both fit, equally well, and each gives a narrow interval
# for E.

# %%
way = "minus_given_plus"
sure = []
for told in (point, at(line[2])):
    fit = told.fit(record, ["c_minus", "c_plus"])
    found = fit.steering(directions=[way], gain=False).E[way]
    sure.append(found.profile.interval)
    print(
        f"efficiency {told.efficiency:.2f} taken as known: E-|+ in {sure[-1][0]:.3f} .. {sure[-1][1]:.3f}, "
        f"fits: {fit.fits}, log p {fit.fit.log_likelihood:.2f}"
    )
    assert fit.fits
assert sure[1][1] < sure[0][0] or sure[0][1] < sure[1][0]

# %% [markdown]
# The intervals do not even overlap, and the second one does not hold the truth. What is honest is to say what is not
# known, `free`, and to take the profile over it as well. Let it be the efficiency, told at 0.57:

# %%
honest = fit.steering(free=["efficiency"], directions=[way], gain=False)
print(honest)
print(f"truth: {point.steady().conditional[way]:.3f}")
low, high = honest.E[way].profile.interval
assert high - low > sure[1][1] - sure[1][0]
assert high < point.steady().conditional[way]

# %% [markdown]
# The interval is a little longer, and still does not hold the truth, since loss and angles had been told wrong as
# well. An interval knows nothing of what is not in its list: `free` has to name *everything* that is not known from
# elsewhere.

# %% [markdown]
# **Which errors would the record show?** `detectable` says how wrong a parameter may be before a record of this
# length shows it with a probability of 90 %, at a false alarm of one in a thousand: if all others are known, and if
# all of the list are fitted beside it.

# %%
seconds = 14 * 100 * point.time_unit
known = {scheme: replace(point, scheme=scheme).information(names).detectable(seconds) for scheme in ranks}
print(f"{'':16}{'alone':>10}{'beside the others':>20}{'heterodyne, beside':>20}")
for name in names:
    columns = (known["homodyne"].alone, known["homodyne"].beside_others, known["heterodyne"].beside_others)
    print(f"{name:16}{columns[0][name]:10.2g}{columns[1][name]:20.2g}{columns[2][name]:20.2g}")
assert all(np.isinf(value) for value in known["homodyne"].beside_others.values())
assert all(np.isfinite(value) for value in known["heterodyne"].beside_others.values())

# %% [markdown]
# Alone, an efficiency that is wrong by 0.13 would be noticed; beside the other six, none of them ever is. With both
# quadratures of the light (`scheme="heterodyne"`) all seven are determined, though from records of this length not
# well.
#
# **What was found.** A stationary homodyne record cannot tell steering from no steering unless some numbers are known
# from elsewhere: an efficiency measured with a lamp, the loss between the oscillators, the angles from the
# laboratory. Then E has an interval, and `free` says how wide it is. Better, read both quadratures, or let the record
# verify the covariance itself ([from a record to steering](05-from-a-record-to-steering.py)), or measure both
# oscillators at the end of each run.
#
# **What to try.** Fix the efficiency and leave it out of `names`: the line is gone; how much information has the worst
# direction then? Begin the walk at `lo_phase_pi=0.5`: which parameter does not change? Let the light be squeezed,
# `squeezing_db=6`: how many numbers are determined then?
#
# From a terminal: `steering fit` with `--free` and `--detectable`. Next: [how long must I
# measure](13-how-long-must-i-measure.py).
