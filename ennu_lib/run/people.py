"""What the `ennu identity` commands do, with plain arguments: any table matched, a run shown, decided about, scored."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from ennu_lib import identity
from ennu_lib.config import RunParams, load_run, params_dir, workspace_root
from ennu_lib.errors import ConfigurationError, OutOfOrder, UsageError
from ennu_lib.evidence.phase import RUN_FILE
from ennu_lib.identity.table_page import match_page
from ennu_lib.report.page import write_page
from ennu_lib.run.repair import plan_repair
from ennu_lib.workspace import Workspace, replacing

Say = Callable[..., None]
PHASE = "03_dedupe"
READERS = {".csv": pl.read_csv, ".parquet": pl.read_parquet}


def match_file(
    file: Path, columns: str, key: str | None, truth: str | None, out: Path | None, say: Say
) -> identity.MatchedTable:
    """Match any CSV or Parquet table of people; write its clusters and a page beside it (or to `out`), and say what was
    found.

    `columns` is like `first_name=given,phone=tel1+tel2`. Raises UsageError for a file that cannot be read or a column
    mapping that is none; ConfigurationError and SourceChanged as `match_table` does.
    """
    table = _read_table(file)
    params = identity_params()
    found = identity.match_table(table, _column_map(columns), params, key=key, truth=truth)
    target = out or file.with_suffix(".people.parquet")
    with replacing(target) as temporary:
        found.clusters.write_csv(temporary) if target.suffix == ".csv" else found.clusters.write_parquet(temporary)
    with replacing(target.with_suffix(".pairs.parquet")) as temporary:
        found.identity.pairs.write_parquet(temporary)
    write_page(match_page(found, params, file.name), target.with_suffix(".html"))
    say("\n".join(_matched_lines(found)))
    say(f"written: {target.name} (clusters), {target.with_suffix('.pairs.parquet').name} (probability of every pair), "
        f"{target.with_suffix('.html').name} (the page)")  # fmt: skip
    return found


def identity_params() -> identity.IdentityParams:
    """The parameters in params/identity. Raises ConfigurationError."""
    return identity.load_identity_params(params_dir() / "identity")


@dataclass(frozen=True)
class FoundRun:
    """A finished phase 03 to look at or decide about."""

    run_file: Path
    params: RunParams
    workspace: Workspace

    @property
    def registry(self) -> identity.Registry:
        return identity.Registry(self.params.name)

    def frame(self, name: str) -> pl.DataFrame:
        """A file that phase 03 wrote, rows and persons named by text."""
        frame = self.workspace.scan(f"identity/{name}").collect()
        named = [c for c in ("key", "left", "right", "patient_id") if c in frame.columns]
        return frame.with_columns(pl.col(named).cast(pl.String))

    @property
    def members(self) -> pl.DataFrame:
        """key, golden_id: every row, and the surviving row of its person."""
        return self.frame("members").rename({"patient_id": "key"})

    def graph(self) -> identity.Graph:
        """The run's persons with every decision applied, those made since the run too."""
        needed = identity_params().decision.reviewers_where_guarded
        return identity.replay_graph(
            self.members, self.frame("pairs"), self.registry.decisions(), reviewers_where_guarded=needed
        )


def find_run(run_file: Path, run_id: str | None) -> FoundRun:
    """The run `run_id`, or the newest run of this run file that has finished phase 03. Raises OutOfOrder for none."""
    params = load_run(run_file)
    text = run_file.read_bytes()
    ends = sorted(workspace_root().glob(f"{run_id or '*'}/evidence/{PHASE}.json"), key=lambda p: p.stat().st_mtime)
    runs = [p.parents[1] for p in ends if (p.parents[1] / RUN_FILE).read_bytes() == text]
    if not runs:
        raise OutOfOrder(f"no run of {run_file.name} has finished {PHASE}; run it first, or name another with --run-id")
    return FoundRun(run_file, params, Workspace(runs[-1].name))


