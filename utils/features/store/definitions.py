"""The definitions of a store's views, in one readable file that is always whole."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from utils.features.store.feature_view import FeatureView

__all__ = ["Definitions"]


class Definitions:
    """Feature views by name, in a JSON file. Whoever changes them holds the lock of the store's history.

    Args:
        path: the file, made by the first write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, FeatureView]:
        """Return all views, none where nothing was written."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        return {name: FeatureView.from_json(name, view) for name, view in json.loads(text).items()}

    def write(self, views: Mapping[str, FeatureView]) -> None:
        """Put these views in the file's place, all at once."""
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name, suffix=".new")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({name: view.as_json() for name, view in views.items()}, file, indent=1)
            os.replace(name, self.path)
        except BaseException:
            os.unlink(name)
            raise
