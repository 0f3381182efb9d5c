"""The batch program: makes checkpoints. The only part that imports torch; never imports the app."""
