"""Jobs: asking the worker for long work, and following it."""
