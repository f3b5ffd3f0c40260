"""The association endpoints: link pairs of records, read their links back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ennu_lib.errors import TargetRefused
from ennu_lib.hubspot.answers import row_errors
from ennu_lib.hubspot.caller import Answered, Lost, Refused
from ennu_lib.hubspot.definitions import Definitions
from ennu_lib.hubspot.outcomes import Link, LinkOutcome, LinksRead, Pair
from ennu_lib.hubspot.upserts import SILENT_REPEATS

CREATE_INPUTS = 2_000
READ_INPUTS = 1_000
NO_LINKS = "crm.associations.NO_ASSOCIATIONS_FOUND"


class AssociationCalls(Definitions):
    """Calls about links between records. Linking is a set operation: safe to repeat."""

    def associate(self, from_type: str, to_type: str, links: Sequence[Link]) -> LinkOutcome:
        """Link up to 2,000 pairs. The types of a pair replace those it had, so each pair comes once, with all of them.

        Raises ValueError for a pair twice or too many, TargetRefused, TargetUnreachable.
        """
        by_pair = {link.pair: link for link in links}
        if len(by_pair) < len(links):
            raise ValueError("a pair of records stands twice in one batch; give it once, with all its types")
        if len(links) > CREATE_INPUTS:
            raise ValueError(f"an association batch holds at most {CREATE_INPUTS} pairs, not {len(links)}")
        path = self.paths.associations(self.type_id(from_type), self.type_id(to_type), "batch", "create")
        outcome = LinkOutcome()
        self._settle(path, by_pair, outcome, SILENT_REPEATS)
        return outcome

    def read_associations(self, from_type: str, to_type: str, from_ids: Sequence[str]) -> LinksRead:
        """The links of up to 1,000 records to records of another object, all pages of each."""
        if len(from_ids) > READ_INPUTS:
            raise ValueError(f"an association read holds at most {READ_INPUTS} records, not {len(from_ids)}")
        path = self.paths.associations(self.type_id(from_type), self.type_id(to_type), "batch", "read")
        outcome = LinksRead()
        wanted = {from_id: "" for from_id in from_ids}
        repeats = 0
        while wanted and repeats <= SILENT_REPEATS:
            following = self._read_once(path, wanted, outcome)
            if following == wanted:
                repeats += 1
                self.repeat_later(repeats)
            wanted = following
        outcome.ambiguous.update(wanted)
        return outcome

    def _settle(self, path: str, links: Mapping[Pair, Link], outcome: LinkOutcome, repeats: int) -> None:
        answer = self.call("associations", "POST", path, body={"inputs": [_input(link) for link in links.values()]})
        if isinstance(answer, Lost):
            outcome.ambiguous.update(links)
        elif isinstance(answer, Refused):
            if len(links) == 1:
                outcome.rejected.update(dict.fromkeys(links, answer.rejection))
            else:
                self._halve(path, links, outcome)
        else:
            self._follow_up(path, links, outcome, repeats, answer)

    def _follow_up(
        self, path: str, links: Mapping[Pair, Link], outcome: LinkOutcome, repeats: int, answer: Answered
    ) -> None:
        done = {pair for pair in map(_pair_of, answer.data.get("results") or ()) if pair in links}
        outcome.done |= done
        silent = {pair: link for pair, link in links.items() if pair not in done}
        errors = row_errors(answer.data, correlation_id=answer.correlation_id)
        if not silent:
            return
        if errors and len(links) == 1:
            outcome.rejected.update(dict.fromkeys(silent, errors[0].rejection))
        elif errors:
            # Errors of associations carry no trace id, and some name nobody: only a pair sent alone has its own answer.
            self._halve(path, silent, outcome)
        elif repeats:
            self.repeat_later(SILENT_REPEATS - repeats + 1)
            self._settle(path, silent, outcome, repeats - 1)
        else:
            outcome.ambiguous.update(silent)

    def _halve(self, path: str, links: Mapping[Pair, Link], outcome: LinkOutcome) -> None:
        items = list(links.items())
        middle = max(1, len(items) // 2)
        for part in (items[:middle], items[middle:]):
            if part:
                self._settle(path, dict(part), outcome, SILENT_REPEATS)

    def _read_once(self, path: str, wanted: Mapping[str, str], outcome: LinksRead) -> dict[str, str]:
        """Read one page of each wanted record; return what is still to be read, with the place to go on from."""
        inputs = [{"id": from_id, **({"after": after} if after else {})} for from_id, after in wanted.items()]
        answer = self.call("associations", "POST", path, body={"inputs": inputs})
        if isinstance(answer, Refused):
            raise TargetRefused(f"the portal refuses an association read: status {answer.status}, {answer.rejection}")
        if isinstance(answer, Lost):
            return dict(wanted)
        following = dict(wanted)
        for error in row_errors(answer.data):
            if error.rejection.code == NO_LINKS or error.rejection.category == "OBJECT_NOT_FOUND":
                for from_id in error.ids:
                    outcome.links.setdefault(from_id, {})
                    following.pop(from_id, None)
        for found in answer.data.get("results") or ():
            from_id = str(found.get("from", {}).get("id"))
            if from_id in wanted:
                _add(outcome, from_id, found)
                after = found.get("paging", {}).get("next", {}).get("after")
                following.pop(from_id, None)
                following |= {from_id: str(after)} if after else {}
        return following


def _input(link: Link) -> dict[str, Any]:
    types = [{"associationCategory": category, "associationTypeId": type_id} for category, type_id in link.types]
    return {"from": {"id": link.from_id}, "to": {"id": link.to_id}, "types": types}


def _pair_of(result: Mapping[str, Any]) -> Pair:
    return str(result.get("fromObjectId")), str(result.get("toObjectId"))


def _add(outcome: LinksRead, from_id: str, found: Mapping[str, Any]) -> None:
    links = outcome.links.setdefault(from_id, {})
    for target in found.get("to") or ():
        types = {(str(kind.get("category")), int(kind.get("typeId"))) for kind in target.get("associationTypes") or ()}
        links.setdefault(str(target.get("toObjectId")), set()).update(types)
