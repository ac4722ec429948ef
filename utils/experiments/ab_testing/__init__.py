"""Lesson 17: tests, power, sequential looks, corrections, variance reduction and shared supply."""
