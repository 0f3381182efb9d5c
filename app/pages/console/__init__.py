"""The console: what runs, what was released, and what to do about it, for administrators."""
