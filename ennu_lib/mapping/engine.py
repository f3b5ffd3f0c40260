"""Apply a mapping to its table: every source row gets one account, and every accepted row becomes a record.

Everything is lazy, so a table of any size streams through. References to patients go through the crosswalk that
dedupe left: a row of a merged patient belongs to the survivor, and its history follows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from ennu_lib.catalog.biomarkers import BiomarkerCatalogue
from ennu_lib.keys import Keys
from ennu_lib.mapping import rules
from ennu_lib.mapping.metrics import add_metric_columns
from ennu_lib.mapping.spec import Field_, Lookup, Refusal
from ennu_lib.mapping.spec import Mapping as TableMapping

KEY = "__key"
ACCOUNT, REASON = "__account", "__reason"
BAD = "__bad:"
PATIENTS = "patients"


@dataclass(frozen=True)
class Sources:
    """What the engine reads from. `table` gives a lazy frame by name; `crosswalk` maps patient to survivor (both text)
    and says of each whether the survivor is `excluded` from the load, which takes everything of the patient with it,
    and whether because he is `held` in quarantine.

    `codes` holds, by name, spellings in lower case and the option each stands for; `zones` the IANA names in use.
    `kept_out` gives, by table, the keys in quarantine and the rule that put them there. `reported` gives a table as it
    was extracted, where `table` gives it in standard form. `as_of` is the day of the extract.
    """

    table: Callable[[str], pl.LazyFrame]
    crosswalk: pl.LazyFrame
    codes: Mapping[str, Mapping[str, str]]
    zones: list[str]
    biomarkers: BiomarkerCatalogue
    keys: Keys
    kept_out: Callable[[str], pl.LazyFrame | None] = lambda _: None
    reported: Callable[[str], pl.LazyFrame] | None = None
    as_of: dt.date = dt.date.max


def as_text(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Every column as trimmed text with blanks as null; bytes are left out, no property takes them."""
    schema = frame.collect_schema()
    kept = [name for name, dtype in schema.items() if dtype != pl.Binary]
    return frame.select(rules.blank_to_null(pl.col(name)).alias(name) for name in kept)


def map_rows(mapping: TableMapping, sources: Sources) -> pl.LazyFrame:
    """One row per source row: key, account, reason, properties, `__bad:<property>` marks, and link columns.

    A mark is true where the source had a value that the rule could not convert.
    """
    frame = as_text(sources.table(mapping.table))
    if mapping.metric:
        frame = add_metric_columns(frame, mapping.metric, sources.biomarkers)
    frame = _join_reported(frame, mapping, sources)
    frame = _join_lookups(frame, mapping, sources)
    frame = _join_orphan_tests(frame, mapping, sources)
    frame = _resolve_patients(frame, mapping, sources)
    frame = _quarantined(frame.with_columns(*_accounts(mapping)), mapping, sources)
    return frame.select(
        KEY,
        ACCOUNT,
        REASON,
        *_identifiers(mapping, sources),
        *_properties(mapping, sources),
        *_marks(mapping, sources),
        *_link_columns(mapping),
        *_contact_columns(mapping, sources),
    )


def external_id(table: str, key: pl.Expr, keys: Keys) -> pl.Expr:
    """The keyed external id of row `key` of `table`; null stays null."""

    def ids(values: pl.Series) -> pl.Series:
        made = iter(keys.external_ids(table, values.drop_nulls().to_list()))
        return pl.Series([None if v is None else next(made) for v in values], dtype=pl.String)

    return key.map_batches(ids, return_dtype=pl.String, is_elementwise=True)


def _identifiers(mapping: TableMapping, sources: Sources) -> list[pl.Expr]:
    if not mapping.records:
        return []
    return [
        external_id(mapping.table, pl.col(KEY), sources.keys).alias("ennu_external_id"),
        _template(mapping.records.id).alias(mapping.records.id_property),
        pl.lit(mapping.table).alias("source_table"),
        pl.col(KEY).alias("source_pk"),
    ]


def _properties(mapping: TableMapping, sources: Sources) -> list[pl.Expr]:
    converted = [_convert(field, sources).alias(name) for name, field in _held(mapping)]
    return converted + [pl.lit(c.value).alias(c.target) for c in mapping.constants]


def _held(mapping: TableMapping) -> list[tuple[str, Field_]]:
    """Every field with the column that holds its value: the property, or where an addition waits for its record."""
    own = [(field.target, field) for field in mapping.fields]
    return own + [(added.holding(field.target), field) for added in mapping.adds_to for field in added.fields]


