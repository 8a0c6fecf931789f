"""Tagging a corpus with a run's model, for what only predictions can show."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from posner.document import Document, Entity
from posner.evaluation.analysis import Analysis, analyse
from posner.evaluation.bootstrap import intervals
from posner.evaluation.calibration import BINS
from posner.evaluation.mistakes import Mistake, count_kinds
from posner.evaluation.model import as_read_by, timed_tagging, with_labels
from posner.postprocess.thresholds import ThresholdStep
from posner.report.findings import Findings, Marked, Wrong, WrongSentence
from posner.report.reliability import Bin
from posner.systems.system import kept_labels
from posner.tagger import Tagger
from posner.training.prepare import fingerprint


def judge(tagger: Tagger, documents: Sequence[Document], source: str, *, texts: bool) -> Findings:
    """Tag gold documents and gather what a report shows.

    Args:
        tagger: the run's model.
        documents: as they were annotated.
        source: the corpus's name.
        texts: whether the sentences with errors are kept.
    """
    labels = kept_labels(tagger)
    documents = with_labels(as_read_by(tagger, documents), labels)
    tagged, seconds = timed_tagging(tagger, documents)
    has_pos = bool(tagger.manifest.pos_tags)
    analysis = analyse(documents, tagged, has_pos=has_pos, seconds=seconds)
    # Else a reader would wonder why the figures are not those of the training.
    thresholds = (step.report() for step in tagger.steps if isinstance(step, ThresholdStep))
    chosen = f"only {' '.join(labels)} (labels.keep)" if labels else None
    told = "; ".join([source, *filter(None, (chosen, *thresholds))])
    return findings_of(analysis, documents, tagged, told, texts=texts)


def findings_of(
    analysis: Analysis,
    gold: Sequence[Document],
    tagged: Sequence[Document],
    source: str,
    *,
    texts: bool,
) -> Findings:
    """What a report shows of an analysis."""
    strict = intervals(analysis.units).get("strict")
    found = strict and {"precision": strict.precision, "recall": strict.recall, "f1": strict.f1}
    return Findings(
        source=source,
        corpus=fingerprint(gold),
        sentences=sum(len(document.sentences) for document in gold),
        figures=analysis.evaluation.to_json(),
        ranges=found or {},
        units=analysis.units,
        confusion=analysis.confusion.cells,
        kinds={str(kind): count for kind, count in count_kinds(analysis.mistakes).items()},
        bins=[
            Bin(i / BINS, (i + 1) / BINS, one.entities, one.correct, one.mean_score or 0.0)
            for i, one in enumerate(analysis.calibration.bins)
        ],
        calibration_error=analysis.calibration.error,
        wrong=list(_wrong_sentences(analysis.mistakes, gold, tagged)) if texts else (),
    )


def _wrong_sentences(
    mistakes: Sequence[Mistake], gold: Sequence[Document], tagged: Sequence[Document]
) -> Iterator[WrongSentence]:
    """The sentences that hold errors, each once, in the order of the corpus."""
    before = [0, *accumulate(len(document.sentences) for document in gold)]
    grouped: dict[tuple[int, int, str], list[Mistake]] = {}
    for mistake in mistakes:
        grouped.setdefault((mistake.index, mistake.start, mistake.text), []).append(mistake)
    for (index, start, text), errors in sorted(grouped.items()):
        filled = [s.start if s.tokens else -1 for s in gold[index].sentences]
        # Where a sentence has no words, it counts as beginning where the one before it does.
        starts = list(accumulate(filled, max))
        yield WrongSentence(
            place=before[index] + max(1, bisect_right(starts, start)),
            text=text,
            gold=_marked(gold[index].entities, start, start + len(text)),
            found=_marked(tagged[index].entities, start, start + len(text)),
            errors=[_wrong(error) for error in errors],
        )


def _marked(entities: Sequence[Entity], start: int, end: int) -> list[Marked]:
    """The entities of a part of a document, counted from its beginning."""
    inside = (e for e in entities if e.start < end and e.end > start)
    return [Marked(max(e.start, start) - start, min(e.end, end) - start, e.label) for e in inside]


def _wrong(mistake: Mistake) -> Wrong:
    labels = list(dict.fromkeys(entity.label for entity in mistake.entities))
    return Wrong(mistake.kind, labels, _line(mistake))


def _line(mistake: Mistake) -> str:
    """What is wrong, in words."""
    gold, found = mistake.gold, mistake.predicted
    if gold is not None and found is not None:
        if mistake.kind == "label":
            line = f"“{found.text}” is {gold.label}, not {found.label}"
        elif mistake.kind == "boundary":
            line = f"“{found.text}” instead of “{gold.text}”, {gold.label}"
        else:
            line = f"“{found.text}”, {found.label}, instead of “{gold.text}”, {gold.label}"
    elif found is not None:
        line = f"“{found.text}” is no {found.label}"
    elif gold is not None:
        line = f"“{gold.text}”, {gold.label}, was not found"
    if found is not None and found.score is not None:
        line += f" (score {found.score:.2f})"
    return line
