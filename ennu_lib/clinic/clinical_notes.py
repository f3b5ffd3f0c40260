"""Provider notes written the way clinics write them, and allergies."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.clinical_encounters import visit_codes, visits
from ennu_lib.clinic.clinical_medication import COURSES, products
from ennu_lib.clinic.people_draw import (
    DAY_SECONDS,
    Wheel,
    any_seconds,
    blanked,
    chance,
    clinic_table,
    dates,
    day_number,
    days_after,
    moments,
    pick,
    sample,
    sometimes,
    spread,
    word_wheel,
)
from ennu_lib.clinic.people_registrations import registrations
from ennu_lib.clinic.people_staff import Roster, draw_users

TYPE_OF_VISIT = {
    "initial consult": "Initial Consult",
    "office visit": "Progress Note",
    "telehealth": "Telehealth",
    "phone": "Phone",
    "lab draw": "Lab Review",
    "injection": "Procedure",
    "pellet": "Procedure",
    "coaching": "Follow Up",
}
CODES_OF_VISIT = {
    "initial consult": "99204",
    "office visit": "99214",
    "telehealth": "99213",
    "phone": "99441",
    "lab draw": "36415",
    "injection": "96372",
    "pellet": "11980",
    "coaching": "98966",
}
WRITTEN_MORE = ("initial consult", "office visit", "telehealth")
WITH_VISIT = 0.86
PROTECTED = ("Behavioral Health", "Substance Use Program")


def clinical_notes(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`clinical_notes`: most belong to a visit, the rest report telephone calls and paper work."""
    rng = chunk.rng("clinical_notes")
    notes = _occasions(chunk, rng, chunk.rows_for("clinical_notes"))
    notes = notes.with_columns(visit_codes(chunk, rng, notes["row"].to_numpy()).alias("code"))
    return {"clinical_notes": _note_frame(chunk, rng, notes)}


def _occasions(chunk: Chunk, rng: np.random.Generator, n: int) -> pl.DataFrame:
    seen = visits(chunk).filter(~pl.col("status").is_in(["cancelled", "void"]))
    weight = np.where(seen["kind"].is_in(WRITTEN_MORE).to_numpy(), 2.0, 1.0)
    held = seen[spread(rng, weight, int(n * WITH_VISIT))]
    people = registrations(chunk)
    row = spread(rng, people["activity"].to_numpy() + 1e-9, n - len(held))
    first, last = people["registered"].to_numpy()[row], people["last_day"].to_numpy()[row]
    day = first + ((last - first) * rng.random(len(row))).astype(np.int64)
    loose = pl.DataFrame(
        {
            "row": row,
            "patient_id": people["patient_id"].to_numpy()[row],
            "day": day,
            "second": any_seconds(rng, len(row)),
            "provider_id": Roster.of(chunk).seen_by(rng, people["usual"].to_numpy()[row], day),
            "kind": pick(rng, len(row), {"phone": 75, "paper": 25}),
        }
    )
    return pl.concat([held, loose], how="diagonal_relaxed").sort("day", "second", maintain_order=True)


def _note_frame(chunk: Chunk, rng: np.random.Generator, notes: pl.DataFrame) -> pl.DataFrame:
    n = len(notes)
    today = day_number(chunk.as_of)
    day, second = notes["day"].to_numpy(), notes["second"].to_numpy()
    kind = notes["kind"].replace_strict(TYPE_OF_VISIT, default="Administrative", return_dtype=pl.String)
    follow = pl.Series(chance(rng, n, 0.25)) & (kind == "Progress Note")
    kind = pl.select(pl.when(follow).then(pl.lit("Follow Up")).otherwise(kind)).to_series()
    treatment = notes["kind"].replace_strict(CODES_OF_VISIT, default=None, return_dtype=pl.String)
    second_code = visit_codes(chunk, rng, notes["row"].to_numpy())
    separator = pick(rng, n, {", ": 7, ";": 2, ",": 1})
    both = pl.concat_str(notes["code"], separator, second_code)
    codes = pl.select(pl.when(second_code != notes["code"]).then(both).otherwise(notes["code"])).to_series()
    late = np.where(chance(rng, n, 0.8), 0, rng.integers(1, 10, n))
    unsigned = (today - day < 10) & chance(rng, n, 0.4) | chance(rng, n, 0.015)
    signed = np.minimum(day + late, today)
    status = pick(rng, n, {"signed": 92, "addended": 6, "locked": 1.4, "void": 0.6}).to_numpy().astype(str)
    department = word_wheel("department", "note_words").draw(rng, n)
    locked = (status == "locked") | department.is_in(PROTECTED).to_numpy() & chance(rng, n, 0.4)
    return notes.select(
        pl.Series("note_id", chunk.take_keys("clinical_notes", n)),
        "patient_id",
        "provider_id",
        "encounter_id",
        moments(day, second).alias("note_date"),
        kind.alias("note_type"),
        note_texts(chunk, rng, notes).alias("note_text"),
        sometimes(rng, codes, 0.1).alias("diagnosis_codes"),
        sometimes(rng, treatment, 0.2).alias("treatment_codes"),
        sometimes(rng, word_wheel("follow_up_field", "note_words").draw(rng, n), 0.22).alias("follow_up_required"),
        pl.Series("note_status", np.where(unsigned, "draft", status)),
        pl.Series("is_locked", locked),
        sometimes(rng, department, 0.1).alias("department"),
        sometimes(rng, draw_users(rng, chunk, n), 0.03).alias("author_user_id"),
        blanked(
            moments(signed, np.where(late > 0, second, np.minimum(second + 2400, DAY_SECONDS - 1))), unsigned
        ).alias("signed_at"),
        moments(day, second).alias("created_at"),
        pl.Series("is_deleted", chance(rng, n, 0.004)),
        moments(signed, DAY_SECONDS - 120).alias("last_updated"),
    )


