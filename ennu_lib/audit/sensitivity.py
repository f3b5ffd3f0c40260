"""Whether the portal protects what the audit calls personal: classes of source columns against `dataSensitivity`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from ennu_lib.config import Strict
from ennu_lib.config.yaml_model import load_yaml
from ennu_lib.hubspot.portal_schema import PortalSchema

SENSITIVITY = {
    "table": pl.String,
    "column": pl.String,
    "class": pl.String,
    "object": pl.String,
    "property": pl.String,
    "sensitivity": pl.String,
    "verdict": pl.String,
}
PLAIN, PROTECTED, EXEMPT = "plain", "protected", "exempt"


class Exemption(Strict):
    """Properties of an object that may hold personal data unprotected, and why."""

    object: str
    properties: tuple[str, ...]
    reason: str


def check_sensitivity(
    classes: pl.DataFrame,
    mappings: Path,
    portal: PortalSchema,
    protect: frozenset[str],
    exemptions: tuple[Exemption, ...] = (),
) -> pl.DataFrame:
    """Every mapped column of a class in `protect`, with the sensitivity of the property that receives its values.

    `mappings` is the folder of mapping files; only where a column goes is read from them. `verdict` is `protected`,
    `exempt` (params/audit/personal.yml gives the reason) or `plain`, which is a finding. HubSpot cannot change the
    sensitivity of a property once it exists, so this is asked before anything is created.
    """
    class_of = {(r["table"], r["column"]): r["class"] for r in classes.iter_rows(named=True)}
    exempt = {(e.object, name) for e in exemptions for name in e.properties}
    rows = []
    for table, column, target, name in _destinations(mappings):
        found = class_of.get((table, column))
        if found not in protect:
            continue
        sensitivity = str(portal.property(target, name).sensitivity)
        verdict = PROTECTED if sensitivity != "none" else EXEMPT if (target, name) in exempt else PLAIN
        rows.append(dict(zip(SENSITIVITY, (table, column, found, target, name, sensitivity, verdict), strict=True)))
    frame = pl.DataFrame(rows, schema=SENSITIVITY).unique()
    return frame.sort(pl.col("verdict") != PLAIN, "object", "property", "table", "column")


def _destinations(mappings: Path) -> Iterator[tuple[str, str, str, str]]:
    """Source table, source column, object and property of every field, summary and calculation of every mapping."""
    for path in sorted(mappings.glob("*.yml")):
        mapping, _ = load_yaml(path)
        target = (mapping.get("records") or {}).get("object", "contacts")
        for field in mapping.get("fields") or ():
            for column in (field["source"], *field.get("otherwise", ())):
                yield mapping["table"], column, target, field["target"]
        for made in (*(mapping.get("summaries") or ()), *(mapping.get("calculated") or ())):
            yield mapping["table"], made["column"], "contacts", made["target"]
