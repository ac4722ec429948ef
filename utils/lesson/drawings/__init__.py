"""Small drawings of one hand: the ring, two tables joined row by row, the timeline, the queue and the board of alarms.

Each draws onto the axes that `figure` gives, which it turns into an empty page, but for the board, which keeps its ticks.
"""

from utils.lesson.drawings.alarm_board import draw_alarm_board
from utils.lesson.drawings.queue import draw_queue
from utils.lesson.drawings.ring import draw_ring
from utils.lesson.drawings.timeline import draw_timeline
from utils.lesson.drawings.two_table_join import draw_join

__all__ = ["draw_alarm_board", "draw_join", "draw_queue", "draw_ring", "draw_timeline"]
