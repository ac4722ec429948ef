"""The apparatus of a lesson: predict, reveal, claim, check, say, table, figure, play, answer. It knows no topic."""

from utils.lesson.claim import Claim, ClaimFailed
from utils.lesson.display import number, say, table
from utils.lesson.exercise import Exercise, Mistake
from utils.lesson.figure import COLORS, figure, label_line_ends
from utils.lesson.lesson import Lesson

__all__ = [
    "COLORS",
    "Claim",
    "ClaimFailed",
    "Exercise",
    "Lesson",
    "Mistake",
    "figure",
    "label_line_ends",
    "number",
    "say",
    "table",
]
