"""The settings that the bench of counting compares: coarser ones miss the target, finer ones cost more."""

from scripts.benchmark.counting.count_contender import CountSetting

# job → contender → (method, levels, fineness, batch); see ``CountSetting``
_SETTINGS: dict[str, dict[str, list[tuple[str, tuple[int, ...] | None, float, int]]]] = {
    "one": {
        "ours": [
            ("squeezed", None, 40, 20),
            ("squeezed", None, 80, 20),
            ("squeezed", (10,), 90, 20),
            ("squeezed", (12,), 90, 20),
            ("squeezed", (12,), 160, 20),
        ],
        "qutip": [
            ("adams", (18,), 1e-4, 20),
            ("bdf", (18,), 1e-4, 20),
            ("vern7", (18,), 1e-4, 20),
            ("tsit5", (16,), 1e-4, 20),
            ("tsit5", (18,), 1e-3, 20),
            ("tsit5", (18,), 1e-4, 20),
        ],
        "dynamiqs": [("dense", (18,), 500, 16), ("dense", (18,), 1000, 16)],
    },
    # The error of ours is that of the levels: 30 steps have the same as 15.
    "pair": {
        "ours": [
            ("squeezed", None, 20, 4),
            ("squeezed", (8, 8), 20, 8),
            ("squeezed", (9, 9), 20, 8),
            ("squeezed", (10, 10), 20, 8),
            ("squeezed", (10, 10), 40, 8),
        ],
        "qutip": [
            ("adams", (8, 8), 1e-4, 8),
            ("bdf", (8, 8), 1e-4, 8),
            ("vern7", (8, 8), 1e-4, 8),
            ("dop853", (8, 8), 1e-4, 8),
            ("tsit5", (7, 7), 1e-4, 8),
            ("tsit5", (8, 8), 1e-3, 8),
            ("tsit5", (8, 8), 1e-4, 8),
            ("tsit5", (9, 9), 1e-4, 8),
        ],
        "dynamiqs": [("dia", (8, 8), 50, 8), ("dia", (8, 8), 100, 8)],
    },
    "quick": {
        "ours": [("squeezed", (12,), 20, 2)],
        "qutip": [("adams", (16,), 1e-4, 2)],
        "dynamiqs": [("dense", (16,), 50, 2)],
    },
}


def settings(job: str, contender: str) -> list[CountSetting]:
    """The settings of a contender at the job ``one``, ``pair`` or ``quick``."""
    return [
        CountSetting(method=method, levels=levels, fineness=fineness, batch=batch)
        for method, levels, fineness, batch in _SETTINGS[job][contender]
    ]
