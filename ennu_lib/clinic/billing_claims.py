"""Insurance claims: which charges go to a payer, what the payer answers, and its remittances.

Private frames: `_claimed` has one row per claimed charge (its row number in `_charges`, the claim's status, cents paid
and written off, the day of payment); `_claims` has one row per claim, for the payments of the payers.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.billing_charges import CHARGES
from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import at_seconds, money, numbered
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
)

CLAIMED, CLAIMS = "_claimed", "_claims"
CLAIMABLE = ["Consultation", "Telehealth", "Procedure", "Lab"]
NEW_CLAIM_SHARE = 0.25  # of lines that could join the claim before them

ANSWERED = {"Paid": 78, "Partially Paid": 9, "Denied": 8, "Rejected": 2, "Appealed": 1, "Submitted": 1, "Accepted": 1}
WAITING = {"Submitted": 50, "Accepted": 30, "Paid": 14, "Denied": 3, "Rejected": 3}
DECIDED = ["Paid", "Partially Paid", "Denied"]
DENIAL_CODES = {"CO-50": 4, "CO-16": 3, "CO-29": 1, "CO-97": 3, "CO-197": 2, "PR-204": 3}
STEPS_BEFORE = {
    "Draft": [],
    "Submitted": [],
    "Accepted": ["Submitted"],
    "Rejected": ["Submitted"],
    "Denied": ["Submitted", "Accepted"],
    "Paid": ["Submitted", "Accepted"],
    "Partially Paid": ["Submitted", "Accepted"],
    "Appealed": ["Submitted", "Denied"],
}
STEP_RECORDED = 0.62


def claims(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`claims`, `claim_lines`, `claim_status_history`, `remittances`, `remittance_lines` and the private frames."""
    rng = chunk.rng("claims")
    lines = _claim_lines(chunk, rng)
    headers = _with_answers(chunk, rng, _headers(chunk, rng, lines))
    lines = _adjudicated(rng, lines, headers)
    sums = lines.group_by("claim", maintain_order=True).agg(pl.col("billed", "allowed", "paid", "owed").sum())
    headers = headers.join(sums, on="claim", how="left", maintain_order="left")
    headers, remittances = _with_remittances(chunk, rng, headers)
    lines = lines.with_columns(
        pl.Series("claim_line_id", values=chunk.take_keys("claim_lines", lines.height)),
        *[
            headers[name].gather(lines["claim"]).alias(name)
            for name in ("remittance_id", "paid_day", "payer_id", "claim_id")
        ],
    )
    return {
        CLAIMED: lines.select("charge", "status", "paid", "writeoff", "paid_day", "claim"),
        CLAIMS: headers,
        "claims": _claim_table(chunk, rng, headers),
        "claim_lines": _line_table(rng, lines),
        "claim_status_history": _history(chunk, rng, headers),
        "remittances": remittances,
        "remittance_lines": _remittance_lines(chunk, lines),
    }


def _claim_lines(chunk: Chunk, rng: np.random.Generator) -> pl.DataFrame:
    """Claimable charges of patients covered on the day, as many as the catalogue plans, grouped into claims."""
    charges = chunk.frames[CHARGES].with_row_index("charge").with_columns(pl.col("charge").cast(pl.Int64))
    eligible = charges.filter(pl.col("service_type").is_in(CLAIMABLE) & ~pl.col("is_void"))
    primary = (
        chunk.frames["insurance_policies"]
        .filter(pl.col("rank") == 1)
        .select(
            pl.col("patient_id").cast(pl.Int64),
            "policy_id",
            "payer_id",
            pl.col("effective_from").to_physical().cast(pl.Int64).alias("from_day"),
            pl.col("effective_to").to_physical().cast(pl.Int64).alias("to_day"),
        )
    )
    covered = eligible.sort("service_day").join_asof(
        primary.sort("from_day"), left_on="service_day", right_on="from_day", by="patient_id", check_sortedness=False
    )
    covered = covered.filter(
        pl.col("policy_id").is_not_null() & (pl.col("to_day").fill_null(10**6) >= pl.col("service_day"))
    )
    share = chunk.rows_for("claim_lines") / max(covered.height, 1)
    covered = covered.filter(pl.Series(values=chance(rng, covered.height, share))).sort(
        "patient_id", "policy_id", "service_day", "charge"
    )
    policy = covered["policy_id"].to_numpy()
    new = np.r_[True, policy[1:] != policy[:-1]] if covered.height else np.empty(0, dtype=bool)
    new |= chance(rng, covered.height, NEW_CLAIM_SHARE)
    return covered.with_columns(pl.Series("claim", values=np.cumsum(new) - 1))


