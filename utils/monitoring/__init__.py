"""The monitoring part: what changes, whether it hurts, and who is told."""
