"""The association endpoints: link pairs of records, read their links back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ennu_lib.errors import TargetRefused
from ennu_lib.hubspot.answers import inside, mappings, results_of, row_errors
from ennu_lib.hubspot.batches import SILENT_REPEATS
from ennu_lib.hubspot.caller import Answered, Caller, Lost, Refused
from ennu_lib.hubspot.definitions import Definitions
from ennu_lib.hubspot.outcomes import Link, LinkOutcome, LinksRead, Pair

CREATE_INPUTS = 2_000
READ_INPUTS = 1_000
ARCHIVE_INPUTS = 100
NO_LINKS = "OBJECT_NOT_FOUND"


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
        linker = Linker(self, path)
        linker.settle(by_pair)
        return linker.outcome

    def dissociate(self, from_type: str, to_type: str, pairs: Iterable[Pair]) -> None:
        """Take every link of up to 100 pairs away; pairs without one do no harm."""
        targets: dict[str, list[dict[str, str]]] = {}
        for from_id, to_id in pairs:
            targets.setdefault(from_id, []).append({"id": to_id})
        body = {"inputs": [{"from": {"id": from_id}, "to": to} for from_id, to in targets.items()]}
        path = self.paths.associations(self.type_id(from_type), self.type_id(to_type), "batch", "archive")
        self.ask("associations", "POST", path, body=body, what="taking associations away")

    def read_associations(self, from_type: str, to_type: str, from_ids: Sequence[str]) -> LinksRead:
        """The links of up to 1,000 records to records of another object, all pages of each."""
        if len(from_ids) > READ_INPUTS:
            raise ValueError(f"an association read holds at most {READ_INPUTS} records, not {len(from_ids)}")
        path = self.paths.associations(self.type_id(from_type), self.type_id(to_type), "batch", "read")
        reader = LinkReader(self, path)
        reader.read(from_ids)
        return reader.outcome


class Linker:
    """Sends one batch of pairs and follows it up until every pair is accounted for."""

    def __init__(self, caller: Caller, path: str):
        self._caller = caller
        self._path = path
        self.outcome = LinkOutcome()

    def settle(self, links: Mapping[Pair, Link], repeats: int = SILENT_REPEATS) -> None:
        """Link these pairs; what becomes of each is in `outcome`."""
        body = {"inputs": [_input(link) for link in links.values()]}
        answer = self._caller.call("associations", "POST", self._path, body=body)
        if isinstance(answer, Lost):
            self.outcome.ambiguous.update(links)
        elif isinstance(answer, Answered):
            self._follow_up(links, repeats, answer)
        elif len(links) == 1:
            self.outcome.rejected.update(dict.fromkeys(links, answer.rejection))
        else:
            self._halve(links)

    def _follow_up(self, links: Mapping[Pair, Link], repeats: int, answer: Answered) -> None:
        done = {pair for pair in map(_pair_of, results_of(answer.data)) if pair in links}
        self.outcome.done |= done
        silent = {pair: link for pair, link in links.items() if pair not in done}
        errors = row_errors(answer.data, correlation_id=answer.correlation_id)
        if not silent:
            return
        if errors and len(links) == 1:
            self.outcome.rejected.update(dict.fromkeys(silent, errors[0].rejection))
        elif errors:
            # Errors of associations carry no trace id, and some name nobody: only a pair sent alone has its own answer.
            self._halve(silent)
        elif done:
            self.settle(silent)
        elif repeats:
            self._caller.repeat_later(SILENT_REPEATS - repeats + 1)
            self.settle(silent, repeats - 1)
        else:
            self.outcome.ambiguous.update(silent)

    def _halve(self, links: Mapping[Pair, Link]) -> None:
        items = list(links.items())
        middle = max(1, len(items) // 2)
        for part in (items[:middle], items[middle:]):
            if part:
                self.settle(dict(part))


class LinkReader:
    """Reads the links of records page by page until every record is accounted for."""

    def __init__(self, caller: Caller, path: str):
        self._caller = caller
        self._path = path
        self.outcome = LinksRead()

    def read(self, from_ids: Sequence[str]) -> None:
        """Read the links of these records into `outcome`."""
        wanted = dict.fromkeys(from_ids, "")
        repeats = 0
        while wanted and repeats <= SILENT_REPEATS:
            following = self._read_pages(wanted)
            repeats = repeats + 1 if following == wanted else 0
            if repeats:
                self._caller.repeat_later(repeats)
            wanted = following
        self.outcome.ambiguous.update(wanted)

    def _read_pages(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """Read one page of each record; return what is still to be read, with the place to go on from."""
        inputs = [{"id": from_id, **({"after": after} if after else {})} for from_id, after in wanted.items()]
        answer = self._caller.call("associations", "POST", self._path, body={"inputs": inputs})
        if isinstance(answer, Refused):
            raise TargetRefused(f"the portal refuses an association read: status {answer.status}, {answer.rejection}")
        if isinstance(answer, Lost):
            return dict(wanted)
        settled = self._without_links(answer) & set(wanted)
        following = {from_id: after for from_id, after in wanted.items() if from_id not in settled}
        for found in results_of(answer.data):
            from_id = str(inside(found, "from", "id"))
            if following.pop(from_id, None) is not None:
                _add(self.outcome, from_id, found)
                if after := inside(found, "paging", "next", "after"):
                    following[from_id] = str(after)
        return following

    def _without_links(self, answer: Answered) -> set[str]:
        """The records that the portal says have no links."""
        said = ((error.rejection, error.ids) for error in row_errors(answer.data))
        ids = {from_id for why, about in said if NO_LINKS in (why.category, why.code) for from_id in about}
        for from_id in ids:
            self.outcome.links.setdefault(from_id, {})
        return ids


def _input(link: Link) -> dict[str, Any]:
    types = [{"associationCategory": category, "associationTypeId": type_id} for category, type_id in link.types]
    return {"from": {"id": link.from_id}, "to": {"id": link.to_id}, "types": types}


def _pair_of(result: Mapping[str, Any]) -> Pair:
    return str(result.get("fromObjectId")), str(result.get("toObjectId"))


def _add(outcome: LinksRead, from_id: str, found: Mapping[str, Any]) -> None:
    links = outcome.links.setdefault(from_id, {})
    for target in mappings(found.get("to")):
        kinds = mappings(target.get("associationTypes"))
        types = {(str(kind.get("category")), _number(kind.get("typeId"))) for kind in kinds}
        links.setdefault(str(target.get("toObjectId")), set()).update(types)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else -1
