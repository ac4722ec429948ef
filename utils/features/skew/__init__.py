"""Lesson 07: click features computed in two paths, the model server, and replay parity."""
