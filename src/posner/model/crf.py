"""A linear-chain CRF over tags (Lafferty et al. 2001), restricted to the scheme's legal paths.

Only the loss is here; decoding and scores are `posner.decode`'s, for every backend alike.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from posner.decode import Transitions


class CRF(nn.Module):
    """Learned transition weights.

    Args:
        legal: zero where the scheme allows a transition, a large negative number elsewhere.
    """

    legal_start: Tensor
    legal_pairs: Tensor
    legal_end: Tensor

    def __init__(self, legal: Transitions) -> None:
        super().__init__()
        tags = len(legal.start)
        self.start = nn.Parameter(torch.zeros(tags))
        self.pairs = nn.Parameter(torch.zeros(tags, tags))
        self.end = nn.Parameter(torch.zeros(tags))
        for name, table in (("start", legal.start), ("pairs", legal.pairs), ("end", legal.end)):
            tensor = torch.from_numpy(table).float()
            self.register_buffer(f"legal_{name}", tensor, persistent=False)

    def loss(
        self,
        emissions: Tensor,
        tags: Tensor,
        mask: Tensor,
        begins: Tensor | None = None,
        ends: Tensor | None = None,
    ) -> Tensor:
        """The negative log-likelihood of the tags, summed over the batch.

        Args:
            emissions: (batch, words, tags).
            tags: (batch, words) gold tag indices; anything where the mask is false.
            mask: (batch, words) true on words; each row's true part comes first and is not empty.
            begins, ends: (batch,) true where a row begins, or ends, its sentence; by default all
                do. Elsewhere a window was cut, possibly inside an entity, and no weight of
                beginning or ending counts.
        """
        emissions = emissions.float()
        start = _where_border(self.start + self.legal_start, begins, emissions)  # (batch, tags)
        pairs = self.pairs + self.legal_pairs
        end = _where_border(self.end + self.legal_end, ends, emissions)  # (batch, tags)
        gold = self._path_weight(emissions, tags, mask, start, pairs, end)
        alpha = start + emissions[:, 0]  # (batch, tags)
        for word in range(1, emissions.shape[1]):
            onward = torch.logsumexp(alpha.unsqueeze(2) + pairs, dim=1) + emissions[:, word]
            alpha = torch.where(mask[:, word, None], onward, alpha)
        total = torch.logsumexp(alpha + end, dim=1)  # (batch,)
        return (total - gold).sum()

    def _path_weight(
        self,
        emissions: Tensor,
        tags: Tensor,
        mask: Tensor,
        start: Tensor,
        pairs: Tensor,
        end: Tensor,
    ) -> Tensor:
        """(batch,) the weight of the gold path."""
        tags = tags.masked_fill(~mask, 0)
        own = emissions.gather(2, tags.unsqueeze(2)).squeeze(2)  # (batch, words)
        weight = (own * mask).sum(dim=1) + start.gather(1, tags[:, :1]).squeeze(1)
        between = pairs[tags[:, :-1], tags[:, 1:]]  # (batch, words - 1)
        weight = weight + (between * mask[:, 1:]).sum(dim=1)
        last = tags.gather(1, mask.sum(dim=1, keepdim=True) - 1)  # (batch, 1)
        result: Tensor = weight + end.gather(1, last).squeeze(1)
        return result


def _where_border(weights: Tensor, border: Tensor | None, emissions: Tensor) -> Tensor:
    """(tags,) weights as (batch, tags), zero in the rows that have no such border."""
    rows = weights.expand(emissions.shape[0], -1)
    return rows if border is None else rows * border[:, None]
