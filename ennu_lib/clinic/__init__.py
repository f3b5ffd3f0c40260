"""Builds a 189-table Open Medical database of synthetic patients with planted, labelled defects."""
