import subprocess
import sys

from molt.training.export.probe import probe_set


def test_each_query_asks_for_one_of_the_documents() -> None:
    probe = probe_set()
    assert len(probe.queries) == len(probe.answers) > 2 * len(probe.documents)
    assert set(probe.answers) == set(range(len(probe.documents)))
    assert len(set(probe.documents)) == len(probe.documents)
    assert min(map(len, probe.queries)) >= 20


def test_the_texts_are_the_same_in_another_process() -> None:
    program = "from molt.training.export.probe import probe_set; print(ascii(probe_set()))"
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.strip() == ascii(probe_set())


def test_without_docstrings_there_is_a_clear_refusal() -> None:
    program = "from molt.training.export.probe import probe_set; probe_set()"
    ended = subprocess.run(
        [sys.executable, "-OO", "-c", program], check=False, capture_output=True, text=True
    )
    assert ended.returncode != 0
    assert "run Python without -OO" in ended.stderr
