"""Text between two markers of a page, `<!-- name:start -->` and `<!-- name:end -->`, replaced by what is made."""

from utils.course.notebooks import CourseError

__all__ = ["between", "markers"]


def markers(name: str) -> tuple[str, str]:
    """Return the markers of a name, start and end.

    >>> markers("map")
    ('<!-- map:start -->', '<!-- map:end -->')
    """
    return f"<!-- {name}:start -->", f"<!-- {name}:end -->"


def between(text: str, name: str, content: str, *, page: str = "README.md") -> str:
    r"""Return a page's text with `content` on the lines between the markers of a name.

    Args:
        text: the page.
        name: of the markers, each of which stands once.
        content: lines without the last line's end; "" leaves no line between.
        page: what the page is called, for the message.

    Returns:
        The text; nothing outside the markers differs.

    Raises:
        CourseError: a marker is missing, there twice, or the end comes first.

    >>> between("a\n<!-- x:start -->\nold\n<!-- x:end -->\nb", "x", "new")
    'a\n<!-- x:start -->\nnew\n<!-- x:end -->\nb'
    """
    start, end = markers(name)
    if text.count(start) != 1 or text.count(end) != 1 or text.index(start) > text.index(end):
        raise CourseError(f"{page} needs one line {start} and below it one line {end}; put back what was there")
    before, rest = text.split(start)
    lines = f"{content}\n" if content else ""
    return f"{before}{start}\n{lines}{end}{rest.split(end)[1]}"
