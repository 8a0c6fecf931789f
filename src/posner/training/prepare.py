"""Corpora to arrays that a loop can train on, with every reason to stop told beforehand."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from posner.align import EncodedDocument, Encoder, IntArray
from posner.corpus import Corpus
from posner.document import Document, Entity, sentence_spans
from posner.errors import DataError
from posner.folder import Manifest
from posner.labels import IGNORED
from posner.schemes import SCHEMES, spans_to_tags
from posner.windows import Core, Window, WindowPlan, without_overlap


@dataclass(frozen=True, slots=True)
class GoldTags:
    """A document's gold tags, (words,) each; `IGNORED` where unknown."""

    entity: IntArray
    pos: IntArray | None
    chunk: IntArray | None


@dataclass(frozen=True)
class PreparedSet:
    """A corpus ready for batches.

    Attributes:
        documents: as they were read.
        encoded: their pieces and features.
        gold: their tags.
        windows: what the loss runs over; no word is in two cores.
    """

    documents: tuple[Document, ...]
    encoded: list[EncodedDocument]
    gold: list[GoldTags]
    windows: list[Window]

    @property
    def words(self) -> int:
        """Words in the cores of all windows."""
        return sum(w.core_words for w in self.windows)

    @property
    def lengths(self) -> list[int]:
        """Pieces of each window."""
        return [window.pieces for window in self.windows]

    @property
    def sentences(self) -> int:
        """Sentences that have words."""
        return len({(w.document, core.sentence) for w in self.windows for core in w.cores})

    def core_words(self, indices: Sequence[int]) -> int:
        """Core words of some windows."""
        return sum(self.windows[i].core_words for i in indices)

    def cores(self, indices: Sequence[int]) -> Iterator[tuple[int, Core]]:
        """The cores of some windows, each with its document, in order."""
        for i in indices:
            for core in self.windows[i].cores:
                yield self.windows[i].document, core

    def begins_sentence(self, document: int, core: Core) -> bool:
        """Whether a core begins its sentence, and not somewhere inside."""
        return core.first == int(self.encoded[document].sentences[core.sentence])

    def ends_sentence(self, document: int, core: Core) -> bool:
        """Whether a core ends its sentence, and not somewhere inside."""
        return core.last == int(self.encoded[document].sentences[core.sentence + 1])


@dataclass(frozen=True)
class TagSets:
    """What the heads can say, found in the training data."""

    labels: tuple[str, ...]
    pos: tuple[str, ...]
    chunk: tuple[str, ...]


def tag_sets(corpus: Corpus) -> TagSets:
    """The labels and tags of a training corpus, sorted.

    Raises:
        DataError: the corpus has no sentence, or no entity.
    """
    if corpus.word_count == 0:
        raise DataError("holds no sentence", where=corpus.path, expected="a labelled corpus")
    if not corpus.labels:
        raise DataError(
            "holds no entity to learn from",
            where=corpus.path,
            remedy="name the column or format that holds the tags with --format",
        )
    tokens = [token for document in corpus.documents for token in document.tokens]
    return TagSets(
        labels=corpus.labels,
        pos=tuple(sorted({t.pos for t in tokens if t.pos is not None})),
        chunk=tuple(sorted({t.chunk for t in tokens if t.chunk is not None})),
    )


def check_alignment(corpus: Corpus) -> None:
    """Refuse entities that no tag sequence over the words can hold.

    Raises:
        DataError: an entity begins or ends inside a word.
        SchemeError: entities overlap.
    """
    for document in corpus.documents:
        aligned = sentence_spans(document)
        where = f"{corpus.path}: document {document.id or repr(document.text[:30])}"
        if aligned.misaligned:
            count = len(aligned.misaligned)
            raise DataError(
                f"{count} entit{'y does' if count == 1 else 'ies do'} not fall on word borders",
                where=where,
                got=repr(aligned.misaligned[0].text[:40]),
                remedy="`posner check` lists them all; --repair widens them to whole words",
            )
        for sentence, spans in zip(document.sentences, aligned.spans, strict=True):
            try:
                spans_to_tags(spans, len(sentence), SCHEMES["IOB2"])
            except DataError as error:
                raise type(error)(
                    error.problem,
                    where=where,
                    got=error.got,
                    remedy="models learn flat entities: keep one of each overlapping pair; "
                    "--repair keeps the longest",
                ) from error


