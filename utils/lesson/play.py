"""The interactive cell: sliders where a person sits in front, one still picture elsewhere."""

import inspect
import os


def is_live():
    """Whether a front end with widgets is likely to be there: a kernel, and not COURSE_STATIC=1."""
    if os.environ.get("COURSE_STATIC", "") not in ("", "0"):
        return False
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel")


def play(draw, **controls):
    """Show `draw` with a control for each of its arguments; static, with its defaults, where nobody can move them.

    Args:
        draw: function that shows something; every argument has a default value.
        controls: argument -> (low, high, step) for a slider, or a list of choices.

    Raises:
        ValueError: an argument without default or control, or a control that names no argument.
    """
    parameters = inspect.signature(draw).parameters
    without = [name for name, p in parameters.items() if p.default is p.empty]
    if without:
        raise ValueError(f"draw must give every argument a default, {without} have none; they are the static picture")
    if set(parameters) != set(controls):
        raise ValueError(f"controls must name draw's arguments {list(parameters)}, got {list(controls)}")
    if not is_live():
        draw()
        return
    import ipywidgets as widgets
    from IPython.display import display

    made = {name: _control(name, parameters[name].default, given, widgets) for name, given in controls.items()}
    display(widgets.VBox(list(made.values())), widgets.interactive_output(draw, made))


def _control(name, default, given, widgets):
    style = {"description_width": "14em"}
    layout = widgets.Layout(width="34em")
    shared = {"description": name.replace("_", " "), "style": style, "layout": layout}
    if isinstance(given, list):
        return widgets.Dropdown(options=given, value=default, **shared)
    low, high, step = given
    whole = all(isinstance(v, int) for v in (low, high, step, default))
    kind = widgets.IntSlider if whole else widgets.FloatSlider
    return kind(value=default, min=low, max=high, step=step, continuous_update=False, **shared)
