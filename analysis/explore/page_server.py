"""The server of the page, for this machine alone."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.server.server import Server
from tornado.ioloop import IOLoop

from cascade_steering.analysis.explore.page import add_page

__all__ = ["HOST", "PageServer", "page_server"]

HOST = "127.0.0.1"


@dataclass(frozen=True)
class PageServer:
    """A server that listens; it answers once ``run`` is called.

    Parameters
    ----------
    address : of the page, without a state
    loop : its event loop
    """

    address: str
    loop: IOLoop

    def run(self) -> None:
        """Answer until ``stop`` is called."""
        self.loop.start()

    def stop(self) -> None:
        """Let ``run`` return; may be called from a signal handler or another thread."""
        self.loop.asyncio_loop.call_soon_threadsafe(self.loop.stop)  # type: ignore[attr-defined]


@contextmanager
def page_server(port: int = 0) -> Iterator[PageServer]:
    """The server on 127.0.0.1, on a free port if ``port`` is 0. Raises OSError for a port that is in use.

    Its files are its own, and pages from elsewhere cannot open its websocket.
    """
    chosen = port or _free_port()
    loop = IOLoop()
    # a page that is closed while an answer is under way is no reason to say so
    logging.getLogger("bokeh.server.views.ws").setLevel(logging.ERROR)
    try:
        server = Server(
            {"/": Application(FunctionHandler(add_page))}, io_loop=loop, address=HOST, port=chosen,
            allow_websocket_origin=[f"{HOST}:{chosen}"],
        )  # fmt: skip
    except OSError as error:
        loop.close()
        why = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(f"port {chosen} on {HOST} cannot be used ({why}): give another port, or none") from None
    server.start()
    try:
        yield PageServer(f"http://{HOST}:{chosen}/", loop)
    finally:
        server.stop()
        server.io_loop.close(all_fds=True)


def _free_port() -> int:
    # the list of allowed origins, which names the port, is made before the server has one
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
