"""Writes a golden generation, once for each format; what was committed is never rewritten.

    python -m tests.golden.make_generation tests/golden/generation-FORMAT

The vectors are those of the axes, so that the answers can be read off.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from molt.index.generations.generation import GenerationStore, Quarantined
from molt.index.segments.ann import Seed, write_graph
from molt.index.segments.attributes import attributes_of
from molt.index.segments.segment import GRAPH, NODES, SegmentContent, write_segment
from tests.index.segment_fixtures import make_rows

AXES = np.eye(8, dtype=np.float32)


def write_golden(root):
    """Seven documents: 0 to 3 in a segment with a graph, 4 and 5 in one where 4 has two passages.

    The last one is in quarantine. The graph has grown from one that held document 9, deleted since.
    """
    store = GenerationStore(root)
    manifest = store.create(collection=1, checkpoint="c" * 16, dimension=8)
    folder = store.segments_path(manifest.id)
    kinds = [
        {"n": 0, "tags": ["a", "b"], "parts": [{"n": 1, "of": "a"}, {"n": 2, "of": "b"}]},
        {"n": 1, "deep": {"on": True}, "big": 2**53 + 1},
        {"n": 2},
        {"sold": None},
    ]
    files = (root / GRAPH, root / NODES)
    write_graph(*files, vectors=AXES[[7, 3, 1, 2]])
    large = SegmentContent(
        make_rows(range(4), revisions=[1, 2, 3, 4]),
        [AXES[:4]],
        8,
        attributes_of(kinds, ids=["a", "b", "c", "d"]),
        Seed(files[0], np.array([-1, 2, 3, 1], np.int32)),
    )
    passages = make_rows([4, 4, 5], revisions=[5, 5, 6])
    attributes = attributes_of([{"n": 4}, {}], rows=[0, 2], ids=["e", "f"])
    small = SegmentContent(passages, [AXES[4:7]], 8, attributes)
    entries = (write_segment(folder, large, graph_from=1), write_segment(folder, small))
    for file in files:
        file.unlink()
    refused = Quarantined("g", 6, 7, "the checkpoint's tokenizer panics at a text")
    store.publish(replace(manifest, revision=7, segments=entries, quarantined=(refused,)))


if __name__ == "__main__":
    write_golden(Path(sys.argv[1]))
