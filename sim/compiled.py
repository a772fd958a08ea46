"""Compiled code: how the hot loops are compiled, and where the result is kept for the next process.

Where it cannot be kept, or what was kept is damaged, the code is compiled again: that costs seconds and changes no bit.
"""

import functools
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.caching import FunctionCache, NullCache

__all__ = ["compiled"]

_LOG = logging.getLogger(__name__)
_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """The function, compiled by numba at its first call, or taken from where it was kept by an earlier process.

    No fast mathematics: what it may reorder it does not reorder alike when the code is compiled and when it is read
    from the cache, and a trajectory must be the same bits in every process. Nothing measurable is lost by it.
    """
    dispatcher: Any = numba.njit(error_model="numpy")(function)
    try:
        # what numba's own cache=True sets, which ends with the first file it cannot read or write
        dispatcher._cache = _Cache(function)  # type: ignore[no-untyped-call]
    except RuntimeError:
        # numba names no error of its own for having found no place
        dispatcher._cache = NullCache()
        _say("numba finds no directory to keep compiled code in, so that every process compiles it again", "")
    found: _Function = dispatcher
    return found


class _Cache(FunctionCache):
    """Numba's cache of a function, one file each for its index and every signature; no error of it is one of ours."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What was kept for a signature; None where nothing was, or nothing that can be read."""
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        # a damaged file makes pickle raise anything
        except Exception as error:
            _LOG.info("compiled code in %s is damaged (%r): compiled again", self.cache_path, error)
            # an index that can be read is needed to keep the new code
            with suppress(OSError):
                self.flush()  # type: ignore[no-untyped-call]
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled for a signature, where that is possible."""
        try:
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]
        except Exception as error:
            reason = getattr(error, "strerror", None) or repr(error)
            _say(f"compiled code cannot be kept in {str(Path(self.cache_path))!r}", f": {reason}")


@functools.cache
def _say(what: str, why: str) -> None:
    """Once in a process, not for each function."""
    _LOG.warning("%s%s; the environment variable NUMBA_CACHE_DIR names another directory", what, why)
