import gzip
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.encoder.errors import ArchiveTooLargeError, InvalidArchiveError
from molt.encoder.safety.archive import MOST_MEMBERS, unpack
from tests.encoder.archives import Member, member, pack, pack_members

pytestmark = pytest.mark.promise("P6", "archives that lead out, link, or never end")

LIMIT = 100_000
FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    (folder / "runtime").mkdir(parents=True)
    (folder / "checkpoint.json").write_bytes(b"{}")
    (folder / "runtime" / "fp32.onnx").write_bytes(b"graph" * 1000)
    return folder


def unpacked(content: bytes, root: Path, *, limit: int = LIMIT) -> dict[str, bytes]:
    """What came out of an archive, by name."""
    (root / "archive").write_bytes(content)
    found = unpack(root / "archive", root / "out", limit=limit)
    return {
        path.relative_to(found).as_posix(): path.read_bytes()
        for path in found.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("top", ["", "top", "a model of ours/é"])
def test_what_was_packed_comes_out(tmp_path: Path, folder: Path, mode: str, top: str) -> None:
    top, _, below = top.partition("/")
    expected = {"checkpoint.json": b"{}", "runtime/fp32.onnx": b"graph" * 1000}
    if below:
        expected = {f"{below}/{name}": content for name, content in expected.items()}
    content = pack(folder, top=f"{top}/{below}" if below else top, mode=mode)
    assert unpacked(content, tmp_path) == expected


@pytest.mark.parametrize("form", FORMATS)
def test_long_names_are_read_in_every_format(tmp_path: Path, form: int) -> None:
    name = f"{'a' * 60}/{'b' * 60}.json"
    content = pack_members([member(name), member("README.md")], form=form)
    assert unpacked(content, tmp_path).keys() == {name, "README.md"}


def test_several_gzip_parts_are_one_archive(tmp_path: Path, folder: Path) -> None:
    plain = pack(folder, mode="w")
    content = gzip.compress(plain[:3000]) + gzip.compress(plain[3000:])
    assert unpacked(content, tmp_path).keys() == {"checkpoint.json", "runtime/fp32.onnx"}


def test_nothing_is_executable_whatever_the_archive_says(tmp_path: Path) -> None:
    unpacked(pack_members([member("checkpoint.json", mode=0o7777)]), tmp_path)
    assert (tmp_path / "out" / "checkpoint.json").stat().st_mode & 0o7111 == 0


LEADING_OUT = ["../evil", "a/../../evil", "/tmp/evil", "..", "./../evil", "//evil"]
ODD = ["a\nb", "a\\b", "a\x1b[2J", "\udc80", "a\u202eb", "x" * 256, "a/" * 9 + "b"]


@pytest.mark.parametrize("name", LEADING_OUT)
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidArchiveError, match="leads out of the directory"):
        unpacked(pack_members([member(name)], form=tarfile.GNU_FORMAT), tmp_path)
    assert {path.name for path in tmp_path.rglob("*")} == {"archive", "out"}


@pytest.mark.parametrize("name", [*ODD, "/".join(["y" * 200] * 3), "."])
def test_a_name_that_is_odd_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidArchiveError, match="name"):
        unpacked(pack_members([member(name)], form=tarfile.PAX_FORMAT), tmp_path)


SPECIAL = {
    "a symbolic link": {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd", "size": 0},
    "a hard link": {"type": tarfile.LNKTYPE, "linkname": "README.md", "size": 0},
    "a device": {"type": tarfile.CHRTYPE, "size": 0},
    "a disk": {"type": tarfile.BLKTYPE, "size": 0},
    "a pipe": {"type": tarfile.FIFOTYPE, "size": 0},
    "a contiguous file": {"type": tarfile.CONTTYPE},
    "an old sparse file": {"type": tarfile.GNUTYPE_SPARSE},
    "a kind that nobody knows": {"type": b"Z"},
    "a sparse file": {
        "pax_headers": {"GNU.sparse.map": "0,2", "GNU.sparse.size": "2", "GNU.sparse.name": "a"}
    },
}


@pytest.mark.parametrize("kind", SPECIAL)
def test_what_is_no_plain_file_is_refused(tmp_path: Path, kind: str) -> None:
    content = pack_members([member("README.md"), member("evil", **SPECIAL[kind])])
    with pytest.raises(InvalidArchiveError, match="no plain file"):
        unpacked(content, tmp_path)
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


def test_nothing_is_written_through_a_link_of_the_same_archive(tmp_path: Path) -> None:
    link = member("runtime", b"", type=tarfile.SYMTYPE, linkname=str(tmp_path))
    with pytest.raises(InvalidArchiveError, match="no plain file"):
        unpacked(pack_members([link, member("runtime/evil")]), tmp_path)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "names", [("a", "a"), ("a", "./a"), ("a", "a/b"), ("a/b", "a"), ("a", "a//b")]
)
def test_a_name_that_comes_twice_is_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    with pytest.raises(InvalidArchiveError, match="is in the archive twice"):
        unpacked(pack_members([member(name) for name in names]), tmp_path)


