"""The whiteboard: one picture in every lesson, whose boxes, arrows and marks never lie over each other."""

import io
import itertools
import re

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import ArrowStyle, Circle, Ellipse, FancyArrowPatch

from utils.lesson import Lesson
from utils.lesson.architecture import COMPONENTS, EDGES, HALF_HEIGHT, HALF_WIDTH, MOST_HOPS, edge_between
from utils.lesson.drawings import strokes
from utils.lesson.figure import STYLE
from utils.lesson.whiteboard import BOTTOM, LEFT, PITCH_X, PITCH_Y, draw_whiteboard, in_words, whiteboard

REQUEST = ["client", "gateway", "feed service", "online store", "feed service", "model server"]
NAMES = "client gateway feed-service model-server online-store cache catalogue log warehouse training registry rollout monitor"


def drawn(**arguments):
    """Return the axes on which a whiteboard was drawn."""
    with matplotlib.rc_context(STYLE):
        ax = Figure(figsize=(7.2, 4.15), layout="constrained").subplots()
        draw_whiteboard(ax, **arguments)
    return ax


def test_it_has_the_thirteen_components_of_the_company():
    assert set(COMPONENTS) == {name.replace("-", " ") for name in NAMES.split()}


def test_nothing_is_an_island_and_a_pair_has_one_edge():
    assert {name for edge in EDGES for name in edge.ends} == set(COMPONENTS)
    assert len({edge.ends for edge in EDGES}) == len(EDGES)
    assert all(edge.start in COMPONENTS and edge.end in COMPONENTS and edge.what for edge in EDGES)


def inside(component, point, slack=1e-9):
    return abs(point[0] - component.column) < HALF_WIDTH - slack and abs(point[1] - component.row) < HALF_HEIGHT - slack


def points(edge, n=101):
    for (x0, y0), (x1, y1) in itertools.pairwise(edge.route):
        for share in np.linspace(0, 1, n):
            yield x0 + share * (x1 - x0), y0 + share * (y1 - y0)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge.start} to {edge.end}")
def test_an_edge_runs_square_from_border_to_border_and_through_no_box(edge):
    assert all(x0 == x1 or y0 == y1 for (x0, y0), (x1, y1) in itertools.pairwise(edge.route))
    assert not [c.name for point in points(edge) for c in COMPONENTS.values() if inside(c, point)]
    for name, (x, y) in ((edge.start, edge.route[0]), (edge.end, edge.route[-1])):
        dx, dy = abs(x - COMPONENTS[name].column) / HALF_WIDTH, abs(y - COMPONENTS[name].row) / HALF_HEIGHT
        assert max(dx, dy) == pytest.approx(1)
        assert min(dx, dy) <= 1


def test_no_two_boxes_and_no_two_edges_cross():
    for one, other in itertools.combinations(COMPONENTS.values(), 2):
        assert abs(one.column - other.column) > 2 * HALF_WIDTH or abs(one.row - other.row) > 2 * HALF_HEIGHT
    for one, other in itertools.combinations(EDGES, 2):
        a, b = np.array(list(points(one))), np.array(list(points(other)))
        assert np.hypot(*(a[:, None] - b[None]).transpose(2, 0, 1)).min() > 0.05, (one, other)


def test_words_stay_inside_their_boxes():
    ax = drawn(lit=list(COMPONENTS))  # bold, the widest
    ax.get_figure().draw_without_rendering()
    scale = ax.transData.transform((1, 0))[0] - ax.transData.transform((0, 0))[0]
    texts = {text.get_text(): text for text in ax.texts}
    assert set(texts) == set(COMPONENTS)
    for text in texts.values():
        assert text.get_window_extent().width < 2 * HALF_WIDTH * PITCH_X * scale - 4


def marks(ax):
    return [patch for patch in ax.patches if isinstance(patch, Circle)]


