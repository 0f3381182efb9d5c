"""A serving process that only reads: another process of the same home seals its segments."""

from molt.app.engine import Engine
from molt.app.indexer import Indexer
from molt.app.settings import Settings


class Bystander(Indexer):
    """Never asks for the right to seal."""

    def start(self) -> None:
        """Leave the work to the process that has the right."""


def open_replica(settings: Settings) -> Engine:
    """An engine that answers and follows the index on disk, and never writes to it."""
    engine = Engine.open(settings)
    engine.indexer = Bystander(
        settings, catalog=engine.catalog, store=engine.generations, shelf=engine.shelf
    )
    return engine
