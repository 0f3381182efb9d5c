"""Re-ranking texts that come with the request."""
