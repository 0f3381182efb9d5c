"""Closeness: how much of what a teacher knows is in a student's vectors."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from molt.encoder import Prompts
from molt.index.segments.exact import Vectors
from molt.training.distilling.teaching import TeacherVectors
from molt.training.export.graph import load_model


@dataclass(frozen=True)
class Closeness:
    """On texts that nothing was learnt from.

    `correlation` is Pearson's, of the cosines of all pairs of texts under both. `cosine` is the
    mean between both vectors of a text; None where the student's are in a space of their own.
    """

    correlation: float
    cosine: float | None


def measure_closeness(model: Path, held_out: TeacherVectors, *, prompts: Prompts) -> Closeness:
    """The closeness of the model at `model`, as sentence-transformers computes it in fp32."""
    found = load_model(model).encode(
        held_out.read(prompts), normalize_embeddings=True, show_progress_bar=False
    )
    return compare_spaces(np.asarray(found, dtype=np.float32), held_out.vectors)


def compare_spaces(student: Vectors, teacher: Vectors) -> Closeness:
    """The closeness of vectors `(n, dim)` of the same texts, L2-normalised, at least three."""
    pairs = np.triu_indices(len(teacher), k=1)
    cosines = np.stack([(vectors @ vectors.T)[pairs] for vectors in (student, teacher)])
    correlation = float(np.corrcoef(cosines)[0, 1])
    if student.shape != teacher.shape:
        return Closeness(round(correlation, 4), None)
    cosine = float(np.einsum("ij,ij->i", student, teacher).mean())
    return Closeness(round(correlation, 4), round(cosine, 4))
