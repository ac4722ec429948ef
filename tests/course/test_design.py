"""DESIGN.md lists the public names that the modules state."""

from utils.course import design


def test_the_table_of_names_is_that_of_the_modules():
    assert design.made() == design.DESIGN.read_text(encoding="utf-8"), "run: python -m utils.course.design"


def test_names_are_read_from_modules_and_packages_and_nothing_is_imported(tmp_path):
    for name, source in {
        "__init__.py": "",
        "world/__init__.py": '"""A world."""\nraise SystemExit\n__all__ = ["World"]\n',
        "world/a.py": 'names = ["no"]\nfor name in names:\n    pass\n',
        "world/b.py": '__all__ = (\n    "z",\n    "y",\n)\n',
        "world/c.py": "def __all__():\n    pass\n",
        "world/d.py": "__all__ = []\n",
        "world/e.py": '__all__: list[str] = ["x"]\n',
        "exercises/e.py": '__all__ = ["EXERCISES"]\n',
        "course/run.py": '__all__ = ["run"]\n',
        "courseware/f.py": '__all__ = ["kept"]\n',
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(source, encoding="utf-8")
    assert design.public_names(tmp_path) == {
        "utils.courseware.f": ("kept",),
        "utils.world": ("World",),
        "utils.world.b": ("z", "y"),
        "utils.world.e": ("x",),
    }


def test_the_table_has_a_line_a_module_in_order():
    assert design.names_table({"utils.b": ("f",), "utils.a.c": ("G", "h")}) == (
        "| module | names |\n|---|---|\n| `utils.a.c` | `G`, `h` |\n| `utils.b` | `f` |"
    )


def test_check_tells_a_page_that_is_out_of_date_and_writing_mends_it(tmp_path, monkeypatch, capsys):
    page = tmp_path / "DESIGN.md"
    page.write_text("<!-- names:start -->\n| old |\n<!-- names:end -->\n", encoding="utf-8")
    monkeypatch.setattr(design, "DESIGN", page)
    assert design.main(["--check"]) == 1
    assert "| old |" in page.read_text(encoding="utf-8")
    assert "out of date: python -m utils.course.design" in capsys.readouterr().out
    assert design.main([]) == 0
    assert "| old |" not in page.read_text(encoding="utf-8")
    assert design.main(["--check"]) == 0
