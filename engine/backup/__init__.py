"""Backups: a home copied while it is in use, file by file under its SHA-256, and put back."""
