"""The cleaner: cleans the texts of one preparation, and finds those that it had to cut."""

from molt.training.data.cleaning.findings import Findings
from molt.training.data.cleaning.text import collapse, compose, text_key


class Cleaner:
    """Gives each text its one spelling."""

    def __init__(self, *, limit: int, findings: Findings) -> None:
        self._limit = limit
        self._findings = findings

    def clean(self, text: str, *, of: str) -> str:
        """The clean text; empty where nothing is left that could be read."""
        collapsed = collapse(text)
        if len(collapsed) > self._limit:
            why = f"cut to {self._limit} characters"
            self._findings.change(of, why, example=f"{len(collapsed)} characters: {collapsed}")
        clean = compose(collapsed, limit=self._limit)
        return clean if text_key(clean) else ""
