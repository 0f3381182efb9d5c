"""The names of splits, and what else they are called."""

from enum import StrEnum


class SplitName(StrEnum):
    """Learnt from; chosen by; judged by."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


_KNOWN = {
    "train": SplitName.TRAIN,
    "dev": SplitName.DEV,
    "validation": SplitName.DEV,
    "valid": SplitName.DEV,
    "val": SplitName.DEV,
    "test": SplitName.TEST,
}


def read_split(name: str) -> SplitName | None:
    """The split that a name means, or None where it means none of them."""
    return _KNOWN.get(name.strip().lower())
