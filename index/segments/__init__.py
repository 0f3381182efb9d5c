"""The segment floor: immutable rows with vectors and attributes, and exact and graph search."""
