"""Medications as active ingredients and classes over time. Names are matched exactly, never by likeness.

An ingredient comes from the RxCUI or the formulary where the row has one, else from the name without strength, form
and salt. A product that is named after several ingredients is all of them, whatever one code it bears.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set

import polars as pl

from ennu_lib.rules.parsing import day, word, yes
from ennu_lib.rules.tables import KEY, Tables

FORM = re.compile(
    r"\b(oral|tablets?|capsules?|caps?|tabs?|cream|gel|injection|injectable|solution|patch|transdermal|system|pellets?|"
    r"troche|odt|er|xr|sr|dr|la|extended|delayed|release|sublingual|vial|pen|injector|suspension|topical|inhaler|spray|"
    r"hcl|hydrochloride|hydrobromide|sodium|potassium|calcium|magnesium|citrate|besylate|mesylate|tosylate|succinate|"
    r"maleate|fumarate|tartrate|bitartrate|acetate|sulfate|phosphate|medoxomil|etexilate|disoproxil|trihydrate)\b"
)
STRENGTH = re.compile(
    r"\b\d[\d.,]*\s*(?:mgs?|mcg|ug|g|ml|iu|units?|meq|mmol|hr|%)?(?:\s*/\s*[\d.]*\s*(?:ml|mg|g|hr|h|day|actuat|dose))?(?![a-z\d])"
)
BRACKETS = re.compile(r"[\[(].*?[\])]")
SEVERAL = re.compile(r"\s*[/+&;,]\s*|\s+and\s+|\s+with\s+")
INJECTED = ["intramuscular", "subcutaneous", "injection", "intravenous"]
AS_NEEDED = r"(?i)\bprn\b|\bp\.r\.n\b|as[ _]needed|when[ _]needed"
INJECTED_DAYS, PELLET_DAYS = 30, 120  # a medication acts on for so long after it was stopped
REFILLED_DAYS = 180  # without a stop, one refilled within so many days is being taken
NAMES = {
    "patient_medications": "drug_name",
    "prescriptions": "drug",
    "25againmembermedications": "medication_id",
    "25againsupplements": "supplement_name",
}


def classes(tables: Tables) -> pl.DataFrame:
    """`ingredient`, `class`, and `twice` where two of the class at once are a duplicate therapy."""
    listed = tables.clinical("drug_classes").with_columns(pl.col("ingredients").str.split("|"))
    return listed.explode("ingredients").select(
        ingredient=pl.col("ingredients").str.to_lowercase(),
        **{"class": pl.col("class_id")},
        twice=pl.col("duplication_check").fill_null("") == "yes",
    )


def taken(tables: Tables) -> pl.LazyFrame:
    """Every undeleted medication and supplement of every patient, one row per ingredient.

    Columns: table, __key, patient_id, name, ingredient, starts, ends, active (the clinic says so), needed (taken as
    needed), refilled (the last day), carry (days that it acts on after it was stopped), acts (today, by these).
    """
    return tables.made("taken", _build)


def _build(tables: Tables) -> pl.LazyFrame:
    parts = [_charted(tables), _prescribed(tables), _of_members(tables), _supplements(tables)]
    frame = pl.concat(parts)
    named = ("name", "rxcui", "listed")
    distinct = frame.select(named).unique().collect(engine="streaming")
    codes, known = _codes(tables), known_ingredients(tables)
    found = [_resolved(name, codes.get(rxcui) or listed, known) for name, rxcui, listed in distinct.iter_rows()]
    distinct = distinct.with_columns(pl.Series("ingredient", found, dtype=pl.List(pl.String)))
    frame = frame.join(distinct.lazy(), on=named, how="left", nulls_equal=True).explode("ingredient")
    shape = pl.concat_str(pl.col("form", "name").fill_null(""), separator=" ").str.to_lowercase()
    injected = pl.col("route").is_in(INJECTED) | shape.str.contains(r"inject|\bvial\b|\bpen\b")
    pellet = shape.str.contains(r"pellet|\bimplant")
    carry = pl.when(pellet).then(PELLET_DAYS).when(injected.fill_null(False)).then(INJECTED_DAYS).otherwise(0)
    return frame.with_columns(carry=carry).with_columns(acts=_acts(tables)).drop("rxcui", "listed", "form")


def _acts(tables: Tables) -> pl.Expr:
    """Whether a medication acts today.

    From its start to its stop and the days that it acts on; without a stop, when it is marked active, taken as needed,
    or was refilled lately. The mark alone is enough: a list for a clinician to sign rather has one line too many.
    """
    today = pl.lit(tables.today)
    lately = pl.col("refilled") >= today.dt.offset_by(f"-{REFILLED_DAYS}d")
    until = pl.col("ends").dt.offset_by(pl.format("{}d", pl.col("carry")))
    open_ = pl.col("active") | pl.col("needed") | lately.fill_null(False)
    return (pl.col("starts").fill_null(today) <= today) & pl.when(pl.col("ends").is_null()).then(open_).otherwise(
        until >= today
    )


def _charted(tables: Tables) -> pl.LazyFrame:
    frame = tables(
        "patient_medications", "patient_id", "rxcui", "drug_name", "start_date", "stop_date", "is_active", "route",
        "frequency", "is_deleted",
    ).filter(~yes("is_deleted").fill_null(False))  # fmt: skip
    return _shape("patient_medications", frame, "drug_name", "stop_date", yes("is_active"), needed="frequency")


def _prescribed(tables: Tables) -> pl.LazyFrame:
    frame = tables(
        "prescriptions", "prescription_id", "patient_id", "rxnorm_drugcode", "drug_id", "drug", "written_date",
        "filled_date", "end_date", "active", "dosage", "unit",
    ).rename({"written_date": "start_date", "rxnorm_drugcode": "rxcui"})  # fmt: skip
    refills = _newest(tables, "prescription_refills", "prescription_id", "request_date", ["approved"])
    frame = frame.join(refills, on="prescription_id", how="left", maintain_order="left")
    if tables.has("drug_formulary"):
        formulary = tables("drug_formulary", "drug_id", "ingredient", "form", "route").unique("drug_id")
        frame = frame.join(formulary.drop(KEY, strict=False), on="drug_id", how="left", maintain_order="left")
        frame = frame.with_columns(form=pl.concat_str(pl.col("form", "unit").fill_null(""), separator=" "))
    filled = pl.max_horizontal("refilled", day("filled_date"))
    frame = frame.with_columns(refilled=filled)
    return _shape("prescriptions", frame, "drug", "end_date", yes("active"), needed="dosage")


def _of_members(tables: Tables) -> pl.LazyFrame:
    frame = tables(
        "25againmembermedications", "member_medication_id", "patient_id", "medication_id", "start_date", "end_date",
        "status", "route", "frequency",
    )  # fmt: skip
    listed = tables("25againmedications", "medication_id", "medication_name", "ingredient", "rxcui", "dose_form")
    listed = listed.drop(KEY, strict=False).rename({"dose_form": "form"}).unique("medication_id")
    refills = _newest(tables, "25againmedicationrefills", "member_medication_id", "refill_date", [])
    frame = frame.join(listed, on="medication_id", how="left", maintain_order="left")
    frame = frame.join(refills, on="member_medication_id", how="left", maintain_order="left")
    active = word("status") == "active"
    return _shape("25againmembermedications", frame, "medication_name", "end_date", active, needed="frequency")


def _supplements(tables: Tables) -> pl.LazyFrame:
    frame = tables(
        "25againsupplements", "patient_id", "supplement_name", "start_date", "end_date", "is_active", "frequency"
    )
    return _shape("25againsupplements", frame, "supplement_name", "end_date", yes("is_active"), needed="frequency")


def _newest(tables: Tables, table: str, of: str, on: str, states: list[str]) -> pl.LazyFrame:
    """The last day on which something was refilled: `of` and `refilled`."""
    if not tables.has(table):
        return pl.LazyFrame(schema={of: pl.String, "refilled": pl.Date})
    frame = tables(table, of, on, *(["status"] if states else []))
    if states:
        frame = frame.filter(word("status").is_in(states))
    return frame.group_by(of).agg(refilled=day(on).max())


def _shape(table: str, frame: pl.LazyFrame, name: str, stop: str, active: pl.Expr, needed: str) -> pl.LazyFrame:
    there = frame.collect_schema().names()
    none = pl.lit(None, dtype=pl.String)
    return frame.select(
        pl.lit(table).alias("table"),
        KEY,
        "patient_id",
        pl.col(name).str.strip_chars().alias("name"),
        (pl.col("rxcui").str.strip_chars() if "rxcui" in there else none).alias("rxcui"),
        (pl.col("ingredient").str.strip_chars().str.to_lowercase() if "ingredient" in there else none).alias("listed"),
        (pl.col("form") if "form" in there else none).alias("form"),
        (word("route") if "route" in there else none).alias("route"),
        day("start_date").alias("starts"),
        day(stop).alias("ends"),
        active.fill_null(False).alias("active"),
        pl.col(needed).str.contains(AS_NEEDED).fill_null(False).alias("needed"),
        (pl.col("refilled") if "refilled" in there else pl.lit(None, dtype=pl.Date)).alias("refilled"),
    )


def _codes(tables: Tables) -> dict[str, str]:
    """Ingredient per RxCUI, by the code list of the clinic and its formulary."""
    found: dict[str, str] = {}
    if tables.has("drug_formulary"):
        listed = tables("drug_formulary", "rxcui", "ingredient").drop_nulls(["rxcui", "ingredient"]).collect()
        found |= {code.strip(): name.strip().lower() for code, name in listed.select("rxcui", "ingredient").iter_rows()}
    if tables.has("drug_codes_rxnorm"):
        listed = tables("drug_codes_rxnorm", "rxcui", "name", "tty", "ingredient_rxcui").collect()
        rows = list(listed.select("rxcui", "name", "tty", "ingredient_rxcui").iter_rows())
        names = {code: name.strip().lower() for code, name, kind, _ in rows if kind == "IN" and code and name}
        found |= names | {code: names[of] for code, _, _, of in rows if code and of in names}
    return found


def known_ingredients(tables: Tables) -> set[str]:
    """Ingredient names of the class table, the formulary, the code list and the clinic's own list."""
    names = set(classes(tables)["ingredient"])
    places = (("drug_formulary", "ingredient"), ("25againmedications", "ingredient"))
    for table, column in places:
        if tables.has(table):
            listed = tables(table, column).select(pl.col(column).str.to_lowercase()).unique().drop_nulls().collect()
            names |= set(listed[column].to_list())
    return names | set(_codes(tables).values())


def _resolved(name: str | None, coded: str | None, known: Set[str]) -> list[str] | None:
    by_name = ingredients(name, known) if name else []
    if len(by_name) > 1:
        return by_name
    return [coded] if coded else by_name or None


def ingredients(name: str, known: Set[str]) -> list[str]:
    """The active ingredients of one medication name, each once; none where it is none of the `known` ones."""
    text = BRACKETS.sub(" ", name.lower())
    if (whole := _tidy(text)) in known:
        return [whole]
    found: dict[str, None] = {}
    for part in SEVERAL.split(STRENGTH.sub(" ", text)):
        bare = _tidy(part)
        tried = (bare, _tidy(FORM.sub(" ", bare)), *(bare.split("-") if "-" in bare else ()))
        hits = [candidate for candidate in tried if candidate in known]
        found |= dict.fromkeys(hits[:1] if hits and hits[0] in tried[:2] else hits)
    return list(found)


def _tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip(" ,-")


def class_names(known: Iterable[str], words: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The classes that a word in an allergy stands for: a class's own name, in plural or singular, and `words`."""
    own = {id.replace("_", " "): [id] for id in known}
    return own | {name.removesuffix("s"): ids for name, ids in own.items()} | dict(words)
