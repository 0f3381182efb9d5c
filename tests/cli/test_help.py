import pytest

from tests.cli.conftest import Molt


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("search", "shop", "boots", "-k", "x"), "must be a whole number"),
        (("search", "shop", "boots", "-k", "0"), "must be at least 1"),
        (("serve", "--port", "x"), "must be a whole number"),
        (("serve", "--port", "99999"), "setting port: must be at most 65535"),
        (("keys", "create", "--role", "owner"), "'owner' is not one of 'read', 'write', 'admin'"),
        (("evaluate", "shop", "--split", "x"), "'x' is not one of"),
    ],
)
def test_a_wrong_option_is_told_in_words_for_people(
    molt: Molt, arguments: tuple[str, ...], said: str
) -> None:
    done = molt(*arguments)
    told = " ".join(done.stderr.replace("│", " ").split())
    assert said in told
    assert "Input should" not in told
    assert "Value error" not in told
