"""The command line, and the exit status and message of every kind of error."""

import errno
import sys

import click

from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.terminal.interruption import Interrupted, interruptible
from cascade_steering.analysis.cli.terminal.output import end_with_error, messages_on_standard_error

# errors of the machine (a full disk, no memory), which no other options would avoid
_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def run() -> None:
    """Run the command; bad input is one line on standard error and exit status 2."""
    with messages_on_standard_error():
        _run()


def _run() -> None:
    try:
        with interruptible():
            steering.main(standalone_mode=False)
    except Interrupted as interrupted:
        sys.exit(interrupted.status)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.ClickException as error:
        end_with_error(error.format_message(), 2)
    except OSError as error:
        end_with_error(str(error), 1 if error.errno in _OF_THE_MACHINE else 2)
    except ValueError as error:
        end_with_error(str(error), 2)
    except ArithmeticError as error:
        end_with_error(str(error), 1)
    except RuntimeError as error:
        # loaded here, because most commands have no workers
        from cascade_steering.sim.parallel.workers import WorkersLostError

        if not isinstance(error, WorkersLostError):
            raise
        end_with_error(str(error), 1)
    except MemoryError as error:
        end_with_error(f"out of memory: {error}", 1)
