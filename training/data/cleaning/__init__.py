"""Cleaning: raw data to data that can be learnt from, and what was found and changed on the way."""
