"""Cross-encoding: a query and a text read together by one model, which scores the pair."""
