"""Disturbances: what each kind of episode does to the server, its files, its disk, its clock.

Each returns when it is over; the server may be down then. What is damaged while nobody runs is
looked at before the server starts again.
"""

import os
import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.soak.crowd import COLLECTION, Crowd
from tests.soak.plan import Episode, Kind
from tests.soak.stand import Stand, faketime, waited

_LEAST_LEFT = 8192
_STOP_SECONDS = 50.0
"""As documented: `limits.wait_seconds` and 5 s, and some for a segment."""


def disturb(stand: Stand, crowd: Crowd, episode: Episode) -> None:
    """Do what the episode is about, for as long as it lasts."""
    began = time.monotonic()
    _DOING[episode.kind](stand, crowd, episode)
    time.sleep(max(0.0, began + episode.seconds - time.monotonic()))


def _kill_server(stand: Stand, _crowd: Crowd, episode: Episode) -> None:
    time.sleep(episode.moment)
    stand.server.kill()
    stand.server.spawn()
    if episode.chance.random() < 0.3:  # and again, while it starts
        time.sleep(episode.chance.uniform(0.1, 2.0))
        stand.server.kill()
        stand.server.spawn()


def _kill_worker(stand: Stand, _crowd: Crowd, episode: Episode) -> None:
    time.sleep(episode.moment)
    worker = stand.worker()
    if worker is not None:
        worker.kill()


def _kill_at_point(stand: Stand, crowd: Crowd, episode: Episode) -> None:
    _with_point(stand, crowd, episode, "kill")


def _fill_at_point(stand: Stand, crowd: Crowd, episode: Episode) -> None:
    _with_point(stand, crowd, episode, "full")


def _with_point(stand: Stand, crowd: Crowd, episode: Episode, action: str) -> None:
    """Start with the point armed, swap, and wait for a while until it has fired."""
    stand.server.kill()
    stand.arm(episode.detail, action)
    stand.server.start()
    stand.swap()
    waited(lambda: stand.has_fired(episode.detail), 10.0)
    time.sleep(0.5)
    stand.environment()
    if not stand.lives or not stand.has_fired(episode.detail):
        stand.server.kill()  # what is still armed would fire when nobody expects it


def _stop(stand: Stand, crowd: Crowd, episode: Episode) -> None:
    time.sleep(episode.moment)
    began = time.monotonic()
    try:
        status = stand.server.stop()
    except Exception as error:  # noqa: BLE001  it did not end in time, or had ended
        crowd.note(f"SIGTERM: {error!r}")
        stand.server.kill()
        return
    if status != 0 or time.monotonic() - began > _STOP_SECONDS:
        crowd.note(f"SIGTERM: ended with {status} after {time.monotonic() - began:.1f} s")


def _damage_index(stand: Stand, crowd: Crowd, episode: Episode) -> None:
    time.sleep(episode.moment)
    stand.server.kill()
    files = _indexes(stand.home / "generations")
    if files:
        damaged = episode.chance.choice(files)
        _flip(damaged, episode.chance)
        stand.damaged.append(damaged)
        _must_be_named(stand, crowd, damaged)


def _damage_words(stand: Stand, crowd: Crowd, episode: Episode) -> None:
    """What is damaged is made anew: nothing of it may be left in the end."""
    time.sleep(episode.moment)
    stand.server.kill()
    files = _commits(stand.home / "lexical")
    if files:
        damaged = episode.chance.choice(files)
        _flip(damaged, episode.chance)
        _must_be_named(stand, crowd, damaged)


def _damage_cache(stand: Stand, _crowd: Crowd, episode: Episode) -> None:
    time.sleep(episode.moment)
    stand.server.kill()
    for path in _files(stand.home / "cache"):
        _flip(path, episode.chance)


def _damage_checkpoint(stand: Stand, crowd: Crowd, episode: Episode) -> None:
    time.sleep(episode.moment)
    stand.server.kill()
    damaged = episode.chance.choice(_files(stand.home / "checkpoints"))
    sound = damaged.read_bytes()
    _flip(damaged, episode.chance)
    _must_be_named(stand, crowd, damaged)
    stand.server.spawn()
    time.sleep(episode.chance.uniform(0.5, 4.0))
    damaged.write_bytes(sound)


def _must_be_named(stand: Stand, crowd: Crowd, damaged: Path) -> None:
    status, problems = stand.check()
    if status != 1 or not any(_names(one["path"], damaged) for one in problems):
        crowd.note(f"a flipped bit in {damaged} is not named: {status} {problems}")


def _names(path: str, damaged: Path) -> bool:
    return damaged.is_relative_to(path) if path else False


def _files(folder: Path) -> list[Path]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in found if path.suffix != ".lock" and path.stat().st_size]


def _indexes(folder: Path) -> list[Path]:
    """Manifests, and the files of the segments that they name."""
    found = []
    for manifest in sorted(folder.glob("[!.]*/generation.json")):
        named = manifest.read_text(encoding="utf-8", errors="replace")
        segments = sorted((manifest.parent / "segments").glob("[!.]*"))
        found += [
            manifest,
            *(file for one in segments if one.name in named for file in _files(one)),
        ]
    return found


