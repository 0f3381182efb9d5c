"""Datasets of the Hugging Face hub: fetched, or taken from its cache, as a folder of tables.

Loading is the library's, which runs no code of a dataset. What the tables hold is not looked at.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from molt.training.errors import DataError

_SCHEME = re.compile(r"hf:/{1,2}(?=[^/])")
_FORM = "hf://owner/name, with the name of a configuration behind it where there are several"


@dataclass(frozen=True)
class HubDataset:
    """A dataset by its id, `owner/name`, and its configuration, None for the only one."""

    id: str
    config: str | None = None

    @property
    def label(self) -> str:
        """Both in one name that a folder may have."""
        return "--".join(filter(None, (*self.id.split("/"), self.config)))


def read_hub_name(path: Path) -> HubDataset | None:
    """The dataset that `hf://owner/name[/config]` names, or None for a path of another kind.

    Raises `DataError` for a name that none can have.
    """
    given = str(path)
    scheme = _SCHEME.match(given)
    if scheme is None:
        return None
    owner, *rest = given[scheme.end() :].split("/")
    if not 1 <= len(rest) <= 2 or not all((owner, *rest)):
        said = f"hf://{given[scheme.end() :]}"  # a path has one slash where two were written
        raise DataError(f"{said} names no dataset; write {_FORM}")
    return HubDataset(f"{owner}/{rest[0]}", rest[1] if len(rest) > 1 else None)


def save_hub_dataset(wanted: HubDataset, folder: Path) -> None:
    """Write every split of a dataset into `folder`, as `save_to_disk` does.

    Raises `DataError` where it cannot be had, or has several configurations and none was named.
    """
    from datasets import Dataset, DatasetDict, load_dataset  # noqa: PLC0415  of the train extra
    from datasets.exceptions import DatasetsError  # noqa: PLC0415

    try:
        found = load_dataset(wanted.id, wanted.config)
    except (DatasetsError, OSError, ValueError) as error:
        raise DataError(_sentence(wanted, error)) from error
    if not isinstance(found, Dataset | DatasetDict):
        raise DataError(f"hf://{wanted.id} is no dataset of tables")
    found.save_to_disk(folder)


def _sentence(wanted: HubDataset, error: Exception) -> str:
    said = " ".join(str(error).split())
    if isinstance(error, ValueError) and "config" in said.lower():
        said = said.partition(" Example of usage")[0]
        return f"hf://{wanted.id}: {said[:600]}. Write its name behind: hf://{wanted.id}/NAME"
    return (
        f"hf://{wanted.id} cannot be had: {said[:300]}. Without a connection to the hub only "
        "what is in the cache of `datasets` can be read; elsewhere, save it with save_to_disk, "
        "bring the folder, and import that"
    )
