"""Lesson 15: bandits, position bias, off-policy evaluation and concentration."""
