"""Pieces joined as transformers' pipeline joins them; that pipeline is the oracle."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import transformers
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from transformers.pipelines.token_classification import AggregationStrategy

import foreign_models
from posner.foreign.aggregation import STRATEGIES, ScoredPieces, Strategy, join_pieces, softmax

NAMES = (*foreign_models.CONLL, "S-PER", "PER")


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = foreign_models.save_classifier(tmp_path_factory.mktemp("tiny") / "bert", names=NAMES)
    return transformers.pipeline("token-classification", model=str(folder), device="cpu")


def scored(scores: np.ndarray, starts: list[int], ends: list[int], later: list[bool]) -> Any:
    return ScoredPieces(
        scores.astype(np.float32), np.array(starts), np.array(ends), np.array(later, dtype=bool)
    )


def joined(pieces: ScoredPieces, strategy: Strategy) -> list[Any]:
    return [
        (g.label, pytest.approx(g.score, abs=1e-6), g.start, g.end)
        for g in join_pieces(pieces, NAMES, strategy)
    ]


def from_pipeline(pipeline: Any, pieces: ScoredPieces, strategy: Strategy) -> list[Any]:
    listed = [
        {
            "word": "x",
            "scores": pieces.scores[i],
            "start": int(pieces.starts[i]),
            "end": int(pieces.ends[i]),
            "index": i + 1,
            "is_subword": bool(pieces.continues[i]),
        }
        for i in range(len(pieces.starts))
    ]
    found = pipeline.aggregate(listed, AggregationStrategy(strategy))
    return [
        (e["entity_group"], float(e["score"]), e["start"], e["end"])
        for e in found
        if e["entity_group"] != "O"
    ]


def test_first_max_and_average_give_three_labels() -> None:
    """The case in which transformers' own tests tell the strategies apart."""
    pieces = scored(
        np.array(
            [
                [0, 0.55, 0, 0.45, 0, 0, 0, 0, 0, 0, 0],
                [0, 0, 0, 0.2, 0, 0, 0, 0.8, 0, 0, 0],
                [0, 0, 0, 0.4, 0, 0, 0.6, 0, 0, 0, 0],
            ]
        ),
        [0, 2, 11],
        [2, 4, 13],
        [False, True, True],
    )
    assert joined(pieces, "first") == [("MISC", 0.55, 0, 13)]
    assert joined(pieces, "max") == [("LOC", 0.8, 0, 13)]
    assert joined(pieces, "average") == [("PER", 0.35, 0, 13)]
    assert joined(pieces, "simple") == [
        ("MISC", 0.55, 0, 2),
        ("LOC", 0.8, 2, 4),
        ("ORG", 0.6, 11, 13),
    ]


@given(
    hnp.arrays(
        np.float32, st.tuples(st.integers(0, 9), st.just(len(NAMES))), elements=st.integers(-3, 3)
    ),
    st.lists(st.booleans(), min_size=9, max_size=9),
)
def test_random_pieces_are_joined_as_the_pipeline_does(
    pipeline: Any, logits: np.ndarray, later: list[bool]
) -> None:
    count = len(logits)
    starts = list(range(0, 2 * count, 2))
    pieces = scored(softmax(logits), starts, [s + 2 for s in starts], later[:count])
    for strategy in STRATEGIES:
        assert joined(pieces, strategy) == from_pipeline(pipeline, pieces, strategy)


def test_neighbours_of_every_pair_of_names(pipeline: Any) -> None:
    for pair in itertools.product(range(len(NAMES)), repeat=2):
        pieces = scored(0.9 * np.eye(len(NAMES))[list(pair)], [0, 3], [2, 5], [False, False])
        for strategy in STRATEGIES:
            assert joined(pieces, strategy) == from_pipeline(pipeline, pieces, strategy)
