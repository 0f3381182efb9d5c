"""Help: what an option takes, and what is wrong with one, in words for people."""

from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

_WORDS = {"str": "TEXT", "int": "N", "float": "NUMBER", "Path": "PATH", "datetime": "WHEN"}


class PlainCommand(TyperCommand):
    """A command whose help and errors say nothing of types."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments. Raises `typer.BadParameter`."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            from molt.artifact.wording import plainly  # noqa: PLC0415  help loads nothing

            error.message = plainly(error.message)
            raise

    def get_params(self, ctx: Any) -> list[Any]:
        """The options and arguments, `--help` among them."""
        return [_plain(each) for each in super().get_params(ctx)]


class PlainGroup(TyperGroup):
    """A group of commands whose help says nothing of types."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The options, `--help` among them."""
        return [_plain(each) for each in super().get_params(ctx)]


def _plain(parameter: Any) -> Any:
    """A flag takes nothing, and what an argument is its name says."""
    kind = parameter.type_descriptor
    if isinstance(parameter, TyperArgument) or getattr(parameter, "is_flag", False):
        word = ""
    elif parameter.metavar is not None:
        word = parameter.metavar
    elif kind.is_choice:
        word = "|".join(str(getattr(choice, "value", choice)) for choice in kind.choices or ())
    else:
        bare = parameter.bare_type().removeprefix("list[").removesuffix("]")
        word = _WORDS.get(bare, "VALUE")
    parameter.display_type_rich = lambda ctx: word  # noqa: ARG005  asked for by its name
    return parameter