def _marks(mapping: TableMapping, sources: Sources) -> list[pl.Expr]:
    return [
        (_says_something(field) & _convert(field, sources).is_null()).alias(BAD + name)
        for name, field in _held(mapping)
        if field.rule != "text"
    ]


def _says_something(field: Field_) -> pl.Expr:
    given = _input(field).is_not_null()
    return given & ~rules.says_no_date(_input(field)) if field.rule in ("date", "datetime") else given


def _convert(field: Field_, sources: Sources) -> pl.Expr:
    value = _input(field)
    if field.period:
        converted = rules.rated_in_period(value, pl.col(field.period))
    elif field.rule in rules.SIMPLE:
        converted = rules.SIMPLE[field.rule](value)
    elif field.rule == "datetime":
        zone = pl.col(_looked_up(field.time_zone, field.zone_source or "")) if field.time_zone else None
        converted = rules.utc(value, zone, sources.zones)
    else:
        convert = rules.code if field.rule == "code" else rules.codes
        converted = convert(value, dict(sources.codes[field.codes or ""]))
    return pl.format(field.template.replace("{value}", "{}"), converted) if field.template else converted


def _input(field: Field_) -> pl.Expr:
    """The source value: looked up where the field says so, the first of several columns that has one."""
    if field.as_reported:
        return pl.col(_as_reported(field.source))
    if field.lookup:
        return pl.col(_looked_up(field.lookup, field.source))
    return pl.coalesce(field.source, *field.otherwise) if field.otherwise else pl.col(field.source)


def _as_reported(source: str) -> str:
    return f"__reported:{source}"


def _join_reported(frame: pl.LazyFrame, mapping: TableMapping, sources: Sources) -> pl.LazyFrame:
    """The columns that a property takes as they were extracted."""
    wanted = sorted({field.source for field in mapping.all_fields() if field.as_reported})
    if not wanted:
        return frame
    original = as_text((sources.reported or sources.table)(mapping.table))
    original = original.select(KEY, *(rules.without_nul(pl.col(c)).alias(_as_reported(c)) for c in wanted))
    return frame.join(original, on=KEY, how="left", maintain_order="left")


def _template(template: str) -> pl.Expr:
    """`LR-{order_id}` as an expression."""
    parts = template.replace("}", "{").split("{")
    return pl.concat_str([pl.lit(p) if i % 2 == 0 else pl.col(p) for i, p in enumerate(parts) if p])


def _looked_up(lookup: Lookup, source: str) -> str:
    return f"__{source}>{lookup.table}.{lookup.column}"


def _join_lookups(frame: pl.LazyFrame, mapping: TableMapping, sources: Sources) -> pl.LazyFrame:
    wanted: dict[str, tuple[Lookup, str]] = {}
    for field in mapping.all_fields():
        if field.lookup:
            wanted[_looked_up(field.lookup, field.source)] = (field.lookup, field.source)
        if field.time_zone:
            wanted[_looked_up(field.time_zone, field.zone_source or "")] = (field.time_zone, field.zone_source or "")
    for name, (lookup, source) in wanted.items():
        other = as_text(sources.table(lookup.table)).select(
            pl.col(lookup.match).alias("__on"), pl.col(lookup.column).alias(name)
        )
        other = other.drop_nulls("__on").unique("__on", keep="first", maintain_order=True)
        frame = frame.join(other, left_on=source, right_on="__on", how="left", maintain_order="left")
    return frame


def _join_orphan_tests(frame: pl.LazyFrame, mapping: TableMapping, sources: Sources) -> pl.LazyFrame:
    for refusal in mapping.refuse:
        if refusal.test == "orphan" and refusal.table != PATIENTS:
            found = as_text(sources.table(refusal.table or "")).select(
                pl.col(KEY).alias("__on"), pl.lit(True).alias(_exists(refusal))
            )
            frame = frame.join(found, left_on=refusal.column, right_on="__on", how="left", maintain_order="left")
    return frame


def _resolve_patients(frame: pl.LazyFrame, mapping: TableMapping, sources: Sources) -> pl.LazyFrame:
    for column in _patient_columns(mapping):
        survivors = sources.crosswalk.select(
            pl.col("patient_id").alias("__on"),
            pl.col("golden_id").alias(_survivor(column)),
            pl.col("excluded").alias(_excluded(column)),
            pl.col("held").alias(_waiting(column)),
        )
        frame = frame.join(survivors, left_on=column, right_on="__on", how="left", maintain_order="left")
    return frame


