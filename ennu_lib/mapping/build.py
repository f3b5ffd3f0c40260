"""Map every table, and write what the load will send: records per object, links, and an account for every row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

import polars as pl

from ennu_lib.hubspot.portal_schema import PortalSchema
from ennu_lib.mapping import contacts, money
from ennu_lib.mapping.engine import ACCOUNT, KEY, PATIENTS, REASON, Sources, external_id, map_rows
from ennu_lib.mapping.files import MappingSet
from ennu_lib.mapping.spec import Mapping
from ennu_lib.rules.checks.ledger import true_status
from ennu_lib.rules.tables import NotHere, workspace_tables
from ennu_lib.workspace import Workspace

EXTERNAL_ID = "ennu_external_id"
CHARGES, STATUS = "billing_records", "payment_status"
LINK_SCHEMA = {
    "association": pl.String,
    "label": pl.String,
    "from_object": pl.String,
    "from_id": pl.String,
    "to_object": pl.String,
    "to_id": pl.String,
}


@dataclass
class Built:
    """Files written, by their name in the workspace, and the counts for the page."""

    files: list[str] = field(default_factory=list)
    records: dict[str, int] = field(default_factory=dict)
    links: pl.DataFrame = field(default_factory=pl.DataFrame)
    unconverted: pl.DataFrame = field(default_factory=pl.DataFrame)


def build_targets(
    maps: MappingSet,
    sources: Sources,
    portal: PortalSchema,
    workspace: Workspace,
    golden: pl.LazyFrame,
    progress: Callable[[int, int, str], None] | None = None,
) -> Built:
    """Write `mapped/<table>`, `money/`, `targets/<object>`, `targets/links` and `accounts/<table>`.

    `golden` holds the golden records of patients with the patients' columns; it stands in for the table itself.
    """
    built = Built()
    workspace.empty("mapped", "targets", "accounts", "money")
    tables = [t for t, m in maps.mappings.items() if not m.lookup_only and t != PATIENTS]
    _write(workspace, built, f"mapped/{PATIENTS}", map_rows(maps.mappings[PATIENTS], _with_golden(sources, golden)))
    sources = _knowing_excluded(sources, workspace)
    for number, table in enumerate(tables, start=1):
        _write(workspace, built, f"mapped/{table}", map_rows(maps.mappings[table], sources))
        if progress:
            progress(number, len(tables), table)
    _write_objects(maps, sources, workspace, built)
    _write_links(maps, sources, portal, workspace, built)
    _write_accounts(maps, sources, workspace, built)
    built.unconverted = _unconverted(maps, workspace)
    return built


def mapped(workspace: Workspace, table: str) -> pl.LazyFrame:
    """The mapped rows of a table."""
    return workspace.scan(f"mapped/{table}")


def _write(workspace: Workspace, built: Built, name: str, frame: pl.LazyFrame | pl.DataFrame) -> None:
    workspace.write(name, frame)
    built.files.append(name)


def _knowing_excluded(sources: Sources, workspace: Workspace) -> Sources:
    """The crosswalk after the patients were mapped: it knows now which survivors are not loaded, and which are held."""
    survivors = mapped(workspace, PATIENTS).select(pl.col(KEY).alias("golden_id"), pl.col(ACCOUNT).alias("__became"))
    found = sources.crosswalk.join(survivors, on="golden_id", how="left", maintain_order="left")
    crosswalk = found.select(
        "patient_id",
        "golden_id",
        pl.col("__became").ne_missing("loaded").alias("excluded"),
        pl.col("__became").eq_missing("quarantined").alias("held"),
    )
    return replace(sources, crosswalk=crosswalk)


def _with_golden(sources: Sources, golden: pl.LazyFrame) -> Sources:
    def table(name: str) -> pl.LazyFrame:
        return golden if name == PATIENTS else sources.table(name)

    return replace(sources, table=table)


def _write_objects(maps: MappingSet, sources: Sources, workspace: Workspace, built: Built) -> None:
    for name in sorted({m.object for m in maps.mappings.values() if m.records}):
        if name == "contacts":
            added = [(m, _true_of_money(m.table, sources, workspace)) for m in maps.contact_tables()]
            made = _calculated(maps, sources, workspace, built)
            answering = contacts.guarantors_of(sources.table(PATIENTS), sources.crosswalk)
            frame = contacts.contact_records(
                mapped(workspace, PATIENTS), added, sources.crosswalk, sources.keys, made, answering
            )
            frame = frame.drop(contacts.ID)
        else:
            frame = pl.concat([_records(m, maps, workspace) for m in maps.for_object(name)], how="diagonal")
        _write(workspace, built, f"targets/{name}", frame)
        built.records[name] = workspace.scan(f"targets/{name}").select(pl.len()).collect().item()


def _true_of_money(table: str, sources: Sources, workspace: Workspace) -> pl.LazyFrame:
    """The mapped rows of a table; of charges with the status that the money says where the stored one is not true."""
    rows = mapped(workspace, table)
    if table != CHARGES or STATUS not in rows.collect_schema():
        return rows
    try:
        said = true_status(workspace_tables(workspace, sources.as_of, in_memory=True))
    except NotHere:
        return rows
    rows = rows.join(said.rename({"status": "__said"}), on=KEY, how="left", maintain_order="left")
    return rows.with_columns(pl.coalesce("__said", STATUS).alias(STATUS)).drop("__said")


def _calculated(maps: MappingSet, sources: Sources, workspace: Workspace, built: Built) -> pl.LazyFrame | None:
    """The properties calculated from money; the shares they are made of stay in `money/`."""
    wanted = maps.calculates()
    if not wanted:
        return None
    ledger = money.Ledger(sources, partial(mapped, workspace))
    for name, shares in (("payments", ledger.payment_shares()), ("refunds", ledger.refund_shares())):
        _write(workspace, built, f"money/{name}", shares)
    shares = pl.concat([workspace.scan("money/payments"), workspace.scan("money/refunds")])
    return ledger.per_contact(shares).select(contacts.ID, *sorted(wanted))


def _records(mapping: Mapping, maps: MappingSet, workspace: Workspace) -> pl.LazyFrame:
    rows = mapped(workspace, mapping.table).filter(pl.col(ACCOUNT) == "loaded")
    for other, added in maps.additions(mapping.table):
        rows = contacts.with_additions(rows, added, mapped(workspace, other))
    return rows.select(pl.exclude(r"^__.*$"))


def _write_links(maps: MappingSet, sources: Sources, portal: PortalSchema, workspace: Workspace, built: Built) -> None:
    """Links whose far end was loaded; one that points at a row which is not there is left out and counted."""
    frames, counts = [], []
    for mapping in maps.mappings.values():
        for position, link in enumerate(mapping.links):
            frame = _link_frame(mapping, position, maps, sources, portal, workspace)
            there = frame.filter(pl.col("there")).select(*LINK_SCHEMA).unique(maintain_order=True)
            frames.append(there)
            total, kept = frame.select(pl.len(), pl.col("there").sum()).collect(engine="streaming").row(0)
            counts.append({"table": mapping.table, "association": link.association, "rows": total, "linked": kept or 0})
    combined = pl.concat(frames) if frames else pl.LazyFrame(schema=LINK_SCHEMA)
    _write(workspace, built, "targets/links", combined)
    built.links = pl.DataFrame(counts)


def _link_frame(
    mapping: Mapping, position: int, maps: MappingSet, sources: Sources, portal: PortalSchema, workspace: Workspace
) -> pl.LazyFrame:
    link = mapping.links[position]
    association = next(a for a in portal.associations if a.name == link.association)
    far = maps.mappings[link.table].object
    near_first = (association.from_object, association.to_object) == (mapping.object, far)
    loaded = mapped(workspace, link.table).filter(pl.col(ACCOUNT) == "loaded").select(KEY, pl.lit(True).alias("there"))
    rows = mapped(workspace, mapping.table).filter(pl.col(ACCOUNT) == "loaded")
    rows = rows.filter(pl.col(f"__link:{position}").is_not_null())
    rows = rows.join(loaded, left_on=f"__link:{position}", right_on=KEY, how="left", maintain_order="left")
    near_id = external_id(mapping.table, pl.col(KEY), sources.keys)
    far_id = external_id(link.table, pl.col(f"__link:{position}"), sources.keys)
    return rows.select(
        pl.lit(link.association).alias("association"),
        pl.lit(link.label, dtype=pl.String).alias("label"),
        pl.lit(association.from_object).alias("from_object"),
        (near_id if near_first else far_id).alias("from_id"),
        pl.lit(association.to_object).alias("to_object"),
        (far_id if near_first else near_id).alias("to_id"),
        pl.col("there").fill_null(False),
    )


def _write_accounts(maps: MappingSet, sources: Sources, workspace: Workspace, built: Built) -> None:
    for mapping in maps.mappings.values():
        if not mapping.lookup_only:
            _write(workspace, built, f"accounts/{mapping.table}", _accounts_of(mapping, sources, workspace))


def _accounts_of(mapping: Mapping, sources: Sources, workspace: Workspace) -> pl.LazyFrame:
    rows = mapped(workspace, mapping.table)
    accounts = rows.select(pl.col(KEY).alias("key"), pl.col(ACCOUNT).alias("account"), pl.col(REASON).alias("reason"))
    if mapping.table == PATIENTS:
        merged = sources.crosswalk.filter(pl.col("patient_id") != pl.col("golden_id")).select(
            pl.col("patient_id").alias("key"),
            pl.lit("merged").alias("account"),
            pl.lit("DUPLICATE_PATIENT").alias("reason"),
        )
        return pl.concat([accounts, merged])
    if mapping.contact and not mapping.summaries and mapping.contact.others == "archived":
        newest = contacts.newest_keys(rows).with_columns(pl.lit(True).alias("newest"))
        accounts = accounts.join(newest, left_on="key", right_on=KEY, how="left", maintain_order="left")
        older = (pl.col("account") == "derived") & pl.col("newest").is_null()
        accounts = accounts.with_columns(
            pl.when(older).then(pl.lit("archived")).otherwise("account").alias("account"),
            pl.when(older).then(pl.lit("OLDER_ROW_OF_PATIENT")).otherwise("reason").alias("reason"),
        ).drop("newest")
    return accounts


def _unconverted(maps: MappingSet, workspace: Workspace) -> pl.DataFrame:
    found: Iterable[pl.DataFrame] = (
        contacts.unconverted(mapped(workspace, m.table)).select(pl.lit(m.table).alias("table"), pl.all())
        for m in maps.mappings.values()
        if not m.lookup_only
    )
    return pl.concat(found)
