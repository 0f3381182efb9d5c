"""Molt for frameworks that build on search: each module needs the extra that is called like it."""
