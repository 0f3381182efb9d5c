"""`molt keys`: who may use the service. Only hashes of keys are kept; a secret is shown once."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from molt.cli.auditing import audited
from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import Invocation
from molt.cli.output import Listing, write_json

if TYPE_CHECKING:
    from molt.index.catalog.access.keys import Key

_SPAN = re.compile(r"(\d{1,5})([hdwmy])", re.ASCII)
_DAYS = {"h": 1 / 24, "d": 1, "w": 7, "m": 30, "y": 365}


RoleOption = Annotated[
    Literal["read", "write", "admin"],
    typer.Option(help="What the key allows; each role includes the one before it."),
]
NameOption = Annotated[
    str | None, typer.Option(help="Name to know the key by; made up where none is given.")
]
ExpiresOption = Annotated[
    str | None,
    typer.Option(
        metavar="WHEN",
        help="When it ends: after a span (12h, 30d, 8w, 6m, 1y), or a date (2027-01-31).",
    ),
]
CollectionsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--collection",
        metavar="NAME",
        help="Collection that it is for, or a pattern as 'shop-*'; several times for several. "
        "By default for all.",
    ),
]


def create(
    call: Invocation,
    role: RoleOption,
    *,
    name: NameOption = None,
    expires: ExpiresOption = None,
    collection: CollectionsOption = None,
) -> None:
    """Make an API key and print its secret, this once."""
    from molt.index.catalog.access.keys import Role
    from molt.index.catalog.access.reach import Reach

    name = name or f"{role}-{secrets.token_hex(3)}"
    expires_at = None if expires is None else moment_of(expires)
    with (
        audited(call, "molt keys create", {"name": name, "role": role}),
        opened_catalog(call.settings()) as catalog,
    ):
        reach = Reach.of(collection or ())
        secret = catalog.keys.create(name, Role(role), expires_at=expires_at, reach=reach)
    if call.json:
        limits = {"expires_at": expires_at, "collections": list(reach.patterns) or None}
        write_json({"name": name, "role": role, "secret": secret} | limits)
    else:
        until = "" if expires_at is None else f", until {expires_at:%F %R} UTC"
        whose = f", for {reach}" if reach.limited else ""
        call.note(
            f"Key {name!r} with role {role}{whose}{until}. Keep the secret now: it is not shown "
            "again."
        )
        typer.echo(secret)


def list_keys(call: Invocation) -> None:
    """List the keys, revoked and expired ones too; secrets cannot be shown."""
    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.keys.list()
    call.show(
        {"keys": [_described(key) for key in found]},
        lambda: Listing(
            ("name", "role", "secret", "collections", "expires", "used", "created", "revoked"),
            [_row(key) for key in found],
            empty="No keys yet; `molt keys create --role read` makes one.",
        ),
    )


def revoke(
    call: Invocation,
    name: Annotated[
        str, typer.Argument(help="Name of the key, or how its name or its secret alone begins.")
    ],
) -> None:
    """End the use of a key at once."""
    with opened_catalog(existing_home(call)) as catalog:
        revoked = catalog.keys.revoke(name)
    call.show({"revoked": revoked}, lambda: Listing(("revoked",), [(revoked,)]))


def moment_of(when: str) -> datetime:
    """The moment that a span from now or a date names. Raises `typer.BadParameter`."""
    span = _SPAN.fullmatch(when.strip().lower())
    try:
        if span:
            return datetime.now(UTC) + timedelta(days=int(span[1]) * _DAYS[span[2]])
        moment = datetime.fromisoformat(when.strip())
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{when[:80]!r} is no span and no date; write 30d, 12h or 2027-01-31",
            param_hint="--expires",
        ) from None


def _described(key: "Key") -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "role": key.role,
        "collections": list(key.reach.patterns) or None,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "expired": key.expired,
        "used_at": key.used_at,
        "revoked_at": key.revoked_at,
    }


def _row(key: "Key") -> tuple[object, ...]:
    expires = _shown(key.expires_at)
    return (
        key.name,
        key.role,
        f"{key.prefix}…",
        str(key.reach),
        f"{expires} (expired)" if key.expired else expires,
        _shown(key.used_at),
        _shown(key.created_at),
        _shown(key.revoked_at),
    )


def _shown(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%F %R}"
