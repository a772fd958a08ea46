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
# # From a lock-in file to E: with which error?
#
# A lock-in amplifier writes millivolts with decimal commas, pauses when it changes its range, and hears the mains.
# What does one have to say about such a file before it becomes a steering parameter, and how sure is that then? The
# answer: name the columns, let the white floor of the record calibrate it, read what the judge says, mend that, and
# give E with everything free that is not known. Two commands would do; here are the steps. You should have seen [how
# a record becomes E](05-from-a-record-to-steering.py). All data here are simulated.

# %%
import tempfile
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import cascade_steering as cs

bath = cs.Bath(linewidth_hz=1e-3, occupation=1e4)
point = cs.WorkingPoint(
    c_minus=10, c_plus=20, theta_minus_pi=0.3, loss=0.1, efficiency=0.9, bath_minus=bath, bath_plus=bath,
    scheme="heterodyne",
)  # fmt: skip
way = "plus_given_minus"
print(
    f"E+|- given the record: {point.steady().conditional[way]:.4f}; "
    f"times are in units of {1e3 * point.time_unit:.1f} ms"
)

# %% [markdown]
# **The file**, as if from an instrument. A record is simulated, and the mains are added at 50 Hz (in standard
# deviations of the vacuum noise of an interval, 0.3 in one channel and 0.2 in another). Then it is written as a
# current in mV: four columns, two for each of the two quadratures of the light, gains that nobody wrote down, and a
# tenth of a second missing.

# %%
record = point.simulate(duration_units=80, saves=4000, trajectories=1, keep=1, seed=4).record
hum = cs.with_faults(record, (cs.fault_of("line:0.3:50@cosine"), cs.fault_of("line:0.2:50@sine")))
millivolts = hum.values[0] / record.interval * np.array([12.3, 12.4, 11.9, 11.8])
rows = np.column_stack([1e3 * record.times, millivolts])
rows = np.delete(rows, slice(2000, 2314), axis=0)
text = [";".join(f"{value:.7g}" for value in row).replace(".", ",") for row in rows]
folder = tempfile.TemporaryDirectory()
file = Path(folder.name) / "lock-in.txt"
file.write_text("\n".join(["% lock-in, two quadratures", "Time (ms);X1 (mV);Y1 (mV);X2 (mV);Y2 (mV)", *text, ""]))
print("\n".join(file.read_text().splitlines()[:4]))

# %% [markdown]
# **Read it.** Decimal commas, semicolons and comments are understood. What could mean two things is not guessed: the
# first answers are refusals, each of which says what is missing. (The options in brackets are those of `steering
# filter`, named alike.)


# %%
def said(text: str) -> None:
    """Print a long sentence in lines."""
    print("\n".join(textwrap.wrap(text.replace(folder.name + "/", ""), 100)))


columns = {
    "time": "Time (ms)",
    "cosine": "X1 (mV)",
    "sine": "Y1 (mV)",
    "cosine_orthogonal": "X2 (mV)",
    "sine_orthogonal": "Y2 (mV)",
}
refused = []
for known in ({}, {"columns": columns}):
    try:
        cs.open_record(file, **known)
    except ValueError as error:
        refused.append(str(error))
        said(refused[-1])
assert len(refused) == 2

# %% [markdown]
# A lock-in gives a current, averaged over each interval. The calibration is what makes vacuum noise dY² = dt. Where
# no signal follows, at high frequencies, the record *is* vacuum noise: `calibration="auto"` takes the white floor
# from there, and says how well it is known.

# %%
opened = cs.open_record(file, columns=columns, quantity="current", calibration="auto")
print(*opened.notes, sep="\n")
print("missing, in seconds:", [(round(start, 3), round(end, 3)) for start, end in opened.gaps])
gains = np.array([opened.scales[k] / record.interval * gain for k, gain in enumerate([12.3, 12.4, 11.9, 11.8])])
# 2.4/√N of N intervals, and 5.5 standard errors for four channels: 2e-7
assert np.all(np.abs(gains - 1) < 5.5 * 2.4 / np.sqrt(3686))
assert len(opened.gaps) == 1

# %% [markdown]
# **What the judge says.** In the gap the state simply goes on without being measured. But the record does not fit,
# and the cause is named, with what it does to the conditional means. E looks as good as ever, since it follows from
# the parameters alone.

# %%
found = point.filter(opened)
said(repr(found).splitlines()[-1])
print(f"E+|- = {found.E[way][-1]:.4f}")
assert not found.fits
assert "a line at 5" in repr(found) or "a line at 49." in repr(found)

