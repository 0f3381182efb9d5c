"""What every route shares: auth, bodies, errors and their envelopes, limits."""