@pytest.mark.parametrize("fault", [None, "cache", ("feed service", "cache"), ("client", "log")])
@pytest.mark.parametrize(
    "path",
    [
        REQUEST,
        [*REQUEST, "feed service", "gateway", "client"],
        ["feed service", "cache", "catalogue", "cache", "feed service"],
    ],
)
def test_numbers_and_cross_lie_apart_from_each_other_and_from_the_boxes(path, fault):
    found = marks(drawn(path=path, fault=fault))
    assert len(found) == len(path) - 1 + (fault is not None)
    for one, other in itertools.combinations(found, 2):
        assert np.hypot(*np.subtract(one.center, other.center)) > one.radius + other.radius
    numbers = [mark for mark in found if lightness(mark.get_facecolor()) == pytest.approx(1)]
    assert len(numbers) == len(path) - 1
    for number in numbers:
        for component in COMPONENTS.values():
            middle = LEFT + PITCH_X * component.column, BOTTOM + PITCH_Y * component.row
            dx, dy = np.abs(np.subtract(number.center, middle)) - (PITCH_X * HALF_WIDTH, PITCH_Y * HALF_HEIGHT)
            assert max(dx, dy) > number.radius


def back_and_forth(edges, times):
    """Return a path that crosses each of the edges that often, if they hang together."""
    there = [edge.start if i % 2 == 0 else edge.end for edge in edges for i in range(times + 1)]
    return [name for name, _ in itertools.groupby(there)]


def assert_apart_and_off_the_boxes(ax, n):
    found = marks(ax)
    assert len(found) == n
    for one, other in itertools.combinations(found, 2):
        assert np.hypot(*np.subtract(one.center, other.center)) > one.radius + other.radius
    for mark in found:
        if lightness(mark.get_facecolor()) == pytest.approx(1):
            for component in COMPONENTS.values():
                middle = LEFT + PITCH_X * component.column, BOTTOM + PITCH_Y * component.row
                dx, dy = np.abs(np.subtract(mark.center, middle)) - (PITCH_X * HALF_WIDTH, PITCH_Y * HALF_HEIGHT)
                assert max(dx, dy) > mark.radius


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge.start} to {edge.end}")
def test_however_often_an_edge_is_crossed_its_numbers_lie_side_by_side(edge):
    """Few and even; as many as there is room for, which is odd, and a cross on it."""
    for times, fault in ((2, None), (MOST_HOPS, edge)):
        ax = drawn(path=back_and_forth([edge], times), fault=fault and (fault.start, fault.end))
        assert_apart_and_off_the_boxes(ax, times + (fault is not None))


def test_four_numbers_on_each_edge_lie_apart_from_those_of_the_others_and_from_a_cross():
    numbers = [(middle, 0.098) for edge in EDGES for middle in middles(drawn(path=back_and_forth([edge], 4)))]
    crosses = [(middle, 0.13) for fault in COMPONENTS for middle in middles(drawn(fault=fault))]
    assert (len(numbers), len(crosses)) == (4 * len(EDGES), len(COMPONENTS))
    for (one, its), (other, others) in (*itertools.combinations(numbers, 2), *itertools.product(numbers, crosses)):
        assert np.hypot(*(one - other)) > its + others


def test_an_edge_that_is_crossed_more_often_than_it_has_room_for_is_told():
    path = back_and_forth([edge_between("cache", "feed service")], MOST_HOPS + 1)
    with pytest.raises(
        ValueError, match=r"at most 7 times, got 8 between 'feed service' and 'cache'; show fewer rounds"
    ):
        in_words(path=path)
    with pytest.raises(ValueError, match="at most 7 times"):
        drawn(path=path)


def test_numbers_beside_an_edge_are_read_as_a_text_is():
    ax = drawn(path=back_and_forth([edge_between("gateway", "feed service")], 4))
    places = {text.get_text(): text.get_position() for text in ax.texts if text.get_text().isdigit()}
    assert sorted(places, key=lambda number: (-round(places[number][1], 6), places[number][0])) == ["1", "2", "3", "4"]
    line = BOTTOM + PITCH_Y * 2
    assert places["1"][1] == places["2"][1] > line > places["3"][1]  # the arrow stays visible between them


STRANGE = {
    "font.family": "monospace",
    "font.size": 30,
    "font.style": "italic",
    "font.stretch": 900,
    "lines.marker": "o",
    "lines.linestyle": ":",
    "patch.linewidth": 9,
    "path.sketch": (5, 100, 2),
    "text.color": "red",
    "axes.facecolor": "black",
}


def test_the_drawing_does_not_depend_on_matplotlibs_settings():
    def pixels(settings):
        canvas = Figure(figsize=(7.2, 4.15), dpi=80, facecolor="white")
        ax = canvas.add_axes((0, 0, 1, 1))
        with matplotlib.rc_context(settings):
            draw_whiteboard(ax, lit=["cache", "model server"], path=REQUEST, fault="cache")
            assert matplotlib.rcParams["font.size"] == settings.get("font.size", 10)  # the caller's stay
        image = io.BytesIO()
        canvas.savefig(image, format="png", metadata={"Software": None})
        return image.getvalue()

    assert pixels(STRANGE) == pixels({}) == pixels(STYLE)