# %% [markdown]
# **Mend it.** `notch_hz` fits a sine and a cosine of 50 Hz to each channel and subtracts them. This takes two of 3686
# degrees of freedom of each channel, which the likelihood knows. Nothing near 50 Hz is lost, as a filter would lose
# it.

# %%
mended = cs.open_record(file, columns=columns, quantity="current", calibration="auto", notch_hz=[50])
print(mended.notes[0])
found = point.filter(mended)
said(repr(found).splitlines()[-1])
assert found.fits


# %%
def spectrum(given: cs.Record) -> np.ndarray:
    """The periodogram of the first channel, with zeros in the gap, over that of vacuum noise."""
    values = np.nan_to_num(given.values[0, :, 0])
    return np.abs(np.fft.rfft(values)) ** 2 / given.interval / given.observed.sum()


frequency = np.fft.rfftfreq(record.values.shape[1], record.interval)
shown = (frequency > 20) & (frequency < 80)
figure, axes = plt.subplots(layout="constrained")
axes.semilogy(frequency[shown], spectrum(opened)[shown], color="C1", linewidth=1, label="as it was")
axes.semilogy(frequency[shown], spectrum(mended)[shown], color="C0", linewidth=1, label="without the line")
axes.set_ylim(1e-2, 1e3)
axes.set_xlabel("frequency in Hz")
axes.set_ylabel("power over that of vacuum noise")
axes.legend(frameon=False)
plt.show()
nearest = np.argmin(np.abs(frequency - 50))
print(f"at 50 Hz: {spectrum(opened)[nearest]:.0f} before, {spectrum(mended)[nearest]:.2f} after")
assert spectrum(opened)[nearest] > 10 * spectrum(mended)[nearest]

# %% [markdown]
# The line is a few points among thousands, spread by the gap; beside it the signal is left as it was.
#
# **E, with which error?** First the error that one is tempted to give: the cooperativities are fitted, and all else
# is as the manual says.

# %%
fit = point.fit(mended, ["c_minus", "c_plus"])
tempting = fit.steering(directions=[way], gain=False).E[way]
print(fit)
print("E+|- = {:.3f}, 95 % in {:.3f} .. {:.3f}".format(tempting.value, *tempting.profile.interval))
assert fit.fits

# %% [markdown]
# Then what is honest. The calibration came from the record itself, and nobody has measured the loss between the two
# oscillators, which is one number in the manual. `free` names both, and the interval is the profile over all four.

# %%
honest = fit.steering(free=["loss", "calibration"], directions=[way], gain=False).E[way]
print("E+|- = {:.3f}, 95 % in {:.3f} .. {:.3f}".format(honest.value, *honest.profile.interval))
widths = [high - low for low, high in (tempting.profile.interval, honest.profile.interval)]
print(f"{widths[1] / widths[0]:.1f} times as long")
truth = point.steady().conditional[way]
assert widths[1] > widths[0]
# 5.5 standard errors, 4e-8
assert abs(honest.value - truth) < 5.5 * widths[1] / 3.92

# %%
figure, axes = plt.subplots(figsize=(6.4, 2.2), layout="constrained")
for row, each in enumerate((tempting, honest)):
    axes.plot(each.profile.interval, (row, row), color="C0")
    axes.plot(each.value, row, "o", color="C0")
axes.axvline(truth, color="0.3", linestyle=":")
axes.text(truth, 1.45, " simulated with", va="top")
axes.set_yticks([0, 1], ["C₋, C₊ unknown", "and loss,\ncalibration"])
axes.set_ylim(-0.5, 1.5)
axes.set_xlabel("E₊|₋, with 95 %")
plt.show()
folder.cleanup()

# %% [markdown]
# **What was found.** A file needs four words: columns, quantity, calibration, and what the judge calls. E is then
# below ½ with an interval that holds for the unknowns that were named. Angles, efficiency and baths were still taken
# as known: what these do, and when no record can help, is on [its own page](12-what-can-a-record-not-tell.py).
#
# **What to try.** Set `calibration=0.09` instead of `"auto"`: what does the judge say? Add `"dropout:40"` to the
# faults; add `"gain:1.1"`, a gain that changes half way. Simulate a record of vacuum (`c_minus=0, c_plus=0`), write
# it the same way, and give it as `vacuum_record`. How small a fault is noticed: [a
# table](../../analysis/records/JUDGING.md).
#
# From a terminal: `steering filter` with `--columns`, `--quantity current`, `--calibration auto` and `--notch 50`,
# then `steering fit` with `--free`. [Records from outside](../../analysis/records/RECORDS.md) says what else is
# read.
