"""`bilstm`: word vectors, a bidirectional LSTM with recurrent dropout, a softmax a word."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from posner.systems.neural import NeuralSystem, WordNetwork
from posner.systems.recipes import BilstmRecipe
from posner.systems.vocabulary import PADDING
from posner.systems.words import WordVectors


class RecurrentDropoutLstm(nn.Module):
    """A bidirectional LSTM whose recurrent state is dropped alike at every word of a sentence.

    After Gal and Ghahramani (2016), as Keras' `recurrent_dropout` has it: a mask a sentence over
    the state that enters the gates. torch's own kernel knows no such thing, so while learning the
    words are walked one by one; otherwise its kernel runs, with the same weights.
    """

    def __init__(self, width: int, units: int, dropout: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, units, batch_first=True, bidirectional=True)
        self.units = units
        self.dropout = dropout
        self._begin()

    @torch.no_grad()
    def _begin(self) -> None:
        """Keras' beginning: it remembers at first (Jozefowicz et al. 2015), and learns sooner."""
        for name, parameter in self.lstm.named_parameters():
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(parameter)
            elif name.startswith("weight_hh"):
                nn.init.orthogonal_(parameter)
            else:
                parameter.zero_()
                if name.startswith("bias_ih"):
                    parameter[self.units : 2 * self.units] = 1.0  # the forget gate's

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """(sentences, words, width) and (sentences,) to (sentences, words, 2 * units)."""
        if self.training and self.dropout:
            return self.walked(inputs, lengths)
        packed = nn.utils.rnn.pack_padded_sequence(
            inputs, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        out, _ = self.lstm(packed)
        states, _ = nn.utils.rnn.pad_packed_sequence(
            out, batch_first=True, total_length=inputs.shape[1]
        )
        return states

    def walked(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """The same word by word, with the mask: both directions at once, one of them reversed."""
        lstm, rows, words = self.lstm, inputs.shape[0], inputs.shape[1]
        order = _reversed_order(lengths, words)  # (sentences, words)
        sides = (inputs, _reordered(inputs, order))
        names = ("l0", "l0_reverse")
        projected = torch.stack(
            [
                nn.functional.linear(
                    side, getattr(lstm, f"weight_ih_{name}"), getattr(lstm, f"bias_ih_{name}")
                )
                + getattr(lstm, f"bias_hh_{name}")
                for side, name in zip(sides, names, strict=True)
            ]
        )  # (2, sentences, words, 4 * units)
        recurrent = torch.stack([getattr(lstm, f"weight_hh_{name}").T for name in names])
        mask = nn.functional.dropout(
            inputs.new_ones(2, rows, self.units), self.dropout, self.training
        )
        state = cell = inputs.new_zeros(2, rows, self.units)
        states = []
        for word in range(words):
            gates = torch.baddbmm(projected[:, :, word], state * mask, recurrent)
            put, forget, new, out = gates.chunk(4, dim=2)
            cell = forget.sigmoid() * cell + put.sigmoid() * new.tanh()
            state = out.sigmoid() * cell.tanh()
            states.append(state)
        forth, back = torch.stack(states, dim=2)  # (sentences, words, units) each
        return torch.cat([forth, _reordered(back, order)], dim=2)


def _reversed_order(lengths: Tensor, words: int) -> Tensor:
    """(sentences, words) places that reverse each sentence and leave its padding behind it."""
    places = torch.arange(words, device=lengths.device)[None]
    turned = lengths[:, None] - 1 - places
    return torch.where(turned >= 0, turned, places)


def _reordered(inputs: Tensor, order: Tensor) -> Tensor:
    return inputs.gather(1, order[:, :, None].expand_as(inputs))


class BilstmNetwork(WordNetwork):
    """Vectors, LSTM, softmax."""

    def __init__(self, recipe: BilstmRecipe, rows: int, tags: int) -> None:
        super().__init__()
        settings, width = recipe.bilstm, recipe.vectors.width
        self.words = WordVectors(rows, width, recipe.vectors.freeze)
        self.dropout = nn.Dropout(settings.dropout)
        self.lstm = RecurrentDropoutLstm(width, settings.units, settings.recurrent_dropout)
        self.head = nn.Linear(2 * settings.units, tags)

    def forward(self, rows: Tensor) -> Tensor:
        """(sentences, words) rows to (sentences, words, tags)."""
        lengths = (rows != PADDING).sum(dim=1)
        emissions: Tensor = self.head(self.lstm(self.dropout(self.words(rows)), lengths))
        return emissions


class BilstmSystem(NeuralSystem[BilstmRecipe]):
    """A bidirectional LSTM over word vectors."""

    @classmethod
    def network_of(cls, recipe: BilstmRecipe, rows: int, tags: int) -> BilstmNetwork:
        """The network, with random weights."""
        return BilstmNetwork(recipe, rows, tags)
