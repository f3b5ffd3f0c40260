"""Weighted word lists of the generic content generator: `params/clinic/words.yml`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import yaml

from ennu_lib.errors import ConfigurationError


@dataclass(frozen=True)
class WordList:
    """Values of one list and the running sum of their shares, by which they are drawn."""

    values: pl.Series
    edges: np.ndarray

    @classmethod
    def of(cls, values: list, weights: list[float]) -> WordList:
        """A list with relative weights."""
        return cls(pl.Series(values=values), np.cumsum(np.asarray(weights, dtype=float) / sum(weights)))

    def positions(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """`n` drawn positions."""
        return np.searchsorted(self.edges, rng.random(n), side="right").clip(max=len(self.edges) - 1)

    def draw(self, rng: np.random.Generator, n: int) -> pl.Series:
        """`n` drawn values."""
        return self.values.gather(self.positions(rng, n))


def load_words(path: Path) -> dict[str, WordList]:
    """Read the word lists; raises ConfigurationError with every mistake in the file."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, yaml.YAMLError):
        raise ConfigurationError(str(path), ["no such file, or not valid YAML"]) from None
    if not isinstance(content, dict):
        raise ConfigurationError(str(path), ["expected a mapping of list names to words"])
    mistakes: list[str] = []
    lists = {name: _word_list(name, words, mistakes) for name, words in content.items()}
    if mistakes:
        raise ConfigurationError(str(path), mistakes)
    return lists


def _word_list(name: str, words: object, mistakes: list[str]) -> WordList | None:
    weighted = words if isinstance(words, dict) else dict.fromkeys(words, 1) if isinstance(words, list) else {}
    if not weighted:
        mistakes.append(f"{name}: expected a list of words, or a mapping of words to weights")
        return None
    wrong = [word for word, weight in weighted.items() if not isinstance(word, str) or not _positive(weight)]
    mistakes += [f"{name}: '{word}' must be text with a positive weight" for word in wrong]
    return None if wrong else WordList.of(list(weighted), list(weighted.values()))


def _positive(weight: object) -> bool:
    return isinstance(weight, int | float) and weight > 0
