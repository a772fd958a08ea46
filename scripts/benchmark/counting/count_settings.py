"""The settings that the bench of counting compares: coarser ones miss the target, finer ones cost more."""

from scripts.benchmark.counting.count_contender import CountSetting

# job → contender → (method, levels, fineness, batch); see ``CountSetting``
_SETTINGS: dict[str, dict[str, list[tuple[str, tuple[int, ...] | None, float, int]]]] = {
    "one": {
        "ours": [
            ("squeezed", None, 40, 20),
            ("squeezed", None, 80, 20),
            ("squeezed", (10,), 60, 20),
            ("squeezed", (12,), 60, 20),
            ("squeezed", (12,), 160, 20),
        ],
        "qutip": [
            ("adams", (16,), 1e-4, 20),
            ("adams", (18,), 1e-4, 20),
            ("adams", (18,), 1e-5, 20),
            ("bdf", (18,), 1e-4, 20),
            ("vern7", (18,), 1e-4, 20),
        ],
        "dynamiqs": [("dense", (18,), 500, 64), ("dense", (18,), 1000, 64)],
    },
    "pair": {
        "ours": [
            ("squeezed", None, 15, 4),
            ("squeezed", (9, 9), 15, 8),
            ("squeezed", (9, 9), 30, 8),
            ("squeezed", (10, 10), 20, 8),
            ("squeezed", (11, 11), 20, 8),
        ],
        "qutip": [
            ("adams", (7, 7), 1e-4, 4),
            ("adams", (8, 8), 1e-4, 4),
            ("adams", (8, 8), 1e-5, 4),
            ("bdf", (8, 8), 1e-4, 4),
            ("adams", (9, 9), 1e-4, 4),
        ],
        "dynamiqs": [("dia", (8, 8), 200, 2), ("dia", (8, 8), 400, 2)],
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
