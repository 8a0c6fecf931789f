"""brat standoff: a text in `NAME.txt`, its entities in `NAME.ann`; one such pair, or a folder.

A folder's sub-folders are read, too (not those whose name begins with a dot, nor such files); a
document's id is its path inside the folder.

Only text-bound annotations (`T` lines) are entities. All other lines (relations, events,
attributes, notes) are carried through. brat holds no words: they are found by segmentation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from posner.corpus.container import Corpus
from posner.corpus.files import read_text
from posner.corpus.problem import Problem
from posner.corpus.tagged import Losses, document_name, without
from posner.corpus.words import report_misaligned, segmented
from posner.document import Document, Entity
from posner.errors import DataError
from posner.files import folder_beside, write_text

LINES = "brat"
FRAGMENTS = "fragments"
_BOUND = re.compile(r"(T[^\t]*)\t(\S+) (\d+ \d+(?:;\d+ \d+)*)(?:\t(.*))?")
_REFERENCE = re.compile(r"\bT\d+\b")
_BREAKS = re.compile(r"[\r\n\t]")
_SAFE_NAME = re.compile(r"\w[\w.-]{0,99}(?:/\w[\w.-]{0,99})*")
_ID = re.compile(r"T\d+")


def detects(path: Path, head: bytes) -> bool:
    """Whether it is a folder with `.ann` files, or one file of a pair."""
    del head
    if path.is_dir():
        return any(not _is_hidden(p, path) for p in path.rglob("*.ann"))
    suffix = path.suffix.lower()
    return suffix == ".ann" or (suffix == ".txt" and path.with_suffix(".ann").exists())


def read_standoff(path: Path, problems: list[Problem]) -> Corpus:
    """Read a pair or a folder of pairs, sub-folders included, in the order of their names.

    Raises:
        DataError: there is no pair, or a file cannot be read at all.
    """
    folder = path if path.is_dir() else path.parent
    stems = _stems(path) if path.is_dir() else [path.with_suffix("")]
    documents = []
    for stem in stems:
        text, marks = stem.with_name(stem.name + ".txt"), stem.with_name(stem.name + ".ann")
        missing = next((p for p in (text, marks) if not p.exists()), None)
        if missing is None:
            name = stem.relative_to(folder).as_posix()
            documents.append(_read_pair(text, marks, name, problems))
            continue
        remedy = f"put {missing.name} beside it (it may be empty), or remove the file"
        lone = marks if missing is text else text
        problems.append(
            Problem(str(lone), None, "missing-file", f"{missing.name} is missing", remedy)
        )
    if not stems:
        raise DataError("no .ann files", where=path, expected="pairs of NAME.txt and NAME.ann")
    return Corpus(tuple(documents), "brat", path)


def _stems(folder: Path) -> list[Path]:
    found = (p for p in folder.rglob("*") if p.suffix in (".ann", ".txt") and p.is_file())
    return sorted({p.with_suffix("") for p in found if not _is_hidden(p, folder)})


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _read_pair(text_path: Path, marks_path: Path, name: str, problems: list[Problem]) -> Document:
    file = read_text(text_path, problems)
    entities: list[Entity] = []
    lines: dict[tuple[int, int, str], int] = {}
    carried: list[str] = []
    known: dict[str, int] = {}
    where = str(marks_path)
    for number, line in enumerate(read_text(marks_path, problems).lines(), 1):
        if not line.strip():
            continue
        if not line.startswith("T"):
            carried.append(line)
            continue
        entity = _entity(file.text, line, file.mark, where, number, problems)
        if entity is not None:
            entity = _unrepeated(entity, known, where, number, problems)
            entities.append(entity)
            lines.setdefault(_key(entity), number)
    metadata = {LINES: carried} if carried else {}
    sentences = segmented(file.text, entities)
    document = Document(file.text, sentences, tuple(entities), name, metadata)
    report_misaligned(document, where, lambda entity: lines[_key(entity)], problems)
    return document


def _unrepeated(
    entity: Entity, known: dict[str, int], path: str, number: int, problems: list[Problem]
) -> Entity:
    """The entity, without its id where an earlier line has the same; `known` tells the lines."""
    name = entity.metadata["id"]
    first = known.setdefault(name, number)
    if first == number:
        return entity
    reason = f"{name} stands already at line {first}"
    problems.append(Problem(path, number, "repeated-id", reason, "number the annotations anew"))
    return replace(entity, metadata=without(entity.metadata, "id"))


def _key(entity: Entity) -> tuple[int, int, str]:
    return entity.start, entity.end, entity.label


def _entity(
    text: str, line: str, mark: bool, path: str, number: int, problems: list[Problem]
) -> Entity | None:
    match = _BOUND.fullmatch(line)
    if match is None:
        remedy = "write T1, a tab, LABEL START END, a tab, the text"
        problems.append(
            Problem(path, number, "malformed-span", f"no annotation: {line[:60]!r}", remedy)
        )
        return None
    name, label, offsets, quoted = match.groups()
    parts = [tuple(map(int, part.split(" "))) for part in offsets.split(";")]
    if mark and not _fits(text, parts, quoted) and _fits(text, _shifted(parts), quoted):
        parts = _shifted(parts)  # the annotator counted the byte-order mark
    start, end = min(p[0] for p in parts), max(p[1] for p in parts)
    if not (all(a < b for a, b in parts) and end <= len(text)):
        reason = f"{label} at characters {offsets} of a text of {len(text)}"
        problems.append(Problem(path, number, "span-outside-text", reason, "correct start and end"))
        return None
    if quoted is not None and not _fits(text, parts, quoted):
        reason = f"{label} at characters {offsets} is {text[start:end][:40]!r}, not {quoted[:40]!r}"
        problems.append(
            Problem(path, number, "span-text-mismatch", reason, "correct start and end")
        )
    metadata: dict[str, Any] = {"id": name}
    if len(parts) > 1:
        metadata[FRAGMENTS] = [list(part) for part in parts]
        reason = f"{label} at characters {offsets} has gaps"
        problems.append(
            Problem(path, number, "discontinuous-span", reason, "annotate one stretch of text")
        )
    return Entity(start, end, label, text[start:end], None, metadata)


def _fits(text: str, parts: list[tuple[int, ...]], quoted: str | None) -> bool:
    """Whether the text says what the annotation quotes, white space aside."""
    own = " ".join(text[start:end] for start, end in parts)
    return quoted is not None and own.split() == quoted.split()


def _shifted(parts: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    return [(start - 1, end - 1) for start, end in parts]


def write_standoff(corpus: Corpus, path: Path) -> list[str]:
    """Write one pair (a path that ends in `.ann`) or a folder of pairs; returns what it lost.

    Raises:
        DataError: several documents for one pair, or a label that a line cannot hold.
    """
    losses = Losses("brat")
    documents = corpus.documents
    single = path.suffix.lower() == ".ann"
    if single and len(documents) != 1:
        raise DataError(
            f"{len(documents)} documents cannot be written as one pair of files",
            where=path,
            remedy="name a folder",
        )
    rendered = [_annotations(d, i, losses) for i, d in enumerate(documents)]
    if single:
        write_text(path.with_suffix(".txt"), documents[0].text)
        write_text(path, rendered[0])
        return losses.lines()
    with folder_beside(path) as folder:
        for name, document, annotations in zip(
            _names(documents, losses), documents, rendered, strict=True
        ):
            write_text(folder / f"{name}.txt", document.text)
            write_text(folder / f"{name}.ann", annotations)
    return losses.lines()


def _names(documents: tuple[Document, ...], losses: Losses) -> list[str]:
    """File names: the ids where all are usable and differ, else numbers."""
    ids = [document.id for document in documents]
    usable = [name for name in ids if name is not None and _SAFE_NAME.fullmatch(name)]
    if len({name.lower() for name in usable}) == len(ids):
        return usable
    losses.add("the ids of {n} documents are not held", sum(name is not None for name in ids))
    digits = max(4, len(str(len(ids))))
    return [f"document-{number:0{digits}}" for number in range(1, len(ids) + 1)]


def _annotations(document: Document, index: int, losses: Losses) -> str:
    """The `.ann` file of a document."""
    names = _entity_names(document, losses)
    lines = []
    for name, entity in zip(names, document.entities, strict=True):
        if not entity.label or any(c.isspace() for c in entity.label):
            raise DataError(
                "a label cannot be written in standoff",
                where=document_name(document, index),
                expected="no white space",
                got=repr(entity.label),
                remedy="rename the label",
            )
        offsets = f"{entity.start} {entity.end}"
        text = entity.text
        parts = entity.metadata.get(FRAGMENTS)
        if parts:
            offsets = ";".join(f"{start} {end}" for start, end in parts)
            text = " ".join(document.text[start:end] for start, end in parts)
        quoted = _BREAKS.sub(" ", text)
        lines.append(f"{name}\t{entity.label} {offsets}\t{quoted}")
        losses.add("the scores of {n} entities are not held", int(entity.score is not None))
        others = without(entity.metadata, "id", FRAGMENTS)
        losses.add("the metadata of {n} entities is not held", int(bool(others)))
    known = set(names)
    for line in _carried(document):
        if known.issuperset(_references(line)):
            lines.append(line)
        else:
            losses.add("{n} lines about entities that are not there are left out")
    _count_losses(document, losses)
    return "".join(f"{line}\n" for line in lines)


def _carried(document: Document) -> list[str]:
    lines = document.metadata.get(LINES)
    return [str(line) for line in lines] if isinstance(lines, list | tuple) else []


def _references(line: str) -> list[str]:
    """The entities that a carried line names, after its own id."""
    return _REFERENCE.findall("".join(line.split("\t")[1:2]))


def _entity_names(document: Document, losses: Losses) -> list[str]:
    """An id for each entity: its own where brat can hold it and no other has it, else a new one.

    No new id is one that a carried line names, which would then be about another entity.
    """
    names: set[str] = set()
    own: list[str | None] = []
    for entity in document.entities:
        name = entity.metadata.get("id")
        if isinstance(name, str) and _ID.fullmatch(name) and name not in names:
            names.add(name)
            own.append(name)
        else:
            own.append(None)
            losses.add("the ids of {n} entities are not held", int(name is not None))
    taken = names.union(*map(_references, _carried(document)))
    new = (name for number in count(1) if (name := f"T{number}") not in taken)
    return [next(new) if name is None else name for name in own]


def _count_losses(document: Document, losses: Losses) -> None:
    losses.add("{n} words are not held, but found again by segmentation", document.word_count)
    losses.add("the parts of speech of {n} words are not held", _count(document, "pos"))
    losses.add("the chunk tags of {n} words are not held", _count(document, "chunk"))
    losses.add("further columns of {n} words are not held", _count(document, "extra"))
    numbered = sum(s.number is not None for s in document.sentences)
    losses.add("the numbers of {n} sentences are not held", numbered)
    losses.add(
        "the metadata of {n} sentences is not held",
        sum(bool(s.metadata) for s in document.sentences),
    )
    kept: Mapping[str, Any] = without(document.metadata, LINES)
    for name in kept:
        losses.add(f"the metadata {name!r} of {{n}} documents is not held")


def _count(document: Document, name: str) -> int:
    return sum(bool(getattr(token, name)) for token in document.tokens)
