"""The small drawings: what they show is what they were given, nothing lies over anything, bad input is told."""

import itertools
from functools import partial

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from utils.lesson import figure
from utils.lesson.drawings import draw_join, draw_queue, draw_ring, draw_timeline
from utils.lesson.drawings.ring import node_of
from utils.lesson.drawings.strokes import DARK, FAULT
from utils.lesson.figure import STYLE

NODES = {"A": 0.05, "B": 0.3, "C": 0.55, "D": 0.8}
KEYS = {"pizza": 0.12, "ramen": 0.24, "soup": 0.4, "taco": 0.5, "curry": 0.62, "sushi": 0.71, "salad": 0.9, "bao": 0.99}
LANES = {"true": [(9, "hour closes"), (10, "")], "known": [(10.2, "arrives")]}
NAVY, ORANGE = matplotlib.colors.to_rgba(DARK), matplotlib.colors.to_rgba(FAULT)


def drawn(draw, *arguments, size=(7.2, 3.4), **options):
    """Return the axes of a drawing in the style of the lessons, laid out."""
    with matplotlib.rc_context(STYLE):
        canvas = Figure(figsize=size, layout="constrained")
        ax = canvas.subplots()
        draw(ax, *arguments, **options)
        canvas.draw_without_rendering()
    return ax


def words(ax):
    return {text.get_text() for text in ax.texts if text.get_text()}


def bold(ax):
    return {text.get_text() for text in ax.texts if text.get_fontweight() == "bold"}


def of_kind(ax, kind):
    return [patch for patch in ax.patches if isinstance(patch, kind)]


def with_face(ax, kind, color):
    return [patch for patch in of_kind(ax, kind) if patch.get_facecolor() == color]


def assert_words_apart(ax):
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text().strip()]
    inside = ax.get_figure().bbox
    for box in boxes:
        assert box.x0 >= inside.x0 and box.x1 <= inside.x1  # noqa: PT018
    assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]


@pytest.mark.parametrize(
    ("draw", "arguments", "options"),
    [
        (draw_ring, (NODES, KEYS), {"removed": "C"}),
        (draw_join, (["9:05", "10:10"], ["8:00", "9:00", "10:00"], [0, 1]), {"too_late": [2], "titles": ("a", "b")}),
        (
            draw_timeline,
            (LANES,),
            {"span": (9, 10.2), "span_words": "nobody knows", "links": [("true", 9, "known", 10.2)]},
        ),
        (draw_queue, (), {"waiting": 3, "places": 5, "servers": 2, "dropped": "refused"}),
    ],
)
def test_a_drawing_fits_a_figure_and_its_words_lie_apart(draw, arguments, options, shown):
    assert_words_apart(drawn(draw, *arguments, **options))
    for _ in range(2):
        with figure("A finding", alt="A drawing of 3 parts, long enough to stand in for it.", size=(7.2, 3)) as ax:
            draw(ax, *arguments, **options)
    assert shown[0]["image/png"] == shown[2]["image/png"]
    assert shown[0]["text/plain"] == "Figure: A finding"


# The ring


@pytest.mark.parametrize(
    ("place", "node"), [(0.0, "A"), (0.05, "A"), (0.051, "B"), (0.3, "B"), (0.79, "D"), (0.81, "A"), (0.999, "A")]
)
def test_a_key_belongs_to_the_next_node_clockwise_and_past_the_top_to_the_first(place, node):
    assert node_of(place, NODES) == node


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({}, set()),
        ({"removed": "C"}, {"soup", "taco"}),  # the keys between B and C
        ({"removed": "A"}, {"salad", "bao"}),  # the keys between D and A, over the top
        ({"added": "B"}, {"pizza", "ramen"}),
        ({"added": "B", "removed": "C"}, {"pizza", "ramen", "soup", "taco"}),
    ],
)
def test_the_keys_that_move_are_dark_and_no_others(change, moved):
    ax = drawn(draw_ring, NODES, KEYS, **change)
    assert bold(ax) & set(KEYS) == moved
    names = set(NODES) - set(change.values())
    names |= {f"{name}, {'new' if how == 'added' else 'gone'}" for how, name in change.items()}
    assert words(ax) - {"+"} == names | set(KEYS)
    assert [cross.radius < 0.2 for cross in with_face(ax, Circle, ORANGE)] == [True] * ("removed" in change)
    assert ("+" in words(ax)) == ("added" in change)


