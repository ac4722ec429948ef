"""The page in data/ says what the scale says."""

from dataclasses import fields, replace

from utils.world import scale_page
from utils.world.scale import PLATTER, Scale


def test_the_page_is_written_from_the_scale():
    assert scale_page.PAGE.read_text(encoding="utf-8") == scale_page.page()


def test_the_page_has_every_field_and_every_number_that_follows():
    named = {name for _, name, _, _ in (*scale_page.CHOSEN, *scale_page.COMPUTED)}
    numbers = {name for name in vars(Scale) if isinstance(vars(Scale)[name], property)}
    elsewhere = {"visits_per_second_by_minute", "friday_peak_minute", "users_by_city", "cities"}
    assert named == ({field.name for field in fields(Scale)} | numbers) - elsewhere


def test_the_page_shows_the_numbers_of_its_scale():
    page = scale_page.page(replace(PLATTER, daily_users=3_000_000))
    assert "| people who open the app on a mean day | 3,000,000 | chosen |" in page
    assert "| visits a day | 6,000,000 | daily users × visits |" in page
    assert "| Elmsport | 12% | 360,000 | -8 h |" in page
    assert "one simulated visit stands for\n3,000 of Platter's" in page
    assert "The peak is at 18:00 UTC." in page


def test_the_page_is_written_where_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(scale_page, "PAGE", tmp_path / "SCALE.md")
    scale_page.main()
    assert (tmp_path / "SCALE.md").read_bytes() == scale_page.page().encode()
