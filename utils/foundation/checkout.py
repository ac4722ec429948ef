"""Where this checkout of the course lies. Only the standard library: the set-up on Colab reads it before anything else."""

from pathlib import Path

__all__ = ["CHECKOUT"]

CHECKOUT = Path(__file__).resolve().parents[2]
