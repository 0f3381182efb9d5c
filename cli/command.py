"""A command of `molt`: a function of an `Invocation` and its own arguments.

Adds the options that every command takes and the edge where its errors end.
"""

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from molt.cli.auditing import audited
from molt.cli.edge import reporting
from molt.cli.help import PlainCommand
from molt.cli.invocation import MEANT, Invocation

_LOGGING = frozenset(("serve", "worker"))
"""Commands that write a log, and tell it there."""

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help="Directory that holds everything; by default MOLT_HOME, else ./molt-data.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]
DebugOption = Annotated[
    bool,
    typer.Option("--debug", envvar="MOLT_DEBUG", help="Show the traceback of an error."),
]


def command(app: typer.Typer, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function, whose first parameter takes the `Invocation`, as command `name`."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        app.command(name, cls=PlainCommand)(_adapted(function))
        return function

    return register


def administrative(
    app: typer.Typer, name: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `command`, for one of which the audit log tells, however it ends."""
    action = f"molt {name}" if app.info.name == "molt" else f"molt {app.info.name} {name}"

    def register(function: Callable[..., None]) -> Callable[..., None]:
        def run(call: Invocation, **given: Any) -> None:
            with audited(call, action, given):
                function(call, **given)

        run.__doc__ = function.__doc__
        run.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
        app.command(name, cls=PlainCommand)(_adapted(run))
        return function

    return register


def _adapted(function: Callable[..., None]) -> Callable[..., None]:
    """The function as typer calls it: with a context and the common options."""

    _, *own = inspect.signature(function).parameters.values()
    named = [one.name for one in own if MEANT in getattr(one.annotation, "__metadata__", ())]

    def run(
        *, context: typer.Context, home: Path | None, json: bool, debug: bool, **given: Any
    ) -> None:
        call = Invocation(home=home, json=json, debug=debug).over(context.obj)
        if context.info_name not in _LOGGING:
            _note_misspelt(call)
        with reporting(call):
            function(call, **given | {name: _meant(call, given[name]) for name in named})

    run.__doc__ = function.__doc__
    parameters = [_parameter("context", typer.Context), *map(_keyword, own), *_common()]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def _meant(call: Invocation, name: str) -> str:
    """The collection that a name means in the home, where there is one."""
    from molt.cli.home import meant_collection  # noqa: PLC0415  with what opens a catalog

    return meant_collection(call, name)


def _note_misspelt(call: Invocation) -> None:
    """Name variables that were meant as settings; nothing is imported where there is none."""
    names = [name for name in os.environ if name.startswith("MOLT_")]
    if names:
        from molt.engine.settings import misspelt_variables  # noqa: PLC0415  0.3 s

        for said in misspelt_variables(names):
            call.note(f"{said[0].upper()}{said[1:]}")


def _common() -> list[inspect.Parameter]:
    return [
        _parameter("home", HomeOption, default=None),
        _parameter("json", JsonOption, default=False),
        _parameter("debug", DebugOption, default=False),
    ]


def _parameter(
    name: str, annotation: object, *, default: object = inspect.Parameter.empty
) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
    )


def _keyword(parameter: inspect.Parameter) -> inspect.Parameter:
    return parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
