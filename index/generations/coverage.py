"""Coverage: does a generation hold each live document once, and the text that the catalog holds?

Compares and repairs nothing. Names documents, and never quotes their texts.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

from molt.artifact import text_hash
from molt.index.catalog.document import passage_text
from molt.index.catalog.documents import StoredText
from molt.index.catalog.rows.liveness import Liveness
from molt.index.generations.generation import GenerationManifest
from molt.index.generations.live_rows import live_rows
from molt.index.segments.segment import ROW, Segment

_MOST_NAMED = 20


def uncovered(
    manifest: GenerationManifest, segments: Sequence[Segment], liveness: Liveness
) -> Iterator[str]:
    """Live documents without a row, and passages that would answer twice, in words.

    `liveness` is the full one, read after the manifest. A document in quarantine needs no row.
    """
    if manifest.revision > liveness.revision:
        yield (
            f"is complete up to revision {manifest.revision}, but the catalog is at "
            f"{liveness.revision}: restore the catalog that belongs to it, or re-index"
        )
        return
    rows = _live(manifest, segments, liveness)
    indexed = liveness.ordinals[liveness.revisions <= manifest.revision]
    refused = [one.ordinal for one in manifest.quarantined]
    missing = np.setdiff1d(indexed, np.concatenate([rows["ordinal"], np.array(refused, np.int64)]))
    if len(missing):
        first = f"the first at ordinal {missing[0]}"
        yield f"has no row for {len(missing)} live documents, {first}: re-index"
    _, counts = np.unique(rows[["ordinal", "passage"]], return_counts=True)
    if (counts > 1).any():
        yield f"answers twice for {np.count_nonzero(counts > 1)} passages: re-index"


def altered(
    manifest: GenerationManifest,
    segments: Sequence[Segment],
    liveness: Liveness,
    texts: Iterable[StoredText],
) -> Iterator[str]:
    """Documents whose text in the catalog is not the one that was indexed, in words.

    The segments are sound, and hold a hash of each text. Only what is indexed can be compared.
    """
    rows = _live(manifest, segments, liveness)
    rows = rows[np.argsort(rows["ordinal"], kind="stable")]
    damaged = (stored for stored in texts if _is_altered(stored, rows))
    for stored in islice(damaged, _MOST_NAMED):
        name = f"document {stored.doc_id[:80]!r}"
        if stored.title is None or stored.text is None:
            yield f"{name} is no text any more: restore a backup"
        else:
            yield (
                f"{name} does not have the text that was indexed, so one of its bytes was changed "
                "on the disk: send it again, or restore a backup"
            )
    more = sum(1 for _ in damaged)
    if more:
        yield f"{more} other documents do not have the text that was indexed: restore a backup"


def _live(
    manifest: GenerationManifest, segments: Sequence[Segment], liveness: Liveness
) -> npt.NDArray[np.void]:
    scopes = live_rows(segments, liveness, indexed_revision=manifest.revision).scopes
    live = [scope.segment.rows[scope.rows] for scope in scopes]
    return np.concatenate([np.empty(0, ROW), *live])


def _is_altered(stored: StoredText, rows: npt.NDArray[np.void]) -> bool:
    """Is it the text of none of its passages? `rows` `(n,)` of dtype `ROW`, by ordinal."""
    if stored.title is None or stored.text is None:
        return True
    first, last = np.searchsorted(rows["ordinal"], [stored.ordinal, stored.ordinal + 1])
    for row in rows[first:last]:
        if row["revision"] == stored.revision:
            part = stored.text[row["start"] : row["end"]]
            if text_hash(passage_text(title=stored.title, text=part)) != row["hash"].tobytes():
                return True
    return False
