"""What the lock files hold."""

import re

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.paths import ROOT

REQUIREMENTS = ROOT / "requirements"


def entries(lock: str) -> list[str]:
    """The requirements of a lock file, each with its hashes, in one line."""
    text = re.sub(r"^\s*#.*$", "", (REQUIREMENTS / f"{lock}.txt").read_text(), flags=re.M)
    return [" ".join(entry.split()) for entry in text.replace("\\\n", " ").splitlines() if entry]


def pins(lock: str) -> dict[str, str]:
    """What a lock file installs on this machine: name to version."""
    found = {}
    for entry in entries(lock):
        requirement = Requirement(entry.partition(" --hash")[0])
        if requirement.marker is None or requirement.marker.evaluate():
            (pin,) = requirement.specifier
            found[canonicalize_name(requirement.name)] = pin.version
    return found
