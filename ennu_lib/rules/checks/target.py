"""What is to be loaded, was scored and was read back (PAT-01, PAT-02, CLN-16, CLN-17, GEN-02, GEN-03)."""

from __future__ import annotations

import polars as pl

from ennu_lib.rules.parsing import number
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import KEY, NotHere, Tables

PARITY = "scores/parity"


@checks("PAT-01")
def one_contact(tables: Tables, settings) -> list[Look]:
    """Every surviving patient who is to be loaded has exactly one Contact; merged ones are its aliases."""
    rows = tables.file("mapped/patients", "__account")
    contacts = tables.file("targets/contacts", "legacy_patient_id", "legacy_patient_id_aliases")
    numbered = contacts.filter(pl.col("legacy_patient_id").str.starts_with("P-"))
    counted = numbered.group_by(pl.col("legacy_patient_id").str.replace("^P-", "").alias(KEY)).agg(n=pl.len())
    frame = rows.join(counted, on=KEY, how="left", maintain_order="left")
    wanted = pl.col("__account") == "loaded"
    listed = contacts.select(
        golden_id=pl.col("legacy_patient_id").str.replace("^P-", ""),
        patient_id=pl.col("legacy_patient_id_aliases").str.split(";"),
    )
    # An alias must stand on the Contact of its own survivor.
    listed = listed.explode("patient_id").with_columns(pl.col("patient_id").str.replace("^P-", ""), __alias=True)
    merged = tables.file("identity/members", "patient_id", "golden_id").filter(
        pl.col("patient_id") != pl.col("golden_id")
    )
    merged = merged.join(rows.filter(wanted).select(pl.col(KEY).alias("golden_id")), on="golden_id", how="semi")
    merged = merged.join(listed.unique(), on=["patient_id", "golden_id"], how="left")
    merged = merged.with_columns(pl.col("patient_id").alias(KEY))
    return [
        Look("patients", frame, {("patient_id", "NOT_ONE_CONTACT"): wanted & (pl.col("n").fill_null(0) != 1)}, wanted),
        Look("patients", merged, {("patient_id", "NO_ALIAS"): pl.col("__alias").is_null()}),
    ]


@checks("PAT-02")
def no_stranger(tables: Tables, settings) -> list[Look]:
    """No Contact bears the id of a patient whom the source does not have, as its own or as that of a merged one."""
    known = tables("patients", "patient_id").select("patient_id", pl.lit(True).alias("__known")).unique("patient_id")
    contacts = tables.file("targets/contacts", "legacy_patient_id", "legacy_patient_id_aliases")
    looks = []
    for column in ("legacy_patient_id", "legacy_patient_id_aliases"):
        ids = contacts.select(own="legacy_patient_id", patient_id=pl.col(column).str.split(";")).explode("patient_id")
        ids = ids.drop_nulls("patient_id").with_columns(pl.col("own", "patient_id").str.replace("^P-", ""))
        frame = ids.join(known, on="patient_id", how="left").with_columns(pl.col("own").alias(KEY))
        looks.append(Look("contacts", frame, {(column, "UNKNOWN_PATIENT"): pl.col("__known").is_null()}))
    return looks


@checks("CLN-16")
def score_parity(tables: Tables, settings) -> list[Look]:
    """A stored score is the one recomputed as of its own day, and the sum of the points where they are stored with it.

    Phase 05 recomputes; before it has, only the sum is looked at.
    """
    frame = tables("25againhealthscores", "health_score_id", "score")
    within, fails = pl.lit(settings["within"]), {}
    if tables.read(PARITY) is not None:
        compared = tables.file(PARITY, "score_id", "stored", "recomputed", "decimals", "class")
        # Several scores of one id are NOT_COMPARABLE, all of them.
        compared = compared.rename({"score_id": "health_score_id"}).unique("health_score_id", keep="any")
        frame = frame.join(compared, on="health_score_id", how="left", maintain_order="left")
        within = pl.max_horizontal(within, _last_decimal() * (1 + settings["same"]))
        fails = _parity_fails(settings)
    if tables.has("25againhealthscoredetails"):
        points = tables("25againhealthscoredetails", "health_score_id", "points")
        sums = points.group_by("health_score_id").agg(sum=number("points").sum())
        frame = frame.join(sums, on="health_score_id", how="left", maintain_order="left")
        fails = {("score", "NOT_SUM_OF_POINTS"): (number("score") - pl.col("sum")).abs() > within} | fails
    return [Look("25againhealthscores", frame, {("score", "OUTSIDE"): ~number("score").is_between(0, 100)} | fails)]