def show_person(found: FoundRun, person: str, values: bool, say: Say) -> None:
    """Say of one person: the rows, what joined them, and every decision. Patient values only with `values`."""
    graph = found.graph()
    golden_id = _person(graph.clusters, person)
    rows = graph.clusters.filter(pl.col("golden_id") == golden_id)["key"]
    pairs = found.frame("pairs").filter(pl.col("left").is_in(rows.implode()) | pl.col("right").is_in(rows.implode()))
    say(f"person {golden_id}: {len(rows)} rows: {', '.join(sorted(rows, key=_in_number_order))}")
    for p in pairs.sort("probability", descending=True).iter_rows(named=True):
        decided = f"{p['kind']:<16} {p['decision']:<10} {p['reason']}"
        say(f"  {p['left']:>8} {p['right']:>8}  p {p['probability']:.4f}  {decided}")
    for e in found.registry.decisions().iter_rows(named=True):
        if e["left"] in rows or e["right"] in rows:
            say(f"  {e['when'][:16]}  {e['who']}: {e['decision']} {e['left']} {e['right']}: {e['why']}")
    if values:
        table = found.workspace.scan("clean/patients").collect()
        chosen = table.filter(pl.col("patient_id").cast(pl.String).is_in(rows.implode()))
        for column in chosen.columns:
            say(f"  {column:<20} " + " | ".join("" if v is None else str(v) for v in chosen[column]))


def split_person(found: FoundRun, person: str, rows: list[str], who: str, why: str, say: Say) -> pl.DataFrame:
    """Take rows out of a person: keep the decision, replay the graph, say what changes, for the portal too. Returns
    the changes of the graph."""
    before = found.graph().clusters
    events = identity.split_events(before, _person(before, person), rows, _name(who), _now(), why)
    return _decided(found, before, events, say)


def merge_persons(found: FoundRun, people: list[str], who: str, why: str, say: Say) -> pl.DataFrame:
    """Make several persons one: keep the decision, replay the graph, and say what changes. Returns the changes."""
    before, by = found.graph().clusters, (_name(who), _now(), why)
    ids = [_person(before, person) for person in people]
    back = identity.freed(found.registry.decisions(), before, ids, *by)
    return _decided(found, before, pl.concat([back, identity.merge_events(before, ids, *by)]), say)


def export_review(found: FoundRun, mask: bool, say: Say) -> Path:
    """Write the review queue as a worksheet into the run's private workspace."""
    review = found.workspace.scan("identity/review").collect()
    people = found.workspace.scan("clean/patients").collect()
    sheet = identity.worksheet(review, people, identity_params(), mask=mask)
    path = found.workspace.write_bytes("identity/worksheet", sheet, ".csv")
    say(f"{len(review)} questions: {path}")
    say("fill in answer (same, different, unsure), who and why; then: ennu identity decide FILE")
    return path


def open_review(found: FoundRun, who: str, say: Say) -> int:
    """Serve the review page on this machine until Ctrl-C; return how many answers were kept meanwhile."""
    from ennu_lib.identity.desk_server import DeskServer

    review = found.workspace.scan("identity/review").collect()
    if review.is_empty():
        say("no question waits for a person")
        return 0
    desk = identity.Desk(review, found.workspace.scan("clean/patients"), identity_params(), found.registry, _name(who))
    before = len(found.registry.decisions())
    server = DeskServer(desk)
    doorway = found.workspace.path("identity/review", ".html")
    opened = identity.open_browser(server.url, doorway)
    say(f"{len(review)} questions for {desk.who}; Ctrl-C ends the review, every answer is kept at once")
    say("the page opens in the browser" if opened else f"open {server.url} in a browser on this machine")
    try:
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        doorway.unlink(missing_ok=True)
    kept = len(found.registry.decisions()) - before
    say(f"{kept} decisions kept; {len(found.graph().waiting)} pairs wait for a second reviewer")
    say(f"they count from the next run of phase 03 on: ennu run --run-id {found.workspace.run_id} --from 03")
    return kept


def import_review(found: FoundRun, sheet: Path, who: str, say: Say) -> int:
    """Take the answers of a worksheet over as decisions; return how many."""
    if not sheet.is_file():
        raise UsageError(f"there is no worksheet {sheet.name}")
    review = found.workspace.scan("identity/review").collect()
    events = identity.answers(sheet.read_bytes(), review, _now(), who)
    found.registry.decide(events)
    graph = found.graph()
    say(f"{len(events)} decisions kept; {len(graph.waiting)} pairs wait for a second reviewer")
    say(f"they count from the next run of phase 03 on: ennu run --run-id {found.workspace.run_id} --from 03")
    return len(events)


