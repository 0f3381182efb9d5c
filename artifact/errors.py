"""What can be wrong with an artifact on disk, and the base of all errors raised on purpose."""

from pathlib import Path


class ForeseenError(Exception):
    """Base of every part's errors: the message says what to do, and users need nothing else."""


class ArtifactError(ForeseenError):
    """Something on disk is not what its manifest says."""


class CorruptFileError(ArtifactError):
    """A file is missing, or its size or SHA-256 differs from the manifest's."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class UnsupportedFormatError(ArtifactError):
    """A manifest was written by a newer version of Molt."""

    def __init__(self, path: Path, *, found: int, supported: int) -> None:
        reason = (
            f"format {found} is newer than this version of Molt can read "
            f"(up to {supported}); upgrade Molt to open it"
        )
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
