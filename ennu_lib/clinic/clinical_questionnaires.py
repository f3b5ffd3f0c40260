"""Questionnaires, the assessments made with them, and symptom ratings over time."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.people_draw import (
    DAY_SECONDS,
    Wheel,
    any_seconds,
    blanked,
    chance,
    clinic_table,
    dates,
    day_number,
    moments,
    pick,
    rank_within,
    sometimes,
    spread,
    word_wheel,
)
from ennu_lib.clinic.people_registrations import registrations

ANSWERS = ["never", "rarely", "sometimes", "often", "always"]
FREQUENCIES = ["never", "rarely", "sometimes", "often", "always"]
HIGHEST_ANSWER = 4
CATEGORIES = ("energy", "sleep", "mood", "body")
SEX_OF_TYPE = {"testosterone": "M", "ed_treatment": "M", "menopause": "F"}
SYMPTOMS_A_DAY = 6
ABANDONED = 0.07


@lru_cache(maxsize=1)
def _forms() -> pl.DataFrame:
    """Both editions of every questionnaire: name, type, version, number of questions."""
    forms = clinic_table("questionnaires").with_columns(pl.col("questions").cast(pl.Int64))
    second = forms.with_columns(pl.lit("2.0").alias("version"))
    return pl.concat([forms.with_columns(pl.lit("1.0").alias("version")), second])


def questionnaires(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`25againquestionnaires` and `25againsymptoms`."""
    rng = chunk.rng("25againquestionnaires")
    forms, symptoms = _forms(), clinic_table("symptoms")
    n, m = len(forms), len(symptoms)
    weights = [
        str(dict.fromkeys((f"Q{at + 1}" for at in range(count)), 1)).replace("'", '"') for count in forms["questions"]
    ]
    return {
        "25againquestionnaires": forms.select(
            pl.Series("questionnaire_id", chunk.take_keys("25againquestionnaires", n)),
            pl.col("name").alias("questionnaire_name"),
            pl.col("type").alias("questionnaire_type"),
            "version",
            pl.col("questions").alias("question_count"),
            (pl.col("questions") * HIGHEST_ANSWER).alias("max_score"),
            pl.Series("scoring_weights", weights),
            (pl.col("version") == "2.0").alias("is_active"),
            moments(day_number(chunk.as_of) - rng.integers(900, 4000, n), any_seconds(rng, n)).alias("created_at"),
        ),
        "25againsymptoms": symptoms.select(
            pl.Series("symptom_id", chunk.take_keys("25againsymptoms", m)),
            pl.col("symptom").alias("symptom_name"),
            pl.col("category").alias("symptom_category"),
            pl.col("sex").alias("sex_applies"),
            pl.lit(10).alias("scale_max"),
            pl.Series("order", np.arange(1, m + 1)),
            pl.lit(True).alias("is_active"),
            moments(day_number(chunk.as_of) - rng.integers(900, 4000, m), any_seconds(rng, m)).alias("modified_at"),
        ),
    }


