"""The search pipeline: stages over one frozen `Live`."""
