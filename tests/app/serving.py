"""The application over a real engine with a hashing encoder, in this process or in its own.

Run as a program it serves until a signal comes: `python -m tests.app.serving [FLAG=VALUE]...`.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from molt.app.application import create_app
from molt.app.encoders import Encoders
from molt.app.engine import Engine
from molt.app.server import serve
from molt.app.settings import Settings, load_settings
from molt.encoder.errors import CheckpointNotFoundError
from tests.hashing import HashingEncoder


def open_engine(settings: Settings) -> Engine:
    """An engine whose only checkpoint is the hashing encoder's."""
    encoder = HashingEncoder()
    checkpoint_id = encoder.checkpoint.id

    def open_encoder(wanted: str) -> HashingEncoder:
        if wanted != checkpoint_id:
            raise CheckpointNotFoundError(f"no checkpoint {wanted!r}")
        return encoder

    engine = Engine.open(settings, encoders=Encoders(open_encoder))
    engine.catalog.aliases.set("default", checkpoint_id)
    return engine


@contextmanager
def serving(home: Path, **flags: Any) -> Iterator[TestClient]:
    """A client of the application over a fresh home; a 500 is an answer, not an exception."""
    settings = load_settings(home=home, **flags)
    app = create_app(settings, open_engine(settings))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def main() -> None:
    flags = dict(argument.split("=", 1) for argument in sys.argv[1:])
    serve(load_settings(**flags), open_engine=open_engine)


if __name__ == "__main__":
    main()
