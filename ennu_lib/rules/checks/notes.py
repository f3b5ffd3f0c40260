"""What was written and coded: diagnoses, notes, authors, specially protected text (CLN-09 to CLN-11, CLN-20)."""

from __future__ import annotations

import polars as pl

from ennu_lib.rules.code_lists import folded, known_codes
from ennu_lib.rules.parsing import day, filled, moment, says_nothing, word, yes
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import KEY, Tables

ICD10 = r"^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?$"
ICD9 = r"^(\d{3}(\.\d{1,2})?|V\d{2}(\.\d{1,2})?|E\d{3}(\.\d)?)$"
# After these something was to follow; notes may well end without a full stop.
OPEN_ENDS = [",", ";", "(", "[", "-", "/", "&"]
DOTTED = r"^([A-Z][0-9][0-9A-Z])([0-9A-Z]{1,4})$"


@checks("CLN-09")
def diagnoses(tables: Tables, settings) -> list[Look]:
    """Codes of ICD-10-CM since October 2015 and of ICD-9 before, in their form, in the table of codes on that day, and
    of the patient's sex; in diagnoses, in the problem list, and every one of a note."""
    visits = tables("encounters", "encounter_id", "patient_id", "encounter_date")
    coded = tables("encounter_diagnoses", "encounter_id", "code", "added_at").join(
        visits.select("encounter_id", "patient_id", moment("encounter_date").alias("visit")),
        on="encounter_id",
        how="left",
    )
    coded = coded.with_columns(on=pl.coalesce("visit", moment("added_at")).dt.date()).with_columns(coded="on")
    # A problem may have begun long before somebody gave it its code.
    listed = tables("problem_list", "patient_id", "code", "begin_date").with_columns(
        on=moment("begin_date").dt.date(), coded=pl.lit(None, dtype=pl.Date)
    )
    notes = tables("clinical_notes", "patient_id", "note_date", "diagnosis_codes").with_columns(
        on=moment("note_date").dt.date(), coded=moment("note_date").dt.date()
    )
    each = notes.with_columns(code=pl.col("diagnosis_codes").str.replace_all(";", ",").str.split(",")).explode("code")
    each = each.with_columns(code=pl.col("code").str.strip_chars()).filter(pl.col("code") != "")
    fails = _faults(settings)
    wrong = _judged(each, tables, settings).group_by(KEY).agg(
        **{reason: expr.fill_null(False).any() for reason, expr in fails.items()}
    )  # fmt: skip
    blanks = pl.col("diagnosis_codes").str.contains(r"^\s|\s$")
    notes = notes.join(wrong, on=KEY, how="left", maintain_order="left")
    of_notes = {("diagnosis_codes", reason): pl.col(reason) for reason in fails}
    of_notes["diagnosis_codes", "SPELLING"] = filled("diagnosis_codes") & (pl.col("SPELLING") | blanks)
    return [
        *(
            Look(table, _judged(frame, tables, settings), {("code", r): e for r, e in fails.items()}, filled("raw"))
            for table, frame in (("encounter_diagnoses", coded), ("problem_list", listed))
        ),
        Look("clinical_notes", notes, of_notes, filled("diagnosis_codes")),
    ]


def _judged(frame: pl.LazyFrame, tables: Tables, settings) -> pl.LazyFrame:
    """`code` in its usual form beside `raw`, what the table of codes says of it, and the patient's sex."""
    known = tables("diagnosis_codes_icd10", "code", "gender_limit", "valid_from", "valid_to").select(
        "code", __listed=True, only=word("gender_limit"), since=day("valid_from"), until=day("valid_to")
    )
    sex = tables("patients", "patient_id", "gender").select("patient_id", word("gender").alias("sex"))
    clean = pl.col("code").str.strip_chars().str.to_uppercase()
    frame = frame.with_columns(raw=pl.col("code"), code=clean.str.replace(DOTTED, "$1.$2"))
    frame = frame.join(known.unique("code"), on="code", how="left", maintain_order="left")
    return frame.join(sex.unique("patient_id"), on="patient_id", how="left", maintain_order="left")


def _faults(settings) -> dict[str, pl.Expr]:
    code, on, listed = pl.col("code"), pl.col("on"), pl.col("__listed").fill_null(False)
    ten, nine = code.str.contains(ICD10), code.str.contains(ICD9)
    late = on >= pl.lit(settings["icd10_from"]).str.to_date()
    male, female = pl.col("sex").is_in(settings["male"]), pl.col("sex").is_in(settings["female"])
    of_women = (pl.col("only") == "f").fill_null(False) | code.str.contains(settings["female_codes"])
    of_men = (pl.col("only") == "m").fill_null(False) | code.str.contains(settings["male_codes"])
    return {
        "ICD9_AFTER_2015": nine & ~listed & late,
        "SPELLING": (ten | nine) & (pl.col("raw") != code),
        "NOT_A_CODE": filled("raw") & ~ten & ~nine,
        "NOT_IN_TABLE": ten & ~nine & ~listed & (pl.col("raw") == code),
        "RETIRED": ten & (on > pl.col("until")),
        "BEFORE_ITS_TIME": ten & (pl.col("coded") < pl.col("since")),
        "OTHER_SEX": (of_women & male) | (of_men & female),
    }


