"""The runner: run, execute, sweep, claims, bench, publish, lab. `python -m utils.course --help` lists them."""
