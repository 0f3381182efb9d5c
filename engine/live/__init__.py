"""What answers each collection right now, and how memory follows the disk."""
