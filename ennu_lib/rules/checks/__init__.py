"""One small function per rule, by subject; importing this registers all of them."""

from ennu_lib.rules.checks import (  # noqa: F401
    contact,
    coverage,
    dates,
    derived,
    identity,
    ledger,
    measurements,
    medication,
    membership,
    notes,
    payload,
    plans,
    references,
    results,
    revenue,
    scheduling,
    staff,
    target,
    texts,
)
