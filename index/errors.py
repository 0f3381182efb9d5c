"""What can go wrong in the index part. Messages say what to do; none of them knows HTTP."""

from molt.artifact import ForeseenError


class IndexingError(ForeseenError):
    """Base of every error that the index part raises on purpose."""


class CatalogError(IndexingError):
    """The catalog cannot do what was asked."""


class CatalogBusyError(CatalogError):
    """Other writers kept the catalog locked for too long; trying again may help."""


class CatalogFullError(CatalogError):
    """No disk space is left for the catalog; nothing of the transaction was kept."""


class CatalogReadOnlyError(CatalogError):
    """This user, or the file system, lets the catalog only be read; nothing of it is damaged."""


class CollectionNotFoundError(CatalogError):
    """No collection of that name."""


class CollectionExistsError(CatalogError):
    """A collection of that name exists already."""


class AliasNotFoundError(CatalogError):
    """No alias of that name."""


class NameTakenError(CatalogError):
    """An alias is to have the name of a collection, or a collection that of an alias."""


class CurationNotFoundError(CatalogError):
    """No curation of a collection for that query."""


class InvalidNameError(CatalogError):
    """A name that the catalog does not take."""


class DocumentNotFoundError(CatalogError):
    """No document of that id in the collection."""


class PreconditionFailedError(CatalogError):
    """What a write depends on does not hold; `revision` is the present one, None of nothing."""

    def __init__(self, message: str, *, revision: int | None) -> None:
        super().__init__(message)
        self.revision = revision


class DuplicateDocumentError(CatalogError):
    """One request holds the same document id twice."""


class InvalidFieldError(CatalogError):
    """A value that a field cannot hold; `field` says which, `reason` why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason


class InvalidDocumentError(CatalogError):
    """A document that cannot be kept; names the document, the field, and what is wrong with it."""

    def __init__(self, doc_id: object, cause: InvalidFieldError) -> None:
        super().__init__(f"document {str(doc_id)[:80]!r}: {cause}")
        self.doc_id = doc_id
        self.field = cause.field
        self.reason = cause.reason


class InvalidJudgmentError(CatalogError):
    """A query, judgment or pair that cannot be kept; the message names it and what is wrong."""


class InvalidEventError(CatalogError):
    """An event that cannot be kept; the message names the field and what is wrong with it."""


class KeyExistsError(CatalogError):
    """A key of that name is in use."""


class KeyNotFoundError(CatalogError):
    """No key of that name is in use."""


class NewerCatalogError(CatalogError):
    """The catalog was written by a newer version of Molt."""


class ReleaseNotFoundError(CatalogError):
    """A collection has no such release."""


class ExperimentNotFoundError(CatalogError):
    """A collection has no experiment that goes on."""


class ExperimentRunningError(CatalogError):
    """A collection has an experiment that goes on, and can have no second one."""


class StalePointerError(CatalogError):
    """Somebody else moved the pointer in the meantime."""


class GenerationError(IndexingError):
    """A generation cannot be read or written."""


class GenerationNotFoundError(GenerationError):
    """No generation of that id on disk."""


class GenerationAheadError(GenerationError):
    """A generation holds changes that the catalog does not have, as after restoring a backup."""


class GenerationBusyError(GenerationError):
    """Another process or thread is writing this generation; it will be free again."""


class NothingToRollBackError(GenerationError):
    """No earlier generation of the collection is left to go back to."""


class VectorError(GenerationError):
    """Vectors of the wrong shape or type, or with a value that is not a finite number."""


class LexicalError(IndexingError):
    """A lexical index cannot be read or written."""


class LexicalBusyError(LexicalError):
    """Another process is writing this lexical index; it will be free again."""


class FilterError(IndexingError):
    """A filter that cannot be understood; `path` is the JSON path of the wrong part."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class UnknownFieldError(FilterError):
    """A field that no document has; `part` of a search names it."""

    def __init__(self, path: str, reason: str, *, part: str = "filter") -> None:
        super().__init__(path, reason)
        self.part = part


class MatchError(IndexingError):
    """What cannot be said of all matching documents: `part` of a search asks for it, at `path`."""

    part = ""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class FacetError(MatchError):
    """Facets that cannot be understood or counted."""

    part = "facets"


class SortError(MatchError):
    """An order that cannot be understood, or a field that has none."""

    part = "sort"


class GroupError(MatchError):
    """A field by which documents cannot be grouped."""

    part = "group_by"


class JobError(IndexingError):
    """A job cannot be had."""


class JobNotFoundError(JobError):
    """No job of that id."""


class JobConflictError(JobError):
    """A job of that kind is at work for the collection; `job_id` says which."""

    def __init__(self, message: str, *, job_id: str) -> None:
        super().__init__(message)
        self.job_id = job_id


class JobKeyReusedError(JobError):
    """An idempotency key came with two different requests."""
