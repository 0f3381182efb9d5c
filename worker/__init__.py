"""The worker: runs the jobs of one home, each step of them once."""