def prepare(
    documents: Sequence[Document], manifest: Manifest, encoder: Encoder, plan: WindowPlan
) -> PreparedSet:
    """Encode documents and their tags; tags that the model does not know are `IGNORED`."""
    encoded = encoder.encode(documents)
    tags = {tag: i for i, tag in enumerate(manifest.tags)}
    pos = {tag: i for i, tag in enumerate(manifest.pos_tags)}
    chunk = {tag: i for i, tag in enumerate(manifest.chunk_tags)}
    scheme = SCHEMES[manifest.recipe.data.scheme]
    gold = []
    for document in documents:
        spans = sentence_spans(document).spans
        entity = [
            tags.get(tag, IGNORED)
            for sentence, own in zip(document.sentences, spans, strict=True)
            for tag in spans_to_tags(own, len(sentence), scheme)
        ]
        tokens = list(document.tokens)
        gold.append(
            GoldTags(
                entity=np.array(entity, dtype=np.int64),
                pos=_indices([t.pos for t in tokens], pos),
                chunk=_indices([t.chunk for t in tokens], chunk),
            )
        )
    return PreparedSet(tuple(documents), encoded, gold, without_overlap(plan.windows(encoded)))


def _indices(tags: Sequence[str | None], known: dict[str, int]) -> IntArray | None:
    if not known:
        return None
    return np.array([known.get(t, IGNORED) if t else IGNORED for t in tags], dtype=np.int64)


@dataclass(frozen=True)
class Holdout:
    """A training set parted in two."""

    train: tuple[Document, ...]
    dev: tuple[Document, ...]
    unit: str


def hold_out(documents: Sequence[Document], share: float, seed: int) -> Holdout:
    """Set a share aside: whole documents where there are at least ten, else sentences.

    Raises:
        DataError: too little to set anything aside.
    """
    random = np.random.default_rng(seed)
    if len(documents) >= 10:
        chosen = _choose(len(documents), share, random)
        return Holdout(
            tuple(d for i, d in enumerate(documents) if i not in chosen),
            tuple(d for i, d in enumerate(documents) if i in chosen),
            "documents",
        )
    total = sum(len(d.sentences) for d in documents)
    if total < 2:
        raise DataError(
            "too few sentences to set some aside for development",
            expected="at least 2, or a dev set",
            got=total,
            remedy="name one with --dev",
        )
    chosen = _choose(total, share, random)
    train, dev = [], []
    first = 0
    for document in documents:
        own = {i - first for i in chosen if first <= i < first + len(document.sentences)}
        first += len(document.sentences)
        places = range(len(document.sentences))
        train.append(keep_sentences(document, [i not in own for i in places]))
        dev.append(keep_sentences(document, [i in own for i in places]))
    return Holdout(tuple(train), tuple(dev), "sentences")


def _choose(total: int, share: float, random: np.random.Generator) -> set[int]:
    count = min(max(1, round(total * share)), total - 1)
    return {int(i) for i in random.permutation(total)[:count]}


def keep_sentences(document: Document, keep: Sequence[bool]) -> Document:
    """The document with some of its sentences; the text and the offsets stay."""
    sentences = tuple(s for s, k in zip(document.sentences, keep, strict=True) if k)
    filled = [sentence for sentence in sentences if sentence.tokens]
    starts = [sentence.start for sentence in filled]

    def held(entity: Entity) -> bool:
        place = bisect_right(starts, entity.start) - 1
        return place >= 0 and entity.end <= filled[place].end

    entities = tuple(entity for entity in document.entities if held(entity))
    return Document(document.text, sentences, entities, document.id, document.metadata)


def fingerprint(documents: Sequence[Document]) -> str:
    """A hash of all words and entities, to tell whether a resumed run sees the same data."""
    digest = hashlib.sha256()
    for line in _facts(documents):
        digest.update(line.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _facts(documents: Sequence[Document]) -> Iterator[str]:
    for document in documents:
        yield document.text
        for sentence in document.sentences:
            yield f"\ns {len(sentence)}"
            yield from (f"\nt {t.start} {t.pos} {t.chunk}" for t in sentence.tokens)
        yield from (f"\ne {e.start} {e.end} {e.label}" for e in document.entities)
