"""The ``steering`` command. No other package knows that there is a terminal."""

import signal


def command() -> None:
    """Run the command as a process of its own, whose end no signal interrupts."""
    try:
        main()
    finally:
        from cascade_steering.analysis.cli.terminal.interruption import ignore_signals

        ignore_signals()


def main() -> None:
    """Run the command; bad input is one line on standard error and exit status 2."""
    # while packages are loaded, Ctrl-C ends the process at once and without a message: nothing is lost yet
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        from cascade_steering.analysis.cli.run import run
    finally:
        signal.signal(signal.SIGINT, before)
    run()
