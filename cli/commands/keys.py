"""`molt keys`: who may use the service. Only hashes of keys are kept; a secret is shown once."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import secrets
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import Invocation
from molt.cli.output import Listing, write_json

if TYPE_CHECKING:
    from molt.index.catalog.keys import Key


def create(
    call: Invocation,
    role: Annotated[
        Literal["read", "write", "admin"],
        typer.Option(help="What the key allows; each role includes the one before it."),
    ],
    name: Annotated[
        str | None, typer.Option(help="Name to know the key by; made up where none is given.")
    ] = None,
) -> None:
    """Make an API key and print its secret, this once."""
    from molt.index.catalog.keys import Role

    name = name or f"{role}-{secrets.token_hex(3)}"
    with opened_catalog(call.settings()) as catalog:
        secret = catalog.keys.create(name, Role(role))
    if call.json:
        write_json({"name": name, "role": role, "secret": secret})
    else:
        call.note(f"Key {name!r} with role {role}. Keep the secret now: it is not shown again.")
        typer.echo(secret)


def list_keys(call: Invocation) -> None:
    """List the keys, revoked ones too; secrets cannot be shown."""
    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.keys.list()
    call.show(
        {"keys": [vars(key) for key in found]},
        lambda: Listing(
            ("name", "role", "secret", "created", "revoked"),
            [_row(key) for key in found],
            empty="No keys yet; `molt keys create --role read` makes one.",
        ),
    )


def revoke(call: Invocation, name: Annotated[str, typer.Argument(help="Name of the key.")]) -> None:
    """End the use of a key at once."""
    with opened_catalog(existing_home(call)) as catalog:
        catalog.keys.revoke(name)
    call.show({"revoked": name}, lambda: Listing(("revoked",), [(name,)]))


def _row(key: "Key") -> tuple[object, ...]:
    revoked = None if key.revoked_at is None else f"{key.revoked_at:%F %R}"
    return (key.name, key.role, f"{key.prefix}…", f"{key.created_at:%F %R}", revoked)
