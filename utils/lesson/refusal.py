"""What a learner can put right: told as one line in a notebook, raised as a `ValueError` to a program."""

__all__ = ["Refusal"]


class Refusal(ValueError):
    """A mistake of the learner that stops the cell; a notebook shows the message without a traceback.

    Stopping matters: *Run all* would otherwise run on, and show the result before the prediction is mended.
    """

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows in place of the traceback."""
        return [f"Not yet: {self}"]
