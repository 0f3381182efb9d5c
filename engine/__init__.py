"""What serves, without HTTP: live pairs, searching, indexing, releasing, and the watch."""
