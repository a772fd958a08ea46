"""The choice of workers: processes of this machine, or a Dask cluster, by the backends of joblib."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import joblib

__all__ = ["LOCAL", "dask_setup", "workers_of"]

LOCAL = "local"
_SECONDS = "20s"


@contextmanager
def workers_of(cluster: str | None, jobs: int) -> Iterator[None]:
    """In this context ``sim.ensemble.simulate`` uses the workers of a Dask cluster.

    Parameters
    ----------
    cluster : address of a scheduler, ``local`` for a new cluster of ``jobs`` processes on this machine, or None for no
        cluster
    jobs : number of worker processes of a new cluster; −1 for one per core

    Raises
    ------
    ValueError
        if the package ``distributed`` is not installed, or no scheduler answers.
    """
    if cluster is None:
        yield
        return
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise ValueError("a cluster needs the package distributed: pip install 'cascade-steering[cluster]'") from None
    with ExitStack() as stack:
        if cluster == LOCAL:
            # The limits of a block hold for a process, so each process has one thread.
            own = LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=joblib.cpu_count() if jobs == -1 else jobs,
                threads_per_worker=1,
                dashboard_address=":0",
                preload=[__name__],
            )
            address = stack.enter_context(own)
        else:
            address = cluster
        try:
            client = stack.enter_context(Client(address, timeout=_SECONDS, set_as_default=False))  # type: ignore[no-untyped-call]
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(f"no Dask scheduler answers at {cluster!r} within {_SECONDS}: {error}") from None
        stack.enter_context(joblib.parallel_config(backend="dask", client=client))
        yield


def dask_setup(_: object) -> None:
    """Make a worker ignore Ctrl-C, which the main process handles; Dask calls this when it starts a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
