"""The two papers' example sentences, tagged: by piece, by word, and how words align to pieces.

python benchmarks/bench_examples.py CONLL_RUN GMB_RUN
"""

from __future__ import annotations

import argparse
import io
import sys

from common import guarded, machine, write_result
from posner.loading import load
from posner.recognizer import Recognizer
from posner.render import Tagged, table
from posner.tagger import segmented

FIRST_PAPER = (
    "In Venezuela Vietnam, Canadaa, Apple, apple.",
    "In Venezuela Vietnam, Canadaa, Apple.",
    "In Venezuela Vietnam, Canadaa, Apple, apple. Apple",
)
SECOND_PAPER = "Alice will go to China this Saturday! Her father works in WHO."
ALIGNMENT = "Barack Obama was born in Honolulu and worked for the United Nations."


def main() -> int:
    """Run and write `results/examples.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("conll", help="a run trained on CoNLL-2003")
    parser.add_argument("gmb", help="a run trained on GMB")
    arguments = parser.parse_args()
    conll, gmb = load(arguments.conll), load(arguments.gmb)
    out = io.StringIO()
    out.write("# The papers' example sentences\n\n")
    out.write(f"Machine: {machine()}.\nCommand: `python {' '.join(sys.argv)}`\n")
    out.write("\n## Piece by piece (model trained on CoNLL-2003)\n")
    for text in FIRST_PAPER:
        out.write(fenced(conll, text, pieces=True))
    out.write("\n## Entity and part-of-speech tags (model trained on GMB)\n")
    out.write(fenced(gmb, SECOND_PAPER, tags=True))
    out.write("\n## Words and their pieces\n")
    out.write("\n```\n" + alignment(conll, ALIGNMENT) + "```\n")
    write_result("examples.md", out.getvalue())
    print(out.getvalue())
    return 0


def fenced(recognizer: Recognizer, text: str, *, tags: bool = False, pieces: bool = False) -> str:
    """The table that `posner predict` prints, as a block of Markdown."""
    document = recognizer(text)
    tagged = Tagged(document, recognizer.pieces(document) if pieces else None)
    return "\n```\n" + "".join(table([tagged], tags=tags)) + "```\n"


def alignment(recognizer: Recognizer, text: str) -> str:
    """Each word with its pieces and the places that carry a label; special pieces carry none."""
    document = segmented(text)
    (sentence,) = document.sentences
    lines = [f"{'[CLS]':<14}{'':<10}ignored"]
    for token, pieces in zip(
        sentence.tokens, recognizer.tokenizer.pieces(sentence.tokens), strict=True
    ):
        for number, piece in enumerate(pieces):
            place = f"{piece.start}-{piece.end}"
            role = f"labelled: {token.text}" if number == 0 else "ignored"
            lines.append(f"{piece.text:<14}{place:<10}{role}")
    lines.append(f"{'[SEP]':<14}{'':<10}ignored")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(guarded(main))
