"""The cities that Platter serves, each with its own clock."""

from typing import NamedTuple

__all__ = ["CITIES", "City"]


class City(NamedTuple):
    """A city: offset of its clock from UTC in hours, and its share of the users."""

    name: str
    utc_offset_hours: int
    share: float


CITIES = (
    City("Aldermere", 0, 0.28),
    City("Brightwater", 1, 0.24),
    City("Carrowick", -5, 0.20),
    City("Davenholm", 8, 0.16),
    City("Elmsport", -8, 0.12),
)
