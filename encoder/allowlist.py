"""The allow-list: which files may lie in a checkpoint, or in a directory one is made from.

Looks at names, kinds and sizes only; what is inside the files is `content`'s and `weights`'s.
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

from molt.encoder.errors import UnsafeCheckpointError

_MEBIBYTE = 1024 * 1024
_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"

# What a checkpoint holds, and how large each kind of file may be, in bytes.
_ALLOWED = (
    (re.compile(r"checkpoint\.json|modules\.json"), _MEBIBYTE),
    (re.compile(r"README\.md|LICENSE"), 8 * _MEBIBYTE),
    (re.compile(r"(config|sentence_bert_config|config_sentence_transformers)\.json"), _MEBIBYTE),
    (re.compile(r"[12]_(Pooling|Normalize)/config\.json"), _MEBIBYTE),
    (re.compile(r"(tokenizer_config|special_tokens_map)\.json"), 16 * _MEBIBYTE),
    (re.compile(r"tokenizer\.json"), 64 * _MEBIBYTE),
    (re.compile(r"model\.safetensors"), 8192 * _MEBIBYTE),
    (re.compile(rf"runtime/{_NAME}\.xml"), 64 * _MEBIBYTE),
    (re.compile(rf"runtime/{_NAME}\.(onnx|bin)"), 8192 * _MEBIBYTE),
)
_GRAPH = re.compile(rf"runtime/{_NAME}\.(onnx|xml)")

_CODE = frozenset((".py", ".pyc", ".pyi", ".so", ".dll", ".dylib", ".sh", ".exe"))
_PICKLES = frozenset((".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy", ".npz"))
_WEIGHTS = "model.safetensors"
_TRAINERS = re.compile(
    r"(optimizer|scheduler|scaler|training_args|rng_state(_\d+)?|random_states_\d+)"
    r"\.(bin|pt|pth|pkl)"
)
"""What a trainer writes to go on where it stopped; no part of the model."""
_LISTED = 8


def is_graph(name: str) -> bool:
    """Whether `name` is where the exported graph of a variant may lie."""
    return _GRAPH.fullmatch(name) is not None


def check_checkpoint_files(root: Path) -> set[str]:
    """The names of all files under `root`.

    Raises `UnsafeCheckpointError` where one has a name, a kind or a size that none may have.
    """
    found = dict(_walk(root))
    for name, size in found.items():
        limit = _limit(root, name)
        if size > limit:
            raise UnsafeCheckpointError(root / name, f"{size} bytes where {limit} are allowed")
    return set(found)


def check_listed(root: Path, found: AbstractSet[str], *, listed: Iterable[str]) -> None:
    """Raise `UnsafeCheckpointError` unless the files found are listed ones of allowed names.

    A listed file that is missing is not looked for here: its checksum will miss it.
    """
    known = set(listed) | {"checkpoint.json"}
    for name in known:
        _limit(root, name)
    strays = found - known
    if strays:
        raise UnsafeCheckpointError(root / min(strays), "the manifest does not list this file")


def check_source_files(root: Path) -> tuple[str, ...]:
    """The names of files that a trainer left beside the weights, which nobody reads.

    Raises `UnsafeCheckpointError` where a foreign model directory holds code or pickles. Other
    files, such as pictures or data cards, are let pass because nobody reads them either.
    """
    found = {name for name, _ in _walk(root)}
    left = {name for name in found if _TRAINERS.fullmatch(name.rpartition("/")[2])}
    if _WEIGHTS not in found:
        left = set()
    for name in sorted(found - left):
        if Path(name).suffix.lower() in _CODE:
            raise UnsafeCheckpointError(
                root / name, "holds code, which Molt never runs; remove it if the model needs none"
            )
    pickles = sorted(name for name in found - left if Path(name).suffix.lower() in _PICKLES)
    if pickles:
        raise UnsafeCheckpointError(root / pickles[0], _pickled(pickles, weights=_WEIGHTS in found))
    return tuple(sorted(left))


def _pickled(names: list[str], *, weights: bool) -> str:
    others = f"; so may {', '.join(names[1:_LISTED])}" if names[1:] else ""
    others += f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    remedy = (
        f"{_WEIGHTS} is there, so remove what is pickled, or save the model as safetensors anew"
        if weights
        else "save the model as safetensors and remove this file"
    )
    return f"may hold pickled weights, which can run code{others}; {remedy}"


def _limit(root: Path, name: str) -> int:
    for pattern, limit in _ALLOWED:
        if pattern.fullmatch(name):
            return limit
    raise UnsafeCheckpointError(root / name, "a checkpoint may not hold a file of this name")


def _walk(root: Path) -> Iterator[tuple[str, int]]:
    """Relative name and size of each regular file; anything else is refused, links first."""
    if root.is_symlink() or not root.is_dir():
        raise UnsafeCheckpointError(root, "not a directory (a link to one is not followed)")
    for folder, folders, names in os.walk(root):
        for name in [*folders, *names]:
            path = Path(folder) / name
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                raise UnsafeCheckpointError(path, "is a symbolic link; copy the file itself here")
            if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
                raise UnsafeCheckpointError(path, "is neither a file nor a directory")
            if stat.S_ISREG(status.st_mode):
                yield path.relative_to(root).as_posix(), status.st_size
