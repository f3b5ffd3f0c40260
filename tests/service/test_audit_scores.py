"""The audit understands the clinic on every system, other seeds and sizes, without the declared keys."""

from __future__ import annotations

import pytest

from ennu_lib.audit.inventory import drift
from ennu_lib.audit.params import load_audit_params
from ennu_lib.catalog import load_catalogue
from ennu_lib.config import load_run, params_dir
from ennu_lib.errors import UsageError
from ennu_lib.run.audit_score import print_score, score_clinic
from ennu_lib.run.rehearsal import build_source
from ennu_lib.source import connect, reflect
from tests.support.rehearsals import make_rehearsal


@pytest.mark.slow
def test_the_clinic_is_understood(database_url, tmp_path, workspace_folder):
    rehearsal = make_rehearsal(tmp_path, url=database_url, patients=40)
    params = load_run(rehearsal.run_file)
    build_source(params, from_synthea=None, replace=True, say=lambda *_, **__: None)
    assert drift(reflect(connect(database_url)), load_catalogue(params_dir() / "catalog")).is_empty()
    score = score_clinic(params)
    least = load_audit_params().profile.least
    relations, personal = (
        (least.relation_recall, least.relation_precision),
        (least.personal_recall, least.personal_precision),
    )
    assert score.shortfalls(relations, personal) == []
    said: list[str] = []
    print_score(rehearsal.run_file, said.append)
    assert said[1].startswith("relations: recall 0.9")
    # What is asked for can be missed: nothing reaches a recall of more than all.
    assert len(score.shortfalls((1.01, 1.0), (1.01, 1.0))) == 3


def test_a_database_of_unknown_truth_is_not_scored(tmp_path, workspace_folder):
    params = load_run(make_rehearsal(tmp_path).run_file)
    with pytest.raises(UsageError, match="clinic tiny"):
        score_clinic(params)
