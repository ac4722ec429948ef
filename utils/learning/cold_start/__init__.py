"""Lesson 14: priors, shrinkage, content features, factorization and a fallback chain."""
