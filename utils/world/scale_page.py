"""The page `data/SCALE.md`: Platter's scale in words and numbers.

python -m utils.world.scale_page            write it anew
"""

from utils.foundation.checkout import CHECKOUT
from utils.world.scale import PLATTER, Scale

__all__ = ["PAGE", "main", "page"]

PAGE = CHECKOUT / "data" / "SCALE.md"

CHOSEN = (
    ("people who open the app on a mean day", "daily_users", "{:,}", "chosen"),
    ("visits of each of them that day", "visits_per_user", "{:g}", "chosen: once at noon, once in the evening"),
    ("clicks a visit", "clicks_per_visit", "{:.2f}", "the world's own under its live feed; a test holds it"),
    ("orders a visit", "orders_per_visit", "{:.2f}", "likewise"),
    ("basket, the mean value of an order", "basket", "€{:.2f}", "likewise"),
    ("orders a visit if every feed were the best", "best_orders_per_visit", "{:.2f}", "likewise, under `BestPolicy`"),
    ("basket if every feed were the best", "best_basket", "€{:.2f}", "likewise"),
    ("contribution margin, share of the basket", "margin", "{:.0%}", "chosen, see below"),
    ("restaurants", "restaurants", "{:,}", "chosen"),
    ("dishes of each", "dishes_per_restaurant", "{:,}", "chosen"),
)
COMPUTED = (
    ("visits a day", "visits_per_day", "{:,.0f}", "daily users × visits"),
    ("visits a second, mean", "visits_per_second", "{:.1f}", "visits a day ÷ 86,400"),
    (
        "visits a second at the Friday evening peak",
        "friday_peak_visits_per_second",
        "{:.1f}",
        "weekday × hour × cities' clocks, as the world draws its traffic",
    ),
    ("peak ÷ mean", "peak_to_mean", "{:.2f}", "likewise"),
    ("orders a minute at the Friday evening peak", "friday_peak_orders_per_minute", "{:,.0f}", "× orders a visit × 60"),
    ("orders a day", "orders_per_day", "{:,.0f}", "visits × orders a visit"),
    ("value of a day's orders", "order_value_per_day", "€{:,.0f}", "× basket"),
    ("value of the orders of a visit", "order_value_per_visit", "€{:.2f}", "orders a visit × basket"),
    ("margin of an order", "margin_per_order", "€{:.2f}", "basket × margin"),
    ("margin of a day's orders", "margin_per_day", "€{:,.0f}", "orders × margin of an order"),
    ("clicks a day", "clicks_per_day", "{:,.0f}", "visits × clicks a visit"),
    ("rows of the log a day", "log_rows_per_day", "{:,.0f}", "visits × ten positions"),
    ("dishes in the catalogue", "dishes", "{:,}", "restaurants × dishes"),
)

INTRODUCTION = """# Platter's scale

One company, one scale: every lesson takes its rates from here, as `from utils.world.scale import PLATTER`. This page is
written by `python -m utils.world.scale_page`; a test holds it to `utils/world/scale.py`, and holds the rates to the
world.
"""

EXPLANATION = """## From the world to Platter

A world simulates a part of the traffic. With `sessions_per_day=2_000`, the default, one simulated visit stands for
{factor:,.0f} of Platter's: `PLATTER.factor(2_000)`. Multiply a simulated day's clicks, orders or euros by it. Users,
dishes and restaurants are not scaled: a world has as many as it is told, and each visit's user is drawn anew, so that
how often one user comes follows from how many there are. A lesson that draws requests at a rate of its own converts by
visits a second: Platter's at that hour over the lesson's.

Rates are means over worlds. A single world's live feed rests on what its restaurants happened to be known for, and its
orders a visit differ from the mean by 0.06 (standard deviation over seeds), its clicks by 0.09. A lesson that measures
its own world's rate says so; one that quotes Platter's uses the page. The rate of orders is taken as the same at every
hour; in the world a visit on a Friday evening brings about 4% more orders than the mean.

## The margin

What an order leaves to Platter is chosen as a tenth of the basket, after the restaurant, the courier and the payment,
before marketing and offices. Deliveroo reports a gross profit of 10.4% of the gross transaction value for the first half
of 2023, and 8.7% a year before (Interim financial report 2023, 10 August 2023).

## Known limits

- The busiest minute is an expectation. What a second brings scatters about it.
- The busiest minute counts the five cities' clocks; each city alone has a sharper evening.
- A new city, bots or a push message come on top.
"""


def page(scale: Scale = PLATTER) -> str:
    """Return the page as Markdown, ending in a line end."""
    hour, minute = divmod(scale.friday_peak_minute, 60)
    cities = [
        (city.name, f"{city.share:.0%}", f"{scale.users_by_city[city.name]:,.0f}", f"{city.utc_offset_hours:+d} h")
        for city in scale.cities
    ]
    parts = [
        INTRODUCTION,
        "## Chosen and measured\n\n" + _table(("quantity", "value", "where from"), _rows(scale, CHOSEN)),
        "## What follows\n\n" + _table(("quantity", "value", "how"), _rows(scale, COMPUTED)),
        f"The peak is at {hour:02d}:{minute:02d} UTC.\n",
        "## Cities\n\n" + _table(("city", "share of the users", "daily users", "clock, from UTC"), cities),
        EXPLANATION.format(factor=scale.factor()),
    ]
    return "\n".join(parts)


def _rows(scale: Scale, lines: tuple[tuple[str, str, str, str], ...]) -> list[tuple[str, ...]]:
    return [(label, form.format(getattr(scale, name)), origin) for label, name, form, origin in lines]


def _table(heading: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heading, tuple("---" for _ in heading), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
