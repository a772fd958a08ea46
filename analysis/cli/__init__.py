"""The ``steering`` command: the only room that knows a terminal."""

import signal


def command() -> None:
    """The command as a process of its own."""
    try:
        main()
    finally:
        from cascade_steering.analysis.cli.interruption import deaf

        deaf()


def main() -> None:
    """Run the command; bad input is one line on standard error and exit status 2."""
    # while packages load there is nothing to lose and nothing to say
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        from cascade_steering.analysis.cli.run import run
    finally:
        signal.signal(signal.SIGINT, before)
    run()
