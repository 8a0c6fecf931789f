"""THE road: text or words to a Document with entities, over any backend.

recognizer = posner.load("runs/mine")
document = recognizer("Ada Lovelace lived in London.")
for document in recognizer.pipe(lines): ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, pairwise
from typing import Any

import numpy as np

from posner.align import DocumentEncoder, EncodedDocument, Encoder, PieceTokenizer
from posner.backends import Backend
from posner.batching import collate, sorted_batches
from posner.crew import Crew
from posner.decode import DecodedSentence, Decoder, Transitions, legal_transitions
from posner.document import Document, PieceTag, Sentence, Token
from posner.errors import ModelError
from posner.folder import Manifest
from posner.postprocess.thresholds import threshold_steps
from posner.repeats import share_repeats
from posner.schemes import SCHEMES
from posner.surface import Surface
from posner.tagger import Tagger
from posner.windows import Core, FloatArray, Window, WindowPlan, merge_votes


@dataclass(frozen=True, slots=True)
class Votes:
    """What the heads say of one sentence, its windows merged: (words, tags) each."""

    entity: FloatArray
    pos: FloatArray | None
    chunk: FloatArray | None


class Recognizer(Tagger):
    """Finds entities with a network, on any backend.

    Args:
        manifest: what the model is.
        tokenizer: splits words into pieces.
        backend: runs the network.
        workers: threads that run it, while the caller does all the rest; each runs one batch at a
            time. With none the caller runs it too.
        batch_pieces: padded pieces in a batch; by default as many as suit the backend.
        surface: a CRF over surface features, whose weights are added to the network's.

    Attributes:
        repeats: how far the words that a document repeats are drawn together, from 0 (each sentence
            has the scores that it has alone) to 1; as the model was trained, and may be changed.
        reload: loads the same model again, as another process does that it is sent to; None for
            one that no folder holds.
    """

    manifest: Manifest
    reload: Callable[[], Recognizer] | None = None

    def __init__(
        self,
        manifest: Manifest,
        tokenizer: PieceTokenizer,
        backend: Backend,
        *,
        workers: int = 0,
        batch_pieces: int | None = None,
        surface: Surface | None = None,
    ) -> None:
        self.manifest = manifest
        self.tokenizer = tokenizer
        self.backend = backend
        self.surface = surface
        self.encoder: DocumentEncoder = Encoder(tokenizer, manifest.characters)
        self.plan = window_plan(manifest, tokenizer)
        self.margin = self.plan.context  # a word has at least one piece
        self.segmenter = manifest.recipe.data.segmenter
        self.repeats = manifest.recipe.data.repeats
        self.crew = Crew(workers)
        self.ahead = min(workers, 1)
        self.batch_pieces = batch_pieces or backend.batch_pieces
        scheme = SCHEMES[manifest.recipe.data.scheme]
        self.decoder = Decoder(manifest.tags, scheme, self.transitions, manifest.temperature)
        self.steps = threshold_steps(manifest.thresholds)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.reload is None:
            raise ModelError(
                "only a model that was loaded from a folder can be sent to another process",
                remedy="save it, and posner.load the folder",
            )
        own = ("reload", "steps", "segmenter", "repeats")
        return self.reload, (), {name: getattr(self, name) for name in own}

    @property
    def transitions(self) -> Transitions | None:
        """Learned weights between tags; None where there are none."""
        own = self.backend.transitions
        if self.surface is None:
            return own
        scheme = SCHEMES[self.manifest.recipe.data.scheme]
        return self.surface.added_to(own or legal_transitions(self.manifest.tags, scheme))

    def beside(self, surface: Surface | None) -> Recognizer:
        """The same network beside another surface CRF, or alone; otherwise as it was saved."""
        return Recognizer(self.manifest, self.tokenizer, self.backend, surface=surface)

    def find(self, documents: Sequence[Document]) -> list[Document]:
        """Tag the words of documents; entities, and the tags of other heads, are replaced."""
        return self.assemble(documents, self.votes(documents))

    def begin(self, documents: Sequence[Document]) -> Callable[[], list[Document]]:
        """Start to tag documents; see `Tagger.begin`."""
        task = self._task(documents)
        wait = self.crew.start(task.jobs)
        return lambda: self.assemble(documents, self._votes(documents, task, wait()))

    def votes(self, documents: Sequence[Document]) -> list[Votes]:
        """The emissions of each sentence, one after the other through all documents."""
        task = self._task(documents)
        return self._votes(documents, task, self.crew.run(task.jobs))

    def assemble(self, documents: Sequence[Document], votes: Sequence[Votes]) -> list[Document]:
        """Decode what `votes` found into the documents' entities and tags."""
        result = []
        decoded = iter(self.decoder.decode([v.entity for v in votes]))
        remaining = iter(votes)
        for document in documents:
            count = len(document.sentences)
            sentences = tuple(
                self._with_tags(sentence, vote)
                for sentence, vote in zip(document.sentences, islice(remaining, count), strict=True)
            )
            entities = [
                document.span_entity(sentence, scored.span, scored.score)
                for sentence, path in zip(sentences, islice(decoded, count), strict=True)
                for scored in path.spans
            ]
            result.append(replace(document, sentences=sentences, entities=tuple(entities)))
        return result

    def knows(self, word: str) -> bool:
        """Whether a word is a single piece of the vocabulary."""
        (pieces,) = self.tokenizer.pieces([Token(word, 0, len(word))])
        return len(pieces) == 1

    def pieces(self, document: Document) -> list[PieceTag]:
        """Each piece of a document with the tag of its word."""
        votes = self.votes([document])
        paths = self.decoder.decode([v.entity for v in votes], marginals=True)
        listed: list[PieceTag] = []
        for sentence, path in zip(document.sentences, paths, strict=True):
            listed += self._sentence_pieces(sentence, path)
        return listed

    def _sentence_pieces(self, sentence: Sentence, path: DecodedSentence) -> Iterator[PieceTag]:
        index = len(self.tokenizer.prefix)
        for word, tag, score in zip(
            self.tokenizer.pieces(sentence.tokens), path.tags, path.marginals, strict=True
        ):
            for piece in word:
                yield PieceTag(tag, float(score), index, piece.text, piece.start, piece.end)
                index += 1

    def _task(self, documents: Sequence[Document]) -> _Task:
        """Encode documents, cut windows, and put those of like length together."""
        encoded = self.encoder.encode(documents)
        windows = self.plan.windows(encoded)
        batches = sorted_batches([w.pieces for w in windows], self.batch_pieces)
        jobs = [
            partial(self._compute, [windows[i] for i in indices], encoded) for indices in batches
        ]
        return _Task(encoded, windows, batches, jobs)

    def _compute(
        self, windows: Sequence[Window], documents: Sequence[EncodedDocument]
    ) -> list[Votes]:
        """Run one batch: what the heads say of each core, window by window."""
        batch = collate(windows, documents, self.tokenizer)
        out = self.backend.emissions(batch)
        return [
            Votes(
                out.entity[row, :length],
                None if out.pos is None else out.pos[row, :length],
                None if out.chunk is None else out.chunk[row, :length],
            )
            for row, length in enumerate(batch.core_lengths.tolist())
        ]

    def _votes(
        self, documents: Sequence[Document], task: _Task, computed: Sequence[Sequence[Votes]]
    ) -> list[Votes]:
        """Each sentence's emissions from those of its cores, through all documents."""
        parts: dict[tuple[int, int], list[tuple[Core, Votes]]] = {}
        for window, core, vote in task.cores(computed):
            parts.setdefault((window.document, core.sentence), []).append((core, vote))
        empty = Votes(np.zeros((0, len(self.manifest.tags)), dtype=np.float32), None, None)
        votes = [
            _merge(parts[d, s], first, last) if first < last else empty
            for d, document in enumerate(task.encoded)
            for s, (first, last) in enumerate(pairwise(document.sentences.tolist()))
        ]
        if self.repeats:
            votes = _with_repeats(documents, votes, self.repeats)
        return self.with_surface(documents, votes)

    def with_surface(self, documents: Sequence[Document], votes: Sequence[Votes]) -> list[Votes]:
        """The network's votes with those of the surface CRF, where there is one."""
        if self.surface is None:
            return list(votes)
        sentences = [sentence.forms for document in documents for sentence in document.sentences]
        added = self.surface.emissions(sentences)
        return [
            replace(vote, entity=vote.entity + own) for vote, own in zip(votes, added, strict=True)
        ]

    def _with_tags(self, sentence: Sentence, vote: Votes) -> Sentence:
        """The sentence with the other heads' tags; with none where there is no such head."""
        count = len(sentence)
        pos: list[str | None] = [None] * count
        chunks: list[str | None] = [None] * count
        if vote.pos is not None:
            pos = [self.manifest.pos_tags[i] for i in vote.pos.argmax(axis=1).tolist()]
        if vote.chunk is not None:
            chunks = [self.manifest.chunk_tags[i] for i in vote.chunk.argmax(axis=1).tolist()]
        tokens = tuple(  # `replace` would take three times as long, and there are many words
            Token(t.text, t.start, t.end, tag, chunk, t.extra)
            for t, tag, chunk in zip(sentence.tokens, pos, chunks, strict=True)
        )
        return Sentence(tokens, sentence.number, sentence.metadata)


