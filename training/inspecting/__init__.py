"""Inspecting: what a model attends to, what moves its similarities, and how its space lies."""
