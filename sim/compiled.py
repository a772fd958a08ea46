"""Compilation of the inner loops, and the cache of compiled code for later processes.

If the code cannot be kept, or the kept code is damaged, it is compiled again, which takes seconds and changes no
result.
"""

import functools
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.caching import FunctionCache, NullCache

__all__ = ["compiled", "compiled_within"]

_LOG = logging.getLogger(__name__)
_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """The function, compiled by numba at its first call, or read from the cache of an earlier process.

    Fast mathematics is off: it orders operations differently in compiled and in cached code, and a trajectory must be
    equal to the last bit in every process. The cost in time is not measurable.
    """
    dispatcher: Any = numba.njit(error_model="numpy")(function)
    try:
        # numba's own cache=True sets such a cache, but raises an error if a file cannot be read or written.
        cache: Any = _Cache(function)  # type: ignore[no-untyped-call]
        # Numba compiles again when the file of the function changes. Functions of other files are compiled into it.
        cache._cache_file._source_stamp = (cache._cache_file._source_stamp, *_stamps(function))
        dispatcher._cache = cache
    except RuntimeError:
        # numba raises RuntimeError if it finds no directory.
        dispatcher._cache = NullCache()
        _warn_once("numba finds no directory to keep compiled code in, so that every process compiles it again", "")
    found: _Function = dispatcher
    return found


def compiled_within(function: _Function) -> _Function:
    """The function, compiled by numba as a part of each compiled function that calls it, and not callable from Python.

    What Python would need to call it, and a file in the cache, would take as long to make as the function itself.
    """
    # options that numba has and its types do not
    without: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    dispatcher: Any = numba.njit(error_model="numpy", **without)(function)

    def refused(*_: object, **__: object) -> None:
        raise TypeError(f"{function.__name__} is called by compiled functions only")

    # numba would call it at an address of zero
    dispatcher._insert = lambda *_: None
    dispatcher._compile_for_args = refused
    found: _Function = dispatcher
    return found


def _stamps(function: Callable[..., Any]) -> list[tuple[str, float, int]]:
    """Name, time and size of every other file with compiled functions that ``function`` calls, directly or not."""
    own = function.__code__.co_filename
    found: set[str] = set()
    waiting, seen = [function], {function}
    while waiting:
        called = waiting.pop()
        known = called.__globals__
        for name in called.__code__.co_names:
            further = getattr(known.get(name), "py_func", None)
            if further is not None and further not in seen:
                seen.add(further)
                waiting.append(further)
                found.add(further.__code__.co_filename)
    stats = {each: each.stat() for each in map(Path, found - {own}) if each.is_file()}
    return sorted((each.name, stat.st_mtime, stat.st_size) for each, stat in stats.items())


class _Cache(FunctionCache):
    """Numba's cache of a function, with a file for its index and one per signature; its errors are not raised."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The kept code of a signature; None if there is none, or it cannot be read."""
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        # With a damaged file, pickle may raise any exception.
        except Exception as error:
            _LOG.info("compiled code in %s is damaged (%r): compiled again", self.cache_path, error)
            # The new code can be kept only with an index that can be read.
            with suppress(OSError):
                self.flush()  # type: ignore[no-untyped-call]
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the compiled code of a signature, if that is possible."""
        try:
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]
        except Exception as error:
            reason = getattr(error, "strerror", None) or repr(error)
            _warn_once(f"compiled code cannot be kept in {str(Path(self.cache_path))!r}", f": {reason}")


@functools.cache
def _warn_once(what: str, why: str) -> None:
    """Log a warning once per process, not for each function."""
    _LOG.warning("%s%s; the environment variable NUMBA_CACHE_DIR names another directory", what, why)
