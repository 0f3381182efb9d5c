"""Copies of the catalog, whole or of one collection: for backups, restores and jobs."""
