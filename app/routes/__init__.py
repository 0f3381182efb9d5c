"""Routes, a folder for each noun of the HTTP API."""
