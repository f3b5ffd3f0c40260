"""Whether an input may be written: its values, its required properties, the administrators' rules."""

from __future__ import annotations

from typing import Any

from ennu_lib.emulator.calls import Portal, Version
from ennu_lib.emulator.errors import bad_request
from ennu_lib.emulator.inputs import Input, problem
from ennu_lib.emulator.model import ObjectType
from ennu_lib.emulator.validation import BadValue, Rule, append_options, compile_rule


class Judge:
    """The rules of one object type, applied to one input after the other."""

    def __init__(self, portal: Portal, kind: ObjectType, version: Version):
        self.portal = portal
        self.kind = kind
        self.rules = rules_of(portal, kind)
        self.multiple = {definition.name for definition in kind.properties.values() if definition.multiple}
        self.admin_rules = [
            rule
            for rule in portal.settings.admin_rules
            if version is Version.SEPTEMBER and portal.registry.find(rule.object_type) is kind
        ]

    def judge(self, item: Input) -> None:
        """Fill in the values to be stored, and note every problem."""
        rules, values = self.rules, item.values
        for name, value in item.properties.items():
            try:
                rule = rules[name]
                if value is not None:
                    values[name] = rule(value) if value != "" else ""
            except KeyError:
                item.problems.append(self._refused(name))
            except BadValue as bad:
                item.problems.append(self._problem(bad.code, bad.message, name))
        self._append_options(item)
        if not item.problems:
            self._check_required(item)

    def _problem(self, code: str, message: str, name: str) -> dict[str, Any]:
        return problem(self.portal.settings.portal_id, code, message, name)

    def _refused(self, name: str) -> dict[str, Any]:
        if name in self.kind.properties:
            return self._problem("READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.', name)
        message = f'Property "{name}" does not exist'
        return {"isValid": False, "message": message, "error": "PROPERTY_DOESNT_EXIST", "name": name}

    def _append_options(self, item: Input) -> None:
        for name in self.multiple & item.values.keys():
            value = item.values[name]
            if value.startswith(";"):
                present = item.record.values.get(name) if item.record else None
                item.values[name] = append_options(present, value)

    def _check_required(self, item: Input) -> None:
        if item.record is None:
            absent = [name for name in self.kind.required if not item.values.get(name)]
        else:
            absent = [name for name in self.kind.required if item.values.get(name) == ""]
        if absent:
            verb = "creating" if item.record is None else "updating"
            message = f"Error {verb} {self.kind.noun}. Some required properties were not set."
            item.error = bad_request(message, context={"properties": absent})
        elif self.admin_rules:
            self._check_admin_rules(item)

    def _check_admin_rules(self, item: Input) -> None:
        after = {**(item.record.values if item.record else {}), **item.values}
        for rule in self.admin_rules:
            if after.get(rule.requires):
                continue
            message = f'Property "{rule.requires}" is required'
            if rule.when_property is None:
                item.problems.append(self._problem("MISSING_REQUIRED_PROPERTY", message, rule.requires))
            elif after.get(rule.when_property) == rule.when_value:
                item.problems.append(self._problem("MISSING_CONDITIONAL_REQUIRED_PROPERTY", message, rule.requires))


def rules_of(portal: Portal, kind: ObjectType) -> dict[str, Rule]:
    """The compiled rules of the writable properties of a type."""
    if kind.rules is None:
        kind.rules = {
            definition.name: compile_rule(definition, portal.owner_exists)
            for definition in kind.properties.values()
            if not definition.read_only_value
        }
    return kind.rules
