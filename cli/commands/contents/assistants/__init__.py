"""What lets a language model read a running Molt."""