def _headers(chunk: Chunk, rng: np.random.Generator, lines: pl.DataFrame) -> pl.DataFrame:
    headers = lines.group_by("claim", maintain_order=True).agg(
        pl.col("patient_id", "policy_id", "payer_id", "provider_id").first(),
        pl.col("service_day").min(),
        pl.col("service_day").max().alias("last_day"),
    )
    return headers.with_columns(
        pl.Series("claim_id", values=chunk.take_keys("claims", headers.height)),
        pl.Series("submitted_day", values=headers["last_day"].to_numpy() + rng.integers(1, 11, headers.height)),
    )


def _with_answers(chunk: Chunk, rng: np.random.Generator, headers: pl.DataFrame) -> pl.DataFrame:
    """Status of each claim by its age, and the day of the payer's decision (-1 while there is none)."""
    n, today = headers.height, day_number(chunk.as_of)
    submitted = headers["submitted_day"].to_numpy()
    decided = submitted + rng.integers(14, 46, n)
    old = today - submitted > 60
    status = np.where(old, pick(rng, n, ANSWERED).to_numpy().astype(str), pick(rng, n, WAITING).to_numpy().astype(str))
    status = np.where(np.isin(status, DECIDED) & (decided >= today), "Submitted", status)
    status = np.where((submitted >= today) | chance(rng, n, 0.01), "Draft", status)
    return headers.with_columns(
        pl.Series("status", values=status),
        pl.Series("decided_day", values=np.where(np.isin(status, DECIDED), decided, -1)),
    )


