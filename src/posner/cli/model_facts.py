"""What `posner info` prints of every kind of model that Posner trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from posner.meanings import meaning
from posner.recipe import Sectioned


def print_tags(title: str, tags: Sequence[str]) -> None:
    """Tags or labels with their meanings; nothing where there are none."""
    if not tags:
        return
    print(f"\n{title}")
    width = max(len(tag) for tag in tags)
    for tag in tags:
        print(f"  {tag:<{width}}  {meaning(tag) or ''}".rstrip())


def print_figures(figures: Mapping[str, Any]) -> None:
    """What a model was trained on, and its dev figures."""
    data, dev = figures.get("data"), figures.get("dev")
    if data:
        print(f"\ntrained on {data['train']} ({data['train_sentences']:,} sentences), ", end="")
        source = data["dev"] or "a part set aside"
        print(f"judged on {source} ({data['dev_sentences']:,} sentences)")
    if dev:
        micro = dev["strict"]["micro"]
        precision, recall, f1 = (100 * micro[k] for k in ("precision", "recall", "f1"))
        epoch = f", epoch {dev['epoch']}" if "epoch" in dev else ""
        print(f"dev, strict{epoch}: P {precision:.2f}  R {recall:.2f}  F1 {f1:.2f}")


def print_recipe(recipe: Sectioned, usual: Sectioned, name: str, *, whole: bool) -> None:
    """What a recipe changes in the usual one of that name, or all of it."""
    if whole:
        print("\nrecipe\n")
        print(recipe.to_toml(), end="")
        return
    changes = recipe.to_toml(since=usual)
    same = f"\nrecipe: as `posner recipes {name}` prints it"
    print(f"{same}, but for these settings (--recipe prints all)\n" if changes else same)
    print(changes, end="")
