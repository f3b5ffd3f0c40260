"""Coverage of the patients: policies, eligibility checks, prior authorizations of lab orders."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import money, names, numbered, repeated, rows_made
from ennu_lib.clinic.people_draw import (
    Wheel,
    any_seconds,
    blanked,
    chance,
    clinic_table,
    dates,
    day_number,
    moments,
    pick,
    sample,
    sometimes,
)

FIRST_COVERAGE = day_number(date(2014, 1, 1))
EARLIER_SHARE, SECONDARY_SHARE = 0.20, 0.08
RELATIONSHIPS = {"Self": 70, "Spouse": 14, "Child": 13, "Other": 3}


def insurance_policies(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`insurance_policies`: one primary policy at a time; some patients had an earlier one, some have a second."""
    rng = chunk.rng("insurance_policies")
    patients = chunk.patient_ids()
    insured = chunk.rows_for("insurance_policies") / (1 + EARLIER_SHARE + SECONDARY_SHARE)
    covered = patients[sample(rng, len(patients), round(insured))]
    n = len(covered)
    today = day_number(chunk.as_of)
    start = rng.integers(FIRST_COVERAGE, today - 60, n)
    end = np.where(chance(rng, n, 0.22), start + rng.integers(180, 1500, n), -1)
    end = np.where(end >= today, -1, end)
    earlier = chance(rng, n, EARLIER_SHARE)
    second = chance(rng, n, SECONDARY_SHARE)
    parts = [
        _policies(covered, start, end, rank=1),
        _policies(
            covered[earlier], start[earlier] - rng.integers(200, 1500, earlier.sum()), start[earlier] - 1, rank=1
        ),
        _policies(covered[second], start[second], end[second], rank=2),
    ]
    periods = pl.concat(parts).sort("patient_id", "rank", "from")
    return {"insurance_policies": _described(chunk, rng, periods)}


def _policies(patients: np.ndarray, start: np.ndarray, end: np.ndarray, rank: int) -> pl.DataFrame:
    return pl.DataFrame({"patient_id": patients, "from": start, "to": end}).with_columns(pl.lit(rank).alias("rank"))


def _described(chunk: Chunk, rng: np.random.Generator, periods: pl.DataFrame) -> pl.DataFrame:
    n = periods.height
    listed = clinic_table("payers")["weight"].to_numpy()
    payers = chunk.reference["insurance_companies"]["payer_id"]
    weights = np.r_[listed, np.full(len(payers) - len(listed), listed.sum() * 0.1 / max(1, len(payers) - len(listed)))]
    payer = Wheel(payers, weights).draw(rng, n)
    relation = pick(rng, n, RELATIONSHIPS)
    own = (relation == "Self").to_numpy()
    given, family = names(rng, n)
    start, end = periods["from"].to_numpy(), periods["to"].to_numpy()
    return periods.select(
        pl.Series("policy_id", values=chunk.take_keys("insurance_policies", n)),
        "patient_id",
        sometimes(rng, _plan_of(chunk, rng, payer), 0.02).alias("plan_id"),
        payer.alias("payer_id"),
        "rank",
        _member_numbers(rng, n).alias("policy_number"),
        sometimes(rng, numbered("G", rng.integers(1_000, 999_999, n), 6), 0.3).alias("group"),
        relation.alias("subscriber_relationship"),
        blanked(given + " " + family, own).alias("subscriber_name"),
        blanked(dates(rng.integers(-9_000, 9_000, n)), own | chance(rng, n, 0.1)).alias("subscriber_dob"),
        dates(start).alias("effective_from"),
        blanked(dates(np.maximum(end, 0)), end < 0).alias("effective_to"),
        sometimes(rng, money(rng.choice([0, 1500, 2000, 2500, 3000, 4000, 5000], n)), 0.3).alias("copay"),
        pl.Series("is_verified", values=chance(rng, n, 0.8)),
        pl.Series("is_deleted", values=np.zeros(n, dtype=bool)),
        moments(np.minimum(start + rng.integers(0, 300, n), day_number(chunk.as_of) - 1), any_seconds(rng, n)).alias(
            "last_updated"
        ),
    )


def _plan_of(chunk: Chunk, rng: np.random.Generator, payer: pl.Series) -> pl.Series:
    plans = chunk.reference["insurance_plans"].group_by("payer_id", maintain_order=True).agg("plan_id")
    own = payer.to_frame("payer_id").join(plans, on="payer_id", how="left", maintain_order="left")["plan_id"]
    nth = pl.Series(values=rng.integers(0, 10_000, len(payer)))
    return pl.select(own.list.get(nth % own.list.len())).to_series()


