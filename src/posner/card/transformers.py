"""The card of a folder that transformers opens, out of what the model that it was made of says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from posner.card.card import head, joined, limits, listed, metadata
from posner.card.scores import scores
from posner.card.text import figure, is_number

AGGREGATION = "first"
"""The strategy of transformers' pipeline with which a word has its first piece's tag."""


def transformers_card(saved: Mapping[str, Any], notes: Sequence[str]) -> str:
    """The card of a model written for transformers.

    Its front matter has no results: Posner measured them, which decodes otherwise.

    Args:
        saved: the contents of the model's `posner.json`.
        notes: what of the model transformers does not know.
    """
    figures = {k: v for k, v in figure(saved, "figures").items() if k != "calibration"}
    found = scores({**saved, "figures": figures})
    measured = (
        "Measured with Posner, which tags whole words and only on legal paths." if found else ""
    )
    lines = [*limits(saved), *(f"Unlike in Posner: {note}." for note in notes)]
    window = saved.get("window")
    if is_number(window):
        lines += [
            f"It sees at most {window} pieces; a pipeline leaves the rest of a text untagged."
        ]
    parts = (head(saved), found, measured, _use(), listed(lines))
    return joined(metadata(saved, "transformers"), parts)


def _use() -> str:
    return f"""## Use

```python
import transformers

recogniser = transformers.pipeline(
    "token-classification", model="path/to/this/folder", aggregation_strategy="{AGGREGATION}"
)
for entity in recogniser("Ada Marsh lives in New Haven."):
    print(entity["word"], entity["entity_group"], entity["score"], entity["start"], entity["end"])
```"""
