"""Labels of pandas columns: values that are paired by place must not carry labels that say otherwise."""

from typing import Any

__all__ = ["same_labels"]


def same_labels(**values: Any) -> None:
    """Raise unless all the arguments that carry labels carry the same ones, in the same order.

    Args:
        **values: arguments by name; an index, and the columns of a frame, are labels, other arrays have none.

    Raises:
        ValueError: two of them are labeled differently; paired by place they would pair the wrong rows.

    >>> same_labels(reward=[1, 0], propensity=[0.5, 0.5])
    """
    labeled = {name: value for name, value in values.items() if hasattr(value, "iloc")}
    for axis, labels in enumerate(("index", "columns")):
        having = {name: value for name, value in labeled.items() if value.ndim > axis}
        for name, value in list(having.items())[1:]:
            first, reference = next(iter(having.items()))
            if not value.axes[axis].equals(reference.axes[axis]):
                raise ValueError(
                    f"{name} must have the {labels} of {first}, got others; align them first, "
                    "or pass both with .to_numpy() to pair them by place"
                )
