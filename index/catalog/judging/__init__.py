"""What is known about relevance as the catalog keeps it, and the names of splits."""
