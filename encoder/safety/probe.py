"""The probe: before a checkpoint serves, a child process tries whether it is fit to.

What crashes, hangs, takes all memory or computes nonsense does so there. What was found is
remembered in the cache for just these files on this host, so nobody who starts pays again.
"""

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from molt.artifact import (
    ArtifactError,
    canonical_json,
    lock_file,
    read_manifest,
    write_manifest,
)
from molt.encoder.checkpoint import Checkpoint, Variant
from molt.encoder.errors import NoVariantError
from molt.encoder.host import fingerprint
from molt.encoder.runtimes.runtime import graph_files, plain_variant
from molt.encoder.safety.confinement import ChildFailedError, ResourceLimits, run_confined
from molt.encoder.safety.reference import Reference

log = logging.getLogger(__name__)

_FORMAT = 1
_REFUSED_SECONDS = 3600.0
"""So long a refusal is remembered: the host may have been too busy for once."""

_PROGRAM = "molt.encoder.safety.child"


@dataclass(frozen=True)
class Probed:
    """Why a variant must not serve, or what it was found to make of the reference texts."""

    refused: str | None = None
    references: tuple[Reference, ...] = ()
    at: float = 0.0


_SCHEMA: TypeAdapter[Probed] = TypeAdapter(Probed)
_known: dict[str, Probed] = {}  # for as long as this process lives, whatever becomes of the cache


def require_sound(
    checkpoint: Checkpoint, variant: Variant, *, cache: Path
) -> tuple[Reference, ...]:
    """What `variant` has to make of a few texts.

    Raises `NoVariantError` where it must not serve.
    """
    found = probed(checkpoint, variant, cache=cache)
    if found.refused is not None:
        raise NoVariantError(found.refused)
    return found.references


def probed(checkpoint: Checkpoint, variant: Variant, *, cache: Path) -> Probed:
    """What a child finds, or found when these files were tried last."""
    key = _key(checkpoint, variant)
    path = cache / "probes" / f"{checkpoint.id}-{key}.json"
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
    if (known := _remembered(path, key)) is not None:
        if not path.exists():  # it is another cache, or was emptied: the next process asks it
            _remember(path, key, known)
        return known
    limits = _limits(checkpoint, variant)
    with _alone(path.with_suffix(".lock"), patience=limits.wall_seconds):
        if (known := _remembered(path, key)) is not None:
            return known  # somebody else has tried it meanwhile
        found = _run(checkpoint, variant, cache=cache, limits=limits)
        _remember(path, key, found)
    return found


def _run(
    checkpoint: Checkpoint, variant: Variant, *, cache: Path, limits: ResourceLimits
) -> Probed:
    began = time.monotonic()
    arguments = [str(checkpoint.path), variant.name, str(cache)]
    try:
        said = run_confined(_PROGRAM, arguments, limits=limits)
        found = _SCHEMA.validate_python(said | {"at": time.time()})
    except (ChildFailedError, ValidationError) as error:
        why = f"variant {variant.name} of checkpoint {checkpoint.id} {error}; do not use it"
        found = Probed(refused=why, at=time.time())
    if found.refused is None:
        seconds = time.monotonic() - began
        log.info("%s of checkpoint %s passed in %.1f s", variant.name, checkpoint.id, seconds)
    else:
        log.warning("a probe failed: %s", found.refused)
    return found


def _limits(checkpoint: Checkpoint, variant: Variant) -> ResourceLimits:
    """What a sound checkpoint of that size needs at most, and a good deal more."""
    graphs = variant.graph, plain_variant(checkpoint, variant).graph
    names = {name for graph in graphs for name in graph_files(graph)} | {"model.safetensors"}
    size = sum(checkpoint.files[name].size for name in names & checkpoint.files.keys())
    return ResourceLimits.of(size, max_length=checkpoint.max_length, dimension=checkpoint.dimension)


def _key(checkpoint: Checkpoint, variant: Variant) -> str:
    """32 hex digits over all that the answer depends on."""
    body = {
        "format": _FORMAT,
        "files": {name: entry.sha256 for name, entry in checkpoint.files.items()},
        "variants": [asdict(variant), asdict(plain_variant(checkpoint, variant))],
        "dimension": checkpoint.dimension,
        "max_length": checkpoint.max_length,
        "prompts": asdict(checkpoint.prompts),
        "capabilities": list(checkpoint.capabilities),
        "references": [asdict(reference) for reference in checkpoint.references],
        "host": fingerprint(),
    }
    return hashlib.sha256(canonical_json(body)).hexdigest()[:32]


def _remembered(path: Path, key: str) -> Probed | None:
    """What was found before; None where that is too long ago, or the cache is gone or spoilt.

    A refusal of a time to come is none: the clock was wrong then, or is now.
    """
    known = _known.get(key) or _read(path)
    if known is not None and known.refused:
        return known if 0 <= time.time() - known.at <= _REFUSED_SECONDS else None
    return known


def _read(path: Path) -> Probed | None:
    try:
        return _SCHEMA.validate_python(read_manifest(path, supported=_FORMAT))
    except (ArtifactError, OSError, ValidationError):
        return None


def _remember(path: Path, key: str, found: Probed) -> None:
    _known[key] = found
    with suppress(OSError):  # a full disk, or one that may only be read: tried again at next start
        write_manifest(path, {"format": _FORMAT} | _SCHEMA.dump_python(found, mode="json"))


@contextmanager
def _alone(lock: Path, *, patience: float) -> Iterator[None]:
    """Whoever starts at the same moment waits, rather than try the same; where it can be locked."""
    try:
        held = lock_file(lock, patience=patience)
    except OSError:
        held = None
    try:
        yield
    finally:
        if held is not None:
            held.release()
