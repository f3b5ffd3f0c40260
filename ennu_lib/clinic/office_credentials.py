"""Credentials of the clinicians: NPI, state licences, DEA registration, board certification."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import numbered
from ennu_lib.clinic.people_draw import chance, dates, day_number, pick, sometimes

LICENCE_YEARS, DEA_YEARS, BOARD_YEARS = 2, 3, 10
PRESCRIBERS = ["Physician", "Nurse Practitioner", "Physician Assistant"]
BOARDS = [
    "American Board of Family Medicine",
    "American Board of Internal Medicine",
    "AANP Certification Board",
    "NCCPA",
]


def provider_credentials(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`provider_credentials`: every clinician's NPI, one to three licences; DEA and board for prescribers."""
    rng = chunk.rng("provider_credentials")
    staff = chunk.reference["providers"]
    prescribers = staff.filter(pl.col("role").is_in(PRESCRIBERS))
    boarded = prescribers.filter(pl.Series(values=chance(rng, prescribers.height, 0.75)))
    parts = [
        _npi_rows(staff),
        *(
            _licences(rng, staff.filter(pl.Series(values=chance(rng, staff.height, share))))
            for share in (1.0, 0.6, 0.35)
        ),
        _dea_rows(rng, prescribers),
        _board_rows(rng, boarded),
    ]
    frame = pl.concat(parts, how="diagonal_relaxed").sort("provider_id", maintain_order=True)
    n = frame.height
    lapsed = (frame["expires_on"] < chunk.as_of).fill_null(False)
    return {
        "provider_credentials": frame.with_columns(
            pl.Series("credential_id", values=chunk.take_keys("provider_credentials", n)),
            pl.Series("status", values=np.where(lapsed.to_numpy(), "expired", "active")),
            sometimes(rng, dates(day_number(chunk.as_of) - rng.integers(10, 700, n)), 0.2).alias("verified_on"),
        )
    }


def _rows(staff: pl.DataFrame, kind: str, **columns: pl.Series | str) -> pl.DataFrame:
    fixed = pl.DataFrame({"provider_id": staff["provider_id"], "issued_on": staff["hire_date"]})
    return fixed.with_columns(pl.lit(kind).alias("credential_type"), **columns)


def _npi_rows(staff: pl.DataFrame) -> pl.DataFrame:
    return _rows(staff, "NPI", credential_number=staff["npi"], npi=staff["npi"])


def _licences(rng: np.random.Generator, staff: pl.DataFrame) -> pl.DataFrame:
    """One licence each, renewed every two years while the clinician works here."""
    n = staff.height
    state = pick(rng, n, {"FL": 60, "GA": 8, "TX": 12, "CO": 6, "AZ": 5, "CA": 5, "HI": 2, "NY": 2})
    prefix = staff["role"].replace_strict(
        {"Physician": "ME", "Physician Assistant": "PA"}, default="AR", return_dtype=pl.String
    )
    number = prefix + numbered("", rng.integers(10_000, 999_999, n), 6)
    return _rows(
        staff,
        "LICENSE",
        credential_number=number,
        state=state,
        degree=staff["suffix"],
        expires_on=_renewed(rng, staff, LICENCE_YEARS),
    )


def _dea_rows(rng: np.random.Generator, staff: pl.DataFrame) -> pl.DataFrame:
    """DEA numbers: two letters, six digits and the check digit of their weighted sum."""
    n = staff.height
    digits = rng.integers(0, 10, (n, 6))
    check = (digits[:, [0, 2, 4]].sum(axis=1) + 2 * digits[:, [1, 3, 5]].sum(axis=1)) % 10
    number = digits @ 10 ** np.arange(6, 0, -1) + check
    second = staff["last_name"].str.normalize("NFKD").str.to_uppercase().str.replace_all("[^A-Z]", "").str.slice(0, 1)
    letters = pick(rng, n, ["B", "F", "M"]) + second.replace("", "X")
    return _rows(
        staff,
        "DEA",
        credential_number=letters + numbered("", number, 7),
        state=pick(rng, n, {"FL": 9, "GA": 1}),
        expires_on=_renewed(rng, staff, DEA_YEARS),
    )


def _board_rows(rng: np.random.Generator, staff: pl.DataFrame) -> pl.DataFrame:
    n = staff.height
    return _rows(
        staff,
        "BOARD",
        credential_number=numbered("BC", rng.integers(1, 10**6, n), 6),
        board=pick(rng, n, BOARDS),
        degree=staff["suffix"],
        expires_on=_renewed(rng, staff, BOARD_YEARS),
    )


def _renewed(rng: np.random.Generator, staff: pl.DataFrame, years: int) -> pl.Series:
    """The next renewal after the last day worked: in the future for those who are here, in the past for most others."""
    n = staff.height
    last_day = staff["end_date"].fill_null(date(2026, 6, 30)).to_physical().to_numpy().astype(np.int64)
    slipped = chance(rng, n, 0.04)
    expiry = last_day + np.where(slipped, -rng.integers(1, 120, n), rng.integers(1, years * 365, n))
    return dates(expiry)


REFERENCE = [provider_credentials]
