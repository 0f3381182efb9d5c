"""An upload: a body of any size onto the disk, and from there to where it is wanted.

Never holds more than a piece of it in memory, and leaves nothing behind where it is refused.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from shutil import rmtree

from starlette.requests import Request

from molt.app.http.bodies import announced_size, media_type, require_plain, save_body
from molt.app.http.failures import BodyTooLargeError, InvalidCheckpointError, MediaTypeError
from molt.app.http.route import admission_of
from molt.app.service import Service
from molt.artifact import CorruptFileError, UnsupportedFormatError
from molt.encoder.allowlist import check_source_files
from molt.encoder.errors import ArchiveTooLargeError, NoVariantError, UnsafeCheckpointError
from molt.encoder.safety.archive import unpack
from molt.encoder.safety.contents import check_model
from molt.encoder.selection import require_sound_variants
from molt.encoder.store import Added, CheckpointStore
from molt.index.jobs.job import MODEL

ARCHIVES = ("application/x-tar", "application/gzip", "application/x-gzip")
_ARCHIVE = "archive"
_LONGEST_REASON = 500


@asynccontextmanager
async def unpacked(request: Request, service: Service) -> AsyncIterator[Path]:
    """Receive an archive; where its content lies for as long as the block lasts.

    Raises `MediaTypeError`, `BodyTooLargeError`, and what `unpack` raises.
    """
    if media_type(request) not in ARCHIVES:
        raise MediaTypeError(found=media_type(request), expected=" or ".join(ARCHIVES[:2]))
    require_plain(request)
    limit = service.settings.limits.max_checkpoint_bytes
    refusal = _too_large(f"the archive has more than {limit} bytes")
    if announced_size(request) > limit:
        raise refusal
    folder = await admission_of(request).run(service.engine.checkpoints.receiving_folder)
    try:
        await save_body(request, folder / _ARCHIVE, limit=limit, refusal=refusal)
        yield await asyncio.to_thread(_unpack, folder, limit)
    finally:
        await asyncio.to_thread(rmtree, folder, ignore_errors=True)


def add_checkpoint(store: CheckpointStore, content: Path, *, cache: Path) -> Added:
    """Add a finished checkpoint that is fit to serve. Raises `InvalidCheckpointError`."""
    try_out = partial(require_sound_variants, cache=cache)
    with _blamed_on(content):
        return store.add(content, carry=Path.rename, try_out=try_out)


def hand_over(content: Path, folder: Path) -> None:
    """Move a model into the folder of the job that makes a checkpoint of it.

    Raises `InvalidCheckpointError` for what must not be loaded.
    """
    with _blamed_on(content):
        check_source_files(content)
        check_model(content)
    folder.mkdir(parents=True)
    content.rename(folder / MODEL)


def _unpack(folder: Path, limit: int) -> Path:
    try:
        return unpack(folder / _ARCHIVE, folder / "content", limit=limit)
    except ArchiveTooLargeError as error:
        raise _too_large(str(error)) from None


@contextmanager
def _blamed_on(content: Path) -> Iterator[None]:
    """Say `InvalidCheckpointError` for what is wrong with the content, by names within it."""
    try:
        yield
    except (CorruptFileError, UnsupportedFormatError, UnsafeCheckpointError) as error:
        if not error.path.is_relative_to(content):
            raise  # one that was in the store before
        name = error.path.relative_to(content)
        raise InvalidCheckpointError(f"{name}: {error.reason}"[:_LONGEST_REASON]) from None
    except NoVariantError as error:
        reason = str(error).replace(f"{content}/", "")
        raise InvalidCheckpointError(reason[:_LONGEST_REASON]) from None


def _too_large(what: str) -> BodyTooLargeError:
    return BodyTooLargeError(f"{what}; raise the setting limits.max_checkpoint_bytes")
