"""Where other people's programs are installed, and what keeps them from calling home."""

import os
from pathlib import Path

from tests.paths import ROOT

ENVIRONMENT = Path(os.environ.get("MOLT_TEST_CLIENTS", ROOT / ".venv" / "clients"))
QUIET = {"HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_TELEMETRY": "1", "HAYSTACK_TELEMETRY_ENABLED": "0"}
