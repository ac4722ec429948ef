"""The interactive cell: a still picture that stays, and controls with names that redraw it where a person sits."""

import ipywidgets
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from IPython.utils.capture import capture_output
from traitlets.config import Config

from utils.lesson import play as module
from utils.lesson.play import VIEW, is_live, play

CONTROLS = {"load": (0.0, 1.0, 0.1), "nodes": (2, 50, 1), "rule": ["mean", "worst"]}


@pytest.fixture(scope="module", autouse=True)
def shell():
    """An IPython to display in, without a history."""
    yield InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    InteractiveShell.clear_instance()


@pytest.fixture
def live(monkeypatch):
    """A front end with widgets; yields every widget that is made, and what was drawn."""
    monkeypatch.setattr(module, "is_live", lambda: True)
    before = set(ipywidgets.widget._instances)
    yield lambda: [w for key, w in ipywidgets.widget._instances.items() if key not in before]
    for key in set(ipywidgets.widget._instances) - before:
        ipywidgets.widget._instances[key].close()


def drawing(drawn):
    """Return a function to play with that notes its arguments and shows a picture's bundle."""

    def draw(load=0.3, nodes=10, rule="mean"):
        drawn.append((load, nodes, rule))
        display({"text/html": f"<img alt='{load}'>", "text/plain": f"Figure: {load}"}, raw=True, metadata={"a": 1})

    return draw


def played(draw, **controls):
    """Return the outputs of one interactive cell: what stays, and the widget; a front end takes those between inside."""
    with capture_output() as captured:
        play(draw, **controls)
    return captured.outputs[:1] + captured.outputs[2:]


def control(made, kind, description):
    [found] = [w for w in made if isinstance(w, kind) and w.description == description]
    return found


def test_it_draws_once_where_there_is_no_front_end(monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "1")
    drawn = []
    assert len(played(drawing(drawn), **CONTROLS)) == 1
    assert drawn == [(0.3, 10, "mean")]


def test_the_still_picture_is_an_output_like_any_other_and_is_drawn_once(live):
    drawn = []
    picture, widget = played(drawing(drawn), **CONTROLS)
    assert drawn == [(0.3, 10, "mean")]
    assert "<img alt='0.3'>" in picture.data["text/html"]
    assert picture.data["text/plain"] == "Figure: 0.3"
    assert picture.metadata == {"a": 1}
    assert VIEW not in picture.data
    assert VIEW in widget.data
    assert widget.data["text/plain"] == module.STILL_HERE


def test_the_widget_hides_the_still_picture_of_its_own_cell_only(live):
    pictures = [played(drawing([]), **CONTROLS)[0] for _ in range(2)]
    names = [picture.data["text/html"].partition('<div class="')[2].partition('"')[0] for picture in pictures]
    styles = [w.value for w in live() if isinstance(w, ipywidgets.HTML)]
    assert len(set(names)) == 2
    assert [[name in style for style in styles] for name in names] == [[True, False], [False, True]]
    assert not any("display: none" in p.data["text/html"].partition("~")[0] for p in pictures)


def test_what_shows_no_html_is_left_as_it_is(live):
    def draw(load=0.3):
        display({"text/plain": "words"}, raw=True)

    words, _ = played(draw, load=(0.0, 1.0, 0.1))
    assert words.data == {"text/plain": "words"}


def test_every_control_has_a_name_and_redraws_with_all_values(live):
    drawn = []
    played(drawing(drawn), **CONTROLS)
    made = live()
    control(made, ipywidgets.BoundedFloatText, "load").value = 0.7
    control(made, ipywidgets.BoundedIntText, "nodes").value = 20
    control(made, ipywidgets.Dropdown, "rule").value = "worst"
    assert drawn[1:] == [(0.7, 10, "mean"), (0.7, 20, "mean"), (0.7, 20, "worst")]


def test_slider_and_number_move_together_and_draw_once(live):
    drawn = []
    played(drawing(drawn), **CONTROLS)
    field = control(live(), ipywidgets.BoundedFloatText, "load")
    [slider] = [w for w in live() if isinstance(w, ipywidgets.FloatSlider)]
    assert (slider.min, slider.max, slider.step, slider.value) == (0.0, 1.0, 0.1, 0.3)
    assert (field.min, field.max, field.step, field.value) == (0.0, 1.0, 0.1, 0.3)
    assert (slider.continuous_update, slider.readout, slider.tabbable) == (False, False, False)
    slider.value = 7 * 0.1
    assert 7 * 0.1 != 0.7
    assert field.value == slider.value == 0.7
    field.value = 0.2
    assert slider.value == 0.2
    assert [load for load, _, _ in drawn] == [0.3, 0.7, 0.2]


def test_whole_numbers_stay_whole(live):
    drawn = []
    played(drawing(drawn), **CONTROLS)
    [slider] = [w for w in live() if isinstance(w, ipywidgets.IntSlider)]
    slider.value = 11
    assert type(drawn[-1][1]) is int


@pytest.mark.parametrize(
    ("static", "has_kernel", "live"),
    [("1", True, False), ("0", True, True), ("", True, True), (None, True, True), (None, False, False)],
)
def test_a_kernel_has_a_front_end_unless_the_environment_says_static(monkeypatch, shell, static, has_kernel, live):
    monkeypatch.delenv("COURSE_STATIC", raising=False)
    if static is not None:
        monkeypatch.setenv("COURSE_STATIC", static)
    if has_kernel:
        monkeypatch.setattr(type(shell), "kernel", object(), raising=False)
    assert is_live() is live


def test_arguments_without_default_or_control_are_refused():
    with pytest.raises(ValueError, match="have none"):
        play(lambda load: None, load=(0.0, 1.0, 0.1))
    with pytest.raises(ValueError, match="controls must name"):
        play(lambda load=0.5: None, other=(0.0, 1.0, 0.1))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((0.6, 1.0, 0.1), "load must have a default that its control can show, got 0.5"),
        ((0.0, 0.4, 0.1), "load must have a default that its control can show, got 0.5"),
        ([0.4, 0.6], "load must have a default that its control can show, got 0.5"),
        ((1.0, 0.0, 0.1), "load must be .low, high, step. or a list"),
        ((0.0, 1.0, 0.0), "load must be .low, high, step. or a list"),
        ((0.0, 1.0), "load must be .low, high, step. or a list"),
    ],
)
def test_a_control_that_cannot_show_the_default_is_refused_everywhere(monkeypatch, given, named):
    monkeypatch.setenv("COURSE_STATIC", "1")
    with pytest.raises(ValueError, match=named):
        play(lambda load=0.5: None, load=given)


@pytest.mark.parametrize("given", [(0.5, 1.0, 0.1), (0.0, 0.5, 0.1), [0.5]])
def test_a_default_at_the_end_of_its_control_is_fine(monkeypatch, given):
    monkeypatch.setenv("COURSE_STATIC", "1")
    drawn = []
    play(lambda load=0.5: drawn.append(load), load=given)
    assert drawn == [0.5]
