"""An upload: a body of any size onto the disk, and from there into the store of checkpoints.

Never holds more than a piece of it in memory, and leaves nothing behind where it is refused.
"""

import asyncio
from pathlib import Path
from shutil import rmtree

from starlette.requests import Request

from molt.app.bodies import announced_size, media_type, require_plain
from molt.app.failures import BodyTooLargeError, InvalidCheckpointError, MediaTypeError
from molt.app.service import Service
from molt.artifact import CorruptFileError, UnsupportedFormatError
from molt.encoder.archive import unpack
from molt.encoder.errors import ArchiveTooLargeError, UnsafeCheckpointError
from molt.encoder.store import Added, CheckpointStore

ARCHIVES = ("application/x-tar", "application/gzip", "application/x-gzip")
ARCHIVE = "archive"
_PIECE = 1024 * 1024
_LONGEST_REASON = 500


async def take(request: Request, service: Service) -> Added:
    """Receive an archive and add the checkpoint in it.

    Raises `MediaTypeError`, `BodyTooLargeError`, `InvalidCheckpointError`, and what `unpack` and
    `CheckpointStore.add` raise.
    """
    if media_type(request) not in ARCHIVES:
        raise MediaTypeError(found=media_type(request), expected=" or ".join(ARCHIVES[:2]))
    require_plain(request)
    limit = service.settings.limits.max_checkpoint_bytes
    if announced_size(request) > limit:
        raise _too_large(f"the archive has more than {limit} bytes")
    store = service.engine.checkpoints
    folder = await service.admission.run(store.receiving_folder)
    try:
        await _save(request, folder / ARCHIVE, limit=limit)
        return await asyncio.to_thread(_add, store, folder, limit)
    finally:
        await asyncio.to_thread(rmtree, folder, ignore_errors=True)


async def _save(request: Request, path: Path, *, limit: int) -> None:
    """Not in a request thread: an upload may take an hour, most of which it waits."""
    with path.open("wb") as file:
        size, piece = 0, bytearray()
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise _too_large(f"the archive has more than {limit} bytes")
            piece += chunk
            if len(piece) >= _PIECE:
                await asyncio.to_thread(file.write, piece)
                piece = bytearray()
        file.write(piece)


def _add(store: CheckpointStore, folder: Path, limit: int) -> Added:
    try:
        content = unpack(folder / ARCHIVE, folder / "content", limit=limit)
    except ArchiveTooLargeError as error:
        raise _too_large(str(error)) from None
    try:
        return store.add(content, carry=Path.rename)
    except (CorruptFileError, UnsupportedFormatError, UnsafeCheckpointError) as error:
        if not error.path.is_relative_to(content):
            raise  # one that was in the store before
        name = error.path.relative_to(content)
        raise InvalidCheckpointError(f"{name}: {error.reason}"[:_LONGEST_REASON]) from None


def _too_large(what: str) -> BodyTooLargeError:
    return BodyTooLargeError(f"{what}; raise the setting limits.max_checkpoint_bytes")
