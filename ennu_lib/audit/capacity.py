"""How much is to be moved and how long that takes: records, requests, caps of the portal, and what runs when.

A plan from the row counts of the source alone: every row of a mapped table is taken to become a record with all its
links, so it is an upper bound. What is refused, merged or without a link makes the load smaller, never larger; the one
thing that is added, a score for patients that have none, stands out in the comparison after the load.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pydantic import Field

from ennu_lib.catalog import Catalogue
from ennu_lib.config import ReadingParams, RunParams, Strict, load_model, load_yaml, params_dir
from ennu_lib.config.windows import intervals
from ennu_lib.hubspot.forecast import SECONDS_PER_HOUR, PortalLimits, calls_of, forecast
from ennu_lib.hubspot.limit_params import Family, LimitParams, load_limits
from ennu_lib.hubspot.portal_schema import PortalSchema, load_portal_schema
from ennu_lib.hubspot.volumes import LinkVolume, load_volumes
from ennu_lib.source import Extracted

FILE = Path("audit") / "capacity.yml"
CONTACTS = "contacts"
LONGEST_PLAN = dt.timedelta(days=365)


@dataclass(frozen=True)
class Fed:
    """What one row of a table becomes: a record of `object`, and one link for each association."""

    table: str
    object: str
    associations: tuple[str, ...]


class CapacityParams(Strict):
    """`params/audit/capacity.yml`."""

    extraction_rows_per_second: int = Field(ge=1)
    extraction_seconds_per_table: float = Field(ge=0)
    links_per_record: int = Field(ge=1)
    tight_from: float = Field(gt=0, le=1)
    computed: tuple[Fed, ...] = ()


@dataclass(frozen=True)
class Pace:
    """How fast the load goes: limits, seconds that an answer takes, requests under way at once."""

    limits: LimitParams
    latency: float
    workers: int

    def seconds(self, records: Mapping[str, int], links: Mapping[str, LinkVolume]) -> float:
        """How long the load of these takes."""
        found = forecast(records, links, self.limits, latency=self.latency, workers=self.workers)
        return found.hours * SECONDS_PER_HOUR


@dataclass(frozen=True)
class Plan:
    """The capacity plan as tables; see the functions of this module for their columns."""

    params: CapacityParams
    objects: pl.DataFrame
    links: pl.DataFrame
    extraction: pl.DataFrame
    requests: pl.DataFrame
    steps: pl.DataFrame

    @property
    def records(self) -> dict[str, int]:
        """Records by object."""
        return dict(self.objects.select("object", "records").iter_rows())


def capacity_plan(extracted: Mapping[str, Extracted], catalogue: Catalogue, run: RunParams) -> Plan:
    """The plan of a run from what was extracted, the mapping files, and the limits file that the run names."""
    params = capacity_params()
    fed = [*feeds(), *params.computed]
    limits = load_limits(params_dir() / run.target.limits)
    objects, links = planned_objects(extracted, fed, catalogue), planned_links(extracted, fed, load_portal_schema())
    records = dict(objects.select("object", "records").iter_rows())
    pace = Pace(limits, load_volumes().latency_seconds, run.target.workers)
    steps = schedule(extracted, records, links, run.source, pace, params, run.today)
    pairs = pl.DataFrame(
        [(name, held.pairs) for name, held in links.items()],
        schema={"association": pl.String, "links": pl.Int64},
        orient="row",
    )
    requests = planned_requests(records, links, limits)
    return Plan(params, objects, pairs, extraction(extracted, run.source, params), requests, steps)


def capacity_params(folder: Path | None = None) -> CapacityParams:
    """The assumptions of the plan. Raises ConfigurationError with every mistake and its line."""
    return load_model((folder or params_dir()) / FILE, CapacityParams)


def mapping_files(folder: Path | None = None) -> Iterator[dict]:
    """The mapping files as they stand; 04_mapping checks them in full."""
    for path in sorted((folder or params_dir() / "mappings").glob("*.yml")):
        yield load_yaml(path)[0] or {}


def feeds(folder: Path | None = None) -> list[Fed]:
    """Which tables make records, and with which links, from the mapping files."""
    found = []
    for mapping in mapping_files(folder):
        if records := mapping.get("records"):
            links = tuple(link["association"] for link in mapping.get("links", ()))
            found.append(Fed(mapping["table"], records["object"], links))
    return found


def planned_objects(extracted: Mapping[str, Extracted], fed: list[Fed], catalogue: Catalogue) -> pl.DataFrame:
    """Per target object: its tables, `records`, `links`, and rows that are meant for it but have no mapping yet."""
    tables, records, links = defaultdict(list), defaultdict(int), defaultdict(int)
    for each in fed:
        rows = extracted[each.table].rows if each.table in extracted else 0
        tables[each.object].append(each.table)
        records[each.object] += rows
        links[each.object] += rows * len(each.associations)
    waiting = _without_mapping(extracted, {each.table for each in fed}, catalogue)
    names = sorted(set(tables) | set(waiting))
    return pl.DataFrame(
        [(n, ", ".join(tables[n]), records[n], links[n], waiting.get(n, 0)) for n in names],
        schema={
            "object": pl.String,
            "tables": pl.String,
            "records": pl.Int64,
            "links": pl.Int64,
            "rows_without_mapping": pl.Int64,
        },
        orient="row",
    )


def planned_links(extracted: Mapping[str, Extracted], fed: list[Fed], portal: PortalSchema) -> dict[str, LinkVolume]:
    """Pairs by association; they start from no more records than are planned for the object at their beginning."""
    records, pairs = defaultdict(int), defaultdict(int)
    for each in fed:
        rows = extracted[each.table].rows if each.table in extracted else 0
        records[each.object] += rows
        for association in each.associations:
            pairs[association] += rows
    begins = {association.name: association.from_object for association in portal.associations}
    sources = {name: min(count, records.get(begins.get(name, ""), count)) for name, count in pairs.items()}
    return {name: LinkVolume(pairs=pairs[name], sources=sources[name]) for name in sorted(pairs)}


def planned_requests(
    records: Mapping[str, int],
    links: Mapping[str, LinkVolume],
    limits: LimitParams,
    portal: PortalLimits | None = None,
) -> pl.DataFrame:
    """Per family of requests: how many, `at_burst` seconds at the burst limit, and `days` at the daily limit.

    Writing and reading back are both counted; families that are not asked are left out. Both limits are what the
    portal grants or the limits file allows, whichever is smaller, less what is left for others.
    """
    portal = portal or PortalLimits()
    rows = []
    for family, requests in calls_of(records, links).items():
        if not requests:
            continue
        burst, day = _allowed(family, limits, portal)
        at_burst = requests / burst * portal.burst_seconds
        rows.append((family, requests, burst, day, round(at_burst, 1), round(requests / day, 3)))
    schema = {
        "requests_of": pl.String,
        "requests": pl.Int64,
        "burst_limit": pl.Int64,
        "daily_limit": pl.Int64,
        "at_burst": pl.Float64,
        "days": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def schedule(
    extracted: Mapping[str, Extracted],
    records: Mapping[str, int],
    links: Mapping[str, LinkVolume],
    reading: ReadingParams,
    pace: Pace,
    params: CapacityParams,
    start: dt.date,
) -> pl.DataFrame:
    """What runs when, from midnight of `start` in the source's time zone: `step`, `begins`, `ends`; `after`
    and `seconds` are when it begins after that midnight and how long it takes.

    The extraction keeps to its windows and its cap; the load follows, one object after the other and then the
    associations, at the pace of `hubspot.forecast`: bursts, daily budgets and business hours.
    """
    midnight = dt.datetime.combine(start, dt.time(), reading.zone).astimezone(dt.UTC)
    steps = _extraction_steps(extraction(extracted, reading, params)["seconds"].item(), reading, midnight)
    now = steps[-1][2] if steps else midnight
    pairs = {name: held.pairs for name, held in links.items()}
    for parts, prefix, seconds in (
        (records, "load ", pace.seconds(records, {})),
        (pairs, "associate ", pace.seconds({}, links)),
    ):
        total = max(1, sum(parts.values()))
        for name, count in parts.items():
            ends = now + dt.timedelta(seconds=seconds * count / total)
            steps.append((f"{prefix}{name}", now, ends))
            now = ends
    return pl.DataFrame(
        [
            (step, f"{b.astimezone(reading.zone):%a %d %b %H:%M}", f"{e.astimezone(reading.zone):%a %d %b %H:%M}",
             round((b - midnight).total_seconds(), 1), round((e - b).total_seconds(), 1))
            for step, b, e in steps
        ],
        schema={"step": pl.String, "begins": pl.String, "ends": pl.String, "after": pl.Float64, "seconds": pl.Float64},
        orient="row",
    )  # fmt: skip


def extraction(extracted: Mapping[str, Extracted], reading: ReadingParams, params: CapacityParams) -> pl.DataFrame:
    """What reading the source takes, as one row: rows, bytes of the copy, rows a second, and `seconds` of reading.

    Every table costs something beside its rows: it is counted, gets a savepoint and a file, also when it is empty.
    """
    read = [table for table in extracted.values() if table.file]
    rate = min(params.extraction_rows_per_second, reading.max_rows_per_second or params.extraction_rows_per_second)
    rows = sum(table.rows for table in read)
    return pl.DataFrame(
        [
            {
                "tables": len(read),
                "rows": rows,
                "bytes": sum(table.bytes for table in read),
                "rows_per_second": rate,
                "for_tables": round(len(read) * params.extraction_seconds_per_table, 1),
                "seconds": round(rows / rate + len(read) * params.extraction_seconds_per_table, 1),
            }
        ]
    )


def spans(steps: pl.DataFrame) -> dict[str, tuple[float, float]]:
    """The schedule for `charts.schedule`: step to start and length in minutes, from the first step on."""
    first = steps["after"].min() or 0.0
    rows = steps.select("step", "after", "seconds").iter_rows()
    return {step: ((after - first) / 60, seconds / 60) for step, after, seconds in rows}


def _extraction_steps(seconds: float, reading: ReadingParams, midnight: dt.datetime) -> list[tuple]:
    steps = []
    for opens, closes in intervals(reading.windows, reading.zone, midnight, midnight + LONGEST_PLAN):
        ends = min(closes, opens + dt.timedelta(seconds=seconds))
        steps.append((f"extract, window {len(steps) + 1}" if reading.windows else "extract", opens, ends))
        seconds -= (ends - opens).total_seconds()
        if seconds <= 0:
            break
    return steps


def _allowed(family: Family, limits: LimitParams, portal: PortalLimits) -> tuple[int, int]:
    """Requests per burst window and per day."""
    held = limits.families[family]
    burst = min(held.burst_ceiling or portal.window(family), portal.window(family)) * (1 - limits.left_for_others.burst)
    day = min(held.day_ceiling or portal.daily(family), portal.daily(family)) * (1 - limits.left_for_others.day)
    return int(burst), int(day)


def _without_mapping(extracted: Mapping[str, Extracted], mapped: set[str], catalogue: Catalogue) -> dict[str, int]:
    waiting: dict[str, int] = defaultdict(int)
    for table in catalogue.tables:
        kind, _, label = table.disposition.partition(":")
        if kind == "object" and table.name not in mapped and table.name in extracted:
            waiting[label.lower().replace(" ", "_")] += extracted[table.name].rows
    return dict(waiting)
