"""Command lines that are parsed and not run: every option has a value that is not its default."""

from typing import Any

import click

from cascade_steering.analysis.cli.run import steering

# what some commands cannot do without
REQUIRED = {
    "filter": (__file__,),
    "fit": (__file__, "--parameters", "loss"),
    "network": (__file__,),
    "scan": ("--x", "c-plus=1,2"),
    "setup": (__file__,),
}


def parameters(command: str, *arguments: str) -> dict[str, Any]:
    """The parameters of a command line; nothing is run."""
    # under its group, as in use: click keeps for good the help option of the first context a command sees
    group = click.Context(steering, **steering.context_settings)
    return (
        steering.commands[command].make_context(command, [*arguments, *REQUIRED.get(command, ())], parent=group).params
    )


# for every option of every command a value that is not its default
SETTINGS: dict[str, tuple[str, str]] = {
    "efficiency-orthogonal": ("0.4", "0.4"), "bandwidth": ("[1e5, 2e5]", "1e5,2e5"), "dark-noise": ("0.2", "0.2"),
    "appendix-b": ("true", ""), "sigmas": ("2", "2"), "dead-time-per-run": ('"1ms"', "1ms"),
    "bath-minus": ('"vacuum"', "vacuum"), "bath-plus": ("[3, 4.5]", "3,4.5"), "c-minus": ("7", "7"),
    "c-plus": ("7.5", "7.5"), "cutoff": ("[4, 5]", "4,5"), "dt": ('"1us"', "1us"), "duration": ("3", "3"),
    "efficiency": ("0.5", "0.5"), "engine": ('"fock"', "fock"), "figure": ('"f.pdf"', "f.pdf"),
    "animate": ('"f.gif"', "f.gif"), "wigner-at": ("0.3", "0.3"),
    "frequency": ("[1e6, 2e6]", "1e6,2e6"),
    "initial": ("[1, 2]", "1,2"), "jobs": ("3", "3"), "json": ("true", ""), "keep": ("2", "2"),
    "conditional": ("true", ""), "largest-ratio": ("9", "9"), "symmetric": ("true", ""),
    "unstable": ("true", ""),
    "lo-phase": ("0.1", "0.1"), "loss": ("0.2", "0.2"), "out": ('"o.nc"', "o.nc"), "path-phase": ("0.3", "0.3"),
    "squeezing": ("3", "3"), "squeezing-angle": ("0.4", "0.4"), "squeezing-loss": ("0.1", "0.1"),
    "law": ('"lqg"', "lqg"), "feedback": ('"ideal"', "ideal"), "actuators": ('"mode"', "mode"),
    "delay": ('"2us"', "2us"), "cost": ('"energy"', "energy"), "control-price": ("1e-3", "1e-3"),
    "control-interval": ("0.02", "0.02"), "actuator-noise": ("0.5", "0.5"), "tolerances": ("true", ""),
    "steer": ('"server"', "server"), "by": ('"client"', "client"), "optimum": ("true", ""),
    "shared": ("true", ""), "best-order": ("true", ""), "fixed": ('"client"', "client"),
    "least-damping": ("0.01", "0.01"),
    "most-quanta": ("1e6", "1e6"), "within": ("2.5", "2.5"), "fastest": ("true", ""), "below": ("0.3", "0.3"),
    "segments": ("2", "2"),
    "quiet": ("true", ""), "frame": ('"moving"', "moving"), "qutip-method": ('"euler"', "euler"), "saves": ("3", "3"),
    "scheme": ('"heterodyne"', "heterodyne"), "seed": ("12345678901234567890", "12345678901234567890"),
    "theta-minus": ("0.4", "0.4"), "theta-plus": ("0.3", "0.3"), "times": ('"log:1:2:3"', "log:1:2:3"),
    "pulse": ("2.5", "2.5"), "save": ('"purity"', "purity"), "fock": ("true", ""),
    "count": ("0.2", "0.2"), "count-efficiency": ("0.5", "0.5"), "dark-rate": ("3", "3"),
    "count-sideband": ('"upper"', "upper"), "count-amplitude": ("4", "4"), "count-phase": ("0.3", "0.3"),
    "count-nulled": ("true", ""),
    "kerr-minus": ("3", "3"), "kerr-plus": ("-3", "-3"),
    "trajectories": ("17", "17"), "cluster": ('"local"', "local"), "part": ('"2/3"', "2/3"),
    "target": ('"d:0.1"', "d:0.1"), "save-records": ('"r.nc"', "r.nc"), "verify": ("true", ""),
    "suspect": ('"keep"', "keep"), "strict": ("true", ""), "fault": ('["clip:3"]', "clip:3"),
    "calibration": ("2", "2"), "quantity": ('"current"', "current"), "dead-time": ('"1ms"', "1ms"),
    "columns": ('"time=t,cosine=X"', "time=t,cosine=X"), "skip-rows": ("3", "3"), "interval": ('"1us"', "1us"),
    "resample": ("true", ""), "vacuum-record": (f'"{__file__}"', __file__), "detrend": ("1", "1"),
    "notch": ('"50,150:2"', "50,150:2"), "smooth": ("true", ""),
    "pieces": ("5000", "5000"), "port": ("5006", "5006"), "no-browser": ("true", ""),
    "demodulate": ("5", "5"), "free": ('"loss,c-plus"', "loss,c-plus"), "profile": ("true", ""),
    "steering": ("true", ""), "detectable": ("true", ""), "posterior": ("true", ""),
    "walkers": ("12", "12"), "steps": ("70", "70"), "chain": ('"c.h5"', "c.h5"),
    "corner": ('"c.pdf"', "c.pdf"), "priors": ('{ loss = "uniform:0,0.5" }', "loss=uniform:0,0.5"),
    "y": ('"loss=0:1:3"', "loss=0:1:3"), "axis": ('["efficiency=1,0.5"]', "efficiency=1,0.5"),
}  # fmt: skip
