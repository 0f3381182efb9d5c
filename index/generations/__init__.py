"""The generation floor: segments of one collection under one checkpoint, read and written."""
