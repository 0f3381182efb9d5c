"""Evaluation reports over HTTP."""
