"""What is kept of relevance: queries, judgments and pairs."""