def _last_decimal() -> pl.Expr:
    """One unit of the last decimal of a stored score; its contributions have more of them."""
    return pl.lit(10.0).pow(-number("decimals"))


def _parity_fails(settings) -> dict[tuple[str, str], pl.Expr]:
    """Every class but EXACT by its name; besides, whether the comparison is of this score and says what it says."""
    stored, kind = number("stored"), pl.col("class")
    apart = (stored - number("recomputed")).abs()
    of_another = ((stored - number("score")).abs() > settings["same"]).fill_null(True) & (kind != "NOT_COMPARABLE")
    half_a_unit = settings["half_a_unit"] * _last_decimal()
    return {
        ("score", "NOT_COMPARED"): kind.is_null() | of_another,
        ("score", "NOT_EXACT"): (kind == "EXACT") & (apart > half_a_unit).fill_null(True),
        **{("score", name): kind == name for name in settings["classes"]},
        ("score", "UNEXPLAINED_BEYOND"): (kind == "UNEXPLAINED") & (apart > settings["beyond_points"]).fill_null(True),
    }


@checks("CLN-17")
def score_arithmetic(tables: Tables, settings) -> list[Look]:
    """Contributions sum to the composite before rounding, none is larger than its weight allows; coverage, composite
    and the scores of the categories are in their ranges."""
    parts = tables.file("scores/contributions", "patient_id", "contribution", "effective_weight")
    weights = number("effective_weight")
    parts = parts.with_columns(most=100 * weights / weights.sum().over("patient_id"))
    within = settings["within"]
    sums = parts.group_by("patient_id").agg(
        number("contribution").sum().alias("sum"),
        ((number("contribution") < -within) | (number("contribution") > pl.col("most") + within)).any().alias("beyond"),
    )
    scores = tables.file("scores/all")
    categories = [c for c in scores.collect_schema().names() if c.endswith("_score") and c != "composite_score"]
    frame = scores.select("patient_id", "composite_score", "composite_unrounded", "coverage_pct", *categories)
    frame = frame.join(sums, on="patient_id", how="left").with_columns(pl.col("patient_id").alias(KEY))
    apart = (number("composite_unrounded") - pl.col("sum").fill_null(0)).abs().round(9) > within
    fails = {
        ("composite_unrounded", "NOT_SUM_OF_CONTRIBUTIONS"): apart,
        ("contribution", "BEYOND_WEIGHT"): pl.col("beyond"),
        ("coverage_pct", "OUTSIDE"): ~number("coverage_pct").is_between(0, 100),
    }
    fails |= {(c, "OUTSIDE"): ~number(c).is_between(0, 100) for c in ("composite_score", *categories)}
    return [Look("health_scores", frame, fails, pl.col("composite_unrounded").is_not_null())]


@checks("GEN-02")
def conservation(tables: Tables, settings) -> list[Look]:
    """Every source row of every mapped table is in exactly one account."""
    looks = []
    for table in tables.catalogue.tables:
        try:
            accounts = tables.file(f"accounts/{table.name}", "key", "account")
        except NotHere:
            continue
        counted = accounts.group_by(pl.col("key").alias(KEY)).agg(pl.len().alias("n"))
        rows = tables(table.name, table.row_key[0]).select(KEY).with_columns(there=True)
        frame = rows.join(counted, on=KEY, how="full", coalesce=True)
        bad = pl.col("there").is_null() | (pl.col("n").fill_null(0) != 1)
        looks.append(Look(table.name, frame, {(KEY, "NOT_IN_ONE_ACCOUNT"): bad}))
    if not looks:
        raise NotHere("The row accounts")
    return looks


@checks("GEN-03")
def parity(tables: Tables, settings) -> list[Look]:
    """What the portal gives back equals what was sent, record by record and of every object."""
    differences = tables.file("reconcile/differences", "object", "external_id")
    looks = []
    for name in settings["objects"]:
        try:
            sent = tables.file(f"targets/{name}", "ennu_external_id").select(pl.col("ennu_external_id").alias(KEY))
        except NotHere:
            continue
        other = differences.filter(pl.col("object") == name).select(pl.col("external_id").alias(KEY), differs=True)
        frame = sent.join(other.unique(KEY), on=KEY, how="left", maintain_order="left")
        looks.append(Look(name, frame, {("ennu_external_id", "DIFFERS"): pl.col("differs")}))
    if not looks:
        raise NotHere("What was sent")
    return looks
