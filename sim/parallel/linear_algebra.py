"""Linear algebra on one thread: its last bits depend on their number, and workers × threads would be too many."""

import sys
from contextlib import AbstractContextManager

from threadpoolctl import ThreadpoolController

__all__ = ["on_one_thread"]

# the libraries that were found, by the number of modules that were loaded then
_FOUND: dict[int, ThreadpoolController] = {}


def on_one_thread() -> AbstractContextManager[object]:
    """A context in which the libraries of linear algebra that are loaded use one thread each.

    A search for them reads the map of the process, some milliseconds; they come with modules, so it is repeated only
    after one was loaded.
    """
    loaded = len(sys.modules)
    controller = _FOUND.get(loaded)
    if controller is None:
        controller = ThreadpoolController()
        _FOUND.clear()
        _FOUND[loaded] = controller
    limiter: AbstractContextManager[object] = controller.limit(limits=1)
    return limiter
