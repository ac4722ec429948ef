"""The package that the lessons import; DESIGN.md says how its rooms fit."""
