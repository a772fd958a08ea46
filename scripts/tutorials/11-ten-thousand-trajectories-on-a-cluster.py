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
# # How do I run ten thousand trajectories on a cluster?
#
# A large ensemble has to survive the end of a job, has to be shared among machines, and must not depend on either. The
# answer: give the run a directory (`--out RUN`), give each job a part (`--part 3/20`), and merge. A trajectory depends
# on the seed and on its number alone, so the result is the same for any partition, to the last bit on machines of one
# kind. You need to know how a job is submitted on your cluster; everything that is run here is small and exact, and of
# the same form. Nothing is submitted.

# %%
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import cascade_steering as cs

# %% [markdown]
# **The script.** This is for SLURM, with twenty jobs of eight cores and the Fock engine, which makes no Gaussian
# assumption and takes some tenths of a second for a trajectory of 5/γ̃₀.

# %%
SCRIPT = """\
#!/bin/bash
#SBATCH --job-name=steering --array=1-20 --cpus-per-task=8 --mem=4G --time=04:00:00 --requeue
source ENVIRONMENT/bin/activate
exec steering simulate --engine fock --c-minus 10 --c-plus 16 --theta-minus 0.3 --theta-plus 0.41 \\
    --trajectories 10000 --seed 1 --jobs "$SLURM_CPUS_PER_TASK" \\
    --part "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --out "RUN-$SLURM_ARRAY_TASK_ID"
"""
print(SCRIPT)

# %% [markdown]
# `--trajectories` and `--seed` are those of the whole ensemble, and the same in all jobs. A job that is stopped is
# submitted again, by `--requeue` or by hand: the same command continues where it ended.
#
# **The same here.** Three parts instead of twenty, and the exact engine for Gaussian states, for which ten thousand
# trajectories take a second. Suppose that the second of three jobs never ran.


# %%
temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)


def steering(*arguments):
    """The output of the command in the folder of this tutorial."""
    line = [sys.executable, "-m", "cascade_steering", *arguments]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


options = ["--c-minus", "10", "--c-plus", "16", "--theta-minus", "0.3", "--theta-plus", "0.41", "--duration", "5"]
ensemble = [*options, "--trajectories", "10000", "--seed", "1", "--jobs", "1", "--quiet", "--json"]
for part in (1, 3):
    steering("simulate", *ensemble, "--part", f"{part}/3", "--out", f"RUN-{part}")
print(sorted(path.relative_to(folder).as_posix()[:40] for path in folder.rglob("*.npz")))

# %% [markdown]
# Each finished block is a file whose name has the numbers of its trajectories. It is written whole or not at all and
# never changed: there is no list of blocks that could be wrong. `merge` copies them together and says what is missing,
# as `steering status RUN` does at any time.

# %%
status = json.loads(steering("merge", "RUN", "RUN-1", "RUN-3", "--json"))
print("trajectories:", status["trajectories"], "- blocks:", status["blocks"], "- missing:", status["missing"])
assert status["complete"] is False
assert status["missing"] == [[2000, 5999]]

# %% [markdown]
# The lost job is submitted again and merged again, or `resume` computes what is missing, on any machine:

# %%
steering("resume", "RUN", "--quiet", "--json")
status = json.loads(steering("status", "RUN", "--json"))
print("complete:", status["complete"])
by_commands = cs.open_result(folder / "RUN")
print(by_commands)
assert status["complete"] is True

# %% [markdown]
# **Is it what one job would have computed?** We ask Python, with everything in one process and no directory.

# %%
point = cs.WorkingPoint(c_minus=10, c_plus=16, theta_minus_pi=0.3, theta_plus_pi=0.41)
at_once = point.simulate(duration_units=5, saves=20, trajectories=10_000, seed=1)
names = ("mean", "scatter", "conditional_covariance")
print({name: np.array_equal(at_once.dataset[name], by_commands.dataset[name]) for name in names})
assert all(np.array_equal(at_once.dataset[name], by_commands.dataset[name]) for name in names)

# %% [markdown]
# Bit for bit. The reason is the random numbers: those of trajectory i are a function of the seed and of i, and blocks
# are added up in the order of their numbers, whoever computed them. (On processors of another kind the last digits
# differ, and such parts can still be merged.)
#
# **From Python.** A `RunDirectory` is such a directory for any model and any engine, also of your own. Let a run end
# after some blocks, as a job does that is out of time, and let the same lines continue it.

