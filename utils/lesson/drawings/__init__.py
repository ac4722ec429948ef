"""Small drawings of one hand: the ring, two tables joined row by row, the timeline and the queue.

Each draws onto the axes that `figure` gives, which it turns into an empty page.
"""

from utils.lesson.drawings.queue import draw_queue
from utils.lesson.drawings.ring import draw_ring
from utils.lesson.drawings.timeline import draw_timeline
from utils.lesson.drawings.two_table_join import draw_join

__all__ = ["draw_join", "draw_queue", "draw_ring", "draw_timeline"]
