"""What a run prints: numbers, tables, figures with words, and cards."""

import base64
import io
from html.parser import HTMLParser

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from utils.lesson import COLORS, Claim, figure, label_line_ends, number, say, table
from utils.lesson.card import card, filled
from utils.lesson.figure import in_few_colors
from utils.lesson.questions import FollowUp, Question

ALT = "One line that rises from zero to one, drawn for a test of the apparatus."


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0512, "%", "5.12%"),
        (1, "%", "100%"),
        (-0.0, "", "0"),
        (0.1 + 0.2, "", "0.3"),
        (1234.5678, "", "1,235"),
        (99.96, "", "100"),
        (122107, "", "122,107"),
        (-3.14159, "", "−3.14"),
        (1.8e-6, "", "1.80e-06"),
        (2.5, "€", "€2.5"),
        (-2.5, "€", "−€2.5"),
        (3, "orders", "3 orders"),
        (float("nan"), "", "–"),
        (float("inf"), "", "∞"),
        (np.float32(0.5), "", "0.5"),
    ],
)
def test_numbers_are_written_as_a_person_reads_them(value, unit, text):
    assert number(value, unit=unit) == text


def test_a_table_is_markdown_with_numbers_to_the_right(shown):
    table(
        pd.DataFrame({"who": ["a|b", "c"], "share": [0.5, np.nan], "seen": [True, False]}),
        caption="Two rows",
        formats={"share": "%"},
    )
    assert shown[0]["text/markdown"] == (
        "**Two rows**\n\n| who | share | seen |\n|:---|---:|:---|\n| a\\|b | 50% | yes |\n| c | – | no |"
    )


def test_bad_input_to_the_display_is_refused():
    with pytest.raises(ValueError, match="text must be a sentence"):
        say(" ")
    with pytest.raises(ValueError, match="frame must have columns"):
        table(pd.DataFrame())
    with pytest.raises(ValueError, match="formats names columns"):
        table(pd.DataFrame({"a": [1]}), formats={"b": "%"})


def test_a_figure_carries_its_title_and_its_words(shown):
    with figure("A line rises", alt=ALT) as ax:
        ax.plot([0, 1], [0, 1], label="line")
        label_line_ends(ax)
    picture, words = shown
    assert matplotlib.image.imread(io.BytesIO(picture["image/png"])).std() > 0.01
    assert picture.metadata["image/png"]["alt"] == ALT
    assert picture["text/plain"] == "Figure: A line rises"
    assert ALT in words["text/html"]


