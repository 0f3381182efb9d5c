import errno
import signal

import pytest
import typer
from typer.testing import CliRunner

from molt.artifact import ArtifactError
from molt.cli.command import command
from molt.cli.edge import CommandError, interruptible
from molt.cli.invocation import Invocation
from molt.encoder.errors import EncoderError
from molt.index.errors import IndexingError
from tests.panics import PanicException


def failing(error: BaseException) -> typer.Typer:
    """An application whose one command raises `error`."""
    app = typer.Typer()

    @app.callback()
    def options(context: typer.Context) -> None:
        context.obj = Invocation()

    def fail(call: Invocation) -> None:
        raise error

    command(app, "fail")(fail)
    return app


@pytest.mark.parametrize(
    "error", [CommandError("why"), IndexingError("why"), EncoderError("why"), ArtifactError("why")]
)
def test_a_foreseen_error_is_its_message_and_status_one(error: Exception) -> None:
    done = CliRunner().invoke(failing(error), ["fail"])
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "error: why\n")


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EACCES, "permission denied"),
        (errno.EROFS, "mounted read-only"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_disk_error_names_the_path_and_the_remedy(number: int, advice: str) -> None:
    error = OSError(number, "Input/output error", "/home/catalog")
    done = CliRunner().invoke(failing(error), ["fail"])
    assert done.exit_code == 1
    assert "/home/catalog" in done.stderr
    assert advice in done.stderr


def test_a_panic_is_an_error_that_does_not_repeat_it() -> None:
    done = CliRunner().invoke(failing(PanicException("a secret")), ["fail"])
    assert done.exit_code == 1
    assert "an extension in Rust panicked" in done.stderr
    assert "secret" not in done.stderr


def test_an_unforeseen_error_says_how_to_see_more_and_shows_no_traceback() -> None:
    done = CliRunner().invoke(failing(KeyError("lost")), ["fail"])
    assert done.exit_code == 1
    assert "unexpected KeyError" in done.stderr
    assert "--debug" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("how", ["option", "environment"])
def test_a_traceback_is_shown_where_it_is_asked_for(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "environment":
        monkeypatch.setenv("MOLT_DEBUG", "1")
    arguments = ["fail", "--debug"] if how == "option" else ["fail"]
    done = CliRunner().invoke(failing(KeyError("lost")), arguments)
    assert done.exit_code == 1
    assert "Traceback" in done.stderr


def test_an_interruption_ends_with_130() -> None:
    assert CliRunner().invoke(failing(KeyboardInterrupt()), ["fail"]).exit_code == 130


def test_a_reader_that_left_is_no_error_of_the_command() -> None:
    done = CliRunner().invoke(failing(BrokenPipeError(errno.EPIPE, "Broken pipe")), ["fail"])
    assert done.exit_code == 1
    assert done.stderr == ""


def test_an_interruption_that_a_library_took_for_its_own_error_is_one_all_the_same() -> None:
    def interrupted() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ValueError("user-defined function raised exception") from None

    former = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), interruptible():
        interrupted()
    assert signal.getsignal(signal.SIGINT) is former
    with pytest.raises(ValueError, match="own"), interruptible():
        raise ValueError("its own")
