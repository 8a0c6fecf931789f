"""The CRF's loss against every legal path, one by one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from oracles import chain_loss, legal_sequences
from posner.decode import Decoder, legal_transitions
from posner.model.crf import CRF
from posner.schemes import SCHEMES

LABELS = ("A", "B")


def crf(scheme: str = "IOB2", seed: int = 1) -> CRF:
    torch.manual_seed(seed)
    module = CRF(legal_transitions(SCHEMES[scheme].tags(LABELS), SCHEMES[scheme]))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return module


def emissions(rows: int, words: int, scheme: str = "IOB2") -> Tensor:
    generator = torch.Generator().manual_seed(words)
    return torch.randn(rows, words, len(SCHEMES[scheme].tags(LABELS)), generator=generator)


def legal_paths(words: int, scheme: str) -> list[list[int]]:
    index = {tag: i for i, tag in enumerate(SCHEMES[scheme].tags(LABELS))}
    found = legal_sequences(words, LABELS, SCHEMES[scheme])
    return sorted([index[tag] for tag in path] for path in found)


@pytest.mark.parametrize("scheme", ["IOB2", "BIOES", "IOE2"])
@pytest.mark.parametrize("words", [1, 2, 4])
def test_loss_is_that_of_all_legal_paths(scheme: str, words: int) -> None:
    module, given = crf(scheme), emissions(1, words, scheme)
    paths = legal_paths(words, scheme)
    start, pairs, end = (p.tolist() for p in (module.start, module.pairs, module.end))
    for gold in paths[:: max(1, len(paths) // 7)]:
        expected = chain_loss(gold, given[0].tolist(), start, pairs, end, paths)
        mask = torch.ones(1, words, dtype=torch.bool)
        found = module.loss(given, torch.tensor([gold]), mask).item()
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_masked_rows_are_the_rows_alone() -> None:
    module, given = crf(), emissions(3, 5)
    paths = legal_paths(5, "IOB2")
    lengths, tags = (5, 2, 1), torch.tensor([paths[3], paths[40], paths[90]])
    mask = torch.arange(5) < torch.tensor(lengths)[:, None]
    alone = sum(
        module.loss(given[i : i + 1, :n], tags[i : i + 1, :n], mask[i : i + 1, :n]).item()
        for i, n in enumerate(lengths)
    )
    for filling in (0, -100):  # a place that is not counted may hold anything
        filled = given.masked_fill(~mask[:, :, None], 7.0)
        together = module.loss(filled, tags.masked_fill(~mask, filling), mask)
        assert together.item() == pytest.approx(alone, rel=1e-5)


def test_gradients_are_finite_and_reach_every_weight() -> None:
    module = crf("BIOES")
    given = emissions(2, 4, "BIOES").requires_grad_()
    paths = legal_paths(4, "BIOES")
    mask = torch.tensor([[True] * 4, [True, False, False, False]])
    single = next(path for path in paths if path[0] in {p[0] for p in legal_paths(1, "BIOES")})
    loss = module.loss(given, torch.tensor([paths[-1], single]), mask)
    loss.backward()  # type: ignore[no-untyped-call]
    for tensor in (given, *module.parameters()):
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()
        assert tensor.grad.abs().sum() > 0
    assert given.grad is not None
    assert not given.grad[1, 1:].any()


@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
def test_a_window_cut_inside_an_entity_costs_what_its_words_cost(scheme: str) -> None:
    """The middle of `B I I O`: neither beginning with I nor ending inside is held against it."""
    module = crf(scheme)
    tags = SCHEMES[scheme].tags(LABELS)
    inside = tags.index("I-A")
    given, gold = emissions(1, 2, scheme), torch.tensor([[inside, inside]])
    no, mask = torch.tensor([False]), torch.ones(1, 2, dtype=torch.bool)
    loss = module.loss(given, gold, mask, begins=no, ends=no)
    legal = legal_transitions(tags, SCHEMES[scheme]).pairs
    paths = [[a, b] for a in range(len(tags)) for b in range(len(tags)) if legal[a, b] == 0]
    nothing = [0.0] * len(tags)
    expected = chain_loss(
        [inside, inside], given[0].tolist(), nothing, module.pairs.tolist(), nothing, paths
    )
    assert loss.item() == pytest.approx(expected, rel=1e-4)
    whole = module.loss(given, gold, mask, begins=~no, ends=~no)
    assert torch.equal(whole, module.loss(given, gold, mask))


def test_training_learns_transitions_that_emissions_do_not_tell() -> None:
    """Emissions are noise; only the gold path's habit (A, then B) can lower the loss."""
    scheme = SCHEMES["IOB2"]
    tags = scheme.tags(LABELS)
    torch.manual_seed(2)
    module = CRF(legal_transitions(tags, scheme))
    gold = torch.tensor([[tags.index("B-A"), tags.index("B-B")] * 2])
    mask = torch.ones(1, 4, dtype=torch.bool)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.2)
    losses = []
    for _ in range(60):
        loss = module.loss(0.1 * torch.randn(1, 4, len(tags)), gold, mask)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert losses[-1] < 0.1 * losses[0]
    learned = [parameter.detach().numpy() for parameter in (module.start, module.pairs, module.end)]
    decoder = Decoder(tags, scheme, legal_transitions(tags, scheme).plus(*learned))
    (decoded,) = decoder.decode([torch.zeros(4, len(tags)).numpy()])
    assert decoded.tags == ("B-A", "B-B", "B-A", "B-B")
