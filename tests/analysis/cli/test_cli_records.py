"""Records through the command line: simulated and filtered; files, flags and configurations."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from cascade_steering.analysis.cli.commands.recorded import filter_command
from cascade_steering.analysis.criteria.steering import DIRECTIONS, steering_parameter
from cascade_steering.analysis.records import record
from cascade_steering.sim.rotating_wave.demodulation import demodulate, unrotated
from tests.analysis.cli.command import BOTH, Run
from tests.analysis.cli.recorded import POINT, QUIET, FloatArray, assert_same, dataset, filtered, simulated


def known(steering: Run, start: str, duration: int, saves: int) -> tuple[FloatArray, FloatArray]:
    """The covariance that the saved sums of dY leave beyond that of all dY, (4, 4), and the differences of the means,
    (400, 4)."""
    options = ("--initial", start, "--duration", str(duration), "--saves", str(saves))
    run = simulated(steering, *options, keep=400, to="record.nc")
    filtered(steering, record="record.nc")
    found = dataset("filtered.nc")
    # as arrays: xarray would leave out times that differ in the last digit
    covariances, means = (
        found[name].to_numpy() - run[name].to_numpy() for name in ("conditional_covariance", "trajectory_mean")
    )
    return covariances[-1], means[:, -1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "duration"), [("ground", 1), pytest.param("2,1", 1, marks=pytest.mark.long), ("stationary", 10)]
)
def test_a_filter_finds_the_states_of_a_simulation(steering: Run, start: str, duration: int) -> None:
    sizes = []
    for saves in (25 * duration, 50 * duration):
        unknown, off = known(steering, start, duration, saves)
        # given the sums the mean that knew every dY is normal about that of the filter, with what is unknown beyond
        # as its covariance: χ² of 4 each, mean 4, standard error √(8/400) = 0.14; bounds at 4 of them
        squares = np.sum(off * np.linalg.solve(unknown, off.T).T, axis=1)
        assert 4 - 0.57 < squares.mean() < 4 + 0.57
        sizes.append(float(np.trace(unknown)))
    # dY within an interval is weighed alike by its sum: the weights differ by their slope, its square counts. Of second
    # order, and the next is 0.02 times a rate of 10
    assert 4 * 0.9 < sizes[0] / sizes[1] < 4 * 1.1
    # a variance of which little is unknown: a test that excites what it tests
    assert sizes[0] < 1e-2


def test_the_state_before_a_record_is_forgotten(steering: Run) -> None:
    simulated(steering, "--duration", "12", "--saves", "300")
    right, wrong = (filtered(steering, "--initial", start)["final"] for start in ("stationary", "3,4"))
    short = [filtered(steering, "--initial", start, "--dead-time", "11.9")["final"] for start in ("stationary", "3,4")]
    # both relax at half of γ = γ₀ (1 + C (n + ½) cos 2θ), the slower one at 0.5 + 5 cos(0.2 π)/2 = 2.5 in units of
    # 1/γ̃₀ and more: e^{-2.5·12} = 1e-13
    np.testing.assert_allclose(right["mean"], wrong["mean"], atol=1e-10)
    np.testing.assert_allclose(right["covariance"], wrong["covariance"], atol=1e-10)
    # which a start of seven quanta is not at once
    early = [dataset_at(steering, start) for start in ("stationary", "3,4")]
    assert np.max(np.abs(early[0] - early[1])) > 0.1
    assert short[0]["covariance"] != right["covariance"]


def dataset_at(steering: Run, start: str, interval: int = 5) -> FloatArray:
    filtered(steering, "--initial", start)
    return np.asarray(dataset("filtered.nc")["conditional_covariance"][interval])


@pytest.mark.slow
def test_the_fock_engine_finds_its_own_states(steering: Run) -> None:
    grid = ("--duration", "0.4", "--saves", "40", "--dt", "0.01")
    run = simulated(steering, "--engine", "fock", "--initial", "ground", *grid, keep=2, to="record.nc")
    report = filtered(steering, "--engine", "fock", record="record.nc")
    found = dataset("filtered.nc")
    # a step to an interval on either side: the same arithmetic
    np.testing.assert_allclose(found["trajectory_mean"], run["trajectory_mean"], atol=1e-12)
    np.testing.assert_allclose(
        found["conditional_covariance"].mean("trajectory"), run["conditional_covariance"], atol=1e-12
    )
    assert (report["engine"], report["by_engine"]) == ("fock", 1.0)
    assert found["by_engine"].to_numpy().all()
    # of the exact filter's states: Gaussian covariances are those of a continuous observer at any step, off by h² as
    # above, and means by h
    assert 0 < report["off_the_exact_filter"]["covariance"] < 1e-3
    assert 0 < report["off_the_exact_filter"]["mean"] < 1e-2
    # each record has its states
    assert np.shape(report["final"]["covariance"]) == (2, 4, 4)
    assert "E, lowest" in steering("filter", "record.nc", "--engine", "fock", "--jobs", "1").out


@pytest.mark.long
@pytest.mark.slow
def test_a_fock_filter_shares_its_records_among_workers(steering: Run) -> None:
    simulated(steering, "--initial", "ground", "--duration", "0.2", "--saves", "20", keep=3, to="record.nc")
    one, two = (
        steering("filter", "record.nc", "--json", "--engine", "fock", "--jobs", jobs).report for jobs in ("1", "2")
    )
    assert one == two


@pytest.mark.slow
def test_every_file_of_a_run_is_a_record(steering: Run) -> None:
    options = ("--initial", "ground", "--duration", "1", "--saves", "50", "--keep", "1", "--trajectories", "3")
    for out in ("alone.nc", "RUN"):
        for records_file in ("record.csv", "record.nc"):
            line = ("simulate", *QUIET, *POINT, *options, "--out", out, "--save-records", records_file)
            assert steering(*line).report["records"] == records_file
    reference = filtered(steering)
    assert reference["intervals"] == 50
    for path in ("record.nc", "alone.nc", "RUN/ensemble.nc"):
        # times in decimals lose a last digit
        assert_same(reference, filtered(steering, record=path))


@pytest.mark.slow
def test_records_in_other_units(steering: Run) -> None:
    simulated(steering, "--duration", "1", "--saves", "50")
    reference = filtered(steering)
    interval = reference["interval_seconds"]
    # of 100 numbers each is the denser the more they are multiplied by; that it is no increment a known unit says
    for name, header, factor, options in (
        ("current.csv", "[Hz^0.5]", 1 / interval, ()),
        ("volts.csv", "[V]", -1 / (interval * 250.0), ("--calibration", "-250", "--quantity", "current")),
        ("counts.csv", "", 1e6, ("--calibration", "1e-6", "--quantity", "increment")),
    ):
        lines = Path("record.csv").read_text().replace("[s^0.5]", header).splitlines()
        for row, line in enumerate(lines):
            if line[0].isdigit():
                time, *cells = line.split(",")
                lines[row] = ",".join([time, *(repr(float(cell) * factor) for cell in cells)])
        Path(name).write_text("\n".join(lines))
        density = [reference["log_likelihood"][0] - (100 * math.log(abs(factor)) if options else 0.0)]
        assert_same({**reference, "log_likelihood": density}, filtered(steering, *options, record=name))
        if options:
            answer = steering("filter", name, *QUIET)
            assert answer.code == 2
            assert "say whether it is the increment or the current and give its calibration" in answer.err


def test_gaps_and_dead_time_are_evolved_through_unread(steering: Run) -> None:
    simulated(steering, "--duration", "1", "--saves", "50")
    lines = Path("record.csv").read_text().splitlines()
    first = next(row for row, line in enumerate(lines) if line[0].isdigit())
    for row in range(first, first + 10):
        lines[row] = lines[row].split(",")[0] + ",,"
    Path("empty.csv").write_text("\n".join(lines))
    whole = filtered(steering)
    # ten intervals of 0.02; a hair less, for rounding
    dead = filtered(steering, "--dead-time", "0.1999")
    gap = filtered(steering, record="empty.csv")
    assert gap["final"] == dead["final"]
    assert gap["log_likelihood"] == dead["log_likelihood"] != whole["log_likelihood"]
    assert gap["gaps_seconds"] == [pytest.approx([0.0, 10 * whole["interval_seconds"]])]
    found = dataset("filtered.nc")
    assert found["observed"].to_numpy().tolist() == [False] * 10 + [True] * 40
    assert np.isnan(found["innovation"][0, :10]).all()
    # stationary, unread: nothing changes
    np.testing.assert_allclose(found["conditional_covariance"][10], found["conditional_covariance"][0], atol=1e-12)
    del lines[first + 20 : first + 30]
    Path("left-out.csv").write_text("\n".join(lines))
    left_out = filtered(steering, record="left-out.csv")
    assert len(left_out["gaps_seconds"]) == 2
    assert left_out["intervals"] == 50
    seconds = filtered(steering, "--dead-time", f"{9.99 * whole['interval_seconds']!r}s")
    assert seconds["final"] == dead["final"]


def test_a_long_record_is_told_to_take_memory(steering: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    simulated(steering, "--duration", "1", "--saves", "100")
    assert "with --pieces" not in steering("filter", "record.csv", *QUIET).err
    monkeypatch.setattr(filter_command, "_LONG", 99)
    answer = steering("filter", "record.csv", *QUIET)
    assert answer.code == 0
    assert "note: record 'record.csv' has 100 intervals, which are all in memory at once" in answer.err


def test_a_heterodyne_record(steering: Run) -> None:
    run = simulated(steering, "--scheme", "heterodyne", "--initial", "ground", "--duration", "1", "--saves", "100")
    report = filtered(steering)
    assert report["parameters"]["scheme"] == "heterodyne"
    assert report["innovations"]["fits"]
    # means off by h, as above
    np.testing.assert_allclose(report["final"]["mean"], run["trajectory_mean"][:, -1], atol=0.02)
    answer = steering("filter", "record.csv", *QUIET, "--scheme", "homodyne")
    assert answer.code == 2
    assert "record 'record.csv' has cosine, sine, cosine_orthogonal, sine_orthogonal, and this detection" in answer.err
    assert " gives cosine, sine: a lab-frame record" in answer.err


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["homodyne", "heterodyne"])
def test_a_lab_frame_record_demodulated(steering: Run, scheme: str) -> None:
    # twenty intervals to a period of 0.625 ms; 1/γ̃₀ = 0.16 s
    lab = ("--frequency", "1600", "--duration", "0.2s", "--saves", "6410", "--scheme", scheme, "--initial", "ground")
    run = simulated(steering, *lab, to="lab.csv")
    with_lab_model = filtered(steering, record="lab.csv")
    assert with_lab_model["innovations"]["fits"]
    report = filtered(steering, "--demodulate", "20", record="lab.csv")
    assert report["innovations"]["fits"]
    # what is left over is less than an interval
    assert report["intervals"] == 320
    assert report["interval_seconds"] == pytest.approx(20 * with_lab_model["interval_seconds"], rel=1e-12)
    # by hand
    raw = record.read(Path("lab.csv"))
    parts = demodulate(raw.values[:, :6400], raw.interval, 2 * math.pi * 1600, 20)
    channels = (
        ("cosine", "sine") if scheme == "homodyne" else ("cosine", "sine", "cosine_orthogonal", "sine_orthogonal")
    )
    slow = record.Record(values=parts, interval=20 * raw.interval, start=0.0, channels=channels, options={})
    record.write(Path("slow.csv"), slow)
    said = ("--initial", "ground", "--scheme", scheme)
    assert_same(report, filtered(steering, *POINT, *said, record="slow.csv"))
    # steering, which the frame does not change: off by some 0.1 Γ/Ω, and C γ̃₀/Ω = 0.003
    for name in BOTH:
        assert report["final"][name] == pytest.approx(with_lab_model["final"][name], rel=1e-3)
    # the means of the simulation, in the frame that turns: 0.2 s decide what they are to √(Γ/Ω) = 6 % or so
    turned = unrotated(
        run["trajectory_mean"].to_numpy(), run["time"].to_numpy(), (-2 * math.pi * 1600, 2 * math.pi * 1600)
    )[0, ::20]
    assert correlation(turned) > 0.95
    # with another carrier it is chance, of the few relaxation times there are
    filtered(steering, "--demodulate", "20", "--frequency", "1500", record="lab.csv")
    assert correlation(turned) < 0.8


def correlation(means: FloatArray) -> float:
    """Correlations of means, array of shape (times, 4), with the filtered means."""
    found = dataset("filtered.nc")["trajectory_mean"].to_numpy()[0]
    return float(np.corrcoef(found.ravel(), means[: len(found)].ravel())[0, 1])


def test_flags_win_over_a_configuration_over_the_file_over_defaults(steering: Run) -> None:
    Path("record.csv").write_text(
        "#: efficiency = 0.5\n#: loss = 0.5\n#: lo-phase = 0.5\n#: bath-minus = [2, 0.5]\n"
        "time [s],cosine [s^0.5],sine [s^0.5]\n" + "".join(f"{n}e-6,1e-4,-1e-3\n" for n in range(1, 9))
    )
    Path("setup.toml").write_text('efficiency = 0.6\nloss = 0.6\ninitial = "ground"\n')
    report = filtered(steering, "--config", "setup.toml", "--efficiency", "0.7")
    found = report["parameters"]
    assert [found[name] for name in ("efficiency", "loss", "lo-phase", "path-phase")] == [0.7, 0.6, 0.5, 0.0]
    assert found["bath-minus"] == pytest.approx([2, 0.5], rel=1e-15)
    assert found["initial"] == "ground"
    assert report["time_unit_seconds"] == pytest.approx(1 / (2 * math.pi * 2), rel=1e-12)
    # and it is these that count
    flags = (
        "--efficiency",
        "0.7",
        "--loss",
        "0.6",
        "--lo-phase",
        "0.5",
        "--bath-minus",
        "2,0.5",
        "--initial",
        "ground",
    )
    assert_same(report, filtered(steering, *flags), rel=1e-14)
    assert json.loads(dataset("filtered.nc").attrs["options"]) == found


OTHERWISE = {
    "c-minus": "6", "c-plus": "6", "theta-minus": "0.41", "theta-plus": "0.44", "bath-minus": "1,0.6",
    "bath-plus": "1.1,0.5", "loss": "0.2", "path-phase": "0.1", "lo-phase": "0.4", "efficiency": "0.8",
    "initial": "ground", "dead-time": "0.1", "calibration": "1.1", "pulse": "0.33",
}  # fmt: skip


# the file of a record and the likelihood of the model that it names
KNOWN: list[tuple[str, list[float]]] = []


@pytest.mark.few(1)
@pytest.mark.parametrize("name", OTHERWISE)
def test_every_setting_counts_whoever_says_it(steering: Run, name: str) -> None:
    if not KNOWN:
        simulated(steering, "--duration", "1", "--saves", "50")
        KNOWN.append((Path("record.csv").read_text(), filtered(steering)["log_likelihood"]))
    ((text, before),) = KNOWN
    Path("record.csv").write_text(text)
    by_flag = filtered(steering, f"--{name}", OTHERWISE[name])
    Path("setup.toml").write_text(f'{name} = "{OTHERWISE[name]}"\n')
    by_config = filtered(steering, "--config", "setup.toml")
    said = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(f"#: {name} ="))
    Path("record.csv").write_text(f'#: {name} = "{OTHERWISE[name]}"\n{said}')
    by_file = filtered(steering)
    assert by_flag == by_config == by_file
    assert by_flag["log_likelihood"] != before


def test_a_verdict_is_a_warning_and_no_failure(steering: Run) -> None:
    simulated(steering, "--duration", "20", "--saves", "1000")
    good = steering("filter", "record.csv", *QUIET)
    assert (good.code, good.err) == (0, "")
    assert good.report["innovations"]["fits"] is True
    assert good.report["innovations"]["failed"] == []
    bad = steering("filter", "record.csv", *QUIET, "--calibration", "1.5")
    assert bad.code == 0
    verdict = bad.report["innovations"]
    assert verdict["fits"] is False
    (line,) = bad.err.splitlines()
    assert line.startswith("steering: warning: the record does not fit the model: the variance is 2.")
    assert "on every scale: the calibration is off by a factor 0.6" in line
    assert "(1.5 as given, times 0.6" in line
    assert f"({len(verdict['failed'])} of {len(verdict['statistics'])} statistics fail)" in line
    assert all(failed["p_value"] < verdict["false_alarm"] == 1e-3 for failed in verdict["failed"])
    # whoever goes on only with a record that fits is told by the exit status, after all is written
    strict = steering("filter", "record.csv", *QUIET, "--strict", "--calibration", "1.5", "--out", "strict.nc")
    assert (strict.code, strict.report["innovations"]) == (1, verdict)
    assert Path("strict.nc").is_file()
    assert steering("filter", "record.csv", *QUIET, "--strict").code == 0
    # the noise is 1.5 times what it should be, 2.25 its variance, to √(2/1000) = 4 %, four times over
    first = next(each for each in verdict["statistics"] if each["name"] == "variance of cosine over 1 interval")
    assert first["value"] == pytest.approx(2.25, rel=0.18)
    table = steering("filter", "record.csv", "--jobs", "1").out
    assert "the record fits the model" in " ".join(table.split())
    # below the line the columns are no longer those of E
    assert f"least probable of {len(verdict['statistics'])} tests" in table
    table = steering("filter", "record.csv", "--jobs", "1", "--calibration", "1.5").out
    assert "the record DOES NOT FIT the model" in " ".join(table.split())


def test_the_dataset_of_a_filter(steering: Run) -> None:
    simulated(steering, "--duration", "1", "--saves", "50", keep=3, to="record.nc")
    report = filtered(steering, record="record.nc")
    found = dataset(report["dataset"])
    assert set(found) == {
        "trajectory_mean", "conditional_covariance", "innovation", "observed", "log_likelihood", "E_plus_given_minus",
        "E_minus_given_plus",
    }  # fmt: skip
    assert dict(found.sizes) == {
        "trajectory": 3,
        "time": 51,
        "quadrature": 4,
        "quadrature_2": 4,
        "interval": 50,
        "channel": 2,
    }
    for direction in DIRECTIONS:
        expected = steering_parameter(found["conditional_covariance"].to_numpy(), direction)
        np.testing.assert_array_equal(found[f"E_{direction}"], expected)
        assert report["final"][f"E_{direction}"] == expected[-1]
    assert report["final"]["mean"] == found["trajectory_mean"][:, -1].to_numpy().tolist()
    assert report["log_likelihood"] == found["log_likelihood"].to_numpy().tolist()
    assert found["time"].attrs["units"] == "s"
    assert found["time"].to_numpy()[-1] == pytest.approx(report["duration_seconds"], rel=1e-12)
    assert set(report) == {
        "records", "intervals", "interval_seconds", "duration_seconds", "gaps_seconds", "final", "innovations",
        "log_likelihood", "engine", "parameters", "time_unit_seconds", "dataset", "figure", "suspects", "faults",
        "notes", "origin",
    }  # fmt: skip


def test_a_record_that_starts_late_keeps_its_times(steering: Run) -> None:
    Path("late.csv").write_text(
        "time [s],cosine [s^0.5],sine [s^0.5]\n" + "".join(f"{2 + n / 1000},1e-2,-1e-2\n" for n in range(1, 9))
    )
    filtered(steering, *POINT, record="late.csv")
    times = dataset("filtered.nc")["time"].to_numpy()
    np.testing.assert_allclose(times, 2 + np.arange(9) / 1000, rtol=1e-14)


@pytest.mark.slow
def test_a_record_of_a_pair_that_grows(steering: Run) -> None:
    growing = ("--theta-minus", "0.1", "--initial", "conditional")
    run = simulated(steering, *growing, "--duration", "1", "--saves", "200", keep=50, to="record.nc")
    filtered(steering, *growing, record="record.nc")
    found = dataset("filtered.nc")
    means, truth = (each["trajectory_mean"].to_numpy()[:, -1] for each in (found, run))
    assert np.abs(truth).max() > 10.0
    # what the sums leave unknown beyond all dY: that one of 200 normal numbers is beyond six deviations has p = 4e-7
    unknown = found["conditional_covariance"].to_numpy()[-1] - run["conditional_covariance"].to_numpy()[-1]
    assert np.abs((means - truth) / np.sqrt(np.diag(unknown))).max() < 6.0
    # and it is little
    assert np.diag(unknown).max() < 1e-2