def _member_numbers(rng: np.random.Generator, n: int) -> pl.Series:
    """Member ids of three letters and nine digits, as on the card."""
    letters = pl.Series(values=list("ABCDEFGHJKLMNPQRSTUVWXYZ"))
    parts = [letters.gather(rng.integers(0, len(letters), n)) for _ in range(3)]
    return parts[0] + parts[1] + parts[2] + numbered("", rng.integers(10**8, 10**9, n), 9)


def eligibility_checks(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`eligibility_checks`: policies in force are checked again and again, most of them within the last quarter."""
    rng = chunk.rng("eligibility_checks")
    policies = chunk.frames["insurance_policies"]
    n = chunk.rows_for("eligibility_checks") if policies.height else 0
    who, _ = repeated(rng.multinomial(n, np.full(max(policies.height, 1), 1 / max(policies.height, 1))))
    today = day_number(chunk.as_of)
    start = policies["effective_from"].to_physical().to_numpy().astype(np.int64)[who]
    end = policies["effective_to"].to_physical().fill_null(today - 1).to_numpy().astype(np.int64)[who]
    recent = chance(rng, n, 0.6)
    back = np.where(recent, rng.integers(0, 90, n), rng.integers(0, 900, n))
    day = np.maximum(start, end - back)
    deductible = rng.choice([0, 500, 1000, 1500, 2500, 3000, 5000], n) * 100
    met = (deductible * rng.random(n)).astype(np.int64)
    answer = pick(rng, n, {"active": 88, "inactive": 6, "not_found": 3, "error": 3})
    users = chunk.reference["staff_users"]["user_id"]
    return {
        "eligibility_checks": pl.DataFrame(
            {
                "eligibility_id": chunk.take_keys("eligibility_checks", n),
                "policy_id": policies["policy_id"].gather(who),
                "checked_at": moments(day, any_seconds(rng, n)),
                "status": answer,
                "copay": sometimes(rng, money(rng.choice([1500, 2500, 3000, 4000], n)), 0.2),
                "deductible": sometimes(rng, money(deductible), 0.2),
                "deductible_met": sometimes(rng, money(met), 0.3),
                "coverage_from": sometimes(rng, policies["effective_from"].gather(who), 0.1),
                "coverage_to": policies["effective_to"].gather(who),
                "raw_response": sometimes(
                    rng, "271*" + answer + "*30**" + numbered("", rng.integers(0, 10**9, n), 9) + "~", 0.05
                ),
                "requested_by": sometimes(rng, users.gather(rng.integers(0, len(users), n)), 0.5),
            }
        )
    }


def prior_authorizations(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`prior_authorizations` of lab orders."""
    rng = chunk.rng("prior_authorizations")
    orders = rows_made(chunk, "lab_orders").select("order_id", "patient_id", "order_date")
    orders = orders[sample(rng, orders.height, chunk.rows_for("prior_authorizations"))]
    policies = (
        chunk.frames["insurance_policies"]
        .filter(pl.col("rank") == 1)
        .unique("patient_id", keep="last", maintain_order=True)
    )
    orders = orders.join(policies.select("patient_id", "policy_id"), on="patient_id", how="left", maintain_order="left")
    n = orders.height
    status = pick(rng, n, {"Approved": 62, "Pending": 12, "Denied": 9, "Not Required": 12, "Self Pay": 5})
    asked = orders["order_date"].to_physical().to_numpy().astype(np.int64) - rng.integers(0, 6, n)
    decided = asked + rng.integers(0, 4, n)
    open_ = (status == "Pending").to_numpy()
    approved = (status == "Approved").to_numpy()
    keys = chunk.take_keys("prior_authorizations", n)
    return {
        "prior_authorizations": pl.DataFrame(
            {
                "authorization_id": keys,
                "patient_id": orders["patient_id"],
                "order_id": sometimes(rng, orders["order_id"], 0.1),
                "policy_id": orders["policy_id"],
                "authorization_number": blanked(
                    numbered("PA", keys + 400_000, 8), ~approved & (status != "Denied").to_numpy()
                ),
                "status": status,
                "requested_on": dates(asked),
                "decided_on": blanked(dates(decided), open_ | chance(rng, n, 0.1)),
                "valid_from": blanked(dates(decided), ~approved),
                "valid_to": blanked(dates(decided + 90), ~approved),
                "units_approved": blanked(pl.Series(values=rng.integers(1, 7, n)), ~approved),
                "billing_reference": sometimes(rng, numbered("BR", keys, 7), 0.5),
                "notes": sometimes(
                    rng, pick(rng, n, ["Faxed clinicals.", "Peer review requested.", "Approved on first call."]), 0.6
                ),
            }
        )
    }


PER_CHUNK = [insurance_policies, eligibility_checks, prior_authorizations]