def note_texts(chunk: Chunk, rng: np.random.Generator, notes: pl.DataFrame) -> pl.Series:
    """Notes with complaint, history, findings, assessment and plan; calls and paper work are short.

    `text_scale` of the parameters sets how many sentences the history has.
    """
    n = len(notes)
    people = registrations(chunk)
    row = notes["row"].to_numpy()
    labels = clinic_table("codes_icd10").select("code", "label")
    label = (
        notes.select("code")
        .join(labels, on="code", how="left", maintain_order="left")["label"]
        .fill_null("General follow-up")
    )
    age = (notes["day"].to_numpy() - people["true_birth_day"].to_numpy()[row]) // 365.25
    sex = people["sex"].gather(row).replace_strict({"M": "man", "F": "woman"}, return_dtype=pl.String)
    letter = people["sex"].gather(row)
    history = [_suited(rng, "hpi", letter) for _ in range(max(2, round(3 * chunk.params.text_scale)))]
    frame = pl.DataFrame(
        {
            "complaint": _suited(rng, "complaint", letter),
            "age": age.astype(np.int64),
            "sex": sex,
            "drug": _drugs(chunk, rng, row),
            "sbp": rng.integers(104, 146, n),
            "dbp": rng.integers(62, 92, n),
            "pulse": rng.integers(54, 92, n),
            "weight": rng.integers(118, 262, n),
            "exam": _words(rng, "exam", n),
            "exam2": _words(rng, "exam", n),
            "label": label,
            "code": notes["code"].fill_null("Z71.3"),
            "assessment": _words(rng, "assessment", n),
            "plan": _suited(rng, "plan", letter),
            "plan2": _suited(rng, "plan", letter),
            "next": _words(rng, "follow_up", n),
            "remote": notes["kind"].is_in(["telehealth", "coaching"]),
            "short": notes["kind"].is_in(["phone", "paper", "lab draw"]),
            **{f"h{at}": series for at, series in enumerate(history)},
        }
    )
    return frame.select(pl.when("short").then(_short_note()).otherwise(_full_note(len(history)))).to_series()


def _words(rng: np.random.Generator, name: str, n: int) -> pl.Series:
    return word_wheel(name, "note_words").draw(rng, n)


@lru_cache(maxsize=16)
def _wheel_for(name: str, sex: str) -> Wheel:
    """The phrases for everybody and those for one sex."""
    words = clinic_table("note_words").filter(pl.col("list").is_in([name, f"{name} {sex}"]))
    return Wheel(words["value"], words["weight"].to_numpy())


def _suited(rng: np.random.Generator, name: str, sex: pl.Series) -> pl.Series:
    """Phrases that suit the sex of each patient."""
    men, women = _wheel_for(name, "M"), _wheel_for(name, "F")
    number = np.where((sex == "M").to_numpy(), men.indices(rng, len(sex)), len(men) + women.indices(rng, len(sex)))
    return pl.concat([men.values, women.values]).gather(number)


def _short_note() -> pl.Expr:
    return pl.format("{} {} {} Follow-up: {}.", "complaint", "h0", "plan", "next").str.replace(
        r"^(\S[^.]*?) ([A-Z])", "$1. $2"
    )


