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
# # How does a measured record become E?
#
# Who has measured the light behind the two oscillators holds a file of voltages, and wants a steering parameter. The
# answer in short: the record gives the *means* of the oscillators; their covariance, and with it E, follows from the
# *parameters* of the experiment. So one asks the record three things: does it fit the parameters, which parameters
# fit it best, and does it confirm the covariance by itself? You need to know what a Kalman filter is, and nothing of
# this package. All data here are simulated.
#
# $$ \mathrm{d}Y_k = \sqrt{\eta_k}\,\langle L_k + L_k^\dagger\rangle\,\mathrm{d}t + \mathrm{d}W_k $$

# %%
import tempfile
import textwrap
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import cascade_steering as cs

point = cs.WorkingPoint(
    c_minus=50, c_plus=50, theta_minus_pi=0.35, theta_plus_pi=0.40, loss=0.1, efficiency=0.9, scheme="heterodyne"
)
print(point.steady())
print(f"times are in units of {1e6 * point.time_unit:.1f} us")

# %% [markdown]
# E₊|₋ is below ½, so measuring the first oscillator steers the second; the record of the light makes E a little
# smaller. Both quadratures of the light are read here (`scheme="heterodyne"`); the last step says why.
#
# **A file.** Twenty runs of the same experiment, 60 units of time each, are simulated and written as netCDF. One
# record would also be a CSV file: a line for each interval, with the end of the interval, and dY of each channel.

# %%
folder = tempfile.TemporaryDirectory()
file = Path(folder.name) / "records.nc"
simulated = point.simulate(duration_units=60, saves=6000, trajectories=20, keep=20, seed=1)
cs.save_record(simulated.record, file)
first = Path(folder.name) / "first.csv"
cs.save_record(replace(simulated.record, values=simulated.record.values[:1]), first)
print("\n".join(line[:36] for line in first.read_text().splitlines()[1:4]))

# %% [markdown]
# **Filter it.** `open_record` reads the file, and `filter` returns what is known of the oscillators after each
# interval. `smooth=True` asks also what the record *after* each time says.

# %%
record = cs.open_record(file)
found = point.filter(record, smooth=True)
print(found)

# %%
time = found.times / point.time_unit
early = slice(0, 120)
spread = np.sqrt(found.covariance[early, 0, 0])
figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(6.4, 5.0), layout="constrained")
above.plot(time[1:121], record.values[0, :120, 0] / np.sqrt(record.interval), ".", color="0.4", markersize=3)
above.set_ylabel("dY of the cosine part /√h")
below.plot(time[early], found.mean[0, early, 0], label="mean of X₋ given the record so far")
below.fill_between(
    time[early],
    found.mean[0, early, 0] - spread,
    found.mean[0, early, 0] + spread,
    alpha=0.25,
    label="± its standard deviation",
)
below.set_ylabel("X₋")
below.set_xlabel("time in units of 1/γ̃₀")
below.legend(frameon=False)
plt.show()

# %% [markdown]
# The record is almost white noise: the signal is far below the noise of one interval. The filter finds it
# nevertheless.
#
# **E does not come from the values.** Filter another of the twenty records: the means are others, E is the same to
# the last bit, since the covariance obeys a Riccati equation in which no value of the record stands ([section 8 of
# the theory](../../sim/README.md#8-steering-and-its-estimate)).

# %%
one, other = (point.filter(replace(record, values=record.values[k : k + 1])) for k in (0, 1))
way = "plus_given_minus"
print("the means differ by up to", np.abs(one.mean - other.mean).max().round(1))
print("E is the same at all times:", np.array_equal(one.E[way], other.E[way]))
assert np.array_equal(one.E[way], other.E[way])
# sums over intervals of 0.01 lose of E what is of second order in their length
assert abs(found.E[way][-1] / point.steady().conditional[way] - 1) < 1e-3

# %% [markdown]
# **So first ask whether the parameters are right.** If they are, the record less its prediction is white noise of
# unit variance. The verdict above said so, from some four hundred statistics with a false alarm in a thousand records
# at most. Parameters that are somewhat wrong do not pass; and without the verdict their E would look as good as any:

# %%
guess = replace(point, c_minus=40, c_plus=60, efficiency=0.8)
wrong = guess.filter(record)
print(f"E+|- = {wrong.E[way][-1]:.4f}, and")
print("\n".join(textwrap.wrap(repr(wrong).splitlines()[-1], 100)))
assert found.fits
assert not wrong.fits

# %% [markdown]
# **Then fit.** The search begins at the guess. `steering` gives E at the fitted point, with the interval that the
# record leaves: the profile likelihood over everything that was fitted. Everything else was taken as known, which is
# a strong statement: [what a record cannot tell](12-what-can-a-record-not-tell.py).

