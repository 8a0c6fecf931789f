"""The model card: a folder's `README.md`, in Hugging Face's manner, written from what it says.

Everything comes out of the contents of `posner.json`: names and counts of the data, never a
sentence of it; the figures that training measured. What is not there is left out, so that a card
is never in the way of a model. It is made for people, who may go on writing it: its checksum is
not kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from posner.card.scores import own_ratios, scores
from posner.card.text import (
    RATIOS,
    figure,
    file_name,
    is_number,
    number,
    plain,
    quoted,
    slug,
    texts,
    title,
)

CARD = "README.md"

FEW_EXAMPLES = 100
"""A label with fewer entities to learn from than this is named among the limits."""

_BUILT_IN = {"minilm": "sentence-transformers/all-MiniLM-L6-v2"}
"""What the hub calls backbones that come with Posner's packages."""
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def model_card(saved: Mapping[str, Any]) -> str:
    """The card of a model.

    Args:
        saved: the contents of its `posner.json`.
    """
    parts = (head(saved), scores(saved), _use(saved), listed([*limits(saved), *_own_limits(saved)]))
    return joined([*metadata(saved, "posner"), *_results(saved)], parts)


def joined(front_matter: Iterable[str], parts: Iterable[str]) -> str:
    """A card out of the lines of its front matter and its parts, of which some may be empty."""
    lines, body = "\n".join(front_matter), "\n\n".join(filter(None, parts))
    return f"---\n{lines}\n---\n\n{body}\n"


def metadata(saved: Mapping[str, Any], library: str) -> list[str]:
    """The front matter, in YAML: every text in JSON's quotes, which are YAML's too."""
    lines = [f"library_name: {library}", "pipeline_tag: token-classification", "tags:"]
    lines += ["- named-entity-recognition", "- posner"]
    base = _base_model(saved)
    return [*lines, f"base_model: {quoted(base)}"] if base else lines


def _results(saved: Mapping[str, Any]) -> list[str]:
    """The model's own figures, for the front matter."""
    micro, lines = own_ratios(saved), []
    values = {name: micro[name] for name in RATIOS if is_number(micro.get(name))}
    if values:
        name = _data_names(saved)["dev"]
        lines = ["model-index:", "- name: posner", "  results:", "  - task:"]
        lines += ["      type: token-classification", "      name: Named-entity recognition"]
        lines += ["    dataset:", f"      type: {quoted(slug(name))}"]
        lines += [f"      name: {quoted(name)}", "      split: validation", "    metrics:"]
        for key, value in values.items():
            lines += [f"    - type: {key}", f"      value: {value:.6f}"]
            lines += [f"      name: {quoted('strict ' + title(key))}"]
    return lines


def head(saved: Mapping[str, Any]) -> str:
    """What it is, and what it learned from."""
    labels = texts(saved.get("labels"))
    named = ", ".join(plain(label) for label in labels) or "no entities"
    lines = ["# Named-entity recogniser", "", f"A Posner model that finds {named} in text."]
    system = saved.get("system")
    if isinstance(system, str) and system:
        lines[-1] += f" It is a {plain(system)} system."
    backbone = figure(saved, "recipe", "backbone").get("name")
    if isinstance(backbone, str) and backbone:
        weights = figure(saved, "figures", "weights").get("all")
        size = f" ({weights / 1e6:.1f} million weights)" if is_number(weights) else ""
        how = "Its adapters stand on" if saved.get("base") else "It was fine-tuned from"
        lines[-1] += f" {how} the encoder {plain(_base_model(saved) or file_name(backbone))}{size}."
    lines += ["", "## Data", "", *_data(saved)]
    return "\n".join(lines)


def _data(saved: Mapping[str, Any]) -> Iterator[str]:
    facts, names = figure(saved, "figures", "data"), _data_names(saved)
    if not facts:
        yield "What it learned from was not written down."
        return
    yield "| part | name | sentences | words | entities |"
    yield "|---|---|---:|---:|---:|"
    for part, said in (("train", "learned from"), ("dev", "judged by")):
        entities = figure(facts, f"{part}_entities")
        total = sum(n for n in entities.values() if is_number(n)) if entities else None
        counts = (facts.get(f"{part}_sentences"), facts.get(f"{part}_words"), total)
        cells = " | ".join(number(count) for count in counts)
        yield f"| {said} | {plain(names[part])} | {cells} |"


