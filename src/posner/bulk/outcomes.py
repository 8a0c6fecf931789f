"""Each text of a source with what was found in it, or with what is wrong with it, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from posner.document import Document
from posner.segment.passages import Passage, narrowed, widened
from posner.sources import Bad, Item, Text
from posner.tagger import Tagger


@dataclass(frozen=True, slots=True)
class Outcome:
    """A text, or a part of it, with its entities; or what could not be tagged.

    Attributes:
        source: what was read.
        passage: the tagged part; None where the source is bad.
        ends: whether everything that one item of the input became ends with it.
    """

    source: Item
    passage: Passage | None
    ends: bool


def outcomes(tagger: Tagger, groups: Iterable[Iterable[Item]]) -> Iterator[Outcome]:
    """Tag a stream of texts, part by part, in memory that the longest of them does not enlarge.

    Args:
        tagger: finds the entities.
        groups: for each item of the input what it became; see `sources.limited`.
    """
    waiting: deque[Outcome] = deque()

    def documents() -> Iterator[Document]:
        for group in groups:
            for item, last in _with_last(group):
                if isinstance(item, Bad):
                    waiting.append(Outcome(item, None, last))
                    continue
                for passage, document in _wide(tagger, item):
                    waiting.append(Outcome(item, passage, passage.last and last))
                    yield document

    for tagged in tagger.pipe(documents()):
        while waiting[0].passage is None:
            yield waiting.popleft()
        yield _tagged(waiting.popleft(), tagged)
    yield from waiting


def _with_last(group: Iterable[Item]) -> Iterator[tuple[Item, bool]]:
    """Each item, and whether it is the last; no more than two are held."""
    items = iter(group)
    item = next(items, None)
    while item is not None:
        following = next(items, None)
        yield item, following is None
        item = following


def _wide(tagger: Tagger, text: Text) -> Iterator[tuple[Passage, Document]]:
    """The parts of a text, each as the document that is tagged for it."""
    passages = text.passages(tagger.segmenter)
    if tagger.margin and not isinstance(text.content, Document):
        return widened(passages, tagger.margin)
    return ((passage, passage.document) for passage in passages)


def _tagged(outcome: Outcome, tagged: Document) -> Outcome:
    passage = outcome.passage
    assert passage is not None
    if tagged.text != passage.document.text or len(tagged.sentences) != len(
        passage.document.sentences
    ):
        tagged = narrowed(tagged, passage)
    return replace(outcome, passage=replace(passage, document=tagged))
