"""The definition of a feature view: which features are written together, under which keys, and how long they count."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from utils.features.times import duration, whole_units

__all__ = ["TIMES", "TYPES", "FeatureView"]

TYPES = {int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN", str: "VARCHAR"}
TIMES = ("event_time", "available_time")
RESERVED = (*TIMES, "ingested")


@dataclass(frozen=True)
class FeatureView:
    """The definition of some features that are written together.

    Attributes:
        name: an identifier.
        keys: key column -> type (`int`, `float`, `bool`, `str`).
        features: feature -> type.
        ttl: how old a value may be when it is read, anything that `pandas.Timedelta` reads; None keeps every age.
        columns: the names of the keys and the features.
    """

    name: str
    keys: dict[str, type]
    features: dict[str, type]
    ttl: pd.Timedelta | None = None
    columns: list[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for what in ("keys", "features"):
            named = getattr(self, what)
            if not isinstance(named, dict) or not named or not all(kind in TYPES for kind in named.values()):
                raise ValueError(f"{what} must map names to int, float, bool or str, got {named!r}; name at least one")
            object.__setattr__(self, what, dict(named))  # the caller's may change
        columns = [*self.keys, *self.features]
        for name in (self.name, *columns):
            if not isinstance(name, str) or not name.isidentifier() or name.lower() in RESERVED:
                raise ValueError(f"name must be an identifier and not the name of a time, got {name!r}; rename it")
        if len({name.lower() for name in columns}) < len(columns):
            raise ValueError(f"features must not repeat names, also in other case, got {columns}; rename one")
        object.__setattr__(self, "columns", columns)
        if self.ttl is not None:
            object.__setattr__(self, "ttl", duration("ttl", self.ttl, "use None to keep every value", zero=False))

    @property
    def oldest_age(self) -> float:
        """How old a value may be in microseconds, infinite without a `ttl`."""
        return float("inf") if self.ttl is None else whole_units(self.ttl, "us")

    def as_json(self) -> dict[str, Any]:
        """Return the definition as what JSON can hold; the name is not in it."""
        kinds = {
            what: {key: kind.__name__ for key, kind in getattr(self, what).items()} for what in ("keys", "features")
        }
        return kinds | {"ttl": None if self.ttl is None else self.ttl.isoformat()}

    @classmethod
    def from_json(cls, name: str, definition: dict[str, Any]) -> "FeatureView":
        """Return the view that `as_json` wrote."""
        kinds = {kind.__name__: kind for kind in TYPES}
        keys, features = ({k: kinds[kind] for k, kind in definition[what].items()} for what in ("keys", "features"))
        return cls(name, keys, features, definition["ttl"])
