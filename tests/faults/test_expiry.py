"""Whatever is killed while documents expire, those that are due go, once, and no others."""

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.document import Document
from tests.damage import flaws_of
from tests.faults.points import EXPIRING
from tests.faults.swapping import armed

SCRIPT = """
import sys
from pathlib import Path
from molt.index.selection.expirer import Expirer
from molt.index.catalog.catalog import home_url, open_catalog
catalog = open_catalog(home_url(Path(sys.argv[1])))
expirer = Expirer(catalog, clock=lambda: 10**18, batch=7)
while expirer.expire(catalog.collections.get("shop")):
    pass
"""


@pytest.mark.parametrize("point", EXPIRING)
def test_who_is_killed_while_documents_expire_goes_on_where_it_was(
    tmp_path: Path, point: str
) -> None:
    documents = [
        Document(f"d{n}", "text", metadata={"until": "2020-01-01"} if n % 2 else {})
        for n in range(40)
    ]
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "fired").mkdir()
    with closing(open_catalog(home_url(home))) as catalog:
        shop = catalog.collections.create("shop", expiry_field="until")
        catalog.documents.upsert(shop, documents)
    command = [sys.executable, "-c", SCRIPT, str(home)]
    environment = armed(home, **{point: "kill"})
    killed = subprocess.run(command, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert subprocess.run(command, env=environment, check=False).returncode == 0
    with closing(open_catalog(home_url(home))) as catalog:
        after = catalog.collections.get("shop")
        assert (after.documents, after.expired, after.revision) == (20, 20, 60)
        left = catalog.documents.page(after, limit=100)
        assert {one.document.id for one in left} == {f"d{n}" for n in range(0, 40, 2)}
        assert flaws_of(catalog) == []
