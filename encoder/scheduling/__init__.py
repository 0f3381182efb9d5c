"""Scheduling: who waits for whom, in how many threads, and which texts are computed together."""
