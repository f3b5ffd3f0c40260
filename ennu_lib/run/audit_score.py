"""`ennu audit score`: how well the audit understands the synthetic clinic, of which the truth is known."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ennu_lib.audit.params import load_audit_params
from ennu_lib.audit.personal import read_decisions
from ennu_lib.audit.scan import Scan, scan
from ennu_lib.audit.scoring import Score, score_defects, score_personal, score_relations
from ennu_lib.catalog import load_catalogue
from ennu_lib.clinic.labels import LABELS_FILE
from ennu_lib.config import RunParams, load_run, params_dir, source_url, workspace_root
from ennu_lib.errors import GateFailed, UsageError
from ennu_lib.keys import Keys, secret
from ennu_lib.source import connect, extract, reflect
from ennu_lib.workspace import Workspace

SHOWN = 12


@dataclass(frozen=True)
class AuditScore:
    """What was found of the truth; `defects` has a row per planted kind that a column or a table shows by itself."""

    relations: Score
    identifiers: Score
    personal: Score
    defects: pl.DataFrame

    def shortfalls(self, least_relations: tuple[float, float], least_personal: tuple[float, float]) -> list[str]:
        """What is below the least (recall, precision), in words."""
        low = []
        for name, score, (recall, precision) in (
            ("relations", self.relations, least_relations),
            ("identifiers", self.identifiers, least_personal),
            ("personal data", self.personal, least_personal),
        ):
            if score.recall < recall or score.precision < precision:
                low.append(
                    f"{name}: recall {score.recall:.3f} of {recall}, precision {score.precision:.3f} of {precision}"
                )
        unnamed = self.defects.filter(pl.col("named") == 0)["defect"].to_list()
        return low + [f"planted and not named: {name}" for name in unnamed]


def score_clinic(params: RunParams) -> AuditScore:
    """Audit the clinic that `params.source` names, without its declared keys, and compare with the truth."""
    if params.environment == "production" or params.clinic is None:
        raise UsageError("only a synthetic clinic has a known truth; give the run file of a rehearsal")
    labels = workspace_root() / "clinic" / f"{params.name}.labels" / LABELS_FILE
    if not labels.is_file():
        raise UsageError(
            f"the labels of clinic {params.name} are not there; run `ennu clinic build` with the same run file"
        )
    found = _scan(params)
    catalogue = load_catalogue(params_dir() / "catalog")
    truth = params_dir() / "clinic" / "personal_data.csv"
    return AuditScore(
        relations=score_relations(found, catalogue),
        identifiers=score_personal(found, truth, identifiers_only=True),
        personal=score_personal(found, truth, identifiers_only=False),
        defects=score_defects(found, labels, params_dir() / "clinic" / "audit_names.csv"),
    )


def print_score(run_file: Path, say: Callable[[str], None]) -> None:
    """Print the scores. Raises GateFailed when one is below what params/audit/profile.yml asks for."""
    params = load_run(run_file)
    least = load_audit_params().profile.least
    score = score_clinic(params)
    say(f"clinic of {params.clinic.patients} patients, seed {params.clinic.seed}; declared keys played no part")
    for name, part in (
        ("relations", score.relations),
        ("columns with one of the 18 identifiers", score.identifiers),
        ("columns with personal data", score.personal),
    ):
        say(
            f"{name}: recall {part.recall:.3f} of {len(part.sought)}, "
            f"precision {part.precision:.3f} of {len(part.found)}"
        )
        for word, places in (("missed", part.missed), ("wrong", part.wrong)):
            named = sorted(".".join(place[:2]) for place in places)
            more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
            if named:
                say(f"  {word}: {', '.join(named[:SHOWN])}{more}")
    kinds, named = score.defects.height, score.defects.filter(pl.col("named") > 0).height
    places = score.defects.select(pl.col("named").sum(), pl.col("places").sum()).row(0)
    say(f"planted defects: {named} of {kinds} kinds are named, in {places[0]} of {places[1]} columns and tables")
    for row in score.defects.filter(pl.col("named") < pl.col("places")).iter_rows(named=True):
        say(f"  {row['defect']}: named in {row['named']} of {row['places']} places")
    if low := score.shortfalls(
        (least.relation_recall, least.relation_precision), (least.personal_recall, least.personal_precision)
    ):
        raise GateFailed(f"the audit falls short: {'; '.join(low)}")


def _scan(params: RunParams) -> Scan:
    password = secret(params.source.password) if params.source.password else None
    engine = connect(source_url(params), password)
    catalogue = load_catalogue(params_dir() / "catalog")
    unread = [table.name for table in catalogue.tables if table.disposition == "exclude"]
    with tempfile.TemporaryDirectory(prefix="ennu-audit-") as folder:
        workspace = Workspace("audit", Path(folder))
        shapes = reflect(engine, params.source.schema_name)
        extracted = extract(engine, shapes, workspace, Keys(secrets.token_hex(32)), counted_only=unread)
        decisions = read_decisions(params_dir() / "audit" / "decisions.csv")
        return scan(extracted, workspace, load_audit_params(), params.today, decisions)
