"""The page of the API as a browser shows it."""

import subprocess
from pathlib import Path

from tests.browsing import CHROMIUM, needs_chromium
from tests.server import ServerProcess, make_home


@needs_chromium
def test_a_browser_shows_every_route(tmp_path: Path, tiny_checkpoint: Path) -> None:
    home = make_home(tmp_path / "home", tiny_checkpoint)
    with ServerProcess(home) as server:
        command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
        command += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=10000"]
        shown = subprocess.run(
            [*command, f"{server.url}/docs"], check=True, capture_output=True, text=True
        ).stdout
        paths = server.ask("GET", "/openapi.json")[1]["paths"]
        server.stop()
    assert len(paths) > 30
    assert [path for path in paths if f'data-path="{path}"' not in shown] == []