def test_each_hop_is_numbered_on_its_edge_in_the_order_of_the_path():
    ax = drawn(path=REQUEST)
    numbers = {text.get_text(): text.get_position() for text in ax.texts if text.get_text().isdigit()}
    assert list(numbers) == ["1", "2", "3", "4", "5"]
    (x1, y1), (x2, y2), (x3, y3), (x4, y4), (x5, y5) = numbers.values()
    assert y1 == y2 == y5
    assert x1 < x2 < x3 < x4 < x5
    assert y3 == y4 < y1


def middles(ax):
    return [np.array(mark.center) for mark in marks(ax)]


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge.start} to {edge.end}")
def test_a_lone_number_sits_on_its_edge_and_two_marks_sit_evenly_around_it(edge):
    line = np.array([(LEFT + PITCH_X * x, BOTTOM + PITCH_Y * y) for x, y in points(edge)])
    [alone] = middles(drawn(path=[edge.start, edge.end]))
    assert np.hypot(*(line - alone).T).min() < 0.005
    number, cross = middles(drawn(path=[edge.start, edge.end], fault=(edge.end, edge.start)))
    assert (number + cross) / 2 == pytest.approx(alone)
    assert np.hypot(*(number - cross)) == pytest.approx(0.24)


@pytest.mark.parametrize(
    ("there", "back", "axis", "sign"),
    [
        ("client", "log", 1, -1),
        ("rollout", "model server", 0, -1),
        ("warehouse", "monitor", 0, 1),
        ("feed service", "log", 1, -1),
    ],
)
def test_on_a_long_edge_the_numbers_follow_each_other_along_it(there, back, axis, sign):
    first, second = middles(drawn(path=[there, back, there]))
    step = second - first
    assert step[axis] * sign == pytest.approx(0.24)
    assert step[1 - axis] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", COMPONENTS)
def test_the_cross_of_a_component_sits_at_its_upper_right_corner(name):
    [cross] = middles(drawn(fault=name))
    corner = COMPONENTS[name].column + HALF_WIDTH, COMPONENTS[name].row + HALF_HEIGHT
    dx, dy = cross - (LEFT + PITCH_X * corner[0], BOTTOM + PITCH_Y * corner[1])
    assert -0.15 < dx < 0  # so that it meets no number of the edge to the right
    assert -0.05 < dy < 0


def test_what_keeps_data_is_a_drum_and_has_a_lid():
    stores = {"cache", "catalogue", "online store", "log", "warehouse", "registry"}
    lids = [p.center for p in drawn().patches if isinstance(p, Ellipse) and not isinstance(p, Circle)]
    found = {
        name
        for name, component in COMPONENTS.items()
        if any(
            abs(x - LEFT - PITCH_X * component.column) < 0.01 and 0 < y - BOTTOM - PITCH_Y * component.row < 0.3
            for x, y in lids
        )
    }
    assert found == stores


