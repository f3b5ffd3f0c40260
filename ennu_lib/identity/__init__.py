"""Identity: which rows are one person, decided once, explained, and undoable (phase 03)."""

from ennu_lib.identity.match import Identity, match_people
from ennu_lib.identity.params import IdentityParams, load_identity_params

__all__ = ["Identity", "IdentityParams", "load_identity_params", "match_people"]
