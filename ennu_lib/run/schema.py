"""`ennu portal plan` and `ennu portal apply` for the portal that a run file names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ennu_lib.config import load_run, workspace_root
from ennu_lib.hubspot import PortalClient, Snapshot
from ennu_lib.hubspot.commands import PortalReview, portal_apply, portal_plan
from ennu_lib.hubspot.opening import open_portal, portal_url
from ennu_lib.keys import secret
from ennu_lib.run.runner import portal
from ennu_lib.workspace import replacing


@contextmanager
def review_portal(run_file: Path) -> Iterator[tuple[PortalReview, PortalClient]]:
    """The plan for the run's portal, and a client of it. A rehearsal's emulator is started and stopped."""
    params = load_run(run_file)
    with portal(params):
        token = secret(params.target.token)
        with open_portal(params, token) as client:
            yield portal_plan(client, portal_url(params), params.environment), client


def apply_portal(run_file: Path, allow: Sequence[str], say: Callable[[str], None]) -> tuple[Snapshot, Path]:
    """Print the plan and carry it out; return the schema as it then is, and the file that keeps it as evidence.

    Raises TargetRefused and GateFailed with what stands in the way.
    """
    with review_portal(run_file) as (review, client):
        say(review.text)
        found = portal_apply(client, review, set(allow))
        return found, _keep(review, allow, found)


def _keep(review: PortalReview, allow: Sequence[str], found: Snapshot) -> Path:
    """Write what was applied, what was allowed for it, and the schema with its hash, into the private workspace."""
    target = workspace_root() / "portal" / f"schema-{found.sha256[:16]}.json"
    evidence = {
        "sha256": found.sha256,
        "plan": review.plan.digest,
        "steps": len(review.plan.steps),
        "allowed": sorted(allow),
        "schema": found.content,
        "type_ids": dict(found.type_ids),
        "association_type_ids": dict(found.association_type_ids),
    }
    with replacing(target) as temporary:
        temporary.write_text(json.dumps(evidence, indent=1, sort_keys=True), encoding="utf-8")
    return target
