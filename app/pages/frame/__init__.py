"""The frame of every page: its assets, its policy, its forms, and how it is written."""
