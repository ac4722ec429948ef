"""The learning part: models that begin with nothing, and models that are fed by their own choices."""
