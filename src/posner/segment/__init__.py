"""Raw text to sentences to words, with exact half-open character offsets, in any script.

Words are cut in the manner of the Penn Treebank and of CoNLL-2003, since the corpora that models
learn from are cut so: see `words`. Sentences end as `borders` says. Nothing is lost: every
character that is not white space (`str.isspace`) belongs to exactly one word, be it a control
character or a lone surrogate.
"""

from __future__ import annotations

from posner.document import Sentence, Token
from posner.segment.borders import sentence_ends
from posner.segment.words import word_offsets

__all__ = ["segment"]


def segment(text: str) -> tuple[Sentence, ...]:
    """The sentences of a text, none of them without words. Takes time linear in the text's length.

    The offsets count characters of `text` as it stands: nothing is normalised or stripped.
    """
    offsets = word_offsets(text)
    sentences: list[Sentence] = []
    first = 0
    for last in sentence_ends(text, offsets):
        tokens = tuple(Token(text[s:e], s, e) for s, e in offsets[first:last])
        sentences.append(Sentence(tokens))
        first = last
    return tuple(sentences)
