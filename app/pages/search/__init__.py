"""The search for people, and their judgment of what it finds."""
