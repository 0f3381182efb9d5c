"""The names of splits, and what else they are called."""

from enum import StrEnum


class SplitName(StrEnum):
    """Learnt from; chosen by; judged by."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


KNOWN_SPLITS = {
    "train": SplitName.TRAIN,
    "dev": SplitName.DEV,
    "validation": SplitName.DEV,
    "valid": SplitName.DEV,
    "val": SplitName.DEV,
    "test": SplitName.TEST,
}
"""Every name of a split, in lower case, and what it means."""


def read_split(name: str) -> SplitName | None:
    """The split that a name means, in any case, or None where it means none of them."""
    return KNOWN_SPLITS.get(name.strip().lower())


def standard_split(name: str | None) -> str | None:
    """The one spelling of a split's name; a name that means none of them stays as it is."""
    known = None if name is None else read_split(name)
    return name if known is None else known.value
