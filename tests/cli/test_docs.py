"""What docs/commands.md and docs/configuration.md say is what there is, and all of it."""

import re
from collections.abc import Iterator
from typing import Any

import typer
from pydantic import BaseModel

from molt.cli.main import app
from molt.engine.settings import Settings
from tests.paths import DOCS

COMMON = {"--home", "--json", "--debug", "--help"}


def commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its whole name."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def options(command: Any) -> set[str]:
    return {
        name for option in command.params if option.param_type_name == "option"
        for name in (*option.opts, *option.secondary_opts)
    }  # fmt: skip


def documented_sections() -> dict[str, str]:
    """Headings that name a command, with the text up to the next heading."""
    parts = re.split(r"^#{2,3} (.+)$", (DOCS / "commands.md").read_text(), flags=re.M)
    return {
        heading.strip("`"): body for heading, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def documented_options(section: str) -> set[str]:
    """Every option that begins a row of the section's table."""
    cells = re.findall(r"^\| (`-.*?) \|", section, flags=re.M)
    return {name for cell in cells for name in re.findall(r"`(--?[\w-]+)", cell)}


def documented_settings() -> dict[str, tuple[str, str]]:
    rows = re.findall(
        r"^\| `([\w.]+)` \| `(\w+)` \| (.+?) \| .+ \|$",
        (DOCS / "configuration.md").read_text(),
        flags=re.M,
    )
    return {name: (variable, default) for name, variable, default in rows}


def settings(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            yield from settings(type(field.default), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field.default


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    root = typer.main.get_command(app)
    headings = {name for name in documented_sections() if name.startswith("molt ")}
    groups = {f"molt {name}" for name, each in root.commands.items() if hasattr(each, "commands")}  # type: ignore[attr-defined]
    assert headings == groups | {name for name, _ in commands(root, "molt")}


def test_each_command_documents_exactly_its_options() -> None:
    sections = documented_sections()
    root = typer.main.get_command(app)
    documented = {name: documented_options(sections[name]) for name, _ in commands(root, "molt")}
    actual = {name: options(command) - COMMON for name, command in commands(root, "molt")}
    assert documented == actual


def test_the_common_options_are_documented_once() -> None:
    section = documented_sections()["Options of every command"]
    assert documented_options(section) == options(typer.main.get_command(app)) | {"--help"}


def test_every_positional_argument_is_in_the_usage_of_its_command() -> None:
    sections = documented_sections()
    for name, command in commands(typer.main.get_command(app), "molt"):
        for argument in command.params:
            if argument.param_type_name == "argument":
                word = (argument.metavar or argument.name).strip("[]").upper()
                assert word.split("...")[0] in sections[name], f"{name} {word}"


def written(default: object) -> str:
    """A default as molt.toml would have it."""
    if default is None:
        return "none"
    if isinstance(default, tuple):
        default = list(default)
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def test_every_setting_is_documented_with_its_variable_and_default() -> None:
    expected = {
        name: (f"MOLT_{name.upper().replace('.', '__')}", written(default))
        for name, default in settings(Settings)
    }
    assert documented_settings() == expected