def _adjudicated(rng: np.random.Generator, lines: pl.DataFrame, headers: pl.DataFrame) -> pl.DataFrame:
    """Per line in cents: billed, allowed <= billed, paid <= allowed, left to the patient, written off by contract."""
    status = headers["status"].gather(lines["claim"])
    billed = lines["amount"].to_numpy()
    contract = np.where(chance(rng, headers.height, 0.45), 100, rng.integers(50, 96, headers.height))[
        lines["claim"].to_numpy()
    ]
    share = rng.choice([100, 100, 90, 80], headers.height)[lines["claim"].to_numpy()]
    pays = status.is_in(["Paid", "Partially Paid"]).to_numpy()
    partly = (status == "Partially Paid").to_numpy()
    allowed = np.where(pays, billed * contract // 100, 0)
    paid = np.where(pays, allowed * np.where(partly, share // 2, share) // 100, 0)
    decided = pays | (status == "Denied").to_numpy()
    return lines.with_columns(
        status.alias("status"),
        pl.Series("decided", values=decided),
        pl.Series("billed", values=billed),
        pl.Series("allowed", values=allowed),
        pl.Series("paid", values=paid),
        pl.Series("writeoff", values=np.where(pays, billed - allowed, 0)),
        pl.Series("owed", values=np.where(pays, allowed - paid, np.where(decided, billed, 0))),
    )


def _with_remittances(
    chunk: Chunk, rng: np.random.Generator, headers: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Decided claims with the number of their remittance and the day of payment, and the remittances themselves."""
    decided = headers.filter(pl.col("decided_day") >= 0).sort("payer_id", "decided_day", "claim")
    first = _first_of_remittance(
        decided["payer_id"].to_numpy(), decided["decided_day"].to_numpy(), chunk.rows_for("remittances")
    )
    number = np.cumsum(first) - 1
    keys = chunk.take_keys("remittances", int(first.sum()))
    grouped = decided.with_columns(pl.Series("group", values=number)).group_by("group", maintain_order=True)
    sums = grouped.agg(pl.col("payer_id").first(), pl.col("decided_day").max(), pl.col("paid").sum())
    placed = decided.select("claim", pl.col("decided_day").alias("paid_day")).with_columns(
        pl.Series("remittance_id", values=keys[number])
    )
    joined = headers.join(placed, on="claim", how="left", maintain_order="left")
    return joined, _remittance_table(chunk, rng, sums, keys)


def _first_of_remittance(payer: np.ndarray, day: np.ndarray, wanted: int) -> np.ndarray:
    """Where a new remittance begins: with every payer, and at the longest pauses until there are enough."""
    if not len(payer):
        return np.empty(0, dtype=bool)
    first = np.r_[True, payer[1:] != payer[:-1]]
    pause = np.where(first, -1, np.r_[0, np.diff(day)])
    longest = np.argsort(-pause, kind="stable")[: max(0, wanted - int(first.sum()))]
    first[longest] = True
    return first


def _remittance_table(chunk: Chunk, rng: np.random.Generator, sums: pl.DataFrame, keys: np.ndarray) -> pl.DataFrame:
    n = sums.height
    day = sums["decided_day"].to_numpy()
    users = chunk.reference["staff_users"]["user_id"]
    mode = pick(rng, n, {"EFT": 4, "CHK": 1})
    return pl.DataFrame(
        {
            "remittance_id": keys,
            "payer_id": sums["payer_id"],
            "check_number": mode + numbered("", keys + 700_000, 9),
            "payment_date": dates(day),
            "total_paid": money(sums["paid"].to_numpy()),
            "payment_mode": mode,
            "received_on": dates(np.minimum(day + rng.integers(0, 4, n), day_number(chunk.as_of))),
            "era_file": sometimes(rng, "ERA" + numbered("", keys, 7) + ".835", 0.15),
            "posted_by": sometimes(rng, users.gather(rng.integers(0, len(users), n)), 0.1),
            "DateTStamp": moments(day, any_seconds(rng, n)),
        }
    )


def _claim_table(chunk: Chunk, rng: np.random.Generator, headers: pl.DataFrame) -> pl.DataFrame:
    n = headers.height
    undecided = headers["decided_day"].to_numpy() < 0
    denied = (headers["status"] == "Denied").to_numpy() | (headers["status"] == "Appealed").to_numpy()
    draft = (headers["status"] == "Draft").to_numpy()
    codes = clinic_table("codes_icd10")["code"]
    first, second = codes.gather(rng.integers(0, len(codes), n)), codes.gather(rng.integers(0, len(codes), n))
    last = np.where(undecided, headers["submitted_day"].to_numpy(), headers["decided_day"].to_numpy())
    return headers.select(
        "claim_id",
        "patient_id",
        "policy_id",
        "provider_id",
        numbered("CLM", headers["claim_id"].to_numpy(), 9).alias("claim_number"),
        dates(headers["service_day"].to_numpy()).alias("service_date"),
        blanked(dates(headers["submitted_day"].to_numpy()), draft).alias("submitted_date"),
        money(headers["billed"].to_numpy()).alias("billed_amount"),
        *[
            blanked(money(headers[source].to_numpy()), undecided).alias(name)
            for source, name in (
                ("allowed", "allowed_amount"),
                ("paid", "paid_amount"),
                ("owed", "patient_responsibility"),
            )
        ],
        "status",
        blanked(pick(rng, n, DENIAL_CODES), ~denied).alias("denial_reason_code"),
        pl.lit("professional").alias("claim_type"),
        sometimes(
            rng,
            pl.select(
                pl.when(pl.Series(values=chance(rng, n, 0.5))).then(first).otherwise(first + ";" + second)
            ).to_series(),
            0.02,
        ).alias("diagnosis_codes"),
        pick(rng, n, {"11": 7, "02": 2, "81": 1}).alias("place_of_service"),
        pl.lit(1).alias("order"),
        moments(np.minimum(last, day_number(chunk.as_of) - 1), any_seconds(rng, n)).alias("last_updated"),
    )


def _line_table(rng: np.random.Generator, lines: pl.DataFrame) -> pl.DataFrame:
    undecided = ~lines["decided"].to_numpy()
    adjusted = lines["decided"].to_numpy() & ((lines["writeoff"] + lines["owed"]).to_numpy() > 0)
    return lines.select(
        "claim_line_id",
        "claim_id",
        "billing_id",
        pl.Series("line_no", values=rank_within(lines["claim"].to_numpy()) + 1),
        pl.col("procedure_code").fill_null("99213").alias("code"),
        pl.lit(1).alias("units"),
        money(lines["billed"].to_numpy()).alias("billed_amount"),
        blanked(money(lines["allowed"].to_numpy()), undecided).alias("allowed_amount"),
        blanked(money(lines["paid"].to_numpy()), undecided).alias("paid_amount"),
        blanked(pick(rng, lines.height, {"CO-45": 6, "PR-1": 2, "PR-3": 2}), ~adjusted).alias("adjustment_code"),
    )


def _remittance_lines(chunk: Chunk, lines: pl.DataFrame) -> pl.DataFrame:
    decided = lines.filter(pl.col("remittance_id").is_not_null()).sort("remittance_id", "claim_line_id")
    adjusted = (decided["writeoff"] + decided["owed"]).to_numpy() > 0
    contractual = decided["writeoff"].to_numpy() > 0
    return decided.select(
        pl.Series("remittance_line_id", values=chunk.take_keys("remittance_lines", decided.height)),
        "remittance_id",
        "claim_line_id",
        *[
            money(decided[source].to_numpy()).alias(name)
            for source, name in (
                ("billed", "billed_amount"),
                ("allowed", "allowed_amount"),
                ("paid", "paid_amount"),
                ("owed", "patient_responsibility"),
            )
        ],
        blanked(pl.Series(values=np.where(contractual, "CO", "PR")), ~adjusted).alias("adjustment_group"),
        blanked(pl.Series(values=np.where(contractual, "CO-45", "PR-3")), ~adjusted).alias("adjustment_code"),
    )


def _history(chunk: Chunk, rng: np.random.Generator, headers: pl.DataFrame) -> pl.DataFrame:
    """Steps of each claim; the last one is the stored status."""
    n = headers.height
    start = headers["submitted_day"].to_numpy() * DAY_SECONDS + any_seconds(rng, n)
    end = np.where(
        headers["decided_day"].to_numpy() >= 0,
        headers["decided_day"].to_numpy() * DAY_SECONDS + 60_000,
        start + 9 * DAY_SECONDS,
    )
    latest = day_number(chunk.as_of) * DAY_SECONDS - 1
    parts = []
    for nth, step in enumerate(("Submitted", "Accepted", "Denied")):
        applies = (
            headers["status"].is_in([status for status, before in STEPS_BEFORE.items() if step in before]).to_numpy()
        )
        kept = applies & chance(rng, n, STEP_RECORDED)
        parts.append(
            _steps(headers, start + nth * 2 * DAY_SECONDS, pl.repeat(step, n, eager=True), nth).filter(
                pl.Series(values=kept)
            )
        )
    parts.append(
        _steps(
            headers,
            np.where((headers["status"].is_in(["Draft", "Submitted"])).to_numpy(), start, end),
            headers["status"],
            9,
        )
    )
    steps = pl.concat(parts).with_columns(pl.col("at").clip(upper_bound=latest)).sort("at", "claim_id", "nth")
    rows = steps.height
    users = chunk.reference["staff_users"]["user_id"]
    return steps.select(
        pl.Series("claim_status_id", values=chunk.take_keys("claim_status_history", rows)),
        "claim_id",
        "status",
        at_seconds(steps["at"].to_numpy()).alias("changed_at"),
        pick(rng, rows, {"edi": 6, "payer": 2, "user": 2}).alias("source"),
        sometimes(rng, "277CA status " + numbered("", rng.integers(0, 90, rows), 2), 0.5).alias("message"),
        sometimes(rng, Wheel(users).draw(rng, rows), 0.6).alias("user_id"),
    )


def _steps(headers: pl.DataFrame, at: np.ndarray, status: pl.Series, nth: int) -> pl.DataFrame:
    return pl.DataFrame({"claim_id": headers["claim_id"], "status": status, "at": at}).with_columns(
        pl.lit(nth).alias("nth")
    )


PER_CHUNK = [claims]
