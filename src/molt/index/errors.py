"""What can go wrong in the index part. Messages say what to do; none of them knows HTTP."""


class IndexingError(Exception):
    """Base of every error that the index part raises on purpose."""


class CatalogError(IndexingError):
    """The catalog cannot do what was asked."""


class CollectionNotFoundError(CatalogError):
    """No collection of that name."""


class CollectionExistsError(CatalogError):
    """A collection of that name exists already."""


class InvalidNameError(CatalogError):
    """A name that the catalog does not take."""


class DocumentNotFoundError(CatalogError):
    """No document of that id in the collection."""


class DuplicateDocumentError(CatalogError):
    """One request holds the same document id twice."""


class NewerCatalogError(CatalogError):
    """The catalog was written by a newer version of Molt."""


class StalePointerError(CatalogError):
    """Somebody else moved the pointer in the meantime."""


class GenerationError(IndexingError):
    """A generation cannot be read or written."""


class GenerationNotFoundError(GenerationError):
    """No generation of that id on disk."""


class FilterError(IndexingError):
    """A filter that cannot be understood; the message names the part of it."""


class UnknownFieldError(FilterError):
    """A filter names a field that no document of the collection has."""
