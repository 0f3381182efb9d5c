"""Where tests kill: each faultpoint stands with those that run a process into it."""

SERVING = (
    "ingest.committed",
    "merge.sealed",
    "lexical.written",
    "lexical.committed",
    "lexical.published",
)
"""A server that writes."""
SWAPPING = (
    "build.created",
    "segment.sealed",
    "generation.published",
    "build.advanced",
    "merge.sealed",
    "flip.caught_up",
    "flip.pointed",
    "flip.committed",
)
"""A worker that makes a generation and flips to it, in this order."""
TRAINING = (
    "train.fitted",
    "checkpoint.staged",
    "evaluation.measured",
    "attempt.spent",
    "report.published",
)
"""A worker that retrains, when the process that it started for that is there, in this order."""
STARTED = ("train.begun",)
"""The process that a worker has started to train; the worker lives."""
COLLECTING = ("collect.renamed",)
"""A collection of what need not stay."""
BACKING_UP = ("backup.object", "backup.cataloged")
"""A backup."""
RESTORING = ("restore.staged", "restore.moved")
"""A restore of a whole home."""
ADDING = ("restore.placed",)
"""A restore of one collection beside others."""
EXPIRING = ("expiry.followed", "expiry.deleted")
"""Who deletes documents that have expired."""