@checks("CLN-10")
def note_complete(tables: Tables, settings) -> list[Look]:
    """Text worth the name, a date that has been, a kind that the mapping knows, a patient that exists, and a visit of
    the same patient."""
    frame = tables("clinical_notes", "patient_id", "encounter_id", "note_date", "note_type", "note_text", "note_status")
    patients = tables("patients", "patient_id").select("patient_id", pl.lit(True).alias("__patient"))
    visits = tables("encounters", "encounter_id", "patient_id").select(
        "encounter_id", pl.col("patient_id").alias("visitor")
    )
    frame = frame.join(patients.unique("patient_id"), on="patient_id", how="left", maintain_order="left")
    frame = frame.join(visits.unique("encounter_id"), on="encounter_id", how="left", maintain_order="left")
    kinds = known_codes(tables.params)["clinical_notes", "note_type"]
    visible = pl.col("note_text").str.replace_all(r"\s", "").str.len_chars()
    ends = pl.col("note_text").str.strip_chars_end().str.slice(-1)
    fails = {
        ("note_text", "TOO_SHORT"): visible.fill_null(0) < settings["visible"],
        ("note_text", "CUT_OFF"): ends.is_in(OPEN_ENDS) & (visible > settings["visible"]),
        ("note_date", "NO_DATE"): moment("note_date").is_null(),
        ("note_date", "FUTURE"): moment("note_date").dt.date() > tables.today,
        ("note_type", "MISSING"): says_nothing("note_type"),
        ("note_type", "NOT_MAPPED"): filled("note_type") & ~folded("note_type").is_in(list(kinds)),
        ("patient_id", "UNKNOWN_PATIENT"): pl.col("__patient").is_null(),
        ("encounter_id", "OTHER_PATIENT"): pl.col("visitor") != pl.col("patient_id"),
    }
    return [Look("clinical_notes", frame, fails)]


@checks("CLN-11")
def authorship(tables: Tables, settings) -> list[Look]:
    """A person with a clinical role who was employed that day, no account of the system; signed within a week."""
    roles = known_codes(tables.params)["providers", "role"]
    clinical = [spelled for spelled, option in roles.items() if option in settings["clinical"]]
    machines = tables("staff_users", "user_id", "user_type", "username").filter(
        word("user_type").is_in(settings["not_people"]) | word("username").is_in(settings["not_people"])
    )
    staff = tables("providers", "provider_id", "user_id", "role", "hire_date", "end_date").join(
        machines.select("user_id", __machine=True).unique("user_id"), on="user_id", how="left"
    )
    staff = staff.select(
        "provider_id",
        pl.lit(True).alias("__provider"),
        (folded("role").is_in(clinical).fill_null(False) & pl.col("__machine").is_null()).alias("clinician"),
        moment("hire_date").dt.date().alias("hired"),
        moment("end_date").dt.date().alias("left"),
    )
    frame = tables("clinical_notes", "provider_id", "note_date", "note_status", "signed_at", "note_type")
    frame = frame.join(staff.unique("provider_id"), on="provider_id", how="left", maintain_order="left").with_columns(
        written=moment("note_date").dt.date()
    )
    stale = pl.lit(tables.today).dt.offset_by(f"-{settings['sign_within_days']}d")
    after = pl.col("left").dt.offset_by(f"{settings['late_signing_days']}d")
    fails = {
        ("provider_id", "NO_PROVIDER"): pl.col("provider_id").is_null(),
        ("provider_id", "UNKNOWN_PROVIDER"): pl.col("provider_id").is_not_null() & pl.col("__provider").is_null(),
        ("provider_id", "NOT_A_CLINICIAN"): ~pl.col("clinician"),
        ("provider_id", "NOT_EMPLOYED"): (pl.col("written") < pl.col("hired")) | (pl.col("written") > after),
        ("signed_at", "NOT_SIGNED"): moment("signed_at").is_null()
        & ~word("note_status").is_in(["void"])
        & (pl.col("written") < stale),
    }
    return [Look("clinical_notes", frame, fails)]


@checks("CLN-20")
def protected(tables: Tables, settings) -> list[Look]:
    """Psychotherapy notes, locked notes, records of substance-use programmes: found here, kept out by the mapping."""
    notes = tables("clinical_notes", "note_type", "is_locked", "note_status", "department")
    locked = yes("is_locked") | (word("note_status") == "locked")
    kind = word("note_type").is_in(settings["note_types"]) | word("department").is_in(settings["departments"])
    social = tables("social_history", "part2_program")
    problems = tables("problem_list", "is_confidential")
    return [
        Look("clinical_notes", notes, {("note_type", "PSYCHOTHERAPY"): kind, ("is_locked", "LOCKED"): locked}),
        Look("social_history", social, {("part2_program", "PART_2"): yes("part2_program")}),
        Look("problem_list", problems, {("is_confidential", "CONFIDENTIAL"): yes("is_confidential")}),
    ]
