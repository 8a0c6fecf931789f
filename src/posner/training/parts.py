"""What a training learns from and what it is judged by, with every reason to stop told first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from posner.collector import collector_paused
from posner.corpus import Corpus
from posner.corpus.words import resegmented
from posner.document import Document
from posner.errors import DataError, did_you_mean
from posner.plural import counted
from posner.recipe import Recipe
from posner.training.console import Reporter
from posner.training.lexicon import Lexicon, lexicon_fingerprint, read_lexicon
from posner.training.prepare import TagSets, check_alignment, fingerprint, hold_out, tag_sets


@dataclass(frozen=True)
class Parts:
    """The corpora of a training.

    Attributes:
        train: what is learned.
        dev: what chooses the best epoch.
        tags: what the heads can say, found in `train`.
        facts: what `run.json` says of the data.
        lexicon: names for augmentation, by label.
    """

    train: Corpus
    dev: Corpus
    tags: TagSets
    facts: dict[str, Any]
    lexicon: Lexicon = field(default_factory=dict)


NO_TAGS = TagSets(labels=(), pos=(), chunk=())
"""What is known to a model that learns from nothing."""


@collector_paused()
def training_parts(
    corpus: Corpus,
    dev: Corpus | None,
    recipe: Recipe,
    reporter: Reporter,
    *,
    known: TagSets = NO_TAGS,
) -> Parts:
    """Check the corpora, set a share aside where there is no dev set, and tell what is odd.

    Args:
        corpus: what is learned from.
        dev: what chooses the best epoch.
        recipe: every setting.
        reporter: is told what is odd.
        known: what the model to go on from says already, and need not learn.

    Raises:
        DataError: a corpus without sentences, without entities, or with entities that no tags
            hold; a lexicon that cannot be read.
    """
    corpus = as_read_after(corpus, recipe)
    dev = None if dev is None else as_read_after(dev, recipe)
    tag_sets(corpus)  # refuses a corpus with nothing to learn from, before it is parted
    for given in (corpus, dev):
        if given is not None:
            check_alignment(given)
    train_part, dev_part = (corpus, dev) if dev is not None else _parted(corpus, recipe, reporter)
    if dev is None:
        _check_rest(train_part)
    tags = tag_sets(train_part)
    _check_dev(dev_part, given=dev is not None)
    for label in sorted(set(dev_part.labels) - {*tags.labels, *known.labels}):
        source = dev_part.path if dev is not None else "the part set aside"
        reporter.say(
            f"warning: {label} occurs in {source} but not in what is learned from; "
            "each of its entities counts as missed"
        )
    if recipe.heads.pos_weight and not tags.pos and not known.pos:
        reporter.say(f"{corpus.path} has no parts of speech: the model will tag none")
    lexicon = _lexicon(recipe, tags.labels, reporter)
    digests = {"train": fingerprint(train_part.documents), "dev": fingerprint(dev_part.documents)}
    digests |= {"lexicon": lexicon_fingerprint(lexicon)} if lexicon else {}
    facts = {
        "train": str(corpus.path),
        "dev": str(dev.path) if dev is not None else None,
        "train_sentences": _sentences(train_part.documents),
        "dev_sentences": _sentences(dev_part.documents),
        "train_words": train_part.word_count,
        "dev_words": dev_part.word_count,
        "train_entities": _entities(train_part.documents),
        "dev_entities": _entities(dev_part.documents),
        "fingerprints": digests,
    }
    return Parts(train_part, dev_part, tags, facts, lexicon)


def as_read_after(corpus: Corpus, recipe: Recipe) -> Corpus:
    """The corpus with raw texts segmented as the recipe's model will segment them."""
    segmenter = recipe.data.segmenter
    return replace(corpus, documents=tuple(resegmented(d, segmenter) for d in corpus.documents))


def _lexicon(recipe: Recipe, labels: Sequence[str], reporter: Reporter) -> Lexicon:
    """The names that can replace mentions of these labels.

    Raises:
        DataError: the lexicon cannot be read, or holds no name of any of them.
    """
    augment = recipe.augment
    if augment.lexicon and not augment.mentions:
        reporter.say("warning: augment.lexicon is not used, since augment.mentions is 0")
    if not augment.lexicon or not augment.mentions:
        return {}
    path = Path(augment.lexicon)
    if not path.exists():
        raise DataError(
            "no such file",
            where=path,
            expected="the lexicon of augment.lexicon",
            remedy="name another with --augment.lexicon, or none with --augment.mentions 0",
        )
    names = read_lexicon(path)
    used = {label: own for label, own in names.items() if label in labels}
    if not used:
        raise DataError(
            "no name of this lexicon has a label of the training data (augment.lexicon)",
            where=path,
            expected=" ".join(labels),
            got=" ".join(list(names)[:5]),
            remedy=did_you_mean(next(iter(names)), labels)
            or "name another with --augment.lexicon, or none with --augment.mentions 0",
        )
    for label in (own for own in names if own not in used):
        near = did_you_mean(label, labels)
        reporter.say(
            f"warning: the lexicon's names of {label} are not used, since the training data has "
            f"no such label{f'; {near}' if near else ''}"
        )
    return used


def _parted(corpus: Corpus, recipe: Recipe, reporter: Reporter) -> tuple[Corpus, Corpus]:
    held = hold_out(corpus.documents, recipe.training.dev_share, recipe.training.seed)
    count = len(held.dev) if held.unit == "documents" else _sentences(held.dev)
    told, verb = counted(count, held.unit.removesuffix("s")), "is" if count == 1 else "are"
    reporter.say(f"no dev set given: {told} of {corpus.path} {verb} set aside")
    return replace(corpus, documents=held.train), replace(corpus, documents=held.dev)


def _check_rest(train: Corpus) -> None:
    """Refuse a corpus whose entities were all set aside."""
    if not train.labels:
        raise DataError(
            "what is left after a dev part was set aside holds no entity to learn from",
            where=train.path,
            remedy="name a dev set with --dev, so that all of it is learned from",
        )


def _check_dev(dev: Corpus, *, given: bool) -> None:
    where = dev.path if given else f"the part of {dev.path} set aside"
    if dev.word_count == 0:
        raise DataError("holds no sentence", where=where, expected="a labelled corpus")
    if not dev.labels:
        raise DataError(
            "holds no entity, so it cannot tell a good epoch from a bad one",
            where=where,
            remedy="name a dev set with entities (--dev), or set more aside",
        )


def _sentences(documents: Sequence[Document]) -> int:
    return sum(len(d.sentences) for d in documents)


def _entities(documents: Sequence[Document]) -> dict[str, int]:
    """How many entities each label has."""
    return dict(sorted(Counter(e.label for d in documents for e in d.entities).items()))
