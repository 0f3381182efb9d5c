"""One module for each revision of the catalog's tables; a released one is never edited."""
