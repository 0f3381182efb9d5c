"""The commands that make a smaller encoder of another one, and that look into one."""
