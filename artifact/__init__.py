"""An artifact: a directory of immutable files and one manifest that vouches for them.

What checkpoints and generations have in common on disk, and nothing else: how files are hashed,
how a manifest proves itself, how a directory appears whole or not at all. Beside them what every
part stands on: locks, points where a fault is planted, panics, priorities. Knows neither encoder
nor index.
"""

from molt.artifact.directory import (
    publish_directory,
    publish_file,
    published_ids,
    replace_directory,
    sweep_hidden,
    sync_directory,
    write_atomically,
)
from molt.artifact.errors import (
    ArtifactError,
    CorruptFileError,
    ForeseenError,
    UnsupportedFormatError,
)
from molt.artifact.faultpoint import faultpoint
from molt.artifact.files import FileEntry, copy_file, hash_file, text_hash, verify_file
from molt.artifact.home import Home
from molt.artifact.ids import AmbiguousIdError, match_id
from molt.artifact.lock import FileLock, exclusive, lock_file, share_file
from molt.artifact.manifest import canonical_json, read_manifest, write_manifest
from molt.artifact.panics import PanicError, is_panic, panics_contained, reason_of
from molt.artifact.priority import give_way, without_giving_way

__all__ = [
    "AmbiguousIdError",
    "ArtifactError",
    "CorruptFileError",
    "FileEntry",
    "FileLock",
    "ForeseenError",
    "Home",
    "PanicError",
    "UnsupportedFormatError",
    "canonical_json",
    "copy_file",
    "exclusive",
    "faultpoint",
    "give_way",
    "hash_file",
    "is_panic",
    "lock_file",
    "match_id",
    "panics_contained",
    "publish_directory",
    "publish_file",
    "published_ids",
    "read_manifest",
    "reason_of",
    "replace_directory",
    "share_file",
    "sweep_hidden",
    "sync_directory",
    "text_hash",
    "verify_file",
    "without_giving_way",
    "write_atomically",
    "write_manifest",
]
