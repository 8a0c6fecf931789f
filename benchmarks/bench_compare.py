"""Posner's default beside every rival, trained in the same run, on CoNLL-2003 and on GMB.

python benchmarks/bench_compare.py DATA [--only conll2003|gmb] [--out FOLDER] [--sentences N]
                                        [--vectors GLOVE] [--systems A,B,...]

It goes on where it was stopped: what is finished in FOLDER stays.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import (
    CorpusFiles,
    conll_files,
    data_argument,
    draw_sentences,
    gmb_files,
    guarded,
    heading,
    markdown_table,
    read_corpus,
    run_posner,
    write_result,
)
from posner.corpus import write


@dataclass(frozen=True)
class Contest:
    """What is compared on a corpus.

    Attributes:
        systems: by the names of `posner compare`.
        seeds: trainings of each.
        once: systems that are slow, and are trained once.
        shares: of the data, for those that are slower still.
        paper: the figures that a paper prints for this corpus.
        differs: what makes them other figures than ours.
    """

    systems: tuple[str, ...]
    seeds: int
    once: tuple[str, ...]
    shares: dict[str, float]
    paper: tuple[tuple[str, str], ...]
    differs: str


CONTESTS = {
    "conll2003": Contest(
        systems=("bert", "crf", "crf-next", "bilstm", "transformer", "transformer-adamw", "spacy"),
        seeds=3,
        once=("transformer", "transformer-adamw"),
        shares={"transformer": 0.25, "transformer-adamw": 0.25},
        paper=(("XLNet", "90.73"), ("BERT-MRC", "93.04"), ("BERT", "94.88")),
        differs="The paper's figures are printed as it has them, from encoders five times as large "
        "or more; ours are strict F1 on the dev set, the only part besides train that is here.",
    ),
    "gmb": Contest(
        systems=("bert", "crf", "crf-next", "bilstm", "transformer", "transformer-adamw", "spacy"),
        seeds=3,
        once=("bilstm", "transformer", "transformer-adamw"),
        shares={"transformer": 0.05, "transformer-adamw": 0.05},
        paper=(("BERT with positional attention", ".8143"), ("CRF", ".7783")),
        differs="The paper has its own split of the corpus, and the flat columns are the nearest "
        "to its figures; what is scored here are the sentences whose number ends in 1.",
    ),
}


def main() -> int:
    """Run the contests, and write a page for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    data_argument(parser)
    parser.add_argument("--only", choices=tuple(CONTESTS))
    parser.add_argument("--out", type=Path, default=Path("runs/compare"))
    parser.add_argument("--systems", help="others than all, separated by commas")
    parser.add_argument("--seeds", type=int, help="other than three")
    parser.add_argument("--sentences", type=int, help="train on that many alone; nothing is kept")
    parser.add_argument("--vectors", help="GloVe text file for bilstm and transformer")
    arguments = parser.parse_args()
    for name in [arguments.only] if arguments.only else list(CONTESTS):
        files = _files(name, arguments)
        found = _compare(CONTESTS[name], files, arguments.out / name, arguments)
        page = _page(CONTESTS[name], files, arguments.out / name, found)
        print(page)
        if arguments.sentences is None:
            write_result(f"compare-{name}.md", page)
    return 0


def _files(name: str, arguments: argparse.Namespace) -> CorpusFiles:
    arguments.out.mkdir(parents=True, exist_ok=True)
    whole = (
        conll_files(arguments.data)
        if name == "conll2003"
        else gmb_files(arguments.data, arguments.out)
    )
    if arguments.sentences is None:
        return whole
    drawn = []
    for part, path in (("train", whole.train), ("dev", whole.dev)):
        target = arguments.out / f"{name}-{arguments.sentences}-{part}.conll"
        write(
            draw_sentences(read_corpus(path), arguments.sentences, seed=1), target, format="conll"
        )
        drawn.append(target)
    return CorpusFiles(f"{arguments.sentences} sentences of {whole.name}", *drawn)


def _compare(
    contest: Contest, files: CorpusFiles, out: Path, arguments: argparse.Namespace
) -> dict[str, Any]:
    """Run `posner compare`; its figures."""
    systems = tuple(arguments.systems.split(",")) if arguments.systems else contest.systems
    names = {name: _with_vectors(name, arguments) for name in systems}
    call = ["compare", str(files.train), str(files.dev), "--systems", ",".join(names.values())]
    call += ["--seeds", str(arguments.seeds or contest.seeds), "--out", str(out)]
    for name in systems:
        if name in contest.once:
            call += ["--seeds-of", f"{names[name]}=1"]
        if name in contest.shares and arguments.sentences is None:
            call += ["--share", f"{names[name]}={contest.shares[name]}"]
    run_posner(call)
    found: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
    return found


def _with_vectors(name: str, arguments: argparse.Namespace) -> str:
    """A network over words with a recipe that names the vectors."""
    if arguments.vectors is None or name.partition("-")[0] not in ("bilstm", "transformer"):
        return name
    recipe = arguments.out / f"glove-{name}.toml"
    path = json.dumps(str(Path(arguments.vectors).resolve()))
    recipe.write_text(f"[vectors]\npath = {path}\nwidth = 300\n", encoding="utf-8")
    return f"{name}:{recipe}"


def who_leads(duels: Sequence[dict[str, Any]]) -> str:
    """Every rival that Posner's default does not lead, or was not compared with.

    In which other figures a rival is ahead stands in the lines above.
    """
    told = []
    for duel in duels:
        if duel["leads"] is None:
            told.append(f"- {duel['own']} is not compared with {duel['rival']}: {duel['reason']}.")
        elif not duel["leads"]:
            told.append(f"- {duel['own']} does not lead {duel['rival']}.")
    if duels and not told:
        return "Posner's row has the best strict F1 on the same share of the data."
    return "\n".join(told)


def _page(contest: Contest, files: CorpusFiles, out: Path, found: dict[str, Any]) -> str:
    """The tables beside the paper's figures, and where Posner's default does not lead."""
    told = who_leads(found["leads"])
    paper = markdown_table(("paper", "F1"), contest.paper)
    table = (out / "table.md").read_text(encoding="utf-8")
    return (
        f"{heading(f'Systems on {files.name}')}\n{table}\n{told}\n\n"
        f"The papers' own figures:\n\n{paper}\n\n{contest.differs}\n"
    )


if __name__ == "__main__":
    sys.exit(guarded(main))
