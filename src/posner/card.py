"""The model card: a folder's `README.md`, in Hugging Face's manner, written from what it says.

Everything comes out of the contents of `posner.json`: names and counts of the data, never a
sentence of it; the figures that training measured. What is not there is left out, so that a card
is never in the way of a model. It is made for people, who may go on writing it: its checksum is
not kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any, TypeGuard

from posner.meanings import meaning
from posner.render.clean import clean

CARD = "README.md"

FEW_EXAMPLES = 100
"""A label with fewer entities to learn from than this is named among the limits."""

_RATIOS = ("precision", "recall", "f1")
_BUILT_IN = {"minilm": "sentence-transformers/all-MiniLM-L6-v2"}
"""What the hub calls backbones that come with Posner's packages."""
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def model_card(saved: Mapping[str, Any]) -> str:
    """The card of a model.

    Args:
        saved: the contents of its `posner.json`.
    """
    body = "\n\n".join(
        part for part in (_head(saved), _scores(saved), _use(saved), _limits(saved)) if part
    )
    return f"---\n{_metadata(saved)}---\n\n{body}\n"


def _metadata(saved: Mapping[str, Any]) -> str:
    """The front matter, in YAML: every text in JSON's quotes, which are YAML's too."""
    lines = ["library_name: posner", "pipeline_tag: token-classification", "tags:"]
    lines += ["- named-entity-recognition", "- posner"]
    base = _base_model(saved)
    if base:
        lines += [f"base_model: {_quoted(base)}"]
    micro = _figure(saved, "figures", "dev", "strict", "micro")
    values = {name: micro[name] for name in _RATIOS if _is_number(micro.get(name))}
    if values:
        name = _data_names(saved)["dev"]
        lines += ["model-index:", "- name: posner", "  results:", "  - task:"]
        lines += ["      type: token-classification", "      name: Named-entity recognition"]
        lines += ["    dataset:", f"      type: {_quoted(_slug(name))}"]
        lines += [f"      name: {_quoted(name)}", "      split: validation", "    metrics:"]
        for key, value in values.items():
            lines += [f"    - type: {key}", f"      value: {value:.6f}"]
            lines += [f"      name: {_quoted('strict ' + _title(key))}"]
    return "\n".join(lines) + "\n"


def _head(saved: Mapping[str, Any]) -> str:
    """What it is, and what it learned from."""
    labels = _texts(saved.get("labels"))
    named = ", ".join(_plain(label) for label in labels) or "no entities"
    lines = ["# Named-entity recogniser", "", f"A Posner model that finds {named} in text."]
    system = saved.get("system")
    if isinstance(system, str) and system:
        lines[-1] += f" It is a {_plain(system)} system."
    backbone = _figure(saved, "recipe", "backbone").get("name")
    if isinstance(backbone, str) and backbone:
        weights = _figure(saved, "figures", "weights").get("all")
        size = f" ({weights / 1e6:.1f} million weights)" if _is_number(weights) else ""
        how = "Its adapters stand on" if saved.get("base") else "It was fine-tuned from"
        lines[-1] += f" {how} the encoder {_plain(_base_model(saved) or _name(backbone))}{size}."
    lines += ["", "## Data", "", *_data(saved)]
    return "\n".join(lines)


def _data(saved: Mapping[str, Any]) -> Iterator[str]:
    facts, names = _figure(saved, "figures", "data"), _data_names(saved)
    if not facts:
        yield "What it learned from was not written down."
        return
    yield "| part | name | sentences | words | entities |"
    yield "|---|---|---:|---:|---:|"
    for part, said in (("train", "learned from"), ("dev", "judged by")):
        entities = _figure(facts, f"{part}_entities")
        total = sum(n for n in entities.values() if _is_number(n)) if entities else None
        counts = (facts.get(f"{part}_sentences"), facts.get(f"{part}_words"), total)
        cells = " | ".join(_count(count) for count in counts)
        yield f"| {said} | {_plain(names[part])} | {cells} |"


