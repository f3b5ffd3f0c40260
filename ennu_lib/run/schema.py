"""`ennu portal plan` and `ennu portal apply` for the portal that a run file names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ennu_lib.config import load_run
from ennu_lib.hubspot import PortalClient, Snapshot
from ennu_lib.hubspot.commands import PortalReview, portal_apply, portal_plan
from ennu_lib.hubspot.opening import open_portal, portal_url
from ennu_lib.keys import secret
from ennu_lib.run.runner import portal


@contextmanager
def review_portal(run_file: Path) -> Iterator[tuple[PortalReview, PortalClient]]:
    """The plan for the run's portal, and a client of it. A rehearsal's emulator is started and stopped."""
    params = load_run(run_file)
    with portal(params):
        token = secret(params.target.token)
        with open_portal(params, token) as client:
            yield portal_plan(client, portal_url(params), params.environment), client


@contextmanager
def apply_portal(run_file: Path, allow: Sequence[str], say: Callable[[str], None]) -> Iterator[Snapshot]:
    """Print the plan and carry it out. Raises TargetRefused and GateFailed with what stands in the way."""
    with review_portal(run_file) as (review, client):
        say(review.text)
        yield portal_apply(client, review, set(allow))