def _patient_columns(mapping: TableMapping) -> list[str]:
    columns = {link.column for link in mapping.links if link.table == PATIENTS}
    columns |= {r.column for r in mapping.refuse if r.table == PATIENTS}
    return sorted(columns | ({mapping.contact.patient} if mapping.contact else set()))


def _accounts(mapping: TableMapping) -> tuple[pl.Expr, pl.Expr]:
    """The account and reason of the first refusal that holds, else loaded or derived."""
    account = pl.lit("loaded" if mapping.records else "derived")
    reason = pl.lit("ACCEPTED")
    for column in _patient_columns(mapping):
        without_patient = pl.col(_excluded(column)).fill_null(False)
        account = pl.when(without_patient).then(pl.lit("excluded")).otherwise(account)
        why = pl.when(_waiting(column)).then(pl.lit("PATIENT_QUARANTINED")).otherwise(pl.lit("PATIENT_EXCLUDED"))
        reason = pl.when(without_patient).then(why).otherwise(reason)
    for refusal in reversed(mapping.refuse):
        holds = _refused(refusal)
        account = pl.when(holds).then(pl.lit(refusal.account)).otherwise(account)
        reason = pl.when(holds).then(pl.lit(refusal.reason)).otherwise(reason)
    return account.alias(ACCOUNT), reason.alias(REASON)


def _quarantined(frame: pl.LazyFrame, mapping: TableMapping, sources: Sources) -> pl.LazyFrame:
    """Rows in quarantine that would have been accepted go to that account, with the rule as the reason."""
    held = sources.kept_out(mapping.table)
    if held is None:
        return frame
    held = held.select(pl.col("key").alias("__held"), pl.col("rule").alias("__held_by"))
    frame = frame.join(held, left_on=KEY, right_on="__held", how="left", maintain_order="left")
    stays = pl.col("__held_by").is_not_null() & pl.col(ACCOUNT).is_in(["loaded", "derived"])
    return frame.with_columns(
        pl.when(stays).then(pl.lit("quarantined")).otherwise(ACCOUNT).alias(ACCOUNT),
        pl.when(stays).then("__held_by").otherwise(REASON).alias(REASON),
    )


def _refused(refusal: Refusal) -> pl.Expr:
    value = pl.col(refusal.column)
    if refusal.test == "blank":
        return value.is_null()
    if refusal.test == "orphan":
        found = _survivor(refusal.column) if refusal.table == PATIENTS else _exists(refusal)
        return value.is_not_null() & pl.col(found).is_null()
    known = value.str.to_lowercase().is_in([v.lower() for v in refusal.values]).fill_null(False)
    return known if refusal.test == "in" else ~known


def _link_columns(mapping: TableMapping) -> list[pl.Expr]:
    """The key each link points at. A patient nobody knows keeps the id, so that the link counts as going nowhere."""
    partners = [
        pl.coalesce(_survivor(link.column), link.column) if link.table == PATIENTS else pl.col(link.column)
        for link in mapping.links
    ]
    return [partner.alias(f"__link:{position}") for position, partner in enumerate(partners)]


def _contact_columns(mapping: TableMapping, sources: Sources) -> list[pl.Expr]:
    if not mapping.contact:
        return []
    summaries = mapping.all_summaries()
    extra = {s.column for s in summaries} | {c for s in summaries for c in s.where}
    coded = {s.input: s for s in summaries if s.codes}
    return [
        pl.col(_survivor(mapping.contact.patient)).alias("__patient"),
        rules.moment(pl.col(mapping.contact.newest)).alias("__newest"),
        *(pl.col(added.column).alias(added.key) for added in mapping.adds_to),
        *(pl.col(column).alias(f"__sum:{column}") for column in sorted(extra)),
        *(rules.code(pl.col(s.column), dict(sources.codes[s.codes or ""])).alias(name) for name, s in coded.items()),
    ]


def _survivor(column: str) -> str:
    return f"__survivor:{column}"


def _excluded(column: str) -> str:
    return f"__excluded:{column}"


def _waiting(column: str) -> str:
    return f"__waiting:{column}"


def _exists(refusal: Refusal) -> str:
    return f"__exists:{refusal.column}>{refusal.table}"
