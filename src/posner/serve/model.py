"""A Posner model as the service needs it: it answers tasks with what it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from posner.document import Document
from posner.postprocess.correct import LexiconStep
from posner.postprocess.thresholds import NO_THRESHOLDS, ThresholdStep
from posner.recognizer import Recognizer
from posner.render.records import to_dict
from posner.segment import segment
from posner.serve.parts import Part, moved, part_of
from posner.serve.work import Found, ModelFacts, Task, Wanted
from posner.tagger import Tagger
from posner.uncertainty import uncertainties


class ModelTagger:
    """A Posner model as a `TextTagger`.

    Args:
        model: the model.
    """

    def __init__(self, model: Tagger) -> None:
        self.model = model
        step = next((s for s in model.steps if isinstance(s, ThresholdStep)), None)
        own = NO_THRESHOLDS if step is None else step.thresholds
        facts = ModelFacts.of(model)
        self.facts = replace(
            facts,
            threshold=own.overall,
            thresholds={label: own.of(label) for label in facts.labels},
            lexicon=any(isinstance(step, LexiconStep) for step in model.steps),
            is_recognizer=isinstance(model, Recognizer),
            plain_words=model.segmenter == segment,
        )

    def find(self, tasks: Sequence[Task]) -> list[Found]:
        """Answer tasks, in their order; of a long text the part at its task's place."""
        parts = [part_of(task, self.model) for task in tasks]
        seen = self.model.find([part.seen for part in parts])
        raw = [part.own(document) for part, document in zip(parts, seen, strict=True)]
        found = [
            self._found(part, document, own, task.wanted)
            for part, document, own, task in zip(parts, seen, raw, tasks, strict=True)
        ]
        if any(task.wanted.uncertainty for task in tasks) and isinstance(self.model, Recognizer):
            unsure = uncertainties(self.model, raw)
            found = [replace(f, uncertainty=u) for f, u in zip(found, unsure, strict=True)]
        return found

    def _finished(self, document: Document, wanted: Wanted) -> Document:
        """After the model's steps, but for those that the client does without."""
        for step in self.model.steps:
            unwanted = isinstance(step, LexiconStep) and not wanted.lexicon
            replaced = isinstance(step, ThresholdStep) and wanted.threshold is not None
            if not unwanted and not replaced:
                document = step(document)
        return document

    def _found(self, part: Part, seen: Document, own: Document, wanted: Wanted) -> Found:
        if wanted.pieces and isinstance(self.model, Recognizer):
            record = to_dict(seen, pieces=self.model.pieces(seen))
            pieces = part.own_records(record["pieces"])
            # Hugging Face's pipeline leaves out pieces with the tag O.
            tagged = [(p, p["entity"][2:]) for p in pieces if p["entity"][2:]]
            records = [p for p, label in tagged if wanted.takes(label, p["score"])]
        else:
            entities = to_dict(self._finished(own, wanted))["entities"]
            records = [e for e in entities if wanted.takes(e["entity_group"], e["score"])]
        words = _words(own) if wanted.words else None
        raw = tuple((entity.label, entity.score) for entity in own.entities)
        found = Found(records, own.word_count, words, rest=part.rest, raw=raw)
        return moved(found, part.start)


def _words(document: Document) -> list[tuple[int, int, int]]:
    return [
        (token.start, token.end, number)
        for number, sentence in enumerate(document.sentences)
        for token in sentence.tokens
    ]