def _use(saved: Mapping[str, Any]) -> str:
    base = figure(saved, "base").get("name")
    needed = f"\nIt needs its encoder too: {plain(file_name(base))}.\n" if base else ""
    needed += _crf_packages(saved)
    return f"""## Use
{needed}
```python
import posner

recogniser = posner.load("path/to/this/folder")
document = recogniser("Ada Marsh lives in New Haven.")
for entity in document.entities:
    print(entity.text, entity.label, entity.score, entity.start, entity.end)
```

```
posner predict path/to/this/folder --text "Ada Marsh lives in New Haven."
```"""


def _crf_packages(saved: Mapping[str, Any]) -> str:
    """What a CRF needs beside Posner itself."""
    settings = figure(saved, "recipe", "crf")
    if not settings:
        return ""
    if settings.get("pos") == "none":
        return '\nIt needs CRFsuite: `pip install "posner[crf]"`.\n'
    return (
        "\nIt needs CRFsuite, and spaCy for text without parts of speech, since it learned from"
        ' them: `pip install "posner[crf,spacy]"`.\n'
    )


def limits(saved: Mapping[str, Any]) -> list[str]:
    """What follows from how it was made, whatever runs it."""
    lines = [
        "It finds the labels above and no others, in text like that of its training data;"
        " other languages, topics and styles were not measured."
    ]
    chosen = "system" not in saved or figure(saved, "figures", "learning").get("epoch")
    if figure(saved, "figures", "dev") and chosen:
        lines += [
            "The part it was judged by also chose the epoch that was kept,"
            " so its scores are a little better than they would be on unseen text."
        ]
    learned = figure(saved, "figures", "data", "train_entities")
    rare = [f"{plain(k)} ({n})" for k, n in learned.items() if is_number(n) and n < FEW_EXAMPLES]
    if rare:
        lines += [f"It saw few examples of {', '.join(rare)}; expect least of these."]
    unseen = sorted(set(figure(saved, "figures", "dev", "strict", "labels")) - set(learned))
    if learned and unseen:
        lines += [f"It never saw {', '.join(map(plain, unseen))}, and does not find them."]
    return [*lines, "Entities do not overlap: of nested ones it finds one."]


def _own_limits(saved: Mapping[str, Any]) -> list[str]:
    """What follows from how Posner runs it."""
    lines = []
    thresholds = figure(saved, "thresholds")
    least = [thresholds.get("overall"), *figure(thresholds, "labels").values()]
    if any(is_number(value) and value > 0 for value in least):
        lines += ["Entities with a score below a threshold are left out; `posner info` lists them."]
    window = saved.get("window")
    if is_number(window):
        lines += [
            f"It sees at most {window} pieces at once; longer sentences are cut and rejoined."
        ]
    return lines


def listed(lines: Iterable[str]) -> str:
    """The part of a card that tells the limits."""
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _base_model(saved: Mapping[str, Any]) -> str:
    """The hub's name of the encoder; empty for one that only stands on somebody's disk."""
    name = figure(saved, "recipe", "backbone").get("name")
    if not isinstance(name, str):
        return ""
    known = _BUILT_IN.get(name)
    is_hub = _HUB_NAME.fullmatch(name) is not None and not name.startswith(".")
    return known or (name if is_hub and not Path(name).exists() else "")


def _data_names(saved: Mapping[str, Any]) -> dict[str, str]:
    """Names of files, without the folders that they stand in."""
    facts = figure(saved, "figures", "data")
    train, dev = (facts.get(part) for part in ("train", "dev"))
    learned = file_name(train) if isinstance(train, str) and train else "not named"
    if isinstance(dev, str) and dev:
        return {"train": learned, "dev": file_name(dev)}
    return {"train": learned, "dev": f"a part of {learned}, set aside"}
