"""Settings come from flags, the environment, a file and defaults, in that order."""

from pathlib import Path

import pytest

from molt.encoder.opening import ENCODE_SECONDS
from molt.engine.settings import SettingsError, load_settings, misspelt_variables


def write_toml(home: Path, text: str) -> None:
    (home / "molt.toml").write_text(text, encoding="utf-8")


def test_a_flag_beats_the_environment_beats_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_toml(tmp_path, 'port = 1\nhost = "::1"\n[limits]\nmax_k = 3\nmax_inputs = 4\n')
    monkeypatch.setenv("MOLT_PORT", "2")
    monkeypatch.setenv("MOLT_LIMITS__MAX_K", "5")
    settings = load_settings(home=tmp_path, port=9)
    assert settings.port == 9
    assert settings.limits.max_k == 5
    assert settings.limits.max_inputs == 4
    assert settings.host == "::1"


def test_a_flag_that_was_not_given_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOLT_PORT", "2")
    assert load_settings(home=tmp_path, port=None).port == 2


def test_the_home_may_come_from_the_environment_and_its_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_toml(tmp_path, "port = 7\n")
    monkeypatch.setenv("MOLT_HOME", str(tmp_path))
    settings = load_settings()
    assert settings.home == tmp_path
    assert settings.port == 7


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ("prot = 1\n", "setting prot"),
        ("[limits]\nmax_k = 0\n", "setting limits.max_k"),
        ("[log]\nlevel = 'loud'\n", "setting log.level"),
        ("port = [\n", "molt.toml cannot be read"),
        ("[models.aliases]\ndefault = 'x'\n", "models.aliases: 'default' cannot be an alias"),
        ("[models.aliases]\na = 'b'\nb = 'default'\n", "models.aliases: 'a' stands for another"),
        ("[models.aliases]\na = ''\n", "models.aliases: names have 1 to 512 characters"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, toml: str, named: str) -> None:
    write_toml(tmp_path, toml)
    with pytest.raises(SettingsError, match=named):
        load_settings(home=tmp_path)


def test_the_catalog_lies_in_the_home_unless_it_is_put_elsewhere(tmp_path: Path) -> None:
    assert str(tmp_path) in load_settings(home=tmp_path).catalog
    elsewhere = load_settings(home=tmp_path, catalog_url="postgresql://db/molt")
    assert elsewhere.catalog == "postgresql://db/molt"


@pytest.mark.parametrize(
    ("workers", "threads", "each"), [(1, 0, 6), (2, 0, 3), (4, 0, 1), (9, 0, 1), (4, 5, 5)]
)
def test_serving_processes_share_the_cores_unless_told_how_many_threads_each_has(
    monkeypatch: pytest.MonkeyPatch, workers: int, threads: int, each: int
) -> None:
    monkeypatch.setattr("molt.encoder.host.cores", lambda: 6)
    settings = load_settings(workers=workers, encoder={"threads": threads})
    assert settings.of_one_worker().encoder_threads == each


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("MOLT_PROT", "did you mean MOLT_PORT?"),
        ("molt_prot", "did you mean MOLT_PORT?"),
        ("MOLT_LIMITS_MAX_K", "did you mean MOLT_LIMITS__MAX_K?"),
        ("MOLT_LIMITS__MAXK", "did you mean MOLT_LIMITS__MAX_K?"),
        ("MOLT_ZEBRA", "docs/configuration.md lists them"),
    ],
)
def test_a_variable_that_is_none_is_named_with_what_was_meant(name: str, meant: str) -> None:
    (said,) = misspelt_variables([name, "PATH", "MOLT_HOME", "MOLT_LIMITS__MAX_K", "MOLT_DEBUG"])
    assert said == f"the variable {name} is no setting; {meant}"


@pytest.mark.parametrize("name", ["MOLT_TEST_FLIPS", "MOLT_FAULTPOINTS", "MOLTEN", "MOLT"])
def test_a_variable_of_others_is_nobody_s_concern(name: str) -> None:
    assert misspelt_variables([name]) == []


def test_a_setting_that_is_none_is_an_error_that_names_what_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOLT_LIMITS__MAX_KK", "3")
    with pytest.raises(SettingsError, match=r"limits.max_kk is none; did you mean limits.m"):
        load_settings(home=tmp_path)
    monkeypatch.delenv("MOLT_LIMITS__MAX_KK")
    (tmp_path / "molt.toml").write_text("prot = 1\n")
    with pytest.raises(SettingsError, match=r"prot is none; did you mean port\?"):
        load_settings(home=tmp_path)


@pytest.mark.parametrize(
    "said",
    [
        "http://Localhost:3000/, https://shop.example:443,",
        '["http://localhost:3000", "https://shop.example"]',
    ],
)
def test_origins_may_be_written_as_json_or_with_commas_and_as_browsers_do_not(
    monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv("MOLT_CORS__ORIGINS", said)
    assert load_settings().cors.origins == ("http://localhost:3000", "https://shop.example")


@pytest.mark.parametrize(
    "origin", ["*", "null", "localhost:3000", "https://a.example/shop", "https://u@a.example", "[1"]
)
def test_what_is_no_origin_is_refused_with_an_example(tmp_path: Path, origin: str) -> None:
    write_toml(tmp_path, f"[cors]\norigins = ['{origin}']\n")
    with pytest.raises(SettingsError, match=r"setting cors\.origins: an origin is a scheme and"):
        load_settings(home=tmp_path)


def test_aliases_come_from_the_file_and_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_toml(tmp_path, '[models.aliases]\n"a/b.c" = "default"\n')
    assert load_settings(home=tmp_path).models.aliases == {"a/b.c": "default"}
    monkeypatch.setenv("MOLT_MODELS__ALIASES", '{"text-embedding-3-small": "shop"}')
    found = load_settings(home=tmp_path).models.aliases
    assert found["text-embedding-3-small"] == "shop"


def test_a_text_may_take_as_long_as_an_encoder_gives_it_unasked(tmp_path: Path) -> None:
    assert load_settings(home=tmp_path).limits.encode_seconds == ENCODE_SECONDS
