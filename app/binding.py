"""Binding: which address may be listened on, and the socket that listens.

Without a key everybody who can connect may do everything, so then only this machine may connect.
"""

import errno
import socket
from functools import lru_cache
from ipaddress import ip_address

from molt.artifact import ForeseenError
from molt.engine.settings import Settings

BACKLOG = 2048
_ACCEPTED_AT_ONCE = 64
_FILES_OF_AN_ACCEPTOR = 32


class BindError(ForeseenError):
    """An address that cannot, or may not, be listened on; the message says what to do."""


@lru_cache(maxsize=1024)  # asked of each request's address
def is_loopback(host: str) -> bool:
    """Can only this machine connect to `host`? A name other than localhost counts as no."""
    try:
        return ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def require_key(settings: Settings) -> None:
    """Raise `BindError` where others could connect and the catalog holds no key."""
    if is_loopback(settings.host):
        return
    from molt.index.generations.lost import open_home_catalog  # noqa: PLC0415  the database

    catalog = open_home_catalog(settings.layout, settings.catalog)
    try:
        keys = [key for key in catalog.keys.list() if key.revoked_at is None]
    finally:
        catalog.close()
    if not keys:
        raise BindError(
            f"refusing to listen on {settings.host}, because there is no key and everybody who can "
            "connect could do everything; make one with `molt keys create --role admin`, "
            "or listen on 127.0.0.1"
        )


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one. Raises `BindError`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise BindError(f"cannot listen on {host}:{port}: {_reason(error)}") from error


def acceptors(listening: socket.socket, *, files: int) -> list[socket.socket]:
    """The same socket under several descriptors, to be closed one by one; `files` may be open.

    libuv takes one connection from each for every turn of its loop, which under load has few turns:
    of a thousand that come at once the last would wait for a thousand of them.
    """
    return [listening, *(listening.dup() for _ in range(_accepted_at_once(files) - 1))]


def accepting_files(files: int) -> int:
    """How many of `files` descriptors it takes to accept connections, beside those that are served.

    Each acceptor has one. What it takes in one turn of the loop is served in the next, and what
    has to make room for that is closed in the one after: by then two more have been taken. Without
    a descriptor for them libuv resets connections that nobody has seen, and may accept no others.
    """
    return 3 * _accepted_at_once(files)


def _accepted_at_once(files: int) -> int:
    return max(1, min(_ACCEPTED_AT_ONCE, files // _FILES_OF_AN_ACCEPTOR))


def url_of(listening: socket.socket) -> str:
    """Where a listening socket is reached."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program listens there; stop it or choose another port with --port"
    if error.errno == errno.EACCES:
        return "this user may not; choose a port from 1024 up with --port"
    return error.strerror or str(error)
