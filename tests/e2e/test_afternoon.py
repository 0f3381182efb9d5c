"""A shop's afternoon: its files in, prices kept, an encoder trained, undone, and all of it saved.

Every step is a command of `molt` or a request to a running `molt serve`, as people give them.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from molt.encoder import Checkpoint
from tests.server import MOLT, ServerProcess
from tests.training.learning import LETTERS, NOISE
from tests.training.letters import FAST
from tests.waiting import wait_until

MAPPING = (
    "--id-column", "Artikelnummer", "--text-column", "Beschreibung", "--number", "Preis",
    "--strip-html",
)  # fmt: skip
TINY = [part for setting in FAST for part in ("--set", setting)]
PAIRS = [(one, other) for one in LETTERS for other in LETTERS if one < other]
SPLITS = ("dev", "train", "train", "test", "train", "train")
UNKNOWN = 7
REPEATED = (3, 40, 77)
ASKED = ("a k", "b c", "g p")


class Afternoon:
    """A home, and the commands that are given over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        (folder / "site").mkdir()
        hiding = "import sys\nsys.modules['nncf'] = None\n"  # its calibration takes minutes
        (folder / "site" / "sitecustomize.py").write_text(hiding)
        path = os.pathsep.join((str(folder / "site"), os.environ.get("PYTHONPATH", "")))
        self._environment = os.environ | {"PYTHONPATH": path, "MOLT_WATCH__SECONDS": "0"}

    def molt(self, *arguments: object, home: Path | None = None) -> tuple[list[Any], str]:
        """A command that has to succeed: its answers, and what it says on standard error."""
        command = [MOLT, "--home", home or self.home, "--json", *arguments]
        done = subprocess.run(
            list(map(str, command)),
            env=self._environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + done.stdout
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def file(self, name: str, content: str) -> Path:
        """A file that somebody brings, with lines as Windows ends them."""
        path = self.folder / name
        path.write_bytes(content.replace("\n", "\r\n").encode())
        return path


def price(at: int) -> str:
    """A price as a German spreadsheet writes it: 0,50 up to 1.190,50."""
    return f"{at * 10:,}".replace(",", ".") + ",50"


def articles() -> str:
    """A semicolon CSV with a byte-order mark, HTML, decimal commas, and three rows twice."""
    random = np.random.default_rng(0)
    lines = ["\ufeffArtikelnummer;Beschreibung;Marke;Preis"]
    for at, pair in enumerate(PAIRS):
        first, *words = random.permutation([*pair, *random.choice(NOISE, 4)])
        text = f"<p class=x>{first}&nbsp;{' '.join(words[:2])} <b>{' '.join(words[2:])}</b></p>"
        cost = "n/a" if at == UNKNOWN else price(at)
        lines += [f"{at}.0;veraltet;;9,99"] if at in REPEATED else []
        lines.append(f'{at}.0;"{text}";"Rüegg; ""Söhne""";{cost}')
    return "\n".join(lines) + "\n"


def topics() -> str:
    """What customers ask for, as TREC writes it."""
    return "".join(
        f"<top>\n<num> Number: {at}\n<title> {one} {other}\n</top>\n"
        for at, (one, other) in enumerate(PAIRS)
    )


def judgments(split: str) -> str:
    """The article that answers each query, in TREC's four columns."""
    chosen = [at for at in range(len(PAIRS)) if SPLITS[at % 6] == split]
    return "".join(f"{at} 0 {at} 1\n" for at in chosen)


def searched(server: ServerProcess, query: str, **more: Any) -> dict[str, Any]:
    status, answer = server.ask("POST", "/search", {"query": query, "collection": "shop"} | more)
    assert status == 200, answer
    return answer


def found(server: ServerProcess, **price: float) -> set[str]:
    """The articles whose price is in a range; all of them, as their number says."""
    answer = searched(server, "a k", k=200, filter={"field": "Preis"} | price)
    ids = {hit["id"] for hit in answer["hits"]}
    assert answer["total"]["value"] == len(ids)
    return ids


def answers(server: ServerProcess) -> list[Any]:
    """What customers see: hits, scores, and the pair that gave them.

    By vectors alone: what words are worth depends on documents that were deleted until a merge.
    """
    told = [searched(server, query, mode="dense") for query in ASKED]
    return [[each["hits"], each["generation"], each["checkpoint"]] for each in told]


def import_articles(day: Afternoon) -> None:
    path = day.file("artikel.csv", articles())
    survey, _ = day.molt("import", "shop", path, "--dry-run", *MAPPING)
    assert [line["again"] for line in survey if line["event"] == "survey"] == [len(REPEATED)]
    assert not (day.home / "generations").exists()
    lines, said = day.molt("import", "shop", path, *MAPPING)
    done = lines[-1]
    assert (done["event"], done["bad_rows"]) == ("done", 0)
    remarks = " ".join(line["said"] for line in lines if line["event"] == "remark") + said
    assert f"rows with an id that came before: {len(REPEATED)}" in remarks
    (listed,), _ = day.molt("collections", "list")
    assert listed["collections"][0]["documents"] == len(PAIRS)


def update_prices(server: ServerProcess) -> None:
    above = {str(at) for at in range(len(PAIRS)) if at >= 100}
    assert found(server, gte=1000) == above
    assert found(server, gte=90.5, lt=200) == {str(at) for at in range(9, 20)}
    path = "/collections/shop/documents"
    status, changed = server.ask("PATCH", f"{path}/3", {"metadata": {"Preis": 1999.95}})
    assert (status, changed["indexed"]) == (200, True)
    sale = [{"id": str(at), "metadata": {"Preis": 1.25}} for at in (100, 101, 102)]
    status, changed = server.ask("PATCH", path, {"documents": sale, "wait": True})
    assert (status, changed["accepted"], changed["missing"]) == (200, 3, [])
    assert found(server, gte=1000) == above - {"100", "101", "102"} | {"3"}
    assert found(server, lte=1.25) == {"0", "100", "101", "102"}
    assert found(server, gte=0) == {str(at) for at in range(len(PAIRS))} - {str(UNKNOWN)}
    kept = server.ask("GET", f"{path}/101")[1]
    assert kept["metadata"] == {"Marke": 'Rüegg; "Söhne"', "Preis": 1.25}
    assert set(kept["text"].split()) >= set(PAIRS[101])
    assert "<" not in kept["text"]


def evaluate_on_test_alone(day: Afternoon) -> None:
    day.molt(
        "import", "shop",
        day.file("topics.txt", topics()), day.file("qrels.test.txt", judgments("test")),
    )  # fmt: skip
    lines, _ = day.molt("evaluate", "shop")
    assert (lines[-1]["split"], lines[-1]["queries"]) == ("test", judgments("test").count("\n"))
    assert lines[-1]["candidates"][0]["measures"]["nDCG@10"]["mean"] > 0


def retrain(day: Afternoon) -> dict[str, Any]:
    files = [day.file(f"qrels.{name}.txt", judgments(name)) for name in ("train", "dev")]
    day.molt("import", "shop", *files)
    alone = ("--set", "evaluation.mode=dense")  # words find every letter already
    lines, _ = day.molt("retrain", "shop", *TINY, *alone)
    *events, job = lines
    assert job["state"] == "done"
    steps = [each["step"] for each in events if each["event"] == "step"]
    assert steps == ["prepare", "train", "judge", "build", "flip", "observe"]
    assert any("ndcg10" in each for each in events)
    told = [each["percent"] for each in events if each["event"] == "progress"]
    assert told == sorted(told)
    assert job["result"]["promoted"], job["result"]
    result: dict[str, Any] = job["result"]
    return result


def prune(day: Afternoon) -> None:
    (dry,), _ = day.molt("prune")
    assert not dry["removed"]
    assert {"report", "run"} <= {each["kind"] for each in dry["found"]}
    (again,), _ = day.molt("prune")
    assert again["found"] == dry["found"]
    (done,), _ = day.molt("prune", "--yes")
    assert done["removed"]
    assert done["found"] == dry["found"]
    (rest,), _ = day.molt("prune")
    assert rest["found"] == []


def restored(day: Afternoon) -> Path:
    """The home as a backup of it has it, elsewhere."""
    elsewhere = day.folder / "elsewhere"
    backup, _ = day.molt("backup", day.folder / "backups")
    assert backup[-1]["problems"] == []
    day.molt("restore", day.folder / "backups", home=elsewhere)
    (checked,), _ = day.molt("check", home=elsewhere)
    assert checked == {"ok": True, "problems": []}
    return elsewhere


@pytest.mark.timeout(600)
@pytest.mark.walk
def test_a_shop_brings_its_files_and_at_the_end_of_the_afternoon_all_is_as_it_should_be(
    tmp_path: Path, base: Checkpoint
) -> None:
    day = Afternoon(tmp_path)
    day.molt("checkpoints", "add", base.path)
    import_articles(day)
    with ServerProcess(day.home) as server:
        update_prices(server)
        evaluate_on_test_alone(day)
        before = answers(server)
        result = retrain(day)
        wait_until(lambda: searched(server, "a k")["checkpoint"] == result["checkpoint"])
        assert answers(server) != before
        late = {"documents": [{"id": "late", "text": "a k a k"}], "wait": True}
        assert server.ask("POST", "/collections/shop/documents", late)[1]["indexed"]
        day.molt("rollback", "shop", "--reason", "the phone rang")
        wait_until(lambda: searched(server, "a k")["checkpoint"] == base.id)
        assert searched(server, "a k", k=1)["hits"][0]["id"] == "late"
        assert server.ask("DELETE", "/collections/shop/documents/late")[0] == 200
        assert answers(server) == before
        prune(day)
        assert answers(server) == before
        elsewhere = restored(day)
    with ServerProcess(elsewhere) as server:
        assert answers(server) == before
        assert found(server, lte=1.25) == {"0", "100", "101", "102"}
