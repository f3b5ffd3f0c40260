"""Where a load went, in words: a reviewer must not take a rehearsal for the real thing."""

from __future__ import annotations

from ennu_lib.config import RunParams


def where_loaded(params: RunParams) -> str:
    """One or two sentences for the page: the live portal, or the emulator and how its time went."""
    held = params.target.emulator
    if held is None:
        return "The records went into the live portal."
    place = "This was a rehearsal: the records went into the emulator on this machine, not into HubSpot."
    if held.clock == "real":
        return place
    return (
        f"{place} Its clock was virtual: the portal's rate limits held, but nobody waited for them, so the time that "
        "this phase took says nothing about a real load; the capacity plan of phase 01 does."
    )