def test_places_run_clockwise_from_the_top():
    ax = drawn(draw_ring, {"n": 0.0, "e": 0.25, "s": 0.5, "w": 0.75}, {})
    middles = [np.round(circle.center, 9).tolist() for circle in with_face(ax, Circle, NAVY)]
    assert middles == [[0, 1], [1, 0], [0, -1], [-1, 0]]


def turned(point):
    """Return the place of a point on the ring, as a share of a turn clockwise from the top."""
    return np.arctan2(*point) / (2 * np.pi) % 1


@pytest.mark.parametrize(("key", "node"), [(0.12, 0.3), (0.9, 0.05), (0.4, 0.55), (0.7, 0.8)])
def test_a_way_starts_at_its_key_and_runs_clockwise_to_short_of_its_node(key, node):
    [arrow] = of_kind(drawn(draw_ring, NODES, {"k": key}), FancyArrowPatch)
    ways = [turned(point) for point in arrow.get_path().vertices[:-5]]  # without the tip
    assert ways[0] == pytest.approx(key)
    assert ways[10] - key == pytest.approx(10 / 59 * ((node - key) % 1 - 0.02), abs=0.003)
    assert 0.01 < (node - ways[-1]) % 1 < 0.06


def test_a_key_beside_its_node_has_no_arrow():
    assert not of_kind(drawn(draw_ring, NODES, {"k": 0.26}), FancyArrowPatch)
    assert of_kind(drawn(draw_ring, NODES, {"k": 0.25}), FancyArrowPatch)


def test_the_words_of_nodes_run_outward_and_those_of_keys_inward():
    places = {"top": 0.0, "right": 0.25, "bottom": 0.5, "left": 0.75}
    ax = drawn(draw_ring, places, {f"key {name}": place for name, place in places.items()})
    assert {text.get_text(): text.get_ha() for text in ax.texts if text.get_text()} == {
        "top": "center", "right": "left", "bottom": "center", "left": "right",
        "key top": "center", "key right": "right", "key bottom": "center", "key left": "left",
    }  # fmt: skip


@pytest.mark.parametrize("place", np.linspace(0, 0.9, 6).round(3))
def test_the_words_of_a_ring_lie_apart_wherever_its_nodes_are(place):
    turned = {name: (at + place) % 1 for name, at in NODES.items()}
    assert_words_apart(drawn(draw_ring, turned, {name: (at + place) % 1 for name, at in KEYS.items()}, removed="C"))


@pytest.mark.parametrize(
    ("nodes", "keys", "change", "message"),
    [
        ({}, {}, {}, "nodes must hold at least one node"),
        ({"A": 1.0}, {}, {}, r"nodes must lie in \[0, 1\)"),
        ({"A": -0.1}, {}, {}, "the place of A must be"),
        ({"A": float("nan")}, {}, {}, "the place of A must be"),
        ({"A": "top"}, {}, {}, "the place of A must be"),
        (["A"], {}, {}, "nodes must map names to places"),
        ({"A": 0.1}, ["k"], {}, "keys must map names to places"),
        ({"A": 0.1}, {"k": 2}, {}, "the place of k must be"),
        ({"A": 0.1, "B": 0.1}, {}, {}, "nodes must have places of their own"),
        ({"A": 0.1}, {}, {"added": "B"}, "added must be one of the nodes A, got 'B'"),
        ({"A": 0.1}, {}, {"removed": "B"}, "removed must be one of the nodes A, got 'B'"),
        ({"A": 0.1}, {}, {"removed": "A"}, "must leave a node"),
        ({"A": 0.1}, {}, {"added": "A"}, "must leave a node"),
        ({"A": 0.1, "B": 0.2, "C": 0.3}, {}, {"added": "A", "removed": "A"}, "must leave a node"),
    ],
)
def test_a_ring_that_makes_no_sense_is_refused(nodes, keys, change, message):
    with pytest.raises(ValueError, match=message):
        drawn(draw_ring, nodes, keys, **change)