@pytest.mark.parametrize(
    ("path", "style"),
    [
        (["client", "gateway"], ArrowStyle.CurveFilledB),
        (["gateway", "client"], ArrowStyle.CurveFilledA),
        (["client", "gateway", "client"], ArrowStyle.CurveFilledAB),
        (["gateway", "client", "gateway"], ArrowStyle.CurveFilledAB),
    ],
)
def test_a_walked_edge_is_dark_and_points_the_way_it_was_walked(path, style):
    arrows = [patch for patch in drawn(path=path).patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == len(EDGES)
    dark = [arrow for arrow in arrows if lightness(arrow.get_edgecolor()) < 0.2]
    assert [type(arrow.get_arrowstyle()) for arrow in dark] == [style]
    assert {type(arrow.get_arrowstyle()) for arrow in arrows if arrow not in dark} == {ArrowStyle.CurveFilledB}


def lightness(color):
    return np.dot(matplotlib.colors.to_rgb(color), (0.2126, 0.7152, 0.0722))


def test_lit_is_dark_with_white_words_and_unlit_white_with_words_that_can_be_read():
    ax = drawn(lit=["cache"])
    words = {text.get_text(): lightness(text.get_color()) for text in ax.texts}
    assert words.pop("cache") == pytest.approx(1)
    assert max(words.values()) < 0.5
    faces = sorted(lightness(p.get_facecolor()) for p in ax.patches if p.get_zorder() == strokes.SHAPES)
    assert faces[0] < 0.2
    assert np.all(np.array(faces[1:]) == pytest.approx(1))


def test_the_picture_goes_through_the_one_figure_with_its_words(shown):
    Lesson(10).whiteboard(lit=["cache"], path=["feed service", "cache"], fault="cache")
    picture, words = shown
    assert picture["text/plain"] == "Figure: On the whiteboard: Consistent hashing"
    assert matplotlib.image.imread(io.BytesIO(picture["image/png"])).shape[1] >= 700
    alt = picture.metadata["image/png"]["alt"]
    assert words["text/plain"] == f"Figure in words: {alt}"
    assert alt == in_words(lit=["cache"], path=["feed service", "cache"], fault="cache")


def test_a_title_can_be_given_and_the_same_call_gives_the_same_bytes(shown):
    for _ in range(2):
        whiteboard(lit=["log"], path=["client", "log"], fault=("client", "log"), title="Clicks are lost")
    assert shown[0]["text/plain"] == "Figure: Clicks are lost"
    assert dict(shown[0]) == dict(shown[2])
    whiteboard()
    assert shown[4]["text/plain"] == "Figure: Platter's architecture"


def test_its_words_say_what_is_lit_where_the_path_goes_and_where_the_fault_sits():
    said = in_words(lit=["log", "cache", "client"], path=["client", "log", "warehouse"], fault=("log", "client"))
    assert "Lit: client, cache and log." in said
    assert "The numbered path: 1 from client to log, 2 from log to warehouse." in said
    assert "A cross marks the fault, between client and log." in said
    assert "A cross marks the fault, in the cache." in in_words(fault="cache")
    assert "Lit: log." in in_words(lit=("log",))
    plain = in_words()
    assert not re.search("Lit|path|fault", plain)
    assert all(f"{edge.start} to {edge.end} ({edge.what})" in plain for edge in EDGES)
    assert "13 components" in plain


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lit": ["oven"]}, "lit must name components of the whiteboard, got 'oven'; known are client, gateway, feed"),
        ({"lit": "cache"}, "lit must be a list of components, got the text 'cache'; write lit=['cache']"),
        ({"lit": 3}, "lit must be a list of components, got 3"),
        ({"lit": [["cache"]]}, r"lit must name components of the whiteboard, got ['cache']"),
        ({"path": "client"}, "path must be a list of components, got the text 'client'"),
        ({"path": 3}, "path must be a list of components, got 3"),
        ({"path": ["client"]}, "path must have at least two components, got 'client' alone"),
        ({"path": ["client", "oven"]}, "path must name components of the whiteboard, got 'oven'"),
        (
            {"path": ["client", "gateway", "log"]},
            "path must follow the edges, got 'gateway' then 'log'; from 'gateway' it can go to client, feed service",
        ),
        ({"path": ["client", "client"]}, "path must follow the edges, got 'client' then 'client'"),
        ({"fault": "oven"}, "fault must name components of the whiteboard, got 'oven'"),
        ({"fault": ("client", "oven")}, "fault must name components of the whiteboard, got 'oven'"),
        ({"fault": ("client", "cache")}, "fault must sit on an edge, got ('client', 'cache') without one"),
        ({"fault": 3}, "fault must name components"),
        ({"fault": ("client", "gateway", "log")}, "fault must name components"),
    ],
)
def test_what_the_whiteboard_lacks_is_refused_with_the_choices(arguments, message, shown):
    with pytest.raises(ValueError, match=re.escape(message)):
        Lesson(7).whiteboard(**arguments)
    assert not shown


def test_a_component_named_twice_is_lit_once_and_an_edge_is_found_from_both_ends():
    assert "Lit: cache." in in_words(lit=["cache", "cache"])
    assert edge_between("log", "client") == edge_between("client", "log")
    assert edge_between("client", "cache") is None


def test_words_and_picture_agree_for_names_that_can_be_read_only_once(shown):
    whiteboard(lit=iter(["cache"]), path=iter(["client", "gateway"]), title=None)
    once = shown[0]["image/png"]
    shown.clear()
    whiteboard(lit=["cache"], path=["client", "gateway"])
    assert shown[0]["image/png"] == once
