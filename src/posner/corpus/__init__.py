"""Corpora: outside formats to Documents and back, what is wrong with them, and statistics."""

from __future__ import annotations

from posner.corpus.container import Corpus, Layout
from posner.corpus.formats import FORMATS, Format, read, write
from posner.corpus.problem import KINDS, Problem, count_kinds, raise_first
from posner.corpus.split import Parts, split_by_fraction, split_every
from posner.corpus.statistics import Overlap, Statistics, compare, describe

__all__ = [
    "FORMATS",
    "KINDS",
    "Corpus",
    "Format",
    "Layout",
    "Overlap",
    "Parts",
    "Problem",
    "Statistics",
    "compare",
    "count_kinds",
    "describe",
    "raise_first",
    "read",
    "split_by_fraction",
    "split_every",
    "write",
]
