"""The project's own identity parameters, and small tables of people for tests."""

from pathlib import Path

import polars as pl

from ennu_lib.identity import load_identity_params

DIRECTORY = Path(__file__).parents[2] / "params" / "identity"
PARAMS = load_identity_params(DIRECTORY)
TEXT = (
    "first_name", "middle_name", "last_name", "suffix", "preferred_name", "date_of_birth", "gender", "phone_primary",
    "phone_mobile", "email_address", "address_line1", "city", "state", "zip_code", "ssn", "member_number",
    "last_updated",
)  # fmt: skip


def people_table(*rows: dict) -> pl.DataFrame:
    """A table of patients with the given values, everything else null; patient_id counts from 1 where not given."""
    schema = {"patient_id": pl.Int64, **dict.fromkeys(TEXT, pl.String)}
    filled = [{"patient_id": n, **row} for n, row in enumerate(rows, 1)]
    return pl.DataFrame(filled, schema=schema)