# %%
engine = cs.Gaussian(block=200)
start = point.initial_state("stationary")
grid = cs.grid_for(engine, point.model, start, 5 * point.time_unit, saves=20)
problem = {
    "model": point.model, "method": engine, "grid": grid, "initial": start, "trajectories": 4000, "seed": 1,
}  # fmt: skip


def out_of_time(so_far, _checked):
    """Whether to stop, asked after each block with all so far, and what an engine found of its steps."""
    return so_far.count >= 1200


store = cs.RunDirectory.open(folder / "MINE", **problem)
cs.simulate(**problem, store=store, watch=out_of_time)
store = cs.RunDirectory.open(folder / "MINE", **problem)
print("blocks when it was stopped:", len(store.done()))
assert len(store.done()) == 6

continued = cs.Simulated(cs.simulate(**problem, store=store))
uninterrupted = cs.Simulated(cs.simulate(**problem))
print(
    "blocks at the end:",
    len(store.done()),
    "- as without the stop:",
    continued.dataset.identical(uninterrupted.dataset),
)
assert len(store.done()) == 20
assert continued.dataset.identical(uninterrupted.dataset)

# %% [markdown]
# A directory belongs to one problem. With another seed, say, it is refused, and the message names the difference:

# %%
try:
    cs.RunDirectory.open(folder / "MINE", **(problem | {"seed": 2}))
except ValueError as error:
    message = str(error).replace(f"{folder}/", "")
print(message)
assert "seed" in message

# %% [markdown]
# `cs.merge(into, parts)` and `part=(3, 20)` of `cs.simulate` do from Python what the commands do.
#
# **How many trajectories does one need?** E given the record is exact here, and E without it follows from the scatter
# of the conditional means, which is what is sampled. Its interval shrinks with the root of the number.

# %%
numbers = np.array([300, 1000, 3000, 10_000])
estimates = [
    point.simulate(duration_units=5, saves=1, trajectories=int(n), seed=3).d["plus_given_minus"] for n in numbers
]
exact = point.steady().d["plus_given_minus"]
half_widths = np.array([(each.high - each.low) / 2 for each in estimates])
slope = np.polyfit(np.log(numbers), np.log(half_widths), 1)[0]
for n, each, width in zip(numbers, estimates, half_widths, strict=True):
    print(f"{n:6} trajectories: d = {100 * each.value:.3f} % +- {100 * width:.3f} %")
print(f"exact: {100 * exact:.3f} %; the half-width falls as N^{slope:.2f}")

figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
bars = np.array([[each.value - each.low, each.high - each.value] for each in estimates]).T
axes.errorbar(numbers, [100 * each.value for each in estimates], yerr=100 * bars, fmt="o", color="#1f4e9c", capsize=3)
axes.axhline(100 * exact, color="#d9762b", linestyle="--", label="exact")
axes.set(xscale="log", xlabel="trajectories", ylabel=r"$d = 1 - E_c/E_u$ of $E_{+|-}$ (%)")
axes.legend(frameon=False)
plt.show()

assert abs(slope + 0.5) < 0.1
temporary.cleanup()
# 2.6 half-widths are 5.1 standard errors, by which an estimate is off with a probability of 4e-7
assert all(abs(each.value - exact) < 2.6 * width for each, width in zip(estimates, half_widths, strict=True))

# %% [markdown]
# Ten thousand know d to some one and a half percent of itself. If you know what you want, say so, and the run ends
# there: `steering simulate --target d:0.05 --trajectories 1000000 --out RUN`; and `steering plan` says beforehand how
# many it will take.
#
# **What was found.** A run is a directory of blocks; parts of it are computed anywhere and merged; what is lost is
# computed again; and the numbers are those of a single process.
#
# **What to try.**
#
# - Damage a block: overwrite some bytes of a file in `RUN/blocks`, and ask `steering status RUN` and
#   `steering resume RUN`.
# - Put the script into a file, with your environment and `--engine gaussian`, and submit it.
# - `--trajectories 20000` for `steering resume RUN`: only the second half is computed.
#
# Read next: [On a cluster](../SLURM.md) has the other ways, one job on one node and Dask, and what is in a run;
# [Runs that last](../SLURM.md#runs-that-last) what may go wrong without harm.
