"""What the name of a column says about the table it points at. No value is looked at here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ennu_lib.audit.names import plain, shared_prefixes, words
from ennu_lib.audit.params import RelationParams

LEAST_ABBREVIATION, LONGEST_ABBREVIATION = 3, 5


@dataclass(frozen=True)
class Key:
    """A column that could be pointed at. `home` says how well its name is that of its table, 0 to 1."""

    table: str
    column: str
    home: float
    first: bool
    named: bool

    @property
    def rank(self) -> float:
        """How likely this is what others mean by the name: a key named like its table, then a first column."""
        return self.home + 0.5 * self.first


@dataclass
class Naming:
    """The names of all tables and their keys, ready to be asked."""

    params: RelationParams
    keys: list[Key] = field(default_factory=list)
    _stems: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)
    _by_name: dict[str, list[Key]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, keys: Iterable[tuple[str, str, bool]], tables: Iterable[str], params: RelationParams) -> Naming:
        """From (table, column, is the first column) of every possible key, and the names of all tables."""
        naming = cls(params)
        prefixes = shared_prefixes(tables)
        for table, column, first in keys:
            naming._stems.setdefault(table, _stems(table, prefixes, params))
            named = any(word in params.id_words for word in words(column))
            key = Key(table, column, naming._home(table, column), first, named)
            naming.keys.append(key)
            naming._by_name[plain(column)].append(key)
        return naming

    def is_own_key(self, table: str, column: str) -> bool:
        """True where the column is the key of its own table and so points at nothing.

        A key that another table has better reason to call its own may point there: one row here per row there.
        """
        same = self._by_name[plain(column)]
        mine = next((k for k in same if (k.table, k.column) == (table, column)), None)
        if mine is None or not (mine.home or (mine.first and mine.named)):
            return False
        return not any(k.rank > mine.rank for k in same)

    def evidence(self, table: str, column: str) -> Iterator[tuple[Key, str]]:
        """The keys that `table.column` could mean, each with the way in which the name says so, best way first."""
        seen: set[Key] = set()
        for way, keys in (
            ("same_name", self._same_name(column)),
            ("self", self._self(table, column)),
            ("named_table", self._by_stem(column, whole=True)),
            ("code_of_table", self._codes(column)),
            ("ends_with_table", self._by_stem(column, whole=False)),
            ("ends_with_key", self._ends_with_key(column)),
            ("part_of_table", self._part_of_table(table, column)),
            ("synonym", self._synonyms(column)),
            ("abbreviation", self._abbreviated(column)),
            ("actor", self._actors(column)),
        ):
            for key in keys:
                if key not in seen and (key.table, key.column) != (table, column):
                    seen.add(key)
                    yield key, way

    def shared_words(self, table: str, other: str) -> int:
        """How many words the names of two tables have in common: `treatment_plan_items` is near `treatment_plans`."""
        mine = {w for w in words(table) if not w.isdigit()}
        return max((len(mine & set(stem)) for stem in self._stems.get(other, ())), default=0)

    def _home(self, table: str, column: str) -> float:
        stem = self._stem(column)
        if not stem:
            return 0.9 if any(word in self.params.id_words for word in words(column)) else 0.0
        if "".join(stem) == "".join(w for w in words(table)):
            return 1.0
        stems = self._stems[table]
        if any("".join(stem) == "".join(s) for s in stems):
            return 0.9
        if any("".join(s).endswith("".join(stem)) for s in stems):
            return 0.8
        return 0.7 if any(self._mean_the_same(stem, s) for s in stems) else 0.0

    def _mean_the_same(self, stem: tuple[str, ...], table: tuple[str, ...]) -> bool:
        return any(
            stem[-1] in group and (table[-1] in group or " ".join(table[-2:]) in group)
            for group in self.params.synonyms
        )

    def _stem(self, column: str) -> tuple[str, ...]:
        """The words of a column without those that only say 'number of'; empty for `id` and `code`."""
        return tuple(w for w in words(column) if w not in self.params.id_words)

    def _same_name(self, column: str) -> list[Key]:
        """Keys of the same name, `id` and `code` alone aside; `CodeNum` is a name where it comes first."""
        same = self._by_name[plain(column)]
        if self._stem(column):
            return same
        return [k for k in same if k.first] if len(words(column)) > 1 else []

    def _self(self, table: str, column: str) -> list[Key]:
        own = [k for k in self.keys if k.table == table]
        pointing = any(word in self.params.selfs for word in words(column))
        return sorted((k for k in own if k.rank), key=lambda k: -k.rank)[:1] if pointing else []

    def _by_stem(self, column: str, whole: bool) -> list[Key]:
        stem = self._stem(column)
        found = []
        for key in self._main_keys():
            for table in self._stems[key.table]:
                if (stem == table or "".join(stem) == "".join(table)) if whole else _ends(stem, table):
                    found.append((len(table), key))
                    break
        longest = max((length for length, _ in found), default=0)
        return [key for length, key in found if length == longest]

    def _codes(self, column: str) -> list[Key]:
        stem = set(self._stem(column))
        if not stem or "code" not in words(column):
            return []
        return [k for k in self.keys if stem <= set(words(k.table))]

    def _ends_with_key(self, column: str) -> list[Key]:
        name = words(column)
        return [k for k in self.keys if (k.first or k.home) and self._stem(k.column) and _ends(name, words(k.column))]

    def _part_of_table(self, table: str, column: str) -> list[Key]:
        """`template_id` in `email_messages` is of `email_templates`: the rest of that name is in the child's."""
        stem, around = self._stem(column), set(words(table))
        if not stem or stem == words(column):
            return []
        return [
            k for k in self._main_keys()
            if any(_ends(t, stem) and set(t[: -len(stem)]) & around for t in self._stems[k.table])
        ]  # fmt: skip

    def _synonyms(self, column: str) -> list[Key]:
        stem = self._stem(column) or words(column)
        return [k for k in self._main_keys() if any(self._mean_the_same(stem, t) for t in self._stems[k.table])]

    def _abbreviated(self, column: str) -> list[Key]:
        stem = self._stem(column)
        long_words = {self.params.abbreviations.get(word) for word in stem} - {None}
        if len(stem) != 1:
            return [
                k for k in self._main_keys() if any(len(t) == 1 and t[0] in long_words for t in self._stems[k.table])
            ]
        short = stem[0]
        long = self.params.abbreviations.get(short)
        if long is None and not LEAST_ABBREVIATION <= len(short) <= LONGEST_ABBREVIATION:
            return []
        return [
            key
            for key in self._main_keys()
            if any(
                len(t) == 1 and (t[0] == long or (t[0].startswith(short) and t[0] != short))
                for t in self._stems[key.table]
            )
        ]

    def _actors(self, column: str) -> list[Key]:
        name = words(column)
        if not any(word in self.params.actors.words for word in name):
            return []
        tables = self.params.actors.tables
        found = [k for k in self._main_keys() if any(t and t[-1] in tables for t in self._stems[k.table])]
        rank = {k: min(tables.index(t[-1]) for t in self._stems[k.table] if t and t[-1] in tables) for k in found}
        return sorted(found, key=lambda k: rank[k])

    def _main_keys(self) -> list[Key]:
        """Keys by which a table is known: those with its name, else its first column."""
        with_home = {k.table for k in self.keys if k.home}
        return [k for k in self.keys if k.home or (k.first and k.table not in with_home)]


def _stems(table: str, prefixes: list[str], params: RelationParams) -> set[tuple[str, ...]]:
    """The words by which columns may call the table: with and without the shared prefix and the empty words."""
    names = {table}
    names |= {table[len(p) :] for p in prefixes if table.lower().startswith(p)}
    stems = set()
    for name in names:
        all_words = tuple(w for w in words(name) if not w.isdigit())
        stems.add(all_words)
        stems.add(tuple(w for w in all_words if w not in params.table_words and w not in params.id_words))
    return {s for s in stems if s}


def _ends(stem: tuple[str, ...], table: tuple[str, ...]) -> bool:
    return len(stem) > len(table) and stem[-len(table) :] == table