def _scores(saved: Mapping[str, Any]) -> str:
    """The dev figures, over all and by label."""
    dev = _figure(saved, "figures", "dev")
    micro = _figure(dev, "strict", "micro")
    if not micro:
        return ""
    ranges = _figure(dev, "intervals", "strict")
    lines = ["## Scores", ""]
    lines += ["On the part it was judged by; an entity counts with exact borders and exact label."]
    lines += ["", "| | precision | recall | F1 | gold entities |", "|---|---:|---:|---:|---:|"]
    lines += [_score_row("**all**", micro, _figure(dev, "counts").get("gold"))]
    if all(_is_number(_figure(ranges, name).get("low")) for name in _RATIOS):
        cells = [f"{_percent(ranges[n]['low'])} to {_percent(ranges[n]['high'])}" for n in _RATIOS]
        lines += [f"| 95 % interval | {' | '.join(cells)} | |"]
    for label in _figure(dev, "strict", "labels"):
        ratios = _figure(dev, "strict", "labels", label)
        lines += [_score_row(_described(label), ratios, ratios.get("support"))]
    accuracy = _figure(dev, "pos").get("accuracy")
    if _is_number(accuracy):
        lines += ["", f"Parts of speech: accuracy {_percent(accuracy)}."]
    calibration = _figure(saved, "figures", "calibration")
    if calibration:
        source = calibration.get("data")
        on = f" on {_plain(_name(source))}" if isinstance(source, str) and source else ""
        lines += ["", f"The score that it gives each entity was calibrated{on}."]
    epoch, seconds = dev.get("epoch"), dev.get("seconds")
    if _is_number(epoch) and _is_number(seconds):
        lines += ["", f"Reached in epoch {epoch}, after {seconds / 60:.1f} minutes of training."]
    return "\n".join(lines)


def _use(saved: Mapping[str, Any]) -> str:
    base = _figure(saved, "base").get("name")
    needed = f"\nIt needs its encoder too: {_plain(_name(base))}.\n" if base else ""
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


def _limits(saved: Mapping[str, Any]) -> str:
    """What follows from how it was made."""
    lines = [
        "It finds the labels above and no others, in text like that of its training data;"
        " other languages, topics and styles were not measured."
    ]
    chosen = "system" not in saved or _figure(saved, "figures", "learning").get("epoch")
    if _figure(saved, "figures", "dev") and chosen:
        lines += [
            "The part it was judged by also chose the epoch that was kept,"
            " so its scores are a little better than they would be on unseen text."
        ]
    learned = _figure(saved, "figures", "data", "train_entities")
    rare = [f"{_plain(k)} ({n})" for k, n in learned.items() if _is_number(n) and n < FEW_EXAMPLES]
    if rare:
        lines += [f"It saw few examples of {', '.join(rare)}; expect least of these."]
    unseen = sorted(set(_figure(saved, "figures", "dev", "strict", "labels")) - set(learned))
    if learned and unseen:
        lines += [f"It never saw {', '.join(map(_plain, unseen))}, and does not find them."]
    thresholds = _figure(saved, "thresholds")
    least = [thresholds.get("overall"), *_figure(thresholds, "labels").values()]
    if any(_is_number(value) and value > 0 for value in least):
        lines += ["Entities with a score below a threshold are left out; `posner info` lists them."]
    window = saved.get("window")
    if _is_number(window):
        lines += [
            f"It sees at most {window} pieces at once; longer sentences are cut and rejoined."
        ]
    lines += ["Entities do not overlap: of nested ones it finds one."]
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _base_model(saved: Mapping[str, Any]) -> str:
    """The hub's name of the encoder; empty for one that only stands on somebody's disk."""
    name = _figure(saved, "recipe", "backbone").get("name")
    if not isinstance(name, str):
        return ""
    known = _BUILT_IN.get(name)
    is_hub = _HUB_NAME.fullmatch(name) is not None and not name.startswith(".")
    return known or (name if is_hub and not Path(name).exists() else "")


def _data_names(saved: Mapping[str, Any]) -> dict[str, str]:
    """Names of files, without the folders that they stand in."""
    facts = _figure(saved, "figures", "data")
    train, dev = (facts.get(part) for part in ("train", "dev"))
    learned = _name(train) if isinstance(train, str) and train else "not named"
    if isinstance(dev, str) and dev:
        return {"train": learned, "dev": _name(dev)}
    return {"train": learned, "dev": f"a part of {learned}, set aside"}


def _name(path: str) -> str:
    return PurePath(path).name or path


def _figure(source: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """The mapping under keys, one below the other; empty where there is none."""
    found: Any = source
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _texts(found: object) -> list[str]:
    return [one for one in found if isinstance(one, str)] if isinstance(found, list | tuple) else []


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _score_row(name: str, ratios: Mapping[str, Any], support: object) -> str:
    cells = [name, *(_percent(ratios.get(key)) for key in _RATIOS), _count(support)]
    return f"| {' | '.join(cells)} |"


def _percent(value: object) -> str:
    return f"{100 * float(value):.2f}" if isinstance(value, int | float) else "-"


def _count(value: object) -> str:
    return f"{value:,}" if _is_number(value) else "-"


def _described(label: str) -> str:
    said = meaning(label)
    return _plain(label) + (f", {_plain(said)}" if said else "")


def _title(key: str) -> str:
    return "F1" if key == "f1" else key


def _slug(name: str) -> str:
    """A data set's name as the hub writes names."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unnamed"


def _plain(text: str) -> str:
    """A text that Markdown shows as it is."""
    held = " ".join(clean(text).split())
    return re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", held)


def _quoted(text: str) -> str:
    return json.dumps(" ".join(clean(text).split()), ensure_ascii=False)
