"""Queries and judgments in the layouts that test collections come in."""
