"""What was written and coded: diagnoses, notes, authors, specially protected text (CLN-09 to CLN-11, CLN-20)."""

from __future__ import annotations

import polars as pl

from ennu_lib.rules.parsing import filled, moment, says_nothing, word, yes
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import Tables

ICD10 = r"^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?$"
ICD9 = r"^(\d{3}(\.\d{1,2})?|V\d{2}(\.\d{1,2})?|E\d{3}(\.\d)?)$"
# After these something was to follow; notes may well end without a full stop.
OPEN_ENDS = [",", ";", "(", "[", "-", "/", "&"]
DOTTED = r"^([A-Z][0-9][0-9A-Z])([0-9A-Z]{1,4})$"


@checks("CLN-09")
def diagnoses(tables: Tables, settings) -> list[Look]:
    """Codes of ICD-10-CM since October 2015 and of ICD-9 before, in their form and in the table of codes."""
    sex = tables("patients", "patient_id", "gender").select("patient_id", word("gender").alias("sex"))
    known = tables("diagnosis_codes_icd10", "code").select("code", pl.lit(True).alias("__listed")).unique("code")
    visits = tables("encounters", "encounter_id", "patient_id", "encounter_date")
    coded = tables("encounter_diagnoses", "encounter_id", "code", "added_at").join(
        visits.select("encounter_id", "patient_id", moment("encounter_date").alias("visit")),
        on="encounter_id",
        how="left",
    )
    coded = coded.with_columns(on=pl.coalesce("visit", moment("added_at")).dt.date())
    listed = tables("problem_list", "patient_id", "code", "begin_date").with_columns(on=moment("begin_date").dt.date())
    looks = [
        _coded(table, frame, known, sex, settings)
        for table, frame in (("encounter_diagnoses", coded), ("problem_list", listed))
    ]
    notes = tables("clinical_notes", "diagnosis_codes")
    each = pl.col("diagnosis_codes").str.replace_all(";", ",").str.split(",")
    code = pl.element().str.strip_chars()
    odd = each.list.eval(~code.str.contains(f"{ICD10}|{ICD9}") | code.str.contains(DOTTED)).list.any()
    blanks = pl.col("diagnosis_codes").str.contains(r"^\s|\s$")
    fails = {("diagnosis_codes", "SPELLING"): filled("diagnosis_codes") & (odd | blanks)}
    return [*looks, Look("clinical_notes", notes, fails, filled("diagnosis_codes"))]


def _coded(table: str, frame: pl.LazyFrame, known: pl.LazyFrame, sex: pl.LazyFrame, settings) -> Look:
    clean = pl.col("code").str.strip_chars().str.to_uppercase()
    frame = frame.with_columns(raw=pl.col("code"), code=clean.str.replace(DOTTED, "$1.$2"))
    frame = frame.join(known, on="code", how="left", maintain_order="left")
    frame = frame.join(sex.unique("patient_id"), on="patient_id", how="left", maintain_order="left")
    code, day = pl.col("code"), pl.col("on")
    ten, nine = code.str.contains(ICD10), code.str.contains(ICD9)
    late = day >= pl.lit(settings["icd10_from"]).str.to_date()
    fails = {
        ("code", "ICD9_AFTER_2015"): nine & ~pl.col("__listed").fill_null(False) & late,
        ("code", "SPELLING"): (ten | nine) & (pl.col("raw") != code),
        ("code", "NOT_A_CODE"): filled("raw") & ~ten & ~nine,
        ("code", "NOT_IN_TABLE"): ten & ~nine & pl.col("__listed").is_null() & (pl.col("raw") == code),
        ("code", "OTHER_SEX"): (code.str.contains(settings["female_codes"]) & pl.col("sex").is_in(settings["male"]))
        | (code.str.contains(settings["male_codes"]) & pl.col("sex").is_in(settings["female"])),
    }
    return Look(table, frame, fails, filled("raw"))


@checks("CLN-10")
def note_complete(tables: Tables, settings) -> list[Look]:
    """Text worth the name, a date that has been, a patient that exists, and a visit of the same patient."""
    frame = tables("clinical_notes", "patient_id", "encounter_id", "note_date", "note_type", "note_text", "note_status")
    patients = tables("patients", "patient_id").select("patient_id", pl.lit(True).alias("__patient"))
    visits = tables("encounters", "encounter_id", "patient_id").select(
        "encounter_id", pl.col("patient_id").alias("visitor")
    )
    frame = frame.join(patients.unique("patient_id"), on="patient_id", how="left", maintain_order="left")
    frame = frame.join(visits.unique("encounter_id"), on="encounter_id", how="left", maintain_order="left")
    visible = pl.col("note_text").str.replace_all(r"\s", "").str.len_chars()
    ends = pl.col("note_text").str.strip_chars_end().str.slice(-1)
    fails = {
        ("note_text", "TOO_SHORT"): visible.fill_null(0) < settings["visible"],
        ("note_text", "CUT_OFF"): ends.is_in(OPEN_ENDS) & (visible > settings["visible"]),
        ("note_date", "NO_DATE"): moment("note_date").is_null(),
        ("note_date", "FUTURE"): moment("note_date").dt.date() > tables.today,
        ("note_type", "MISSING"): says_nothing("note_type"),
        ("patient_id", "UNKNOWN_PATIENT"): pl.col("__patient").is_null(),
        ("encounter_id", "OTHER_PATIENT"): pl.col("visitor") != pl.col("patient_id"),
    }
    return [Look("clinical_notes", frame, fails)]


@checks("CLN-11")
def authorship(tables: Tables, settings) -> list[Look]:
    """A clinician who was employed that day; signed within a week."""
    staff = tables("providers", "provider_id", "role", "hire_date", "end_date").select(
        "provider_id",
        pl.lit(True).alias("__provider"),
        word("role").alias("role"),
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
        ("provider_id", "NOT_A_CLINICIAN"): pl.col("role").is_in(settings["not_clinical"]),
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
