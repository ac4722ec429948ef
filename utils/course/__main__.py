"""The command line of the course."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from utils.course.notebooks import NOTEBOOKS, CourseError

__all__ = ["OneLineParser", "main", "parser"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status. What the person can put right is one line on standard error."""
    options = parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # a Windows console may not know the characters of a claim
            stream.reconfigure(errors="replace")
    try:
        return COMMANDS[options.command](options)
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


class OneLineParser(argparse.ArgumentParser):
    """A parser whose complaint is one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2 and one line."""
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def parser() -> OneLineParser:
    """Return the parser of the command line."""
    top = OneLineParser(prog="python -m utils.course", description="The runner of the course.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, help_text, add in (
        ("run", "execute the lessons and print seconds, memory and claims", _add_run),
        ("execute", "execute the notebooks in place and normalise their outputs", _add_execute),
        ("sweep", "run lessons on many seeds and count how often each claim held", _add_sweep),
        ("claims", "print the claims in the stored outputs", _add_claims),
        ("bench", "run the benchmarks beside their peer libraries", lambda _: None),
        ("lesson", "write the skeleton of a new lesson", _add_lesson),
        ("publish", "stamp the repository's address into README and set-up cells", _add_publish),
        ("lab", "open JupyterLab on the map, in working copies of the lessons", _add_lab),
    ):
        add(commands.add_parser(name, help=help_text, description=help_text[0].upper() + help_text[1:] + "."))
    return top


def _add_notebooks(command: argparse.ArgumentParser) -> None:
    command.add_argument("lessons", nargs="*", help="numbers, names or paths; all if none is given")
    command.add_argument("--notebooks", default=NOTEBOOKS, metavar="FOLDER", help="folder of the notebooks")


def _add_parallel(command: argparse.ArgumentParser) -> None:
    from utils.course.run import TIME_LIMIT

    command.add_argument("--jobs", type=_positive(int), help="how many at the same time; by default one per core")
    limit = {"type": _positive(float), "default": TIME_LIMIT, "metavar": "SECONDS"}
    command.add_argument("--time-limit", **limit, help="by default %(default)s")


def _add_output(command: argparse.ArgumentParser) -> None:
    from utils.course.run import RUNS

    command.add_argument("--output", default=RUNS, metavar="FOLDER", help="folder of what the run leaves behind")


def _add_run(command: argparse.ArgumentParser) -> None:
    _add_notebooks(command)
    _add_parallel(command)
    _add_output(command)
    pair = {"nargs": 2, "action": "append", "default": [], "metavar": ("NAME", "VALUE")}
    command.add_argument("-p", "--parameter", **pair, help="a parameter of the lessons, such as -p SEED 3")
    command.add_argument("--save-claims", action="store_true", help="write data/claims.json; needs all lessons")


def _add_execute(command: argparse.ArgumentParser) -> None:
    _add_notebooks(command)
    _add_parallel(command)
    command.add_argument("--check", action="store_true", help="write nothing; say which stored outputs would change")


def _add_sweep(command: argparse.ArgumentParser) -> None:
    from utils.course.sweep import FIRST_SEED

    _add_notebooks(command)
    _add_parallel(command)
    _add_output(command)
    command.add_argument("--seeds", type=_positive(int), default=20, help="how many; by default %(default)s")
    command.add_argument("--first-seed", type=int, default=FIRST_SEED, help="by default %(default)s")
    command.add_argument("--strict", action="store_true", help="fail also where a claim's margin is too small")


def _add_claims(command: argparse.ArgumentParser) -> None:
    _add_notebooks(command)
    command.add_argument("--save", action="store_true", help="write data/claims.json from the stored outputs")
    command.add_argument("--check", action="store_true", help="fail if data/claims.json differs from them")


def _add_lesson(command: argparse.ArgumentParser) -> None:
    command.add_argument("number", type=_positive(int), help="of its file in data/questions")


def _add_publish(command: argparse.ArgumentParser) -> None:
    command.add_argument("repository", nargs="?", default="", help="owner/name on GitHub; nothing takes the stamp back")


def _add_lab(command: argparse.ArgumentParser) -> None:
    command.add_argument("--port", default="", help="by default the first free one from 8888 on")
    told = "lessons whose copies in learn/ are made anew, numbers or all; a copy with your answers is kept beside"
    command.add_argument("--fresh", nargs="*", default=[], metavar="LESSON", help=told)


def _positive(kind: type[int] | type[float]) -> Callable[[str], int | float]:
    """Return a reader of positive numbers for argparse."""

    def convert(text: str) -> int | float:
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not value > 0:
            raise argparse.ArgumentTypeError(f"must be a positive number, got {text!r}")
        return value

    return convert


def _run(options: argparse.Namespace) -> int:
    from utils.course.run import run

    return run(
        options.notebooks,
        options.lessons,
        parameters=options.parameter,
        jobs=options.jobs,
        time_limit=options.time_limit,
        output=options.output,
        save=options.save_claims,
    )


def _execute(options: argparse.Namespace) -> int:
    from utils.course.execute import execute

    limits = {"jobs": options.jobs, "time_limit": options.time_limit}
    return execute(options.notebooks, options.lessons, check=options.check, **limits)


def _sweep(options: argparse.Namespace) -> int:
    from utils.course.sweep import sweep

    return sweep(
        options.notebooks,
        options.lessons,
        seeds=options.seeds,
        first_seed=options.first_seed,
        jobs=options.jobs,
        time_limit=options.time_limit,
        output=options.output,
        strict=options.strict,
    )


def _claims(options: argparse.Namespace) -> int:
    from utils.course.claims import claims

    return claims(options.notebooks, options.lessons, save=options.save, check=options.check)


def _bench(options: argparse.Namespace) -> int:
    from utils.course.bench import bench

    return bench()


def _lesson(options: argparse.Namespace) -> int:
    from utils.course.template import new_lesson

    return new_lesson(options.number)


def _publish(options: argparse.Namespace) -> int:
    from utils.course.publish import publish

    return publish(options.repository)


def _lab(options: argparse.Namespace) -> int:
    from utils.course.lab import lab

    return lab(options.port, options.fresh)


COMMANDS = {
    "run": _run,
    "execute": _execute,
    "sweep": _sweep,
    "claims": _claims,
    "bench": _bench,
    "lesson": _lesson,
    "publish": _publish,
    "lab": _lab,
}

if __name__ == "__main__":
    sys.exit(main())
