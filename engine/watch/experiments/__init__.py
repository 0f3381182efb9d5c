"""Experiments: two ways to search compared by what users click on, while both are served."""
