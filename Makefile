# The commands of the course. Each sets up what it needs; a second call starts at once.
# `make run PYTHON=python3.12` chooses the Python, 3.11 to 3.13.
PYTHON ?= python3
SEEDS ?= 20
LESSONS ?=
ONLY ?=
PORT ?=
FRESH ?=
REPO ?=
WORKERS ?= 2
VENV = .venv/bin/python
OLDEST = .venv-oldest/bin/python
GIVEN = $(if $(filter-out file,$(origin PYTHON)),--given)
SET_UP = @command -v $(PYTHON) >/dev/null 2>&1 || { echo "error: there is no $(PYTHON); install Python 3.11 to 3.13, or choose one: make PYTHON=python3.12" >&2; exit 1; }; \
	$(PYTHON) utils/course/environment.py --target $@
NBVAL = -m pytest --nbval --nbval-current-env -n $(WORKERS) --dist loadfile

.PHONY: help lab run test lint format lesson execute sweep claims bench lock publish test-oldest test-production
.SILENT:
MAKEFLAGS += --no-print-directory

help:
	echo "make lab               open JupyterLab on the map, in your own copies   [PORT=8888] [FRESH=\"07 20\" or all]"
	echo "make run               run every lesson: seconds, memory, claims   [LESSONS=\"07 20\"]"
	echo "make test              check lessons and code   [WORKERS=2] [ONLY=tests] [ONLY=notebooks]"
	echo "make lint              check the style of the code"
	echo "make format            bring code into that style"
	echo "make lesson 05         write the skeleton of a new lesson, a file of data/questions"
	echo "make execute           run the notebooks in place and store their outputs   [LESSONS=...]"
	echo "make sweep             run the lessons on many seeds   [SEEDS=20] [LESSONS=...]"
	echo "make claims            list the claims in the stored outputs   [LESSONS=...]"
	echo "make bench             compare with peer libraries"
	echo "make lock              resolve pyproject.toml into the locks"
	echo "make publish REPO=x/y  stamp the repository's address; REPO= takes it back"
	echo "make test-oldest       the lessons and tests on the oldest versions, Python 3.11"
	echo "make test-production   the tests against production tools, in their own environment"

lab:
	$(SET_UP) run $(GIVEN)
	$(VENV) -m utils.course lab --port "$(PORT)" --fresh $(FRESH)

run:
	$(SET_UP) run $(GIVEN)
	$(VENV) -m utils.course run $(LESSONS)

test:
	$(SET_UP) test $(GIVEN)
	$(VENV) $(NBVAL) $(ONLY)

lint:
	$(SET_UP) test $(GIVEN)
	$(VENV) -m ruff check . && $(VENV) -m ruff format --check .

format:
	$(SET_UP) test $(GIVEN)
	$(VENV) -m ruff check --fix --quiet . ; $(VENV) -m ruff format . && $(VENV) -m ruff check .

# the number of `make lesson 05` would be taken for a second thing to make
ifeq (lesson,$(firstword $(MAKECMDGOALS)))
NUMBER := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
ifneq (,$(NUMBER))
.PHONY: $(NUMBER)
$(NUMBER): ;
endif
endif

lesson:
	$(SET_UP) run $(GIVEN)
	$(VENV) -m utils.course lesson $(NUMBER)

execute:
	$(SET_UP) run $(GIVEN)
	$(VENV) -m utils.course execute $(LESSONS)

sweep:
	$(SET_UP) test $(GIVEN)
	$(VENV) -m utils.course sweep --seeds "$(SEEDS)" $(LESSONS)

claims:
	$(SET_UP) run $(GIVEN)
	$(VENV) -m utils.course claims $(LESSONS)

bench:
	$(SET_UP) test $(GIVEN)
	$(VENV) -m utils.course bench

lock:
	$(SET_UP) lock

publish:
	$(SET_UP) run $(GIVEN)
	$(VENV) -m utils.course publish "$(REPO)"

# a lesson that fails does not keep the tests from running; the status tells of either
test-oldest: PYTHON = python3.11
test-oldest:
	$(SET_UP) oldest
	$(OLDEST) -m utils.course run --output runs/oldest; lessons=$$?; \
	$(OLDEST) -m pytest -n $(WORKERS) tests; tests=$$?; \
	test $$lessons -eq 0 && test $$tests -eq 0

test-production:
	test -d tests/production || { echo "error: there is no test in tests/production yet" >&2; exit 1; }
	$(SET_UP) production $(GIVEN)
	.venv-production/bin/python -m pytest tests/production
