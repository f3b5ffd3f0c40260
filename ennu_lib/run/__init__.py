"""The runner: execute the notebooks, judge how each ended, render the pages."""

import sys

# jsonschema takes half a second to import this optional grammar, and no Jupyter schema uses it.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
