"""Rewriting: a graph that computes the same in another form, which quantisers or runtimes like."""
