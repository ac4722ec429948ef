"""Exercises: functions checked against a solution, with a message for each mistake that people make."""

from utils.lesson.exercise.checking import Verdict, check
from utils.lesson.exercise.comparison import close
from utils.lesson.exercise.definition import Exercise, Mistake

__all__ = ["Exercise", "Mistake", "Verdict", "check", "close"]