def test_content_up_to_the_limit_is_taken_and_no_byte_more(tmp_path: Path) -> None:
    members = [member("a", b"x" * 600), member("b", b"x" * 400)]
    for folder in ("large", "small"):
        (tmp_path / folder).mkdir()
    assert len(unpacked(pack_members(members), tmp_path / "large", limit=1000)) == 2
    with pytest.raises(ArchiveTooLargeError, match="more than 999 bytes"):
        unpacked(pack_members(members), tmp_path / "small", limit=999)
    assert not (tmp_path / "small" / "out" / "b").exists()


def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path) -> None:
    bomb = pack_members([member("model.safetensors", bytes(50_000_000))], mode="w:gz")
    assert len(bomb) < 100_000
    with pytest.raises(ArchiveTooLargeError):
        unpacked(bomb, tmp_path)
    assert list((tmp_path / "out").iterdir()) == []


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    members = [member(f"f{number}", b"") for number in range(MOST_MEMBERS + 1)]
    with pytest.raises(InvalidArchiveError, match=f"more than {MOST_MEMBERS} entries"):
        unpacked(pack_members(members), tmp_path)


def with_header(kind: bytes, size: int) -> Member:
    """A header that announces this many bytes of names or attributes, all of them zero."""
    return member("././@LongLink", bytes(size), type=kind)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_header_that_would_fill_the_memory_is_refused(tmp_path: Path, kind: bytes) -> None:
    content = pack_members([with_header(kind, 10_000_000), member("a")], mode="w:gz")
    with pytest.raises(InvalidArchiveError, match="impossible size"):
        unpacked(content, tmp_path)


def test_headers_without_end_are_refused(tmp_path: Path) -> None:
    content = pack_members([*[with_header(tarfile.XHDTYPE, 10)] * 5000, member("a")])
    with pytest.raises(InvalidArchiveError, match="impossible size"):
        unpacked(content, tmp_path)


NO_ARCHIVES = {
    "nothing": b"",
    "text": b"hello " * 200,
    "a zip file": b"PK\x03\x04" + bytes(1000),
    "gzip of text": gzip.compress(b"hello " * 200),
    "gzip of nothing": gzip.compress(b""),
    "the beginning of gzip": b"\x1f\x8b",
    "gzip of an unknown kind": b"\x1f\x8b\xff" + bytes(100),
}


@pytest.mark.parametrize("kind", NO_ARCHIVES)
def test_what_is_no_archive_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InvalidArchiveError):
        unpacked(NO_ARCHIVES[kind], tmp_path)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_an_archive_cut_before_its_end_is_refused(tmp_path: Path, folder: Path, mode: str) -> None:
    content = pack(folder, mode=mode)
    end = len(content.rstrip(b"\0")) if mode == "w" else len(content) - 40
    for at in range(0, end, end // 40):
        (tmp_path / str(at)).mkdir()
        with pytest.raises(InvalidArchiveError):
            unpacked(content[:at], tmp_path / str(at))


@given(at=st.integers(0, 6000), value=st.integers(0, 255), mode=st.sampled_from(["w", "w:gz"]))
def test_a_damaged_archive_is_refused_or_read_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, at: int, value: int, mode: str
) -> None:
    root = tmp_path_factory.mktemp("damaged")
    members = [member("a/checkpoint.json", b"x" * 700, mtime=1.5), member("é" * 80, b"y" * 300)]
    content = bytearray(pack_members(members, mode=mode))
    content[at % len(content)] = value
    with suppress(InvalidArchiveError):
        unpacked(bytes(content), root)
