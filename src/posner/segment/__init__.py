"""Raw text to sentences to words, with exact half-open character offsets, in any script.

Words are cut in the manner of the Penn Treebank and of CoNLL-2003, since the corpora that models
learn from are cut so: see `words`. Sentences end as `borders` says. Nothing is lost: every
character that is not white space (`str.isspace`) belongs to exactly one word, be it a control
character or a lone surrogate. `passages` reads a text of any length in parts.
"""

from __future__ import annotations

from dataclasses import dataclass

from posner.document import Sentence, Token
from posner.segment.borders import sentence_ends
from posner.segment.dictionaries import dictionary_named, joined_by
from posner.segment.hyphens import joined_lines
from posner.segment.words import word_offsets

__all__ = ["Segmenter", "segment"]


@dataclass(frozen=True, slots=True)
class Segmenter:
    """How raw text becomes sentences of words.

    Attributes:
        hyphens: words that a hyphen parts at the end of a line are one; see `hyphens`.
        dictionaries: languages whose words a dictionary finds, in order; see `dictionaries`.
            By default Chinese, Japanese and Thai have a word a character.

    Raises:
        UsageError: there is no such dictionary.
    """

    hyphens: bool = False
    dictionaries: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.dictionaries:
            dictionary_named(name)

    def __call__(self, text: str) -> tuple[Sentence, ...]:
        """The sentences of a text, none without words. Takes time linear in the text's length.

        The offsets count characters of `text` as it stands: nothing is normalised or stripped.

        Raises:
            MissingExtraError: a dictionary's package is not installed.
        """
        offsets = word_offsets(text)
        for name in self.dictionaries:
            offsets = joined_by(name, text, offsets)
        if self.hyphens:
            offsets = joined_lines(text, offsets)
        sentences: list[Sentence] = []
        first = 0
        for last in sentence_ends(text, offsets):
            tokens = tuple(Token(text[s:e], s, e) for s, e in offsets[first:last])
            sentences.append(Sentence(tokens))
            first = last
        return tuple(sentences)


segment = Segmenter()
"""Segmentation as it is by default: `segment(text)` gives the sentences of a text."""
