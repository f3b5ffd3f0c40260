"""Drop-down lists, code systems and referral sources."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import office_file, yes_no
from ennu_lib.clinic.people_draw import blanked, chance, clinic_table, pick, sometimes, word_wheel

OPTIONS_PER_CUSTOM_LIST = 12


def code_systems(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`code_systems`."""
    listed = clinic_table("code_systems")
    return {
        "code_systems": listed.select(
            pl.Series("code_system_id", values=chunk.take_keys("code_systems", listed.height)),
            "system",
            "name",
            "oid",
            "uri",
            "version",
            pl.col("active").alias("is_active"),
        )
    }


def list_options(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`list_options`: the vocabulary of params/clinic/office.yml, then lists that the clinic made for itself."""
    rng = chunk.rng("list_options")
    vocabulary = [
        (name, value, position)
        for name, values in office_file()["vocabulary"].items()
        for position, value in enumerate(values)
    ]
    known = pl.DataFrame(vocabulary, schema=["list_name", "option_code", "order"], orient="row")
    made = _custom_options(max(0, chunk.rows_for("list_options") - known.height))
    frame = pl.concat([known, made], how="vertical_relaxed")
    n = frame.height
    plain = frame["option_code"].str.to_lowercase().str.replace_all("[^a-z0-9]+", "_")
    return {
        "list_options": frame.with_columns(
            pl.Series("list_option_id", values=chunk.take_keys("list_options", n)),
            pl.col("option_code").alias("title"),
            yes_no(frame["order"].to_numpy() == 0).alias("is_default"),
            yes_no((np.arange(n) < known.height) | ~chance(rng, n, 0.1)).alias("is_active"),
            blanked(plain, np.arange(n) >= known.height).alias("mapping"),
        )
    }


def _custom_options(rows: int) -> pl.DataFrame:
    numbers = np.arange(rows)
    position = numbers % OPTIONS_PER_CUSTOM_LIST
    return pl.DataFrame(
        {
            "list_name": "custom_list_"
            + pl.Series(values=numbers // OPTIONS_PER_CUSTOM_LIST + 1).cast(pl.String).str.zfill(3),
            "option_code": "Option " + pl.Series(values=position + 1).cast(pl.String),
            "order": position,
        }
    )


def referral_sources(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`referral_sources`: one general entry per category, then campaigns, referring people and places."""
    rng = chunk.rng("referral_sources")
    categories = office_file()["vocabulary"]["referral_sources.category"]
    n = max(chunk.rows_for("referral_sources"), len(categories))
    general = np.arange(n) < len(categories)
    drawn = pick(
        rng, n, {"web_search": 5, "social_media": 5, "advertising": 5, "event": 3, "provider": 6, "employer": 3}
    )
    category = pl.Series(values=np.where(general, (categories * n)[:n], drawn.to_numpy()))
    number = pl.Series(values=np.arange(n) + 1).cast(pl.String)
    title = category.str.replace_all("_", " ").str.to_titlecase()
    name = pl.Series(values=np.where(general, title.to_numpy(), (title + " " + number).to_numpy()))
    return {
        "referral_sources": pl.DataFrame(
            {
                "referral_source_id": chunk.take_keys("referral_sources", n),
                "name": name,
                "category": category,
                "campaign": blanked(sometimes(rng, word_wheel("campaign").draw(rng, n), 0.5), general),
                "medium": blanked(sometimes(rng, word_wheel("medium").draw(rng, n), 0.4), general),
                "is_active": yes_no(general | ~chance(rng, n, 0.15)),
                "DateTStamp": pl.Series(values=[datetime(2025, 10, 6, 12, 0)]).new_from_index(0, n),
            }
        )
    }


REFERENCE = [code_systems, list_options, referral_sources]