class Images(HTMLParser):
    """The attributes of the images of a piece of HTML, as a browser reads them."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.found.append(dict(attributes))


def test_the_words_reach_who_shows_html_with_the_same_picture(shown):
    alt = 'Over "load", in s: 3 < 5 & 5 > 3,\n  then the ÄÖ fall <b>to</b> zero\'s neighbor.'
    with figure("A line rises", alt=alt) as ax:
        ax.plot([0, 1], [0, 1])
    [image] = Images(shown[0]["text/html"]).found
    assert image["alt"] == " ".join(alt.split())
    assert base64.b64decode(image["src"].removeprefix("data:image/png;base64,")) == shown[0]["image/png"]


def test_a_figure_stored_twice_is_smaller_than_matplotlibs_own_and_looks_the_same():
    canvas = Figure(figsize=(7.2, 3.4))
    axes = canvas.subplots(1, 2)
    rng = np.random.default_rng(0)
    for alpha, color in zip((0.2, 0.5, 0.9), COLORS.values(), strict=False):
        axes[0].scatter(*rng.normal(size=(2, 300)), color=color, alpha=alpha)
    axes[1].plot(rng.normal(size=(40, 5)).cumsum(axis=0), label="drunkard")
    axes[1].legend()
    whole = io.BytesIO()
    canvas.savefig(whole, format="png", dpi=110)
    few = in_few_colors(whole.getvalue())
    before = np.asarray(Image.open(whole).convert("RGB")).astype(int)
    after = np.asarray(Image.open(io.BytesIO(few)).convert("RGB")).astype(int)
    assert len(np.unique(before.reshape(-1, 3), axis=0)) > 256
    assert np.abs(after - before).max() <= 16
    assert np.abs(after - before).mean() < 1
    assert 2 * len(few) < len(whole.getvalue())


def test_a_picture_of_few_colors_keeps_every_pixel():
    pixels = np.random.default_rng(0).choice([0, 80, 255], size=(40, 50, 3)).astype(np.uint8)
    whole = io.BytesIO()
    Image.fromarray(pixels).save(whole, "PNG")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(in_few_colors(whole.getvalue()))).convert("RGB")), pixels)


def test_a_figure_without_words_or_title_is_refused():
    with pytest.raises(ValueError, match="alt must say"), figure("A line rises", alt="a line"):
        pass
    with pytest.raises(ValueError, match="title must state"), figure(" ", alt=ALT):
        pass


def test_a_drawing_that_fails_shows_nothing(shown):
    with pytest.raises(KeyError), figure("A line rises", alt=ALT):
        raise KeyError("in the drawing")
    assert not shown


def test_labels_at_line_ends_do_not_overlap():
    ax = Figure().subplots()
    for i in range(4):
        ax.plot([0, 1], [0, 1 + i * 1e-3], label=str(i))
    label_line_ends(ax, gap=0.05)
    heights = sorted(text.get_position()[1] for text in ax.texts)
    assert np.all(np.diff(heights) >= 0.05 - 1e-12)


def test_neighboring_colors_differ_in_grey():
    grey = np.array([np.dot(matplotlib.colors.to_rgb(c), (0.2126, 0.7152, 0.0722)) for c in COLORS.values()])
    assert np.all(np.abs(np.diff(grey)) > 0.1)


def claim(measured):
    return Claim("cost", "It costs", measured, ">=", 1, because="x", unit="%")


def entry(text, strong="So {cost}."):
    follow = (FollowUp("Why?", "No.", "Perhaps.", strong),)
    return Question(7, "p", "n", "t", "q", "u", "l", text, "One.\n\nTwo {cost}.", follow, ("No {cost}",))


def test_the_card_is_filled_from_the_claims_of_this_run():
    text = card(entry("It costs {cost}."), {"cost": claim(0.123)})
    assert "**In 30 seconds.** It costs 12.3%." in text
    assert "- *Strong:* So 12.3%." in text
    assert "{" not in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("It costs {cost:spoken}.", "It costs about 12%."),
        ("{cost} of the orders", "12.3% of the orders"),
        ("{{cost}} {cost:spoken}", "{cost} about 12%"),
    ],
)
def test_a_field_is_written_or_spoken_as_it_asks(text, said):
    assert filled(text, {"cost": claim(0.123)}) == said


def test_a_claim_that_was_only_recorded_is_written_where_it_cannot_be_spoken():
    odd = Claim("cost", "It costs", float("nan"), ">=", 1, because="x", unit="%", recording=True)
    assert filled("It costs {cost:spoken}, {cost}.", {"cost": odd}) == "It costs –, –."


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("{cost:.2f}", "the form of 'cost' must be nothing or 'spoken', got '.2f'"),
        ("{cost:Spoken}", "the form of 'cost' must be nothing or 'spoken', got 'Spoken'"),
        ("{}", "the field '', which is no claim"),
        ("{0}", "the field '0', which is no claim"),
        ("{cost!r}", "the field 'cost!r', which is no claim"),
        ("{gain}", r"the field 'gain', which is no claim; write \{claim_id\} or \{claim_id:spoken\}"),
        ("{cost.__class__}", "the field 'cost.__class__', which is no claim"),
        ("{cost[0]}", r"the field 'cost\[0\]', which is no claim"),
    ],
)
def test_a_field_that_cannot_be_filled_is_told(field, message):
    with pytest.raises(ValueError, match=message):
        filled(field, {"cost": claim(0.123)})


@pytest.mark.parametrize("place", ["thirty_seconds", "two_minutes", "question", "weak", "red_flags"])
def test_a_claim_quoted_anywhere_on_the_card_must_have_been_made(place):
    question = entry("It costs {cost}.")
    if place in ("question", "weak"):
        question = question._replace(follow_ups=(question.follow_ups[0]._replace(**{place: "{gain}"}),))
    else:
        question = question._replace(**{place: ("{gain}",) if place == "red_flags" else "{gain}"})
    assert "gain" in question.claim_ids
    with pytest.raises(ValueError, match=r"not made: \['gain'\]"):
        card(question, {"cost": claim(0.123)})


def test_a_card_that_quotes_an_unmade_claim_is_refused():
    with pytest.raises(ValueError, match=r"not made: \['cost', 'gain'\]"):
        card(entry("It gains {gain}."), {})
