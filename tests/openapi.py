"""The server's OpenAPI document as a file: `python -m tests.openapi FILE`."""

import sys
import tempfile
from pathlib import Path

from tests.app.serving import serving


def main() -> None:
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "home") as client:
        described = client.get("/openapi.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(described.content)


if __name__ == "__main__":
    main()
