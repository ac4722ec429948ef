"""The runner: run, execute, sweep, claims, bench, publish, lab. `python -m utils.course --help` lists them."""

import sys

# nbformat brings jsonschema, which builds the grammar of international addresses as it is imported: .8 s in every
# process of a lesson. No field of a notebook is such an address, and jsonschema does without what can't be imported.
sys.modules.setdefault("rfc3987_syntax", None)
