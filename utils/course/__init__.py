"""The runner of the course: run, execute, sweep, claims, bench, publish, lab. `python -m utils.course --help` lists them."""
