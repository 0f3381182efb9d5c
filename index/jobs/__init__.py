"""The job floor: what may be asked of the worker, and the queue that holds it."""
