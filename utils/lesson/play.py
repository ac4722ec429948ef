"""The interactive cell: sliders where a person sits in front, and everywhere a still picture.

The still picture is an output like any other, so that it stands in the saved notebook, in an export and on the web. Where
a front end is live, a style inside the widget hides it while the widget is there; a style beside the picture hides what
JupyterLab says about a widget that is gone.
"""

import inspect
import os
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from IPython.display import display
from IPython.utils.capture import RichOutput, capture_output

__all__ = ["is_live", "play"]

VIEW = "application/vnd.jupyter.widget-view+json"
STILL_HERE = "The picture above shows the defaults. Run this cell in JupyterLab to move its controls."
DIGITS = 10  # of a slider's value; its steps add up to 0.30000000000000004


def is_live() -> bool:
    """Whether a front end with widgets is likely to be there: a kernel, and not COURSE_STATIC=1."""
    if os.environ.get("COURSE_STATIC", "") not in ("", "0"):
        return False
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel")


def play(draw: Callable[..., None], **controls: Sequence[Any]) -> None:
    """Show `draw` with a control for each of its arguments; static, with its defaults, where nobody can move them.

    Args:
        draw: function that shows something; every argument has a default value.
        controls: argument -> (low, high, step) for a slider, or a list of choices.

    Raises:
        ValueError: an argument without default or control, a control that names no argument, or a default that its
            control can't show.
    """
    defaults = _defaults(draw, controls)
    if not is_live():
        draw()
        return
    with capture_output(stdout=False, stderr=False) as still:
        draw()
    name = f"course-still-{secrets.token_hex(6)}"
    for output in still.outputs:
        _show(_marked(output, name))
    box = _controls(draw, defaults, controls, still.outputs, name)
    view = box._repr_mimebundle_()[VIEW]
    display({VIEW: view, "text/html": f"<small>{STILL_HERE}</small>", "text/plain": STILL_HERE}, raw=True)


def _defaults(draw: Callable[..., None], controls: dict[str, Sequence[Any]]) -> dict[str, Any]:
    parameters = inspect.signature(draw).parameters
    without = [name for name, p in parameters.items() if p.default is p.empty]
    if without:
        raise ValueError(f"draw must give every argument a default, {without} have none; they are the static picture")
    if set(parameters) != set(controls):
        raise ValueError(f"controls must name draw's arguments {list(parameters)}, got {list(controls)}")
    defaults = {name: p.default for name, p in parameters.items()}
    for name, given in controls.items():
        if isinstance(given, list):
            is_inside = defaults[name] in given
        else:
            if len(given) != 3 or not given[0] < given[1] or not given[2] > 0:
                raise ValueError(
                    f"{name} must be (low, high, step) or a list, got {given!r}; give low < high, step > 0"
                )
            is_inside = given[0] <= defaults[name] <= given[1]
        if not is_inside:
            raise ValueError(f"{name} must have a default that its control can show, got {defaults[name]!r}")
    return defaults


def _controls(
    draw: Callable[..., None],
    defaults: dict[str, Any],
    controls: dict[str, Sequence[Any]],
    still: list[RichOutput],
    name: str,
) -> Any:
    """Return the controls above the picture that they redraw, as one widget."""
    import ipywidgets as widgets

    rows, sources = [], {}
    for argument, given in controls.items():
        row, sources[argument] = _control(argument, defaults[argument], given, widgets)
        rows.append(row)
    picture = widgets.Output()
    with picture:
        for output in still:
            _show(output)

    def redraw(_: Any) -> None:
        picture.clear_output(wait=True)
        with picture:
            draw(**{argument: source.value for argument, source in sources.items()})

    for source in sources.values():
        source.observe(redraw, "value")
    style = widgets.HTML(f"<style>{_hidden(name)}</style>", layout=widgets.Layout(display="none"))
    return widgets.VBox([*rows, picture, style])


def _control(argument: str, default: Any, given: Sequence[Any], widgets: Any) -> tuple[Any, Any]:
    """Return a row with one control, and the widget in it that holds the value.

    A slider's handle has no name that a screen reader could say, and offers no way to give it one; the number field
    before it has a label, takes the same keys, and moves with it.
    """
    label = {"description": argument.replace("_", " "), "style": {"description_width": "10em"}}
    if isinstance(given, list):
        choice = widgets.Dropdown(options=given, value=default, layout=widgets.Layout(width="17em"), **label)
        return choice, choice
    low, high, step = given
    whole = all(isinstance(v, int) for v in (low, high, step, default))
    kinds = (widgets.BoundedIntText, widgets.IntSlider) if whole else (widgets.BoundedFloatText, widgets.FloatSlider)
    limits = {"value": default, "min": low, "max": high, "step": step}
    field = kinds[0](**limits, **label, layout=widgets.Layout(width="17em"), tooltip=f"from {low} to {high}")
    slider = kinds[1](
        **limits, continuous_update=False, readout=False, layout=widgets.Layout(width="20em"), tabbable=False
    )

    def follow(change: Any) -> None:
        value = change["new"] if whole else round(change["new"], DIGITS)
        field.value = slider.value = value

    slider.observe(follow, "value")
    field.observe(follow, "value")
    return widgets.HBox([field, slider]), field


def _marked(output: RichOutput, name: str) -> RichOutput:
    """Return an output whose HTML the widget's style can hide, and which hides the error of a widget that is gone."""
    if "text/html" not in output.data:
        return output
    html = f'<style>{_hidden_error(name)}</style><div class="{name}">{output.data["text/html"]}</div>'
    return RichOutput(data=output.data | {"text/html": html}, metadata=output.metadata)


def _hidden(name: str) -> str:
    return f".{name}, .jp-OutputArea-child:has(.{name}) {{ display: none; }}"


def _hidden_error(name: str) -> str:
    """Return a style for the widget after the picture: JupyterLab puts the error there as bare text."""
    after = f".jp-OutputArea-child:has(.{name}) ~ .jp-OutputArea-child"
    return f"{after}:has(> .jupyter-widgets):not(:has(> .jupyter-widgets > *)) {{ display: none; }}"


def _show(output: RichOutput) -> None:
    display(output.data, metadata=output.metadata, raw=True)
