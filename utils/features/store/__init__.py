"""Lesson 06: a feature store, offline and online, and the join that looks as of a moment."""
