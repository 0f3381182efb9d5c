"""Models: finds the encoder behind a name.

A name is a checkpoint's id or what people call it, a collection (then it is the encoder that serves
it), `default`, an alias of one of these, or that of the model which a checkpoint was made of.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from molt.artifact import ArtifactError
from molt.encoder.checkpoint import Checkpoint
from molt.encoder.encoder import Encoder, InputType
from molt.encoder.errors import CheckpointNotFoundError
from molt.encoder.kind import Capability, ModelKind
from molt.encoder.late_interaction.late_interaction import LateInteraction
from molt.encoder.store import CheckpointStore
from molt.engine.cross_encoding import CrossEncoding
from molt.engine.encoders import Encoders
from molt.engine.errors import NoCheckpointError, UnknownModelError
from molt.engine.live.live_collections import LiveCollections
from molt.engine.live.pair import default_checkpoint
from molt.engine.models.embedding import EmbeddingResult, embed_with
from molt.engine.models.names import (
    Alias,
    base_of,
    covers_checkpoint,
    every_alias,
    is_based_on,
    remove_alias,
    set_alias,
    target_of,
)
from molt.engine.models.rating import Rating, rate_pairs, rate_with
from molt.engine.settings import Settings
from molt.index.catalog.access.reach import EVERYTHING, Reach
from molt.index.catalog.aliases import DEFAULT
from molt.index.catalog.catalog import Catalog
from molt.index.errors import CollectionNotFoundError, InvalidNameError


@dataclass(frozen=True)
class ModelCard:
    """A name that models are asked for by; `root` is the checkpoint behind it, of this `kind`."""

    id: str
    root: str
    kind: ModelKind
    created: int
    dimension: int
    max_length: int


class Models:
    """Finds the encoder behind a name. Thread-safe."""

    def __init__(  # noqa: PLR0913  each by name
        self,
        settings: Settings,
        *,
        catalog: Catalog,
        encoders: Encoders,
        live_collections: LiveCollections,
        interaction: LateInteraction,
        cross_encoding: CrossEncoding,
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._checkpoints = CheckpointStore(settings.layout.checkpoints)
        self._encoders = encoders
        self._live_collections = live_collections
        self._interaction = interaction
        self._cross_encoding = cross_encoding

    @contextmanager
    def encoder(self, name: str) -> Iterator[Encoder]:
        """The encoder, for the time of one request.

        Raises `UnknownModelError`, `UnavailableError` where it cannot be loaded, and
        `EncodersBusyError` where requests use as many others as may be open for them.
        """
        meant = self._meant(name)
        serving = self._serving(meant)
        if serving is not None:
            yield serving
            return
        try:
            with self._encoders.lend(meant) as encoder:
                yield encoder
        except CheckpointNotFoundError:
            raise _unknown(name, meant) from None

    def collection_of(self, name: str) -> str:
        """The collection that a name means, itself or an alias of it, as far as memory tells."""
        live = self._live_collections
        if live.holds(name):
            return name
        target = target_of(name, live.aliases, self._settings.models.aliases)
        return target if target is not None and live.holds(target) else name

    def is_open(self, name: str) -> bool:
        """Can a name encode at once, without that anything is loaded? Asks memory alone."""
        live = self._live_collections
        meant = self._known(name) or name
        root = live.default_id if meant == DEFAULT else meant
        return live.holds(meant) or (root is not None and self._encoders.is_open(root))

    def embed(
        self, texts: Sequence[str], *, model: str, input_type: InputType, dimensions: int | None
    ) -> EmbeddingResult:
        """Encode `texts`; with `dimensions` the leading ones, normalised again.

        Raises as `encoder` does, and `InvalidDimensionsError`.
        """
        with self.encoder(model) as encoder:
            return embed_with(
                encoder, texts, model=model, input_type=input_type, dimensions=dimensions
            )

    def rate(self, query: str, texts: Sequence[str], *, model: str) -> Rating:
        """How relevant `texts`, at least one, are to a query, by an encoder or a cross-encoder.

        Raises as `encoder` does, as `LateInteraction.compare`, and as `CrossEncoding.using`.
        """
        meant = self._meant(model)
        if not self._embeds(meant) and self._cross_encoding.covers(meant):
            with self._cross_encoding.using(meant) as scorer:
                return rate_pairs(scorer, query=query, texts=texts)
        with self.encoder(model) as encoder:
            return rate_with(encoder, self._interaction, query=query, texts=texts)

    def cross_encoder(self, name: str, reach: Reach) -> str:
        """The checkpoint of the cross-encoder of that name, within `reach`.

        Raises `UnknownModelError`, and `MissingCapabilityError` where it is none.
        """
        meant = self._meant(self.within(name, reach))
        try:
            self._checkpoints.read(meant).require(Capability.RERANK)
        except CheckpointNotFoundError:
            raise _unknown(name, meant) from None
        return meant

    def within(self, name: str, reach: Reach) -> str:
        """The name, or what it means within `reach` where that is limited: `encoder` takes both.

        Raises `UnknownModelError` for a name behind which is a collection beyond `reach`, and says
        the same of one behind which is nothing.
        """
        if not reach.limited:
            return name
        meant = self._known(name, reach) or self._found(name, reach)
        if meant is None or not self._is_within(meant, reach):
            raise _unknown(name)
        return meant

    def cards(self, reach: Reach = EVERYTHING) -> tuple[ModelCard, ...]:
        """Names within `reach` that `encoder` takes, in alphabetical order."""
        surveyed = self._checkpoints.survey().checkpoints
        checkpoints = {each.id: each for each in surveyed}
        covered = [each for each in surveyed if covers_checkpoint(reach, each)]
        roots = {each.id: each.id for each in covered}
        if self._is_within(DEFAULT, reach):
            roots[DEFAULT] = default_checkpoint(self._catalog)
        for collection in self._catalog.collections.list():
            if not reach.covers(collection.name):
                continue
            with suppress(CollectionNotFoundError):
                live = self._live_collections.known(collection.name).live
                if live is not None:
                    roots[collection.name] = live.encoder.checkpoint.id
        named = self._catalog.names.by_name()
        named = {name: root for name, root in named.items() if root in roots}
        named |= {alias.name: roots.get(alias.model, "") for alias in self.aliases()}
        bases = {base for each in covered if (base := base_of(each)) is not None}
        based = {base: self._based_on(base, covered) or "" for base in bases}
        return tuple(
            _card(name, checkpoints[root])
            for name, root in sorted((based | named | roots).items())
            if root in checkpoints
        )

    def card(self, name: str, reach: Reach = EVERYTHING) -> ModelCard:
        """What a name stands for, also one that `cards` does not list. Raises `UnknownModelError`.

        Such is the last part of the name of the model that a checkpoint was made of.
        """
        cards = {card.id: card for card in self.cards(reach)}
        meant = self._known(name, reach) or self._found(name, reach) or name
        found = cards.get(name) or cards.get(meant)
        if found is None:
            raise _unknown(name)
        return replace(found, id=name)

    def aliases(self, reach: Reach = EVERYTHING) -> tuple[Alias, ...]:
        """Every alias of a model within `reach`, by name, but for `default`."""
        found = every_alias(self._catalog.aliases.all(), self._settings.models.aliases)
        return tuple(each for each in found if self._is_within(each.model, reach))

    def set_alias(self, name: str, target: str) -> Alias:
        """Let an alias stand for a model from now on. Raises as `names.set_alias`."""
        alias = set_alias(name, target, catalog=self._catalog, settings=self._settings)
        self._live_collections.read_aliases()
        return alias

    def remove_alias(self, name: str) -> None:
        """Remove an alias. Raises as `names.remove_alias`."""
        remove_alias(name, catalog=self._catalog, settings=self._settings)
        self._live_collections.read_aliases()

    def _is_within(self, meant: str, reach: Reach) -> bool:
        """Is behind a name, which is no alias, what `reach` covers? What is gone was anybody's."""
        if not reach.limited:
            return True
        with suppress(CollectionNotFoundError, InvalidNameError):
            return reach.covers(self._catalog.collections.get(meant).name)
        with suppress(CheckpointNotFoundError, NoCheckpointError, ArtifactError):
            checkpoint = self._default() if meant == DEFAULT else self._checkpoints.read(meant)
            return covers_checkpoint(reach, checkpoint)
        return False

    def _meant(self, name: str) -> str:
        """The collection, checkpoint or `default` behind a name, or the name itself."""
        return self._known(name) or self._found(name) or name

    def _embeds(self, meant: str) -> bool:
        """Is it known to be an encoder, or what stands for one, as far as memory tells?"""
        is_served = meant == DEFAULT or self._live_collections.holds(meant)
        return is_served or self._encoders.is_open(meant)

    def _default(self) -> Checkpoint:
        checkpoint_id = default_checkpoint(self._catalog)
        try:
            return self._checkpoints.read(checkpoint_id)
        except CheckpointNotFoundError:
            if not self._encoders.is_open(checkpoint_id):
                raise
            return self._encoders.get(checkpoint_id).checkpoint

    def _serving(self, name: str) -> Encoder | None:
        """What serves the collection or the alias of that name."""
        if name == DEFAULT and not self._live_collections.holds(name):
            return self._live_collections.default()
        with suppress(CollectionNotFoundError, InvalidNameError):
            return self._live_collections.get(name).encoder
        return None

    def _known(self, name: str, reach: Reach = EVERYTHING) -> str | None:
        """The collection, checkpoint or `default` that is meant, as far as memory tells."""
        live = self._live_collections
        if name == DEFAULT or live.holds(name) or self._encoders.is_open(name):
            return name
        target = target_of(name, live.aliases, self._settings.models.aliases)
        if target is not None:
            return target
        if live.default_id is not None and self._encoders.is_open(live.default_id):
            checkpoint = live.default().checkpoint
            own = checkpoint.parent is None and is_based_on(checkpoint, name)
            return checkpoint.id if own and covers_checkpoint(reach, checkpoint) else None
        return None

    def _found(self, name: str, reach: Reach = EVERYTHING) -> str | None:
        """The same, looked for on disk; of what was made of a base model only what is covered."""
        with suppress(CheckpointNotFoundError):
            self._checkpoints.path(name)
            return name
        with suppress(CollectionNotFoundError):
            return self._catalog.collections.get(name).name
        target = self._catalog.aliases.get(name) or self._catalog.names.by_name().get(name)
        return target or self._based_on(name, self._covered(reach))

    def _covered(self, reach: Reach) -> list[Checkpoint]:
        surveyed = self._checkpoints.survey().checkpoints
        return [each for each in surveyed if covers_checkpoint(reach, each)]

    def _based_on(self, name: str, checkpoints: Iterable[Checkpoint]) -> str | None:
        """Which is the model of that name, or else the newest made of it; encoders come first."""
        default = self._live_collections.default_id
        found = [each for each in checkpoints if is_based_on(each, name)]
        ranked = sorted(found, key=lambda each: (each.parent is None, each.id == default))
        ranked.sort(key=lambda each: Capability.EMBED in each.capabilities)
        return ranked[-1].id if ranked else None


def _unknown(name: str, meant: str | None = None) -> UnknownModelError:
    stands = "" if meant in {None, name} else f" (an alias of {str(meant)[:80]!r}, which is gone)"
    return UnknownModelError(f"no model {name[:80]!r}{stands}; GET /v1/models lists the names")


def _card(name: str, checkpoint: Checkpoint) -> ModelCard:
    return ModelCard(
        id=name,
        root=checkpoint.id,
        kind=checkpoint.kind,
        created=int(checkpoint.created_at.timestamp()),
        dimension=checkpoint.dimension,
        max_length=checkpoint.max_length,
    )
