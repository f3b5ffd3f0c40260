"""`python -m ennu_lib.emulator --port PORT --state FILE [--token TOKEN]`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ennu_lib.clock import Clock, SystemClock, VirtualClock
from ennu_lib.emulator.app import DEFAULT_TOKEN, create_app
from ennu_lib.emulator.faults import FaultPlan
from ennu_lib.emulator.process import serve
from ennu_lib.emulator.settings import EmulatorSettings
from ennu_lib.emulator.store import last_known_time
from ennu_lib.errors import EnnuError


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line, or `given` in its place."""
    parser = argparse.ArgumentParser(prog="python -m ennu_lib.emulator", description="A HubSpot portal for rehearsals")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one; printed as the first line")
    parser.add_argument("--state", type=Path, required=True, help="the portal's file, made when it is not there")
    parser.add_argument("--token", default=os.environ.get("ENNU_EMULATOR_TOKEN", DEFAULT_TOKEN))
    parser.add_argument("--settings", type=Path, help="a JSON file of emulator settings")
    parser.add_argument("--faults", type=Path, help="a JSON file with a fault plan")
    parser.add_argument("--virtual-clock", action="store_true", help="time stands still until POST /_clock moves it")
    parser.add_argument("--stop-with-stdin", action="store_true", help="stop when standard input closes")
    return parser.parse_args(given)


def virtual_clock(state: Path) -> VirtualClock:
    """A clock that goes on from where the portal's time stood."""
    start = last_known_time(state)
    return VirtualClock(start) if start else VirtualClock()


def main(given: Sequence[str] | None = None) -> None:
    """Serve a portal until a signal comes; a foreseen failure ends as one line and its exit code."""
    try:
        run(arguments(given))
    except EnnuError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


def run(chosen: argparse.Namespace) -> None:
    """Serve the portal that the command line describes."""
    settings = EmulatorSettings()
    if chosen.settings:
        settings = EmulatorSettings.model_validate_json(chosen.settings.read_bytes())
    clock: Clock = virtual_clock(chosen.state) if chosen.virtual_clock else SystemClock()
    plan = FaultPlan.model_validate_json(chosen.faults.read_bytes()) if chosen.faults else None
    app = create_app(chosen.state, token=chosen.token, settings=settings, clock=clock, faults=plan)
    serve(app, chosen.port, chosen.stop_with_stdin)


if __name__ == "__main__":
    main()
