"""A corpus of words put back into running text, as people write it, with the words' new offsets.

A corpus of columns has lost the spaces and the lines of its texts. Here punctuation goes back to
the word that it belongs to; quotes open and close in turns; and what ends without a mark (a
headline, a dateline, a row of results) has a line of its own, as it had in the newspaper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from posner.document import Document, Sentence, Token

_LEFT = frozenset(".,;:?!)]}%…'’”»") | {"...", "''"}
_CLITICS = frozenset(("'s", "n't", "'re", "'ve", "'ll", "'d", "'m", "’s"))
_RIGHT = frozenset("([{$£€#“«") | {"``", "US$", "A$", "C$", "NZ$", "HK$", "S$"}
_QUOTES = frozenset("\"'")
_ENDS = frozenset(".?!") | {"...", "…"}


def running(document: Document) -> Document:
    """The document over a running text: the same words, sentences and entities, other offsets."""
    pieces: list[str] = []
    sentences: list[Sentence] = []
    moved: dict[int, int] = {}  # old starts and ends of words to new ones
    quotes = _Quotes()
    position = 0
    previous: Sentence | None = None
    for sentence in document.sentences:
        if previous is not None and previous.tokens:
            between = " " if _ends(previous) and _ends(sentence) else "\n"
            if between == "\n":
                quotes.close_all()
            pieces.append(between)
            position += 1
        tokens: list[Token] = []
        for token, gap in zip(sentence.tokens, quotes.gaps(sentence.words), strict=True):
            pieces += (gap, token.text)
            start = position + len(gap)
            position = start + len(token.text)
            tokens.append(replace(token, start=start, end=position))
            moved[token.start], moved[token.end] = start, position
        sentences.append(replace(sentence, tokens=tuple(tokens)))
        previous = sentence
    text = "".join(pieces)
    entities = [
        replace(e, start=moved[e.start], end=moved[e.end], text=text[moved[e.start] : moved[e.end]])
        for e in document.entities
    ]
    return replace(document, text=text, sentences=tuple(sentences), entities=tuple(entities))


def _ends(sentence: Sentence) -> bool:
    """Whether a sentence ends as prose does: with a mark, or one before what closes with it."""
    words = [word for word in sentence.words if word not in {'"', "''", ")", "'"}]
    return bool(words) and (words[-1] in _ENDS or words[-1][-1] in ".?!")


class _Quotes:
    """Which straight quotes are open, through the sentences of a paragraph."""

    def __init__(self) -> None:
        self._open: set[str] = set()

    def close_all(self) -> None:
        """A new paragraph begins."""
        self._open.clear()

    def gaps(self, words: Sequence[str]) -> Iterator[str]:
        """What stands before each word of a sentence: a space or nothing."""
        glued = True
        for index, word in enumerate(words):
            left, right = word in _LEFT or word.lower() in _CLITICS, word in _RIGHT
            if word in _QUOTES and not (word == "'" and self._possessive(words, index)):
                # Many quotes in newspapers open anew in each paragraph, and close in the last.
                closes = index > 0 and (word in self._open or index == len(words) - 1)
                (self._open.discard if closes else self._open.add)(word)
                left, right = closes, not closes
            yield "" if glued or left else " "
            glued = right

    def _possessive(self, words: Sequence[str], index: int) -> bool:
        before = words[index - 1] if index else ""
        return before.endswith(("s", "S")) and "'" not in self._open
