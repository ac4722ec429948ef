"""Lesson 13: retries, backoff, guards, metastable collapse and the herd of a cache."""
