"""HL7 messages as the laboratory interface kept them: one per report, with the first results of the order."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.labs_orders import orders
from ennu_lib.clinic.people_draw import DAY_SECONDS, blanked, moments, pick
from ennu_lib.clinic.people_registrations import registrations

SEGMENTS = 6
VENDOR_NAMES = ["LABCORP", "QUEST", "ENNULAB", "REFLAB"]


def hl7_messages(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`lab_hl7_inbox`; messages carry MSH, PID, OBR and up to six OBX segments, separated by carriage returns."""
    rng = chunk.rng("lab_hl7_inbox")
    done = orders(chunk).filter("is_complete")
    extra = max(chunk.rows_for("lab_hl7_inbox") - len(done), 0)
    at = (
        np.sort(np.r_[np.arange(len(done)), rng.integers(0, max(len(done), 1), extra)])
        if len(done)
        else np.empty(0, int)
    )
    sent = done[at].join(_result_segments(chunk), on="order_id", how="left", maintain_order="left")
    n = len(sent)
    number = chunk.take_keys("lab_hl7_inbox", n)
    day, second = sent["resulted"].to_numpy(), sent["resulted_second"].to_numpy()
    stamp = moments(day, second).dt.strftime("%Y%m%d%H%M%S")
    sender = pl.Series(values=VENDOR_NAMES).gather(sent["vendor"])
    control = pl.select(pl.format("{}{}", stamp, pl.Series(number % 100_000))).to_series()
    status = pick(rng, n, {"filed": 95, "pending": 3, "error": 2})
    return {
        "lab_hl7_inbox": sent.select(
            pl.Series("hl7_message_id", number),
            blanked(sent["order_id"], (status == "error").to_numpy()).alias("order_id"),
            control.alias("message_control_id"),
            pl.lit("ORU^R01").alias("message_type"),
            sender.alias("sending_facility"),
            moments(day, second).alias("received_at"),
            blanked(
                moments(day, np.minimum(second + rng.integers(5, 3000, n), DAY_SECONDS - 1)),
                (status != "filed").to_numpy(),
            ).alias("processed_at"),
            status.alias("status"),
            _message(chunk, sent, sender, stamp, control).alias("raw_message"),
        )
    }


def _result_segments(chunk: Chunk) -> pl.DataFrame:
    """Per order the OBX segments of its first results as one text."""
    results = chunk.frames["lab_results"].select(
        "lab_order_id", "loinc_code", "test_name", "test_value", "test_unit", "reference_range", "abnormal_flag"
    )
    rank = pl.int_range(pl.len()).over("lab_order_id")
    first = results.with_columns((rank + 1).alias("rank")).filter(pl.col("rank") <= SEGMENTS)
    parts = [
        pl.col(name).fill_null("")
        for name in ("loinc_code", "test_name", "test_value", "test_unit", "reference_range", "abnormal_flag")
    ]
    line = pl.format("OBX|{}|NM|{}^{}^LN||{}|{}|{}|{}|||F", "rank", *parts)
    return (
        first.group_by("lab_order_id", maintain_order=True)
        .agg(line.str.join("\r").alias("segments"))
        .rename({"lab_order_id": "order_id"})
    )


def _message(chunk: Chunk, sent: pl.DataFrame, sender: pl.Series, stamp: pl.Series, control: pl.Series) -> pl.Series:
    people = registrations(chunk)
    row = sent["row"]
    born = pl.from_epoch(people["birth_day"].gather(row), time_unit="d").dt.strftime("%Y%m%d").fill_null("")
    frame = pl.DataFrame(
        {
            "sender": sender,
            "stamp": stamp,
            "control": control,
            "patient": sent["patient_id"],
            "order": sent["order_id"],
            "last": people["last_name"].gather(row),
            "first": people["first_name"].gather(row),
            "born": born,
            "sex": people["sex"].gather(row),
            "segments": sent["segments"].fill_null(""),
        }
    )
    return frame.select(
        pl.format(
            "MSH|^~\\&|{}|LAB|OPENMED|ENNU|{}||ORU^R01|{}|P|2.3\rPID|1||{}||{}^{}||{}|{}\rOBR|1|{}||PANEL|||{}\r{}",
            "sender",
            "stamp",
            "control",
            "patient",
            "last",
            "first",
            "born",
            "sex",
            "order",
            "stamp",
            "segments",
        )
    ).to_series()
