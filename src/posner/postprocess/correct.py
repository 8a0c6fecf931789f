"""What a lexicon does to entities, by stated rules; each entity says what was done to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

from posner.document import Document, Entity, Sentence
from posner.postprocess.matcher import Matcher
from posner.postprocess.names import Name
from posner.postprocess.near import Near
from posner.postprocess.nearest import NearestName
from posner.postprocess.read import ReadText
from posner.postprocess.rules import Rules
from posner.postprocess.taken import Taken
from posner.schemes import OUTSIDE

_LONGEST_RUN = 3  # words of a misspelt name that no system found
_KNOWN = "known to the lexicon"
_OTHERWISE = "written otherwise"


class LexiconStep:
    """Changes a document's entities by a lexicon; safe between threads.

    Args:
        names: the lexicon.
        rules: what it may do.
        known: tells whether a word is in the model's vocabulary.

    Attributes:
        done: how often each thing was done so far.

    Raises:
        MissingExtraError: pyahocorasick or rapidfuzz is not installed.
    """

    def __init__(
        self,
        names: Sequence[Name],
        rules: Rules | None = None,
        *,
        known: Callable[[str], bool] | None = None,
    ) -> None:
        self.rules = rules or Rules()
        self.matcher = Matcher(names, case=self.rules.case)
        self.done: Counter[str] = Counter()
        self._names = NearestName(self.matcher, self.rules.edits) if self.rules.edits else None
        self._lock = Lock()
        self._known = known

    def __reduce__(self) -> tuple[Any, ...]:
        return _step, (self.matcher.names, self.rules, self._known)

    def __call__(self, document: Document) -> Document:
        """The document with its entities changed as the rules say."""
        read = ReadText(document)
        exact = self._exact(document, read)
        done: Counter[str] = Counter()
        kept = [self._judged(entity, read, exact, done) for entity in document.entities]
        entities = [entity for entity in kept if entity is not None]
        if self.rules.add:
            # What was vetoed stays away: the places of all entities that were found are taken.
            taken = Taken(document.entities)
            added = list(self._added(document, exact, taken))
            added += self._added_near(document, read, taken)
            done["added"] += len(added)
            entities += added
        if not done.total():
            return document
        with self._lock:
            self.done += done
        return document.with_entities(entities)

    def report(self) -> str | None:
        """What was done, on one line; None while that is nothing."""
        if not self.done.total():
            return None
        parts = [f"{count:,} {what}" for what, count in sorted(self.done.items())]
        return f"entities by the lexicon: {', '.join(parts)}"

    def _exact(self, document: Document, read: ReadText) -> dict[tuple[int, int], tuple[int, ...]]:
        """The spellings that fill whole words of one sentence, by where they stand."""
        starts: dict[int, int] = {}
        ends: dict[int, int] = {}
        for number, sentence in enumerate(document.sentences):
            for token in sentence.tokens:
                starts[token.start] = number
                ends[token.end] = number
        found: dict[tuple[int, int], tuple[int, ...]] = {}
        for first, last, spellings in self.matcher.find(read.text):
            start, end = read.place(first, last)
            sentence_number = starts.get(start)
            if sentence_number is not None and ends.get(end) == sentence_number:
                found[start, end] = spellings
        return found

    def _judged(
        self,
        entity: Entity,
        read: ReadText,
        exact: dict[tuple[int, int], tuple[int, ...]],
        done: Counter[str],
    ) -> Entity | None:
        """The entity as the rules leave it; None where it goes."""
        form = read.form(entity.start, entity.end)
        spellings = exact.get((entity.start, entity.end), ())
        names = [self.matcher.name(spelling) for spelling in spellings]
        rules = self.rules
        if rules.veto and any(name.label == OUTSIDE for name in names):
            done["vetoed"] += 1
            return None
        own = [name for name in names if name.label == entity.label]
        if own:  # rather the one that is spelt just so than one in other letter case
            exactly = next((name for name in own if name.name == form), own[0])
            return self._known_name(entity, exactly, done)
        near = None if names else self._near_name(form, entity.label)
        if near is not None:
            return self._corrected(entity, near, done)
        if rules.relabel:
            other = self._only_other(entity, form, names)
            if other is not None:
                return self._relabelled(entity, other, done)
        if entity.label in rules.closed:
            done["vetoed"] += 1
            return None
        return entity

    def _known_name(self, entity: Entity, name: Name, done: Counter[str]) -> Entity:
        if not self.rules.correct:
            return entity
        corrected = None if entity.text == name.name else name.name
        if corrected is None and name.id is None:
            return entity
        done["known"] += 1
        return replace(
            entity,
            corrected=corrected,
            id=name.id,
            changes=(*entity.changes, _KNOWN),
            similarity=1.0,
        )

    def _corrected(self, entity: Entity, near: Near, done: Counter[str]) -> Entity:
        if not self.rules.correct:
            return entity
        name = self.matcher.name(near.spelling)
        done["corrected" if near.edits else "known"] += 1
        note = _near_note("corrected", near) if near.edits else f"{_KNOWN}, {_OTHERWISE}"
        return replace(
            entity,
            corrected=None if entity.text == name.name else name.name,
            id=name.id,
            changes=(*entity.changes, note),
            similarity=near.similarity,
        )

    def _only_other(
        self, entity: Entity, form: str, names: Sequence[Name]
    ) -> tuple[Name, Near | None] | None:
        """The name of the one other label that an entity can have."""
        labels = {name.label for name in names}
        if len(labels) == 1:
            name, near = names[0], None
        elif not labels and self._is_strange(form):
            near = self._near_name(form, None)
            if near is None:
                return None
            name = self.matcher.name(near.spelling)
        else:
            return None
        if name.label == OUTSIDE or not self._is_sure(name):
            return None
        if name.score is not None and entity.score is not None and name.score <= entity.score:
            return None
        return name, near

    def _relabelled(
        self, entity: Entity, other: tuple[Name, Near | None], done: Counter[str]
    ) -> Entity:
        name, near = other
        done["relabelled"] += 1
        note = f"relabelled from {entity.label}"
        return replace(
            entity,
            label=name.label,
            score=name.score,
            corrected=None if entity.text == name.name else name.name,
            id=name.id,
            changes=(
                *entity.changes,
                f"{note} by the lexicon" if near is None else _near_note(note, near),
            ),
            similarity=1.0 if near is None else near.similarity,
        )

    def _near_name(self, form: str, label: str | None) -> Near | None:
        """The name that a text is in other letter case, or that it misspells.

        A misspelt name differs from the known one in strange words alone.
        """
        if self._names is None:
            return None
        same = self._names.same(form, label)
        if same is not None:
            return same
        words = form.split()
        if not any(map(self._is_strange_word, words)):
            return None
        near = self._names.of(form, label)
        if near is None or not near.edits:
            return near
        known = set(self.matcher.spellings[near.spelling].lower().split())
        differing = [word for word in words if word.lower() not in known]
        return near if differing and all(map(self._is_strange_word, differing)) else None

    def _is_strange(self, text: str) -> bool:
        """Whether some word may be misspelt: one that the vocabulary lacks, if that is known."""
        return self._known is None or not all(map(self._known, text.split()))

    def _is_strange_word(self, word: str) -> bool:
        """Whether a word may be misspelt: no number, out of vocabulary, and in no name."""
        if any(map(str.isdigit, word)) or self.matcher.knows(word):
            return False
        return self._known is None or not self._known(word)

    def _is_sure(self, name: Name) -> bool:
        return name.score is None or name.score >= self.rules.least

    def _added(
        self,
        document: Document,
        exact: dict[tuple[int, int], tuple[int, ...]],
        taken: Taken,
    ) -> Iterator[Entity]:
        """Names that touch no entity, from left to right, the longest of each place."""
        for (start, end), spellings in sorted(exact.items(), key=lambda item: _by_place(item[0])):
            names = [self.matcher.name(spelling) for spelling in spellings]
            if len({name.label for name in names}) > 1 or names[0].label == OUTSIDE:
                continue
            if self._is_sure(names[0]) and taken.take(start, end):
                yield self._new(document, start, end, names[0], None)

    def _added_near(self, document: Document, read: ReadText, taken: Taken) -> Iterator[Entity]:
        """Names near runs of words that the vocabulary lacks one of, the longest runs first."""
        if self._known is None:
            return
        for sentence in document.sentences:
            for start, end in self._strange_runs(sentence):
                if not taken.free(start, end):
                    continue
                near = self._near_name(read.form(start, end), None)
                if near is not None:
                    name = self.matcher.name(near.spelling)
                    if name.label != OUTSIDE and self._is_sure(name) and taken.take(start, end):
                        yield self._new(document, start, end, name, near)

    def _strange_runs(self, sentence: Sentence) -> Iterator[tuple[int, int]]:
        """Where up to three words stand, none in small letters, one out of vocabulary."""
        assert self._known is not None
        tokens = sentence.tokens
        named = [
            not token.text[:1].islower() and any(map(str.isalpha, token.text)) for token in tokens
        ]
        strange = [
            is_named and not self._known(t.form) for is_named, t in zip(named, tokens, strict=True)
        ]
        for length in range(_LONGEST_RUN, 0, -1):
            for first in range(len(tokens) - length + 1):
                last = first + length
                if all(named[first:last]) and any(strange[first:last]):
                    yield tokens[first].start, tokens[last - 1].end

    def _new(
        self, document: Document, start: int, end: int, name: Name, near: Near | None
    ) -> Entity:
        entity = document.entity(start, end, name.label, name.score)
        note = "added by the lexicon" if near is None else _near_note("added", near)
        corrected = None if entity.text == name.name else name.name
        similarity = 1.0 if near is None else near.similarity
        return replace(
            entity, corrected=corrected, id=name.id, changes=(note,), similarity=similarity
        )


def _step(names: Sequence[Name], rules: Rules, known: Callable[[str], bool] | None) -> LexiconStep:
    """A step as another process builds it, with counts of its own."""
    return LexiconStep(names, rules, known=known)


def _near_note(what: str, near: Near) -> str:
    how = f"similarity {near.similarity:.2f}" if near.edits else _OTHERWISE
    return f"{what} by the lexicon, {how}"


def _by_place(place: tuple[int, int]) -> tuple[int, int]:
    return place[0], -place[1]
