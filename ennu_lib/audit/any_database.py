"""`ennu audit --url`: look at a database that nobody has described, and leave a page and `audit.json`."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from ennu_lib.audit import blocks
from ennu_lib.audit.codes import code_values
from ennu_lib.audit.declared import declared_relations
from ennu_lib.audit.details import details
from ennu_lib.audit.names import has, words
from ennu_lib.audit.params import AuditParams, load_audit_params
from ennu_lib.audit.personal import read_decisions
from ennu_lib.audit.quirks import quirk_frame
from ennu_lib.audit.ranking import ranked
from ennu_lib.audit.scan import Scan, scan
from ennu_lib.config import params_dir
from ennu_lib.keys import Keys
from ennu_lib.report import key_numbers, not_done, verdict
from ennu_lib.report.facts import facts
from ennu_lib.report.html import Html, element, join
from ennu_lib.report.page import draw_page, write_page
from ennu_lib.report.sections import Contents
from ennu_lib.source import MEANING, Extracted, Quirks, TableShape, connect, extract, read_quirks, reflect
from ennu_lib.workspace import Workspace, replacing

Progress = Callable[[int, int, str], None]
TITLE = "Audit of a database"
PAGE, DATA = "index.html", "audit.json"


def audit_database(
    url: str,
    out: Path,
    *,
    password: str | None = None,
    schema: str | None = None,
    today: dt.date | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write `out`/index.html and `out`/audit.json about the database at `url`, and return what the latter holds.

    The copy that is looked at stands in a private folder and is gone afterwards. Tables whose name says that they hold
    secrets are counted and never read.
    """
    params = load_audit_params()
    engine = connect(url, password)
    shapes = reflect(engine, schema)
    quirks = read_quirks(engine, shapes, schema)
    with tempfile.TemporaryDirectory(prefix="ennu-audit-") as folder:
        workspace = Workspace("audit", Path(folder))
        extracted = extract(
            engine,
            shapes,
            workspace,
            Keys(secrets.token_hex(32)),
            counted_only=secret_tables(shapes, params),
            progress=progress,
        )
        decisions = read_decisions(params_dir() / "audit" / "decisions.csv")
        day = today or dt.date.today()
        found = scan(extracted, workspace, params, day, decisions, progress, declared_relations(shapes))
        codes = code_values(found.columns, found.classes, extracted, workspace, params.profile)
        shutil.rmtree(workspace.root, ignore_errors=True)
    data = as_data(found, shapes, extracted, codes, params, quirks)
    out.mkdir(parents=True, exist_ok=True)
    with replacing(out / DATA) as temporary:
        temporary.write_text(json.dumps(data, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    write_page(_page(found, shapes, extracted, codes, params, quirks, day, engine.dialect.name), out / PAGE)
    return data


def secret_tables(shapes: Mapping[str, TableShape], params: AuditParams) -> list[str]:
    """Tables whose name says that they hold what opens the system."""
    return [name for name in shapes if has(words(name), params.tables.secrets)]


def as_data(
    found: Scan,
    shapes: Mapping[str, TableShape],
    extracted: Mapping[str, Extracted],
    codes: pl.DataFrame,
    params: AuditParams,
    quirks: Quirks,
) -> dict[str, Any]:
    """Tables, columns with their classes, relations with their confidence: everything found, and no patient's value.

    The spread of numbers, dates and lengths is given for columns without personal data only.
    """
    classed = found.columns.join(found.classes.drop("decided"), on=["table", "column"], how="left")
    harmless = pl.col("class").is_in(["operational", "none"])
    close = ["smallest", "largest", "mean", "deviation", "q05", "q95", "earliest", "latest"]
    columns = classed.with_columns(pl.when(harmless).then(pl.col(name)).alias(name) for name in close)
    order = ranked(found, extracted, params.profile.risk)
    return {
        "patients": found.patients,
        "tables": [{**row, "stored": quirks.storage.get(row["table"], "")} for row in order.to_dicts()],
        "quirks": quirk_frame(quirks).to_dicts(),
        "not_told_by_the_server": list(quirks.untold),
        "columns": columns.to_dicts(),
        "codes": codes.to_dicts(),
        "keys": found.keys.to_dicts(),
        "keys_of_several_columns": found.composites.to_dicts(),
        "declared_relations": declared_relations(shapes).to_dicts(),
        "relations": found.relations.to_dicts(),
        "orphans": [{**row, "patients": _few(row["patients"])} for row in found.orphans.to_dicts()],
        "order": found.order.to_dicts(),
        "cuts": found.cuts.to_dicts(),
        "groups": found.groups.to_dicts(),
        "dated": found.dated.to_dicts(),
        "defects": found.defects.to_dicts(),
    }


def _few(count: int | None) -> int | None:
    return None if count is not None and 1 <= count <= 10 else count


def _page(
    found: Scan,
    shapes: Mapping[str, TableShape],
    extracted: Mapping[str, Extracted],
    codes: pl.DataFrame,
    params: AuditParams,
    quirks: Quirks,
    today: dt.date,
    dialect: str,
) -> str:
    order = ranked(found, extracted, params.profile.risk)
    contents = Contents()
    unread = {name: table.unread for name, table in extracted.items() if table.file is None}
    sections = {
        "All tables, ranked": [blocks.ranked_table(order)],
        "How tables are stored": [blocks.quirk_table(quirk_frame(quirks), quirks.untold)],
        "Volume and growth": [blocks.volume_chart(order), blocks.growth_figure(found, f"{today}")],
        "How full the columns are": [blocks.completeness_map(found.columns)],
        "What hangs together": [blocks.relation_figure(found), blocks.order_blocks(found)],
        "Tables without a key": [blocks.keyless_table(found, extracted)],
        "Relations": [blocks.relation_table(found, declared_relations(shapes)), blocks.orphan_table(found)],
        "Personal data": [blocks.class_table(found.classes), blocks.personal_table(found.classes)],
        "What is wrong": [blocks.defect_table(found.defects)],
        "Every column": [details(found, codes, quirks)],
        "What was not done": [not_done(_limits(unread))],
    }
    body = join((contents.section(title, join(_public(b) for b in parts)) for title, parts in sections.items()), "\n")
    identifying = order.filter(pl.col("identifiers") > 0).height
    rows = int(order["rows"].sum())
    headline = f"{len(extracted):,} tables hold {rows:,} rows; {identifying:,} of them hold data that identify people."
    summary = (
        f"{found.relations.height:,} relations were found and {declared_relations(shapes).height:,} are declared. "
        + (f"Patients are in `{found.patients}`. " if found.patients else "No table of patients was recognized. ")
        + f"{sum(not s.key for s in shapes.values()):,} tables have no primary key. "
        + f"{len(unread):,} tables were counted and not read."
    )
    counts = {
        "tables": len(extracted), "columns": sum(len(s.columns) for s in shapes.values()), "rows": rows,
        "relations": found.relations.height, "columns_that_identify": int(order["identifiers"].sum() or 0),
        "kinds_of_defects": found.defects["defect"].n_unique(),
    }  # fmt: skip
    status = "pass_with_exceptions" if found.defects.height or unread else "pass"
    return draw_page(
        title=f"{TITLE} · ENNU migration",
        masthead=["Distributable: small counts withheld"],
        head=join(
            [element("h1", "Audit of a database"), _public(verdict(status, headline, summary)), key_numbers(counts)],
            "\n",
        ),
        facts=facts({"database": dialect, "looked_at": f"{today}"}, title="Where this comes from"),
        contents=contents.entries,
        body=body,
        colophon=[f"The same findings are in {DATA}, next to this page."],
        each_sheet=TITLE,
    )


def _public(part: Html) -> Html:
    return Html(part.distributable) if part.distributable is not None else part


def _limits(unread: Mapping[str, str]) -> list[str]:
    said = [
        "Relations of more than one column are not inferred.",
        "Rules that compare one row with another are not checked here.",
        "Classes of personal data are found by rules; a person should confirm them before anything is handed out.",
    ]
    secret = ", ".join(f"`{name}`" for name, why in unread.items() if not why)
    if secret:
        said.append(f"Counted and not read, because the name speaks of secrets: {secret}.")
    return said + [f"`{name}` could not be read: {MEANING[why]}" for name, why in unread.items() if why]