def _full_note(sentences: int) -> pl.Expr:
    findings = (
        pl.when("remote")
        .then(pl.lit("Video visit, vitals not taken."))
        .otherwise(pl.format("BP {}/{}, pulse {}, weight {} lb.", "sbp", "dbp", "pulse", "weight"))
    )
    history = pl.concat_str([f"h{at}" for at in range(sentences)], separator=" ")
    return pl.format(
        "CC: {}\n\nHPI: {}-year-old {}. {}\n\nMedications: {}\n\nObjective: {} {} {}\n\n"
        "Assessment: {} ({}). {}\n\nPlan:\n1. {}\n2. {}\nFollow-up: {}",
        "complaint",
        "age",
        "sex",
        history,
        "drug",
        findings,
        "exam",
        "exam2",
        "label",
        "code",
        "assessment",
        "plan",
        "plan2",
        "next",
    )


def _drugs(chunk: Chunk, rng: np.random.Generator, row: np.ndarray) -> pl.Series:
    """One drug that each patient takes, `none` for those without any."""
    courses = chunk.frames[COURSES]
    sizes = np.bincount(courses["row"].to_numpy(), minlength=len(registrations(chunk)))
    starts = np.cumsum(sizes) - sizes
    has = sizes[row] > 0
    at = np.where(has, starts[row] + (rng.random(len(row)) * sizes[row]).astype(np.int64), 0)
    taken = courses["product"].gather(at)
    name = pl.select(
        pl.format("{} {}", products()["ingredient"].gather(taken), products()["strength"].gather(taken))
    ).to_series()
    return pl.select(pl.when(pl.Series(has)).then(name).otherwise(pl.lit("none"))).to_series()


def allergies(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`allergies`: no known drug allergies for many, one to three allergens for the others."""
    rng = chunk.rng("allergies")
    people = registrations(chunk)
    n = chunk.rows_for("allergies")
    nkda = sample(rng, len(people), int(n * 0.42))
    others = np.setdiff1d(np.arange(len(people)), nkda)
    row = np.sort(np.r_[nkda, rng.choice(others, n - len(nkda))])
    none = np.isin(row, nkda)
    kind = pick(rng, n, {"drug": 70, "food": 20, "environment": 10})
    allergen = pl.Series(["NKDA"] * n)
    for name in ("drug", "food", "environment"):
        mine = np.flatnonzero((kind == name).to_numpy() & ~none)
        allergen = allergen.scatter(mine, _words(rng, f"allergen:{name}", len(mine)))
    frame = pl.DataFrame({"row": row, "kind": kind, "allergen": allergen, "none": none})
    frame = frame.unique(["row", "allergen"], keep="first", maintain_order=True)
    n, none = len(frame), frame["none"].to_numpy()
    entered = days_after(rng, chunk.as_of, people["registered"].to_numpy()[frame["row"]], 60)
    born = people["true_birth_day"].to_numpy()[frame["row"]]
    first = born + ((entered - born) * rng.random(n)).astype(np.int64)
    return {
        "allergies": frame.select(
            pl.Series("allergy_id", chunk.take_keys("allergies", n)),
            people["patient_id"].gather(frame["row"]),
            sometimes(rng, _definitions(chunk, frame["allergen"]), 0.05).alias("allergy_def_id"),
            sometimes(rng, frame["allergen"], 0.01).alias("allergen"),
            blanked(frame["kind"], none).alias("allergy_type"),
            blanked(_words(rng, "reaction", n), none | chance(rng, n, 0.15)).alias("reaction"),
            blanked(
                pick(rng, n, {"mild": 5, "moderate": 4, "severe": 2, "life threatening": 1, "unknown": 1}),
                none | chance(rng, n, 0.2),
            ).alias("severity"),
            pick(rng, n, {"A": 93, "I": 7}).alias("status"),
            blanked(dates(first), none | chance(rng, n, 0.5)).alias("onset_date"),
            sometimes(rng, pick(rng, n, {"Y": 7, "N": 3}), 0.2).alias("verified"),
            sometimes(rng, draw_users(rng, chunk, n), 0.2).alias("recorded_by"),
            sometimes(rng, word_wheel("provider_comment", "note_words").draw(rng, n), 0.9).alias("comments"),
            moments(entered, any_seconds(rng, n)).alias("DateTStamp"),
        )
    }


def _definitions(chunk: Chunk, allergen: pl.Series) -> pl.Series:
    """Catalogue number of each allergen that the allergen catalogue knows under that name."""
    known = chunk.reference["allergy_definitions"].select(pl.col("description").alias("allergen"), "allergy_def_id")
    first = known.unique("allergen", keep="first", maintain_order=True)
    return allergen.to_frame("allergen").join(first, on="allergen", how="left", maintain_order="left")["allergy_def_id"]
