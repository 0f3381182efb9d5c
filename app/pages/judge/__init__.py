"""Grading documents for queries."""