# %%
fit = guess.fit(record, ["c_minus", "c_plus", "efficiency"])
left = fit.steering(directions=[way], gain=False)
print(fit, left, sep="\n\n")
fitted = left.E[way]
truth = {"c_minus": 50, "c_plus": 50, "efficiency": 0.9}
assert fit.fits
# 5 standard errors: a fit is further off with a probability of 6e-7
assert all(abs(fit.estimates[name] - value) < 5 * fit.standard_errors[name] for name, value in truth.items())

# %% [markdown]
# **What came after is known as well.** In the middle of a record the *smoothed* state is given past and future. It is
# sharper than the filtered one, and E of it is smaller, but it is known only afterwards.

# %%
unit = {"filtered": found.E[way], "smoothed": found.smoothed.E[way]}
figure, axes = plt.subplots(layout="constrained")
for (name, values), style in zip(unit.items(), ("-", "--"), strict=True):
    axes.plot(time[:400], values[:400], style, label=name)
axes.axhline(point.steady().unconditional[way], color="0.6", linewidth=1, label="without the record")
axes.set_xlabel("time in units of 1/γ̃₀")
axes.set_ylabel("E₊|₋")
axes.set_xlim(0, 2)
axes.legend(frameon=False)
plt.show()
middle = len(time) // 2
print(f"at t = 30: filtered {unit['filtered'][middle]:.4f}, smoothed {unit['smoothed'][middle]:.4f}")
assert unit["smoothed"][middle] < unit["filtered"][middle] < point.steady().unconditional[way]

# %% [markdown]
# **Does the record confirm E by itself?** Let x̂_F be the mean given the past of a time, x̂_R that given its future.
# Their errors have independent noise, so that whatever x was
#
# $$ \mathrm{Cov}(\hat x_F - \hat x_R) = V_F + V_R . $$
#
# The left side is *measured*, at many times that are far enough apart. With $V_R$ of the model it gives the
# covariance of the filter, and E, although no oscillator was measured ([verified by
# records](../../sim/README.md#verified-by-records-alone)).

# %%
alone = found.by_records_alone()
seen = alone.steering[way]
print(f"{alone.pieces} differences: E+|- = {seen.value:.3f}, with 95 % in {seen.low:.3f} .. {seen.high:.3f}")
print(f"a standard error of 10 % of E takes {alone.needed[way]:.0f}")
error = 0.1 * alone.exact[way] * np.sqrt(alone.needed[way] / alone.pieces)
# 5.5 standard errors, 4e-8, and a little more for the χ² law
assert abs(seen.value - alone.exact[way]) < 5.5 * error
assert seen.high < 0.5

# %% [markdown]
# The whole interval is below ½. One homodyne quadrature would need a million differences for this, because past and
# future then show different combinations of the oscillators: that is why both quadratures were read.

# %%
single = cs.needed_pieces(replace(point, scheme="homodyne").model, way)
print(f"with one quadrature: {single.pieces:.2g} differences")
assert single.pieces > 1e6

# %%
rows = [
    ("parameters known", point.steady().conditional[way], None),
    ("fitted to the record", fitted.value, fitted.profile.interval),
    ("record alone", seen.value, (seen.low, seen.high)),
]
figure, axes = plt.subplots(figsize=(6.4, 2.4), layout="constrained")
for row, (_, value, ends) in enumerate(rows):
    axes.plot(value, row, "o", color="C0")
    if ends is not None:
        axes.plot(ends, (row, row), color="C0")
axes.axvline(0.5, color="0.3", linestyle=":")
axes.text(0.498, 2.3, "steering below ½", ha="right", va="top")
axes.set_yticks(range(3), [name for name, *_ in rows])
axes.set_ylim(-0.5, 2.5)
axes.set_xlabel("E₊|₋, with 95 %")
plt.show()
folder.cleanup()

# %% [markdown]
# **What was found.** The record fits its parameters; fitted from a wrong guess it gives E to a percent, as far as the
# other parameters are known; and the differences between past and future confirm steering without them having to be
# trusted for what happened before.
#
# **What to try.** Set `lo_phase_pi=0.4` in the filter: does the judge notice, does the record alone? Use
# `scheme="homodyne"` throughout, and look at `alone.needed`. Take 5 records instead of 20: which intervals become
# twice as wide?
#
# The same from a terminal: `steering filter` with `--smooth`, and `steering fit`. A file as an instrument writes it:
# [from a lock-in file to E](14-from-a-lock-in-file-to-e-with-an-honest-error.py). How many records one needs: [how
# long must I measure](13-how-long-must-i-measure.py).
