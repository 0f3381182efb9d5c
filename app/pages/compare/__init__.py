"""Several rankings of one query, side by side."""