# The join


def test_each_row_points_at_the_row_it_picks_and_only_those_are_dark():
    ax = drawn(draw_join, ["a", "b", "c"], ["p", "q", "r"], [1, 1, None], too_late=[2], titles=("left", "right"))
    assert words(ax) == {"a", "b", "c", "p", "q", "r", "left", "right", "∅"}
    assert len(with_face(ax, FancyBboxPatch, NAVY)) == 1
    height = {text.get_text(): text.get_position()[1] for text in ax.texts}
    levels = [arrow.get_path().vertices[:, 1] for arrow in of_kind(ax, FancyArrowPatch)]
    for row, way in zip("ab", levels[:2], strict=True):
        assert way[0] == pytest.approx(height[row])
        assert np.abs(way - height["q"]).min() < 0.01
        assert min(way[:-1]) > height["r"] + 0.1  # the last closes the tip
    assert levels[2][:-1] == pytest.approx(height["c"], abs=0.05)
    assert height["∅"] == height["c"]
    [cross] = with_face(ax, Circle, ORANGE)
    assert cross.center[1] == height["r"]


def test_a_long_row_stays_inside_its_box():
    ax = drawn(draw_join, ["request at 10:10"], ["9:00 · arrived 9:20 · rate 0.15", "W" * 6], [0])
    boxes = sorted(of_kind(ax, FancyBboxPatch), key=lambda box: box.get_x())
    texts = sorted((text for text in ax.texts if text.get_text()), key=lambda text: text.get_position()[0])
    for text in texts:
        place = text.get_window_extent()
        assert any(b.x0 < place.x0 and place.x1 < b.x1 for b in (box.get_window_extent() for box in boxes))


@pytest.mark.parametrize(
    ("left", "right", "picks", "late", "message"),
    [
        ([], ["p"], [], [], "left must be a list of rows"),
        (["a"], [], [None], [], "right must be a list of rows"),
        ("ab", ["p"], [0, 0], [], "left must be a list of rows"),
        (["a", "b"], ["p"], [0], [], "picks must have one entry for each of the 2 rows of left, got 1"),
        (["a"], ["p"], [1], [], "picks must be rows of right, 0 to 0, got 1"),
        (["a"], ["p"], [-1], [], "picks must be rows of right, 0 to 0, got -1"),
        (["a"], ["p"], [True], [], "picks must be rows of right, 0 to 0, got True"),
        (["a"], ["p"], [0.5], [], "picks must be rows of right"),
        (["a"], ["p"], [None], [3], "too_late must be rows of right"),
        (["a"], ["p"], [0], [0], r"too_late must be rows that nobody picks, got \[0\]"),
    ],
)
def test_a_join_that_makes_no_sense_is_refused(left, right, picks, late, message):
    with pytest.raises(ValueError, match=message):
        drawn(draw_join, left, right, picks, too_late=late)


# The timeline


def test_events_stand_on_their_lanes_at_their_times_and_the_span_is_shaded():
    ax = drawn(draw_timeline, LANES, span=(9, 10.2), span_words="nobody knows", unit="hour")
    points = [line for line in ax.lines if line.get_marker() == "o"]
    assert [line.get_xdata().tolist() for line in points] == [[9, 10], [10.2]]
    ticks = dict(zip([label.get_text() for label in ax.get_yticklabels()], ax.get_yticks(), strict=True))
    assert [set(line.get_ydata()) for line in points] == [{ticks["true"]}, {ticks["known"]}]
    assert ticks["true"] > ticks["known"]
    [span] = ax.patches
    assert (span.get_x(), span.get_width()) == (9, pytest.approx(1.2))
    assert words(ax) == {"hour closes", "arrives", "nobody knows"}
    assert ax.get_xlabel() == "hour"


