"""Lesson 10: hashing keys, placing them on nodes, and the cache tier that depends on it."""