@dataclass(frozen=True, slots=True)
class _Task:
    """Windows of documents, and the batches that they are computed in.

    Attributes:
        encoded: the documents.
        windows: all their windows, in order.
        batches: indices of windows.
        jobs: computes each batch.
    """

    encoded: Sequence[EncodedDocument]
    windows: Sequence[Window]
    batches: Sequence[Sequence[int]]
    jobs: Sequence[Callable[[], list[Votes]]]

    def cores(self, computed: Sequence[Sequence[Votes]]) -> Iterator[tuple[Window, Core, Votes]]:
        """Each window's cores, in the order of the windows, with what was computed for them."""
        found: list[list[Votes]] = [[] for _ in self.windows]
        for indices, votes in zip(self.batches, computed, strict=True):
            remaining = iter(votes)
            for i in indices:
                found[i] = list(islice(remaining, len(self.windows[i].cores)))
        for window, own in zip(self.windows, found, strict=True):
            for core, vote in zip(window.cores, own, strict=True):
                yield window, core, vote


def _with_repeats(
    documents: Sequence[Document], votes: Sequence[Votes], share: float
) -> list[Votes]:
    """The votes, with the entity emissions of each document's repeated words drawn together."""
    result: list[Votes] = []
    remaining = iter(votes)
    for document in documents:
        own = list(islice(remaining, len(document.sentences)))
        shared = share_repeats(document, [vote.entity for vote in own], share)
        result += [replace(vote, entity=entity) for vote, entity in zip(own, shared, strict=True)]
    return result


def _merge(parts: Sequence[tuple[Core, Votes]], first: int, last: int) -> Votes:
    """One sentence's votes from its cores'."""
    if len(parts) == 1:
        return parts[0][1]
    cores = [core for core, _ in parts]

    def merged(votes: list[FloatArray | None]) -> FloatArray | None:
        present = [vote for vote in votes if vote is not None]
        return merge_votes(cores, present, first, last) if present else None

    entity = merge_votes(cores, [vote.entity for _, vote in parts], first, last)
    return Votes(entity, merged([v.pos for _, v in parts]), merged([v.chunk for _, v in parts]))


def window_plan(manifest: Manifest, tokenizer: PieceTokenizer) -> WindowPlan:
    """How a model's sentences are cut into windows."""
    data = manifest.recipe.data
    limit = min(data.window, manifest.window) if data.window else manifest.window
    return WindowPlan(
        limit, tokenizer.special_count, data.context, data.overlap, data.pack, data.long_window
    )
