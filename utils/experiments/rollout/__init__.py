"""Lesson 19: a canary controller, the rules it is compared with, and the releases they judge."""
