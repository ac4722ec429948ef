"""Incidents: things that go wrong on Platter, or only look as if they did."""
