"""Safety: what a checkpoint has to show before it serves, and while it does."""
