"""Gather what the mapping of a run reads: clean tables where phase 02 made them, else the snapshot."""

from __future__ import annotations

import polars as pl

from ennu_lib.catalog.biomarkers import load_biomarkers
from ennu_lib.config import params_dir
from ennu_lib.evidence import Phase
from ennu_lib.hubspot.portal_schema import PortalSchema
from ennu_lib.mapping.engine import Sources, as_text
from ennu_lib.mapping.files import MappingSet
from ennu_lib.rules.quarantine import QUARANTINE, kept_out


def run_sources(phase: Phase, maps: MappingSet) -> Sources:
    """The sources of a run: tables by name, the crosswalk of dedupe, code lists, time zones, biomarkers and keys."""
    clinical = params_dir() / "clinical"
    if phase.workspace.exists(QUARANTINE):
        phase.scan(QUARANTINE)
    return Sources(
        table=phase.scan_table,
        crosswalk=phase.scan("identity/members").with_columns(excluded=pl.lit(False), held=pl.lit(False)),
        codes=maps.codes,
        zones=_zones(phase.scan_table("facilities")),
        biomarkers=load_biomarkers(clinical / "biomarkers.csv", clinical / "unit_aliases.csv"),
        keys=phase.keys,
        kept_out=lambda name: kept_out(phase.workspace, name),
        reported=lambda name: phase.scan(f"source/{name}"),
        as_of=phase.params.today,
    )


def _zones(facilities: pl.LazyFrame) -> list[str]:
    found = as_text(facilities).select(pl.col("time_zone").drop_nulls().unique().sort()).collect()
    return found["time_zone"].to_list()


def flow_steps(maps: MappingSet, table: str, portal: PortalSchema) -> list[dict[str, str]]:
    """One step per source column of `table`: what becomes of it, for the page."""
    mapping = maps.mappings[table]
    properties = {p.name: p for p in portal.properties[mapping.object]} if mapping.object else {}
    steps = [
        {
            "source": " else ".join([f.source.replace("@", "biomarker."), *f.otherwise]),
            "rule": f.rule
            + (" as reported" if f.as_reported else "")
            + (f" ({f.codes})" if f.codes else "")
            + (f" by {f.lookup.table}" if f.lookup else "")
            + (" to UTC" if f.time_zone else ""),
            "target": f.target,
            "type": properties[f.target].type,
            "sensitivity": properties[f.target].sensitivity,
        }
        for f in mapping.fields
    ]
    steps += [{"source": s.column, "rule": s.compute, "target": s.target} for s in mapping.summaries]
    steps += [{"source": c.column, "rule": f"calculation {c.by}", "target": c.target} for c in mapping.calculated]
    for added in mapping.adds_to:
        name = maps.mappings[added.records_of].object
        steps += [
            {"source": each.column, "rule": f"{each.compute} of the record's rows", "target": f"{name}.{each.target}"}
            for each in added.summaries
        ]
        steps += [{"source": f.source, "rule": f.rule, "target": f"{name}.{f.target}"} for f in added.fields]
    steps += [
        {"source": link.column, "rule": f"link to {link.table}", "target": link.association} for link in mapping.links
    ]
    steps += [{"source": r.column, "rule": f"{r.test} → {r.account} ({r.reason})"} for r in mapping.refuse]
    steps += [{"source": column, "rule": why} for column, why in mapping.used.items()]
    return steps + [{"source": item.source, "rule": item.reason} for item in mapping.left_out]


def coverage(maps: MappingSet, portal: PortalSchema) -> pl.DataFrame:
    """Per object: properties of the portal schema, how many of them a mapping fills, and which it does not yet."""
    filled: dict[str, set[str]] = {}
    for mapping in maps.mappings.values():
        if mapping.object:
            targets = {f.target for f in mapping.fields} | {s.target for s in mapping.summaries}
            targets |= {each.target for each in (*mapping.constants, *mapping.calculated)}
            targets |= {mapping.records.id_property, "source_table", "source_pk"} if mapping.records else set()
            filled.setdefault(mapping.object, set()).update(targets)
        for added in mapping.adds_to:
            targets = {each.target for each in (*added.fields, *added.summaries)}
            filled.setdefault(maps.mappings[added.records_of].object, set()).update(targets)
    rows = []
    for name, properties in portal.properties.items():
        known = {p.name for p in properties}
        done = filled.get(name, set()) & known
        rows.append({"object": name, "properties": len(known), "filled": len(done), "open": len(known - done)})
    return pl.DataFrame(rows)
