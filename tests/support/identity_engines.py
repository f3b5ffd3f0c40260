"""Runs one way of matching people in this process and prints its time, memory and quality as one line of JSON."""

import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl

from ennu_lib.identity.decisions import replay
from ennu_lib.identity.evaluate import at_thresholds, measure, pairs_within
from ennu_lib.identity.match import link, match_people
from ennu_lib.identity.people import standardize_people
from ennu_lib.identity.second_opinion import SecondOpinion, second_opinion
from tests.support.identity_params import PARAMS


def main(engine: str, folder: Path) -> None:
    table = pl.scan_parquet(folder / "people.parquet")
    found = ENGINES[engine](table)
    truth = pl.read_parquet(folder / "truth.parquet")
    true = pairs_within(truth, "patient_id", "person_id")
    pairs = found.pop("scored", None)
    if pairs is not None:
        quality = at_thresholds(pairs, true, (0.5,)).row(0, named=True)
    else:
        quality = measure(found.pop("found"), true, len(truth))
    found |= {m: quality[m] for m in ("precision", "recall", "f1")} | {"records": len(truth)}
    print(json.dumps(found))


def linked(table: pl.LazyFrame) -> dict:
    people = standardize_people(table, PARAMS.columns, PARAMS, "patient_id")
    found, figures = _timed(lambda: link(people, PARAMS, replay(None, people.keys), lambda *_: None))
    scored = _keyed(people, found.scored["left"].to_numpy(), found.scored["right"].to_numpy())
    scored = scored.with_columns(found.scored["probability"])
    return figures | {"pairs": found.candidates, "scored": scored, "what": "at p >= .5"}


def whole(table: pl.LazyFrame) -> dict:
    found, figures = _timed(lambda: match_people(table, PARAMS))
    merged = pairs_within(found.clusters, "key", "golden_id")
    return figures | {"pairs": found.summary["candidate_pairs"], "found": merged, "what": "merged automatically"}


def stock(table: pl.LazyFrame) -> dict:
    """recordlinkage's Index, Compare and ECM, from the same standardized values."""
    people = standardize_people(table, PARAMS.columns, PARAMS, "patient_id")
    nothing = pl.DataFrame(schema={"left": pl.UInt32, "right": pl.UInt32, "probability": pl.Float64})
    limits = SecondOpinion(most_records=len(people), most_pairs=10**9, least_agreement=0, overruled_from=1)
    opinion, figures = _timed(lambda: second_opinion(people, nothing, limits))
    left, right = opinion.matches >> np.uint64(32), opinion.matches & np.uint64(0xFFFFFFFF)
    return figures | {"pairs": len(opinion.asked), "found": _keyed(people, left, right), "what": "matches of its ECM"}


def splink_duckdb(table: pl.LazyFrame) -> dict:
    """Splink's textbook recipe on DuckDB, from the same standardized values."""
    from tests.support.splink_route import splink_pairs

    people = standardize_people(table, PARAMS.columns, PARAMS, "patient_id")
    (pairs, made), figures = _timed(lambda: splink_pairs(people))
    scored = _keyed(people, pairs["left"].to_numpy(), pairs["right"].to_numpy())
    return figures | {"pairs": made, "scored": scored.with_columns(pairs["probability"]), "what": "at p >= .5"}


ENGINES = {
    "blocks_to_clusters": linked,
    "table_to_golden_records": whole,
    "stock_recordlinkage": stock,
    "splink_duckdb": splink_duckdb,
}


def _keyed(people, left: np.ndarray, right: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame({"left": people.keys.gather(left), "right": people.keys.gather(right)})


def _timed(work) -> tuple:
    start, cpu = time.perf_counter(), sum(os.times()[:2])
    result = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return result, {
        "seconds": time.perf_counter() - start, "cpu_seconds": sum(os.times()[:2]) - cpu, "peak_mb": peak,
    }  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
