"""What clicks say of relevance, apart from where documents stood."""
