"""Experiments as the catalog keeps them: their arms, what was shown, and what came of it."""
