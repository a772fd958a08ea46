"""What does a trajectory cost, at equal accuracy? Our Fock engine, QuTiP and dynamiqs on one job, on one core.

    bash scripts/bench [--out DIR] [--contenders ours,qutip,dynamiqs] [--json] [--search] [--quick]
    bash scripts/bench --counting        clicks, against mcsolve and jsmesolve; tables in Markdown
    bash scripts/bench --answers         how soon the command line answers: help, steady, optima, compare, figures
    bash scripts/bench ... --record FILE      the times, the commit and the machine, a line of JSON for each run
    bash scripts/bench --history FILE         ratios between these runs

The job: C- = C+ = 5, theta- = 0.35 pi, theta+ = 0.40 pi, hot baths, no loss, efficiency 1, LO phase pi/2, from the
ground state to 5/gamma~0 (a unit is 1/gamma~0). An error is the largest, over 50 save times and all entries, of
|V - Riccati| and |mean - exact filter of the contender's own record, one dY a step|, vacuum variance 1/2; required:
1e-3 on three seeds. Every contender is run at a list of settings, from coarse to fine, which was found
once (scripts/benchmark/ladder.py; --search repeats that and takes hours). Costs are processor time.

About a quarter of an hour on two idle cores. Prints the settings with errors and costs, the cheapest that meets the
target for each and their ratios, then how our engine scales with cutoff, trajectories and workers, and its memory.
Writes DIR/steering-bench.png (cost against error). dynamiqs is optional: .venv/bin/python -m pip install
'dynamiqs>=0.3.7'. Exit status 1 if our engine meets the target at no setting.

With clicks (--counting, some minutes): a counter of efficiency 0.7 and no other detector, which all three can do. An
error is the largest, over save times, of |means| and |second moments| minus those of a propagator on many levels given
the trajectory's own clicks, for trajectories with one click.
"""

import os

# One thread for each library, set before any is imported; ``pinned`` keeps the process on one core.
for variable in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ[f"{variable}_NUM_THREADS"] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"

if __name__ == "__main__":
    from scripts.benchmark.command import main

    main()
