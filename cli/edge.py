"""The edge of a command: every error ends here, as a message and an exit status.

1 is a failure, 2 wrong usage, 130 an interruption. A traceback is shown only where it is asked for.
"""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import errno
import signal
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from molt.cli.invocation import Invocation
from molt.cli.output import write_error, write_note

INTERRUPTED = 130


class CommandError(Exception):
    """A command cannot do what was asked; the message says what to do."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise `KeyboardInterrupt` where Ctrl-C became another error on its way.

    SQLite makes an error of its own of whatever a function of ours raises while it is called.
    """
    former = signal.getsignal(signal.SIGINT)
    if not callable(former) or not _is_main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        former(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    except Exception as error:
        if came:
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, former)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def reporting(call: Invocation) -> Iterator[None]:
    """Turn an error into a message on standard error and an exit status."""
    from molt.artifact import panics_contained

    try:
        with panics_contained(), interruptible():
            yield
    except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
        raise
    except KeyboardInterrupt:
        write_note("Interrupted.")
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:  # noqa: BLE001  the edge of the process
        if call.debug:
            traceback.print_exc()
        write_error(explanation(error))
        raise typer.Exit(1) from None


def explanation(error: Exception) -> str:
    """What an error means to the user. Only what nobody foresaw is named by its type."""
    from molt.artifact import ForeseenError

    if isinstance(error, OSError) and error.errno is not None:
        return _disk_explanation(error)
    if isinstance(error, CommandError | ForeseenError):
        return str(error)
    return (
        f"unexpected {type(error).__name__}: {error}; run the command again with --debug "
        "(or MOLT_DEBUG=1) to see the traceback"
    )


def _disk_explanation(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}the disk is full; free some space and run the command again"
    if error.errno == errno.EROFS:
        return (
            f"{where}the file system is mounted read-only; mount it writable or pass another --home"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{where}permission denied; run as the owner of that path or pass another --home"
    return f"{where}{error.strerror}"