def score(found: FoundRun, truth: Path | None, say: Say) -> identity.TruthScore:
    """Score the run against the clinic's answer key (or `truth`, a Parquet file of the same columns)."""
    file = truth or workspace_root() / "clinic" / f"{found.params.name}.labels" / "identity_truth.parquet"
    if not file.is_file():
        raise UsageError("this source has no truth; only a synthetic clinic has one, or name a file with --truth")
    clusters, pairs, review = (
        found.workspace.scan(f"identity/{name}").collect() for name in ("clusters", "pairs", "review")
    )
    known = pl.read_parquet(file).rename({"patient_id": "key", "person_id": "person", "household_id": "household"})
    scored = identity.score_run(clusters, pairs, review, known.cast({"key": clusters.schema["key"]}))
    say(f"run {found.workspace.run_id}")
    say("\n".join(scored.lines))
    return scored


def _decided(found: FoundRun, before: pl.DataFrame, events: pl.DataFrame, say: Say) -> pl.DataFrame:
    found.registry.decide(events)
    graph = found.graph()
    changes = identity.repair(before, graph.clusters)
    for row in changes.iter_rows(named=True):
        say({
            "create": "create record of {golden_id}",
            "move": "move everything of row {key} from {from_golden_id} to {golden_id}",
            "retire": "retire record of {golden_id}",
        }[row["action"]].format(**row))  # fmt: skip
    if len(graph.waiting):
        say(f"{len(graph.waiting)} guarded pairs wait for a second reviewer: the same command, by somebody else")
    elif changes.is_empty():
        say("nothing changes")
    if len(changes):
        plan_repair(found.run_file, found.workspace, say)
    return changes


def _person(clusters: pl.DataFrame, named: str) -> str:
    """The golden id of a person, who may be named by any of the rows."""
    hit = clusters.filter((pl.col("key") == named) | (pl.col("golden_id") == named)).sort("key")
    by_id = hit.filter(pl.col("golden_id") == named)
    if hit.is_empty():
        raise UsageError("no person and no row has this id")
    return (by_id if len(by_id) else hit)["golden_id"][0]


def _read_table(file: Path) -> pl.DataFrame:
    reader = READERS.get(file.suffix.lower())
    if reader is None:
        raise UsageError(f"{file.name} is neither .csv nor .parquet")
    if not file.is_file():
        raise UsageError(f"there is no file {file.name}")
    try:
        # Every value as text: a post code keeps its zeros, and a number that is none stops nothing.
        return reader(file, infer_schema=False) if reader is pl.read_csv else reader(file)
    except (pl.exceptions.PolarsError, OSError):
        raise UsageError(
            f"{file.name} cannot be read as a table; a CSV file is UTF-8 text with a header, commas between values "
            "and as many values in every row as in the header"
        ) from None


def _column_map(text: str) -> dict[str, str | list[str]]:
    mapped: dict[str, str | list[str]] = {}
    mistakes = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        field, sign, column = part.partition("=")
        listed = [c.strip() for c in column.split("+")]
        if not (field.strip() and all(listed) and sign):
            mistakes.append(f"{part!r} is not field=column")
            continue
        if field.strip() in mapped:
            mistakes.append(f"{field.strip()!r} stands twice; join its columns with +")
        mapped[field.strip()] = listed if len(listed) > 1 else listed[0]
    if not mapped and not mistakes:
        mistakes.append("names no column; give field=column pairs")
    if mistakes:
        raise ConfigurationError("--columns", mistakes)
    return mapped


def _matched_lines(found: identity.MatchedTable) -> list[str]:
    summary = found.identity.summary
    lines = [
        f"{summary['records']:,} rows are {summary['people']:,} people; {summary['pairs_to_review']:,} pairs to review",
        f"compared: {', '.join(summary['fields_compared'])}",
        *(f"note: {finding}" for finding in found.identity.findings),
    ]
    if found.at_thresholds is not None:
        rows = [(f"p >= {row['threshold']}", row) for row in found.at_thresholds.iter_rows(named=True)]
        lines += [
            f"{what:<22} P {row['precision']:.4f}   R {row['recall']:.4f}   F1 {row['f1']:.4f}"
            for what, row in [*rows, ("merged automatically", found.merged)]
        ]
    return lines


def _in_number_order(key: str) -> tuple[int, str]:
    return (int(key), "") if key.isdigit() else (2**63, key)


def _name(who: str) -> str:
    return who.strip() or getpass.getuser()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
