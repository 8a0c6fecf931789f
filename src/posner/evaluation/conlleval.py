"""The table that CoNLL's own scorer prints, character by character.

`conlleval` (Tjong Kim Sang 2004) is a Perl script; its figures are computed here in its own order,
so that they round alike, and labels are padded by their bytes, as Perl pads what it reads.
"""

from __future__ import annotations

from posner.errors import DataError
from posner.evaluation.counts import Counts, Score
from posner.evaluation.result import Evaluation
from posner.evaluation.tags import TagScore

_LABEL_WIDTH = 17


def tag_score_conlleval(score: TagScore) -> str:
    """What conlleval prints of two columns of tags."""
    return conlleval_text(score.default, score.words, score.words_correct)


def evaluation_conlleval(evaluation: Evaluation) -> str:
    """What conlleval prints of documents written in IOB2, which have no rows beside their words.

    Raises:
        DataError: entities overlap, and a word has no one tag.
    """
    tags = evaluation.flat.tags.values()
    if max(sum(c.gold for c in tags), sum(c.predicted for c in tags)) > evaluation.words:
        raise DataError(
            "conlleval knows no entities that overlap",
            remedy="leave --conlleval out: all other figures count them",
        )
    correct = sum(counts.correct for counts in tags)
    return conlleval_text(evaluation.strict, evaluation.words, correct)


def conlleval_text(score: Score, words: int, words_correct: int) -> str:
    """The table from the labels' counts, the words and those whose two tags are the same."""
    total = score.micro
    lines = [
        f"processed {words} tokens with {total.gold} phrases; "
        f"found: {total.predicted} phrases; correct: {total.correct}."
    ]
    if words:
        lines.append(f"accuracy: {100 * words_correct / words:6.2f}%; {_ratios(total)}")
    for label, counts in sorted(score.labels.items()):
        indent = " " * max(0, _LABEL_WIDTH - len(label.encode("utf-8", "surrogatepass")))
        lines.append(f"{indent}{label}: {_ratios(counts)}  {counts.predicted}")
    return "\n".join(lines) + "\n"


def _ratios(counts: Counts) -> str:
    precision = 100 * counts.correct / counts.predicted if counts.predicted else 0.0
    recall = 100 * counts.correct / counts.gold if counts.gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return f"precision: {precision:6.2f}%; recall: {recall:6.2f}%; FB1: {f1:6.2f}"
