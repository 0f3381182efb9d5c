"""The build backend: setuptools', with archives whose bytes depend on the source alone.

Times, owners, rights and the order of files are the same on every machine. `SOURCE_DATE_EPOCH`,
where it is set, is the time.
"""

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from time import gmtime
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

_1980 = 315_532_800  # the first moment that a zip file can tell
_FILE, _FOLDER = 0o644, 0o755

Settings = Mapping[str, Any] | None


def build_wheel(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Build a wheel into `wheel_directory`; its name (PEP 517)."""
    name: str = build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)
    path = Path(wheel_directory, name)
    with zipfile.ZipFile(path) as made:
        files = [(entry.filename, made.read(entry)) for entry in made.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for filename, content in files:
            entry = zipfile.ZipInfo(filename, gmtime(_moment())[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, of which the rights are
            entry.external_attr = (0o100000 | _FILE) << 16
            archive.writestr(entry, content)
    return name


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """Build an sdist into `sdist_directory`; its name (PEP 517)."""
    name: str = build_meta.build_sdist(sdist_directory, config_settings)
    path = Path(sdist_directory, name)
    with tarfile.open(path) as made:
        members = sorted(made.getmembers(), key=lambda member: member.name)
        contents = [(_plain(each), _content(made, each)) for each in members]
    with (
        path.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=_moment()) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for member, content in contents:
            archive.addfile(member, io.BytesIO(content))
    return name


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The same file or folder, with nothing of the machine."""
    plain = tarfile.TarInfo(member.name)
    plain.type, plain.size, plain.mtime = member.type, member.size, _moment()
    plain.mode = _FOLDER if member.isdir() else _FILE
    return plain


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return b"" if file is None else file.read()


def _moment() -> int:
    return max(_1980, int(os.environ.get("SOURCE_DATE_EPOCH", _1980)))