def _commits(folder: Path) -> list[Path]:
    """Manifests of indexes of words, and the files of the commits that they name."""
    found = []
    for manifest in sorted(folder.glob("*/lexical.json")):
        named = manifest.read_text(encoding="utf-8", errors="replace")
        commits = sorted((manifest.parent / "commits").iterdir())
        found += [manifest, *(file for one in commits if one.name in named for file in _files(one))]
    return found


def _flip(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def _fill_disk(stand: Stand, crowd: Crowd, episode: Episode) -> None:
    time.sleep(episode.moment)
    ballast = stand.home / "ballast"
    try:
        with ballast.open("wb", buffering=0) as filled:
            disk = os.statvfs(stand.home)
            left = disk.f_bavail * disk.f_frsize - episode.chance.choice((0, _LEAST_LEFT, 65536))
            with suppress(OSError):
                os.posix_fallocate(filled.fileno(), 0, max(1, left))
        for _ in range(4):
            time.sleep(0.5)
            status, _answer = stand.server.ask("GET", f"/search?q=brook&collection={COLLECTION}")
            if status != 200:
                crowd.note(f"a search beside a full disk is {status}")
    finally:
        ballast.unlink(missing_ok=True)


def _jump(stand: Stand, _crowd: Crowd, episode: Episode) -> None:
    """A server whose clock jumps while it is at work, and back when it is started again."""
    clock = stand.folder / "clock"
    clock.write_text("+0\n")
    stand.server.kill()
    stand.environment(
        LD_PRELOAD=str(faketime()),
        FAKETIME_TIMESTAMP_FILE=str(clock),
        FAKETIME_CACHE_DURATION="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
        NO_FAKE_STAT="1",
    )
    stand.server.start()
    if episode.swap:
        stand.swap()
    time.sleep(episode.moment)
    clock.write_text(f"{_bearable(episode.detail)}\n")
    time.sleep(4.0)
    stand.environment()
    stand.server.kill()


def _bearable(jump: str) -> str:
    """A jump back by a day, or by an hour where the machine runs for less than that.

    libfaketime moves the monotonic deadlines of sleeps too: one before the start of the machine is
    refused by the kernel (EINVAL), which no real clock does.
    """
    return jump if jump != "-1d" or time.monotonic() > 86_400 else "-1h"


def _be_slow(stand: Stand, _crowd: Crowd, episode: Episode) -> None:
    """Heads without end, bodies by drops, and large answers that nobody reads."""
    head = b"POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    listing = f"GET /collections/{COLLECTION}/documents?limit=1000 HTTP/1.1\r\n".encode()
    kinds = (head, head + b"Content-Length: 100000\r\n\r\n{", listing + b"Host: localhost\r\n\r\n")
    opened = []
    for number in range(60):
        with suppress(OSError):
            one = socket.create_connection(("127.0.0.1", stand.server.port), timeout=5)
            one.sendall(kinds[number % 3])
            opened.append(one)
    end = time.monotonic() + episode.seconds
    while time.monotonic() < end:
        for one in opened:
            with suppress(OSError):
                one.sendall(b"x")
        time.sleep(0.5)
    for one in opened:
        one.close()


def _overload(stand: Stand, _crowd: Crowd, episode: Episode) -> None:
    """Searches on 700 connections at once, again and again."""
    body = f'{{"query": "brook kelp", "collection": "{COLLECTION}", "k": 100}}'.encode()
    request = (
        b"POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body
    )
    end = time.monotonic() + episode.seconds

    def flood() -> None:
        while time.monotonic() < end:
            opened = []
            with suppress(OSError):
                for _ in range(175):
                    one = socket.create_connection(("127.0.0.1", stand.server.port), timeout=20)
                    one.sendall(request)
                    opened.append(one)
            for one in opened:
                with suppress(OSError):
                    one.recv(65536)
                one.close()

    floods = [threading.Thread(target=flood, daemon=True) for _ in range(4)]
    for one in floods:
        one.start()
    for one in floods:
        one.join()


def _only_swap(stand: Stand, crowd: Crowd, episode: Episode) -> None:
    """What was asked for at the beginning, and a rollback."""
    time.sleep(episode.moment)
    status, answer = stand.server.ask("POST", "/admin/rollback", {"collection": COLLECTION})
    if status not in {200, 409} and not (status == 503 and stand.damaged):
        crowd.note(f"a rollback is {status}: {answer}")


_DOING: dict[Kind, Callable[[Stand, Crowd, Episode], None]] = {
    Kind.SERVER_KILLED: _kill_server,
    Kind.WORKER_KILLED: _kill_worker,
    Kind.POINT_KILLED: _kill_at_point,
    Kind.POINT_FULL: _fill_at_point,
    Kind.STOPPED: _stop,
    Kind.INDEX_DAMAGED: _damage_index,
    Kind.WORDS_DAMAGED: _damage_words,
    Kind.CACHE_DAMAGED: _damage_cache,
    Kind.CHECKPOINT_DAMAGED: _damage_checkpoint,
    Kind.DISK_FULL: _fill_disk,
    Kind.CLOCK: _jump,
    Kind.SLOW_CLIENTS: _be_slow,
    Kind.OVERLOAD: _overload,
    Kind.SWAPPED: _only_swap,
}
