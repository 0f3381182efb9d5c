from pathlib import Path

import pytest

from molt.app.binding import BindError, is_loopback, listen, require_key, url_of
from molt.engine.settings import load_settings
from molt.index.catalog.access.keys import Role
from molt.index.catalog.catalog import open_catalog


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_only_this_machine_reaches_a_loopback_address(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", ""])
def test_any_other_address_may_be_reached_by_others(host: str) -> None:
    assert not is_loopback(host)


def test_without_a_key_only_a_loopback_address_is_bound(tmp_path: Path) -> None:
    require_key(load_settings(home=tmp_path, host="127.0.0.1"))
    with pytest.raises(BindError, match="molt keys create"):
        require_key(load_settings(home=tmp_path, host="0.0.0.0"))


def test_a_key_in_use_opens_other_addresses_and_a_revoked_one_does_not(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, host="0.0.0.0")
    catalog = open_catalog(settings.catalog)
    catalog.keys.create("admin", Role.ADMIN)
    require_key(settings)
    catalog.keys.revoke("admin")
    catalog.close()
    with pytest.raises(BindError):
        require_key(settings)


def test_port_zero_takes_a_free_port_and_tells_it() -> None:
    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        assert url_of(listening) == f"http://127.0.0.1:{port}"
        with pytest.raises(BindError, match="choose another port"):
            listen("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused_with_the_reason() -> None:
    with pytest.raises(BindError, match=r"cannot listen on 192\.0\.2\.1:0"):
        listen("192.0.2.1", 0)
