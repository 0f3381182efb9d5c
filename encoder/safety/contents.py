"""Contents: what the files of a model or a checkpoint say, found out at nobody's expense.

JSON and XML are read as a whole, which takes many times their size in memory and keeps every other
thread of a process waiting. So large ones are read in a child process, with bounds on both:

    python -m molt.encoder.safety.contents model|checkpoint DIRECTORY SECONDS
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from molt.encoder.content import check_content
from molt.encoder.errors import UnsafeCheckpointError
from molt.encoder.safety.confinement import ChildFailedError, ResourceLimits, confine, run_confined
from molt.encoder.safety.graphs import check_graphs
from molt.encoder.safety.text_rules import check_text_rules
from molt.encoder.weights import header_size

_PROGRAM = "molt.encoder.safety.contents"
_AT_ONCE = 1024 * 1024
"""Up to so many bytes are read where they are asked for, which takes milliseconds."""


def check_model(root: Path) -> None:
    """Check a directory that a checkpoint is made from.

    Raises `UnsafeCheckpointError` as `check_content` does, and where reading it takes more time or
    memory than files of that size may.
    """
    _check(root, "model")


def check_finished(root: Path) -> None:
    """Check a finished checkpoint: also the rules of its tokenizer, and its graphs.

    Raises `UnsafeCheckpointError` as `check_model` does.
    """
    _check(root, "checkpoint")


def main(arguments: Sequence[str]) -> None:
    """Confine this process, check, and print what was found as JSON."""
    kind, root, seconds = arguments
    confine(int(seconds))
    try:
        _CHECKS[kind](Path(root))
    except UnsafeCheckpointError as error:
        print(json.dumps({"path": str(error.path), "reason": error.reason}))  # noqa: T201  the answer
    else:
        print("{}")  # noqa: T201  the answer


def _check(root: Path, kind: str) -> None:
    texts = dict(_texts(root))
    size = sum(texts.values())
    if size <= _AT_ONCE:
        _CHECKS[kind](root)
        return
    try:
        said = run_confined(_PROGRAM, [kind, str(root)], limits=ResourceLimits.of_text(size))
    except ChildFailedError as error:
        largest = max(texts, key=lambda path: texts[path])
        raise UnsafeCheckpointError(largest, f"reading it and others {error}") from None
    if said:
        raise UnsafeCheckpointError(Path(said["path"]), said["reason"])


def _texts(root: Path) -> Iterator[tuple[Path, int]]:
    """Each text that is read as a whole, and its bytes."""
    for pattern in ("*.json", "*/*.json", "runtime/*.xml"):
        yield from ((path, path.stat().st_size) for path in root.glob(pattern))
    weights = root / "model.safetensors"
    yield weights, header_size(weights)


def _check_checkpoint(root: Path) -> None:
    check_content(root)
    check_text_rules(root / "tokenizer.json")
    check_graphs(root, sorted(str(path.relative_to(root)) for path in root.glob("runtime/*")))


_CHECKS: Mapping[str, Callable[[Path], None]] = {
    "model": check_content,
    "checkpoint": _check_checkpoint,
}


if __name__ == "__main__":
    main(sys.argv[1:])
