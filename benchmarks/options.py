"""The command line that the benchmarks share."""

import argparse
from pathlib import Path


def parser(description: str | None) -> argparse.ArgumentParser:
    """Where the corpora lie, and where homes and other large leftovers go."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--data", type=Path, required=True, help="folder of corpora in BEIR layout")
    made.add_argument(
        "--scratch",
        type=Path,
        default=Path("/tmp/molt-benchmarks"),
        help="homes and logs; kept, so that a second run imports nothing again",
    )
    return made
