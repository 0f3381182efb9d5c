"""Side-by-side measurements on real corpora; results are recorded under `benchmarks/results`."""
