"""An artifact's manifest and files vouch for themselves; its directory appears whole or not."""

import json
import os
from pathlib import Path

import pytest

from molt.artifact import (
    CorruptFileError,
    UnsupportedFormatError,
    copy_file,
    hash_file,
    publish_directory,
    read_manifest,
    replace_directory,
    sweep_hidden,
    verify_file,
    write_atomically,
    write_manifest,
)

BODY = {"format": 1, "name": "détail", "numbers": [1, 2.5], "nested": {"a": None}}


def test_a_manifest_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.json", BODY)
    assert read_manifest(tmp_path / "m.json", supported=1) == BODY


def test_any_flipped_bit_in_a_manifest_is_found(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    write_manifest(path, BODY)
    original = path.read_bytes()
    in_values = range(original.index(b'"format"'), original.rindex(b'"'))
    for position in (at for at in in_values if original[at : at + 1].strip()):
        damaged = bytearray(original)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(CorruptFileError) as found:
            read_manifest(path, supported=1)
        assert found.value.path == path


def test_a_newer_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.json", {"format": 2})
    with pytest.raises(UnsupportedFormatError, match="upgrade Molt"):
        read_manifest(tmp_path / "m.json", supported=1)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": 1}', json.dumps({"format": "1"})])
def test_what_is_not_a_manifest_is_called_corrupt(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(CorruptFileError):
        read_manifest(tmp_path / "m.json", supported=1)


def test_a_manifest_nested_beyond_what_can_be_written_is_called_corrupt(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(f'{{"format": 1, "a": {"[" * 500}{"]" * 500}}}')
    with pytest.raises(CorruptFileError, match="none of Molt's"):
        read_manifest(tmp_path / "m.json", supported=1)


def test_a_missing_manifest_is_called_corrupt(tmp_path: Path) -> None:
    with pytest.raises(CorruptFileError, match="missing"):
        read_manifest(tmp_path / "m.json", supported=1)


def test_a_file_is_verified_by_size_and_content(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    entry = hash_file(path)
    verify_file(path, entry)
    for damaged, reason in ((b"abcd", "bytes"), (b"abd", "SHA-256")):
        path.write_bytes(damaged)
        with pytest.raises(CorruptFileError, match=reason):
            verify_file(path, entry)
    path.unlink()
    with pytest.raises(CorruptFileError, match="missing"):
        verify_file(path, entry)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    write_atomically(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("molt.artifact.directory.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_a_directory_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "artifact"
    with publish_directory(target) as working:
        (working / "sub").mkdir()
        (working / "sub" / "file").write_bytes(b"x")
        assert not target.exists()
    assert (target / "sub" / "file").read_bytes() == b"x"


def test_a_directory_takes_the_place_of_another_at_once(tmp_path: Path) -> None:
    target = tmp_path / "artifact"
    target.mkdir()
    (target / "old").write_text("old")
    with (target / "old").open() as file:
        with replace_directory(target) as working:
            (working / "new").write_text("new")
            assert [path.name for path in target.iterdir()] == ["old"]
        assert file.read() == "old"
    assert [path.name for path in target.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_directory_that_fails_halfway_takes_no_ones_place(tmp_path: Path) -> None:
    target = tmp_path / "artifact"
    target.mkdir()
    with pytest.raises(ValueError, match="power cut"), replace_directory(target) as working:  # noqa: PT012
        (working / "new").write_text("new")
        raise ValueError("power cut")
    assert list(target.iterdir()) == []
    assert list(tmp_path.iterdir()) == [target]
    with pytest.raises(FileNotFoundError), replace_directory(tmp_path / "absent"):
        pytest.fail("there is nothing to replace")


def test_a_directory_that_fails_halfway_leaves_nothing(tmp_path: Path) -> None:
    def fail_halfway() -> None:
        with publish_directory(tmp_path / "artifact") as working:
            (working / "file").write_bytes(b"x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert list(tmp_path.iterdir()) == []


def test_an_artifact_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "artifact").mkdir()
    with pytest.raises(FileExistsError), publish_directory(tmp_path / "artifact"):
        pass


def test_of_two_who_publish_at_once_the_second_is_told(tmp_path: Path) -> None:
    target = tmp_path / "artifact"

    def lose_the_race() -> None:
        with publish_directory(target) as working:
            (working / "file").write_bytes(b"second")
            with publish_directory(target) as faster:
                (faster / "file").write_bytes(b"first")

    with pytest.raises(FileExistsError):
        lose_the_race()
    assert (target / "file").read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [target]


def test_what_hides_is_swept_once_nothing_in_it_was_written_for_an_hour(tmp_path: Path) -> None:
    for name in (".left", ".slow", "artifact"):
        (tmp_path / name / "part").mkdir(parents=True)
        (tmp_path / name / "part" / "file").touch()
        for path in (tmp_path / name, tmp_path / name / "part"):
            os.utime(path, (0, 0))
    os.utime(tmp_path / ".left" / "part" / "file", (0, 0))
    (tmp_path / ".torn").touch()
    os.utime(tmp_path / ".torn", (0, 0))
    assert sorted(sweep_hidden(tmp_path)) == [tmp_path / ".left", tmp_path / ".torn"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".slow", "artifact"]


def test_where_nothing_is_nothing_is_swept(tmp_path: Path) -> None:
    assert sweep_hidden(tmp_path / "none") == []


def test_a_copied_file_is_measured_on_its_way(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"content" * 300_000)
    assert copy_file(source, target) == hash_file(source) == hash_file(target)


def test_a_missing_file_is_not_copied_and_a_copy_replaces_nothing(tmp_path: Path) -> None:
    with pytest.raises(CorruptFileError, match="missing"):
        copy_file(tmp_path / "nothing", tmp_path / "target")
    assert not (tmp_path / "target").exists()
    (tmp_path / "source").write_bytes(b"new")
    (tmp_path / "target").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        copy_file(tmp_path / "source", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b"old"
