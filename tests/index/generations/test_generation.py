"""Generations on disk: manifests, ids, strays."""

import os
from dataclasses import replace

import orjson
import pytest

from molt.artifact import CorruptFileError, FileEntry, UnsupportedFormatError, write_manifest
from molt.index.errors import GenerationNotFoundError
from molt.index.generations.generation import GENERATION_FORMAT, GENERATION_MANIFEST
from molt.index.segments.segment import SegmentEntry


@pytest.fixture
def manifest(segment_store):
    """A new generation."""
    return segment_store.create(collection=3, checkpoint="c" * 16, dimension=16)


@pytest.fixture
def path(segment_store, manifest):
    """The directory of `manifest`."""
    return segment_store.path(manifest.id)


ENTRY = SegmentEntry("a" * 32, 7, {"rows.npy": FileEntry(size=1, sha256="0" * 64)})


def test_a_new_generation_is_empty_and_read_as_it_was_created(segment_store, manifest):
    assert segment_store.read(manifest.id) == manifest
    assert (manifest.revision, manifest.segments, manifest.n_rows) == (0, (), 0)
    assert segment_store.ids() == [manifest.id]


def test_a_published_manifest_is_read_back(segment_store, manifest):
    later = replace(manifest, revision=9, segments=(ENTRY,))
    segment_store.publish(later)
    assert segment_store.read(manifest.id) == later
    assert later.n_rows == 7


@pytest.mark.parametrize("wrong", ["f" * 32, "", "..", "../../etc", ".hidden", "A" * 32])
def test_an_unknown_id_is_refused_naming_those_there_are(segment_store, manifest, wrong):
    with pytest.raises(GenerationNotFoundError, match=manifest.id):
        segment_store.read(wrong)


def test_a_store_that_was_never_written_has_no_generations(segment_store):
    assert segment_store.ids() == []
    assert segment_store.sweep_unfinished() == []


def test_a_flipped_bit_in_the_manifest_is_found_and_the_file_named(segment_store, manifest, path):
    file = path / GENERATION_MANIFEST
    file.write_bytes(file.read_bytes().replace(b'"revision": 0', b'"revision": 1'))
    with pytest.raises(CorruptFileError, match=GENERATION_MANIFEST):
        segment_store.read(manifest.id)


def test_a_damaged_manifest_still_tells_its_checkpoint(segment_store, manifest, path):
    file = path / GENERATION_MANIFEST
    sound = file.read_bytes()
    claim = sound.index(b'"checkpoint"')
    for place in set(range(len(sound))) - set(range(claim, sound.index(b",", claim))):
        damaged = bytearray(sound)
        damaged[place] ^= 0x80
        file.write_bytes(damaged)
        assert segment_store.claimed_checkpoint(manifest.id) == manifest.checkpoint
    file.write_bytes(sound.replace(b"checkpoint", b"\xff"))
    assert segment_store.claimed_checkpoint(manifest.id) is None


def test_a_manifest_of_a_newer_format_is_refused_telling_to_upgrade(segment_store, manifest, path):
    body = orjson.loads((path / GENERATION_MANIFEST).read_bytes())
    del body["sha256"]
    write_manifest(path / GENERATION_MANIFEST, body | {"format": GENERATION_FORMAT + 1})
    with pytest.raises(UnsupportedFormatError, match="upgrade Molt"):
        segment_store.read(manifest.id)


@pytest.mark.parametrize(
    "change",
    [
        {"segments": [{"id": "../escape", "n_rows": 1, "files": {}}]},
        {"segments": [{"id": "a" * 32}]},
        {"created_at": "yesterday"},
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(segment_store, manifest, path, change):
    body = orjson.loads((path / GENERATION_MANIFEST).read_bytes())
    del body["sha256"]
    write_manifest(path / GENERATION_MANIFEST, body | change)
    with pytest.raises(CorruptFileError, match=GENERATION_MANIFEST):
        segment_store.read(manifest.id)


def test_a_manifest_in_another_generations_directory_is_refused(segment_store, manifest, path):
    other = segment_store.create(collection=3, checkpoint="c" * 16, dimension=16)
    (segment_store.path(other.id) / GENERATION_MANIFEST).write_bytes(
        (path / GENERATION_MANIFEST).read_bytes()
    )
    with pytest.raises(CorruptFileError, match="not of its directory"):
        segment_store.read(other.id)


def test_a_removed_generation_is_gone(segment_store, manifest):
    segment_store.remove(manifest.id)
    assert segment_store.ids() == []
    assert list(segment_store.root.iterdir()) == []


def test_sweeping_removes_what_the_manifest_does_not_name(segment_store, manifest, path):
    segment_store.publish(replace(manifest, segments=(ENTRY,)))
    for name in (ENTRY.id, "b" * 32, f".{'d' * 32}.working"):
        (path / "segments" / name).mkdir()
    (path / ".generation.json.torn").touch()
    removed = {stray.name for stray in segment_store.sweep(manifest.id)}
    assert removed == {"b" * 32, f".{'d' * 32}.working", ".generation.json.torn"}
    assert [kept.name for kept in (path / "segments").iterdir()] == [ENTRY.id]


def test_what_a_crash_left_half_made_is_removed_once_it_is_old(segment_store, manifest):
    old, young = (segment_store.root / name for name in (".old.working", ".young.working"))
    old.mkdir()
    young.mkdir()
    os.utime(old, (0, 0))
    assert segment_store.sweep_unfinished() == [old]
    assert young.exists()
    assert segment_store.ids() == [manifest.id]
