"""Positional attention against the formula of its module, word by word."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from oracles import relative_scores
from posner.model.attention import PositionalAttention, RelativeSelfAttention
from posner.recipe import AttentionRecipe

WORDS, WIDTH, HEADS = 7, 8, 2


def attention(**settings: object) -> RelativeSelfAttention:
    torch.manual_seed(5)
    recipe = AttentionRecipe(**{"layers": 1, "heads": HEADS, "width": WIDTH, "clip": 3, **settings})  # type: ignore[arg-type]
    module = RelativeSelfAttention(recipe, dropout=0.0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return module.eval()


def states(batch: int = 2, words: int = WORDS) -> Tensor:
    return torch.randn(batch, words, WIDTH, generator=torch.Generator().manual_seed(6))


def slow_scores(module: RelativeSelfAttention, row: Tensor, head: int) -> list[list[float]]:
    """(words, words) of one sentence and head, from the module's parameters alone."""
    width, distances = module.head_width, 2 * module.clip + 1
    part = slice(head * width, (head + 1) * width)
    nothing = [[0.0] * width for _ in row]
    queries, keys = nothing, nothing
    if module.uses_content:
        weight, bias = module.query_key.weight, module.query_key.bias
        queries = (row @ weight[:WIDTH].T + bias[:WIDTH])[:, part].tolist()
        keys = (row @ weight[WIDTH:].T + bias[WIDTH:])[:, part].tolist()
    vectors = [[0.0] * width] * distances
    if module.uses_content and module.uses_position:
        vectors = module.distance_keys[head].tolist()
    biases = module.distance_bias[head].tolist() if module.uses_position else [0.0] * distances
    return relative_scores(queries, keys, vectors, biases, module.clip)


@pytest.mark.parametrize("terms", ["both", "content", "position"])
@pytest.mark.parametrize("clip", [1, 3, 20])
def test_scores_are_the_formula(terms: str, clip: int) -> None:
    module, given = attention(terms=terms, clip=clip), states()
    found = module.scores(given).expand(2, -1, -1, -1)
    for row in range(2):
        for head in range(HEADS):
            expected = torch.tensor(slow_scores(module, given[row], head))
            torch.testing.assert_close(found[row, head], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("terms", ["both", "content", "position"])
@pytest.mark.parametrize("band", [0, 1, 3])
def test_what_is_attended_is_the_softmax_of_the_scores(terms: str, band: int) -> None:
    module, given = attention(terms=terms, band=band), states(1)
    mixed = []
    for head in range(HEADS):
        part = slice(head * module.head_width, (head + 1) * module.head_width)
        values = module.value(given[0])[:, part]
        for i, scores in enumerate(slow_scores(module, given[0], head)):
            near = [j for j in range(WORDS) if not band or abs(i - j) <= band]
            total = sum(math.exp(scores[j]) for j in near)
            weighted = [values[j] * (math.exp(scores[j]) / total) for j in near]
            mixed.append(torch.stack(weighted).sum(dim=0))
    heads = torch.stack(mixed).view(HEADS, WORDS, module.head_width)
    expected = module.output(heads.transpose(0, 1).reshape(1, WORDS, WIDTH))
    found = module(given, torch.ones(1, WORDS, dtype=torch.bool))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("band", [0, 2])
@pytest.mark.parametrize("terms", ["both", "content", "position"])
def test_padding_never_changes_real_words(terms: str, band: int) -> None:
    recipe = AttentionRecipe(layers=2, heads=HEADS, width=WIDTH, clip=3, terms=terms, band=band)  # type: ignore[arg-type]
    torch.manual_seed(8)
    stack = PositionalAttention(recipe, input_width=WIDTH, dropout=0.0).eval()
    given = states(3)
    alone = stack(given[:, :4], torch.ones(3, 4, dtype=torch.bool))
    mask = torch.arange(WORDS).expand(3, -1) < 4
    for filling in (0.0, 1e4, -1e4):
        padded = stack(given.masked_fill(~mask[:, :, None], filling), mask)
        torch.testing.assert_close(padded[:, :4], alone, rtol=1e-5, atol=1e-5)
        assert padded.isfinite().all()


def test_gradients_reach_the_distances_that_occur() -> None:
    module, given = attention(clip=3), states(1, words=3)
    module(given, torch.ones(1, 3, dtype=torch.bool)).square().sum().backward()
    for parameter in (module.distance_keys, module.distance_bias):
        assert parameter.grad is not None
        by_distance = (
            parameter.grad.abs()
            .flatten(2 if parameter.dim() > 2 else 1)
            .view(HEADS, 2 * module.clip + 1, -1)
        )
        reached = by_distance.sum(dim=(0, 2)) > 0
        # Three words are at most two apart: the outermost distances stay untouched.
        assert reached.tolist() == [False, True, True, True, True, True, False]


def test_only_the_terms_in_use_have_weights() -> None:
    names = {
        terms: {name.partition(".")[0] for name, _ in attention(terms=terms).named_parameters()}
        for terms in ("both", "content", "position")
    }
    common = {"value", "output"}
    assert names["both"] == common | {"query_key", "distance_keys", "distance_bias"}
    assert names["content"] == common | {"query_key"}
    assert names["position"] == common | {"distance_bias"}


def test_heads_see_what_came_in_and_what_was_attended() -> None:
    recipe = AttentionRecipe(layers=1, heads=HEADS, width=4, clip=3)
    stack = PositionalAttention(recipe, input_width=WIDTH, dropout=0.0).eval()
    given = states()
    result = stack(given, torch.ones(2, WORDS, dtype=torch.bool))
    assert result.shape == (2, WORDS, stack.output_width) == (2, WORDS, WIDTH + 4)
    assert torch.equal(result[..., :WIDTH], given)
