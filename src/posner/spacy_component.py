"""Posner as a component of a spaCy pipeline: `nlp.add_pipe("posner", config={"model": PATH})`.

spaCy finds this module by the entry point `spacy_factories`; nothing needs to be imported.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.util import filter_spans

from posner.corpus.spacy_docs import CHANGED, SCORE, document_from_doc, spacy_module
from posner.document import Document
from posner.loading import Aggregation
from posner.postprocess.correct import LexiconStep
from posner.postprocess.names import read_names
from posner.postprocess.thresholds import Thresholds, threshold_steps
from posner.recognizer import Recognizer
from posner.systems.opening import load
from posner.tagger import Tagger, segmented

Words = Literal["posner", "spacy"]

spacy_module()  # makes `span._.score` and its like known


class PosnerComponent:
    """Sets `doc.ents`, `span._.score`, and a span group with all that was found.

    Where steps changed an entity (`Tagger.steps`), `span._.corrected`, `span._.similarity` and
    `span._.changes` say how, and `span.id_` is what a lexicon knows it by.

    Args:
        tagger: finds the entities.
        words: `posner`: the text is cut into words as the model learned them, and entities that end
            inside one of spaCy's are widened to it; `spacy`: the Doc's own words (and sentences,
            if it has any) are tagged.
        overwrite: replace entities that the Doc has already; else they stay, and what overlaps them
            is left out of `doc.ents`.
        spans_key: the span group that gets every entity, its scores in `attrs["scores"]`.
    """

    def __init__(self, tagger: Tagger, *, words: Words, overwrite: bool, spans_key: str) -> None:
        self.tagger = tagger
        self.words = words
        self.overwrite = overwrite
        self.spans_key = spans_key

    def __call__(self, doc: Doc) -> Doc:
        """Tag one Doc."""
        (found,) = self.tagger.tag([self._document(doc)])
        return self._set(doc, found)

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Tag Docs in order, as many at once as `Tagger.pipe` finds best.

        Args:
            stream: the Docs.
            batch_size: spaCy gives it to every component; texts are batched by their length here.
        """
        del batch_size
        waiting: deque[Doc] = deque()

        def documents() -> Iterator[Document]:
            for doc in stream:
                waiting.append(doc)
                yield self._document(doc)

        for found in self.tagger.pipe(documents()):
            yield self._set(waiting.popleft(), found)

    def _document(self, doc: Doc) -> Document:
        if self.words == "spacy":
            return document_from_doc(doc).with_entities(())
        return segmented(doc.text, self.tagger.segmenter)

    def _set(self, doc: Doc, document: Document) -> Doc:
        spans: list[Span] = []
        scores: list[float] = []
        for entity in document.entities:
            span = doc.char_span(
                entity.start,
                entity.end,
                label=entity.label,
                alignment_mode="expand",
                span_id=entity.id or "",
            )
            if span is not None:
                spans.append(span)
                scores.append(entity.score or 0.0)
                span._.set(SCORE, entity.score)
                for name in CHANGED:
                    span._.set(name, getattr(entity, name) or None)
        group = SpanGroup(doc, name=self.spans_key, spans=spans, attrs={"scores": scores})
        doc.spans[self.spans_key] = group
        kept = [] if self.overwrite else list(doc.ents)
        taken = {token.i for span in kept for token in span}
        free = [span for span in spans if not any(token.i in taken for token in span)]
        doc.set_ents([*kept, *filter_spans(free)], default="outside")
        return doc


@Language.factory(  # type: ignore[untyped-decorator]  # spaCy is not checked
    "posner",
    assigns=["doc.ents", "doc.spans", *(f"span._.{name}" for name in (SCORE, *CHANGED))],
    default_config={
        "device": "auto",
        "precision": "fp32",
        "aggregation": "legal",
        "threads": None,
        "threshold": None,
        "lexicon": [],
        "words": "posner",
        "overwrite": False,
        "spans_key": "posner",
    },
)
def make(
    nlp: Language,
    name: str,
    model: str,
    device: str,
    precision: Literal["fp32", "bf16"],
    aggregation: Aggregation,
    threads: int | None,
    threshold: float | None,
    lexicon: Sequence[str],
    words: Words,
    overwrite: bool,
    spans_key: str,
) -> Any:
    """The component of a pipeline.

    Args:
        nlp, name: given by spaCy.
        model, device, precision, aggregation, threads: see `posner.load`.
        threshold: entities with a lower score are left out, in place of the model's own thresholds.
        lexicon: files of names that correct what was found, as `posner predict --lexicon` does.
        words, overwrite, spans_key: see `PosnerComponent`.
    """
    del nlp, name
    tagger = load(
        model, device=device, precision=precision, aggregation=aggregation, threads=threads
    )
    if threshold is not None:
        tagger.steps = threshold_steps(Thresholds(threshold))
    if lexicon:
        names = [entry for path in lexicon for entry in read_names(Path(path))]
        known = tagger.knows if isinstance(tagger, Recognizer) else None
        tagger.steps = (LexiconStep(names, known=known), *tagger.steps)
    return PosnerComponent(tagger, words=words, overwrite=overwrite, spans_key=spans_key)