def assessments(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`25againassessments` and one `25againquestionnaireresponses` row per question; scores are sums of answers."""
    rng = chunk.rng("25againassessments")
    header = _headers(chunk, rng)
    answers = _answers(chunk, rng, header)
    parts = answers.group_by("at", maintain_order=True).agg(
        pl.col("answer").sum().alias("score"),
        *[
            pl.col("answer").filter(pl.col("question") % 4 == at).sum().alias(name)
            for at, name in enumerate(CATEGORIES)
        ],
    )
    header = header.join(parts, on="at", how="left", maintain_order="left")
    return {
        "25againassessments": _assessment_frame(chunk, rng, header),
        "25againquestionnaireresponses": _response_frame(chunk, rng, header, answers),
    }


def _headers(chunk: Chunk, rng: np.random.Generator) -> pl.DataFrame:
    people, forms = registrations(chunk), _forms()
    row = spread(rng, people["activity"].to_numpy() ** 0.6 + 0.05, chunk.rows_for("25againassessments"))
    n = len(row)
    sex = people["sex"].to_numpy()[row]
    wanted = forms["type"].replace_strict(SEX_OF_TYPE, default="B", return_dtype=pl.String).to_numpy()
    popular = np.where(forms["type"] == "intake_form", 3.0, 1.0)
    form = np.zeros(n, dtype=np.int64)
    for one in ("M", "F"):
        mine = np.flatnonzero(sex == one)
        form[mine] = Wheel(list(range(len(forms))), popular * np.isin(wanted, [one, "B"])).indices(rng, len(mine))
    first, last = people["registered"].to_numpy()[row], people["last_day"].to_numpy()[row]
    day = first + ((last - first) * rng.random(n) ** 1.5).astype(np.int64)
    second, abandoned = any_seconds(rng, n), chance(rng, n, ABANDONED)
    order = np.lexsort((row, day))
    frame = pl.DataFrame(
        {
            "row": row[order],
            "form": form[order],
            "day": day[order],
            "second": second[order],
            "abandoned": abandoned[order],
            "assessment_id": chunk.take_keys("25againassessments", n),
            "at": np.arange(n),
        }
    )
    return frame.with_columns(forms["questions"].gather(frame["form"]).alias("questions"))


def _answers(chunk: Chunk, rng: np.random.Generator, header: pl.DataFrame) -> pl.DataFrame:
    """One row per question; those who abandon stop in the middle; a person's answers resemble each other."""
    asked = header["questions"].to_numpy()
    reached = np.where(
        header["abandoned"].to_numpy(), (asked * rng.uniform(0.2, 0.8, len(asked))).astype(np.int64) + 1, asked
    )
    at = np.repeat(np.arange(len(asked)), reached)
    leaning = rng.normal(2, 0.8, len(asked))[at]
    answer = np.clip(np.round(leaning + rng.normal(0, 0.9, len(at))), 0, HIGHEST_ANSWER)
    skipped = chance(rng, len(at), 0.035)
    frame = pl.DataFrame({"at": at, "question": rank_within(at), "answer": answer.astype(np.int64)})
    return frame.with_columns(pl.when(pl.Series(~skipped)).then("answer").alias("answer"))


def _assessment_frame(chunk: Chunk, rng: np.random.Generator, header: pl.DataFrame) -> pl.DataFrame:
    n = len(header)
    people = registrations(chunk)
    day, second = header["day"].to_numpy(), header["second"].to_numpy()
    abandoned = header["abandoned"].to_numpy()
    took = np.minimum(second + rng.integers(120, 1500, n), DAY_SECONDS - 1)
    categories = header.select(_json(CATEGORIES)).to_series()
    parts = rng.integers(1, 255, (n, 4))
    address = (
        pl.DataFrame(parts, schema=["a", "b", "c", "d"], orient="row")
        .select(pl.format("{}.{}.{}.{}", "a", "b", "c", "d"))
        .to_series()
    )
    return header.select(
        "assessment_id",
        people["patient_id"].gather(header["row"]),
        chunk.reference["25againquestionnaires"]["questionnaire_id"].gather(header["form"]),
        moments(day, second).alias("started_at"),
        blanked(moments(day, took), abandoned).alias("completed_at"),
        pl.when(pl.Series(~abandoned)).then(pl.col("score").cast(pl.Float64)).alias("score"),
        (pl.col("questions") * HIGHEST_ANSWER).alias("max_score"),
        blanked(categories, abandoned).alias("category_scores"),
        pick(rng, n, {"website": 46, "portal": 32, "staff": 14, "paper": 8}).alias("form_source"),
        sometimes(rng, pl.Series(rng.integers(5, 100, n)), 0.5).alias("lead_score"),
        sometimes(rng, address, 0.3).alias("ip_address"),
        moments(day, took).alias("last_updated"),
    )


def _json(names: tuple[str, ...]) -> pl.Expr:
    """A JSON object of whole-number columns."""
    pieces = [pl.concat_str(pl.lit(f'"{name}": '), pl.col(name).cast(pl.String)) for name in names]
    return pl.concat_str(pl.lit("{"), pl.concat_str(pieces, separator=", "), pl.lit("}"))


def _response_frame(
    chunk: Chunk, rng: np.random.Generator, header: pl.DataFrame, answers: pl.DataFrame
) -> pl.DataFrame:
    n = len(answers)
    at = answers["at"].to_numpy()
    form = header["form"].to_numpy()[at]
    questions = clinic_table("questions")["question"]
    which = (answers["question"].to_numpy() + form % len(_forms()) * 3) % len(questions)
    words = pl.Series(values=ANSWERS)
    second = header["second"].to_numpy()[at] + answers["question"].to_numpy() * 12
    skipped = answers["answer"].is_null().to_numpy()
    return pl.DataFrame(
        {
            "response_id": chunk.take_keys("25againquestionnaireresponses", n),
            "assessment_id": header["assessment_id"].gather(at),
            "questionnaire_id": chunk.reference["25againquestionnaires"]["questionnaire_id"].gather(form),
            "question_no": answers["question"] + 1,
            "question_code": pl.select(pl.format("Q{}", answers["question"] + 1)).to_series(),
            "question_text": questions.gather(which),
            "answer_text": blanked(words.gather(answers["answer"].fill_null(0)), skipped),
            "answer_value": answers["answer"],
            "answered_at": blanked(moments(header["day"].to_numpy()[at], np.minimum(second, DAY_SECONDS - 1)), skipped),
        }
    )


def symptom_ratings(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`25againmembersymptoms`: on some days a patient rates several symptoms, which ease over the course of care."""
    rng = chunk.rng("25againmembersymptoms")
    people, symptoms = registrations(chunk), clinic_table("symptoms")
    total = chunk.rows_for("25againmembersymptoms")
    row = spread(rng, people["activity"].to_numpy() ** 0.8 + 1e-9, max(round(total * 1.12) // SYMPTOMS_A_DAY, 1))
    first, last = people["registered"].to_numpy()[row], people["last_day"].to_numpy()[row]
    day = first + ((last - first) * rng.random(len(row))).astype(np.int64)
    sheet = np.repeat(np.arange(len(row)), SYMPTOMS_A_DAY)
    n = len(sheet)
    sex = people["sex"].to_numpy()[row][sheet]
    start = rng.integers(0, len(symptoms), len(row))[sheet]
    symptom = (start + rank_within(sheet) * 7) % len(symptoms)
    fits = np.isin(symptoms["sex"].to_numpy()[symptom], ["B"]) | (symptoms["sex"].to_numpy()[symptom] == sex)
    order = np.flatnonzero(fits)[np.lexsort((rank_within(sheet)[fits], row[sheet][fits], day[sheet][fits]))]
    n = len(order)
    row, day, symptom = row[sheet][order], day[sheet][order], symptom[order]
    eased = np.clip((day - people["registered"].to_numpy()[row]) / 500, 0, 1)
    severity = np.clip(np.round(rng.normal(5.6 - 2.2 * eased, 2.1, n)), 0, 10).astype(np.int64)
    often = pl.Series(values=FREQUENCIES).gather(np.minimum(severity // 2, 4))
    return {
        "25againmembersymptoms": pl.DataFrame(
            {
                "member_symptom_id": chunk.take_keys("25againmembersymptoms", n),
                "patient_id": people["patient_id"].to_numpy()[row],
                "symptom_id": chunk.reference["25againsymptoms"]["symptom_id"].gather(symptom),
                "entry_date": dates(day),
                "severity": sometimes(rng, pl.Series(severity), 0.008),
                "frequency": sometimes(rng, often, 0.1),
                "notes": sometimes(rng, word_wheel("symptom_note", "note_words").draw(rng, n), 0.92),
                "last_updated": moments(day, any_seconds(rng, n)),
            }
        )
    }
