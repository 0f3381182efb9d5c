"""The commands of `molt`, a module for each noun."""