@pytest.mark.parametrize(
    ("lanes", "options", "message"),
    [
        ({}, {}, "lanes must map names to events"),
        ([(1, "a")], {}, "lanes must map names to events"),
        ({"a": [(1, 2)]}, {}, r"lanes must hold events as \(time, words\), got \(1, 2\) on 'a'"),
        ({"a": [1]}, {}, "lanes must hold events as"),
        ({"a": [(float("nan"), "x")]}, {}, "a time on a must be"),
        ({"a": [("noon", "x")]}, {}, "a time on a must be"),
        ({"a": [(1, "x")]}, {"span": (2, 1)}, "span must end after it starts"),
        ({"a": [(1, "x")]}, {"span": (2, 2)}, "span must end after it starts"),
        ({"a": [(1, "x")]}, {"span": 3}, r"span must be \(start, end\), got 3"),
        ({"a": [(1, "x")]}, {"span": (1, float("inf"))}, "span must be"),
        ({"a": [(1, "x")]}, {"links": [("a", 1, "b", 2)]}, "links must join events of the lanes, got time 2 on 'b'"),
        ({"a": [(1, "x")]}, {"links": [("a", 3, "a", 1)]}, "links must join events of the lanes, got time 3 on 'a'"),
        ({"a": [(1, "x")]}, {"links": [("a", 1)]}, r"links must be \(lane, time, lane, time\), got \('a', 1\)"),
    ],
)
def test_a_timeline_that_makes_no_sense_is_refused(lanes, options, message):
    with pytest.raises(ValueError, match=message):
        drawn(draw_timeline, lanes, **options)


# The queue


@pytest.mark.parametrize(
    ("waiting", "places", "servers", "busy"), [(0, 0, 1, 1), (2, 5, 3, 3), (3, 3, 2, 0), (12, 12, 12, 5)]
)
def test_as_many_boxes_are_drawn_and_dark_as_wait_and_work(waiting, places, servers, busy):
    ax = drawn(draw_queue, waiting=waiting, places=places, servers=servers, busy=busy)
    assert len(of_kind(ax, FancyBboxPatch)) == places + servers
    assert len(with_face(ax, FancyBboxPatch, NAVY)) == waiting + busy
    told = [text.get_text() for text in ax.texts]
    assert (told.count("busy"), told.count("idle")) == (busy, servers - busy)
    assert not with_face(ax, Circle, ORANGE)


def test_those_who_wait_stand_next_to_the_servers_who_are_all_busy_unless_said():
    ax = drawn(draw_queue, waiting=2, places=4, servers=2, dropped="20 per s refused")
    place = sorted((box.get_x(), box.get_facecolor() == NAVY) for box in of_kind(ax, FancyBboxPatch))
    assert [dark for _, dark in place] == [False, False, True, True, True, True]
    assert len(with_face(ax, Circle, ORANGE)) == 1
    assert {"20 per s refused", "arrivals", "served", "busy"} <= words(ax)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"waiting": 4}, "waiting must be at most the 3 places, got 4"),
        ({"waiting": -1}, "waiting must be a whole number"),
        ({"waiting": 1.5}, "waiting must be a whole number"),
        ({"places": -1}, "places must be a whole number"),
        ({"places": 13}, "places must be at most 12 to be drawn, got 13"),
        ({"servers": 0}, "servers must be a whole number of at least 1"),
        ({"servers": 13}, "servers must be at most 12"),
        ({"busy": 3}, "busy must be at most the 2 servers, got 3"),
        ({"busy": "all"}, "busy must be a whole number"),
    ],
)
def test_a_queue_that_makes_no_sense_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        drawn(draw_queue, **{"waiting": 1, "places": 3, "servers": 2} | change)


@pytest.mark.parametrize(
    ("draw", "arguments"),
    [
        (draw_ring, (NODES, KEYS)),
        (draw_join, (["a", "b"], ["c"], [0, None])),
        (partial(draw_queue, waiting=2, places=4, servers=2), ()),
        (draw_timeline, (LANES,)),
    ],
)
def test_a_drawing_does_not_depend_on_the_callers_font(draw, arguments):
    def fonts(settings):
        with matplotlib.rc_context(settings):
            ax = Figure(figsize=(7.2, 3.4)).subplots()
            draw(ax, *arguments)
        return {(text.get_text(), tuple(text.get_fontfamily()), text.get_fontsize()) for text in ax.texts}

    assert fonts({"font.family": "monospace", "font.size": 30}) == fonts({}) == fonts(STYLE)
