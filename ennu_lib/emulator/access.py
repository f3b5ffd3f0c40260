"""Who may do what: scopes of the token, and the extra scopes of sensitive properties."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ennu_lib.emulator.errors import bad_request, missing_scopes
from ennu_lib.emulator.model import ObjectType
from ennu_lib.emulator.settings import EmulatorSettings

if TYPE_CHECKING:
    from ennu_lib.emulator.calls import Portal

READ, WRITE = "read", "write"


def has_any(settings: EmulatorSettings, scopes: Iterable[str]) -> bool:
    """Whether the token carries one of these scopes."""
    return settings.scopes is None or not settings.scopes.isdisjoint(scopes)


def require(settings: EmulatorSettings, *scopes: str, schemas: bool = False) -> None:
    """Raise the 403 that names the scopes, unless the token carries one of them."""
    if not has_any(settings, scopes):
        raise missing_scopes(scopes, schemas)


def require_objects(settings: EmulatorSettings, kind: ObjectType, mode: str) -> None:
    """The scope to read or write records of a type."""
    require(settings, f"crm.objects.{kind.scope_noun}.{mode}")


def require_properties(settings: EmulatorSettings, kind: ObjectType, mode: str) -> None:
    """The scope to read or write property definitions of a type."""
    if mode == READ:
        require(settings, f"crm.schemas.{kind.scope_noun}.read", f"crm.objects.{kind.scope_noun}.read")
    else:
        require(settings, f"crm.schemas.{kind.scope_noun}.write")


def sensitive_scopes(kind: ObjectType, sensitivity: str, mode: str) -> tuple[str, str]:
    """Either of these opens properties of one sensitivity."""
    word = "highly_sensitive" if sensitivity == "highly_sensitive" else "sensitive"
    scope = f"crm.objects.{kind.scope_noun}.{word}.{mode}"
    return scope, f"{scope}.v2"


def require_named(settings: EmulatorSettings, kind: ObjectType, names: Iterable[str], mode: str) -> None:
    """The scopes that a request needs because of the properties it names."""
    if settings.scopes is None:
        return
    for name in names:
        definition = kind.properties.get(name)
        if definition is not None and definition.sensitive:
            scopes = sensitive_scopes(kind, definition.data_sensitivity, mode)
            if not has_any(settings, scopes):
                raise missing_scopes(scopes)


def every_scope(portal: Portal) -> list[str]:
    """What a token without restrictions carries."""
    nouns = sorted({kind.scope_noun for kind in portal.registry.types.values()} | {"custom"})
    scopes = {"crm.import", "crm.objects.owners.read"}
    for noun in nouns:
        for mode in (READ, WRITE):
            scopes |= {f"crm.objects.{noun}.{mode}", f"crm.schemas.{noun}.{mode}"}
            scopes |= {f"crm.objects.{noun}.{word}.{mode}.v2" for word in ("sensitive", "highly_sensitive")}
    return sorted(scopes)


def require_sensitive_portal(settings: EmulatorSettings) -> None:
    """Sensitive properties need Enterprise and the super-admin switch."""
    if not settings.sensitive_data_allowed:
        raise bad_request(
            "Sensitive data is not turned on for this account. A super admin must turn it on before sensitive "
            "properties can be created."
        )
