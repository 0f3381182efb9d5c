"""Archives as somebody sends them: of a directory, or of members made by hand."""

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

Member = tuple[tarfile.TarInfo, bytes]


def pack(folder: Path, *, top: str = "", mode: str = "w:gz") -> bytes:
    """The content of a directory, at the archive's root or in a directory `top`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        archive.add(folder, arcname=top or ".")
    return buffer.getvalue()


def pack_members(members: Iterable[Member], *, mode: str = "w", form: int | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=form) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def member(name: str, content: bytes = b"{}", **changes: object) -> Member:
    """A plain file, or what `changes` make of it."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in changes.items():
        setattr(info, field, value)
    return info, content
