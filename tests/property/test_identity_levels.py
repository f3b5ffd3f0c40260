"""Not measuring what letter counts rule out changes no level."""

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA, JaroWinkler

from ennu_lib.identity.levels import ValuePairs
from ennu_lib.identity.values import Values

WORDS = st.lists(st.text(st.sampled_from("abcn o1294é李"), max_size=12), min_size=2, max_size=9, unique=True)


@settings(max_examples=150, deadline=None)
@given(WORDS, st.sampled_from([0.7, 0.8, 0.88, 0.92]), st.sampled_from([1, 2, 3]))
def test_a_bound_never_hides_a_pair_that_is_near_enough(words, least, most):
    low, high = np.triu_indices(len(words), 1)
    pairs = ValuePairs(Values(pl.Series(words), {}), low, high, least, most)
    for a, b, similarity, edits in zip(low, high, pairs.similarity, pairs.edits, strict=True):
        truth = JaroWinkler.similarity(words[a], words[b])
        assert (similarity >= np.float32(least)) == (np.float32(truth) >= np.float32(least))
        assert min(edits, most + 1) == min(OSA.distance(words[a], words[b]), most + 1)
