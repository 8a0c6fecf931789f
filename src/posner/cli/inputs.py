"""What `posner predict` tags: texts from the command line, files and folders, corpora."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from posner.cli.corpora import read_repaired
from posner.corpus import FORMATS, Corpus
from posner.corpus.files import plain_suffix, read_head
from posner.corpus.formats import looks_like_corpus
from posner.document import Document, Token
from posner.errors import DataError, UsageError
from posner.plural import counted
from posner.render import iob2_tags
from posner.sources import (
    KINDS,
    Bad,
    Item,
    Limit,
    Meter,
    Place,
    Reading,
    Text,
    files_in,
    kind_of,
    limited,
    read_file,
    read_text_stream,
)
from posner.tagger import Tagger


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a corpus, which every one of its words must have when it is written.

    Attributes:
        pos: whether some word has a part of speech.
        chunk: whether some word has a chunk tag.
        extra: how many further columns there are.
        gold: whether its entities are tags of a column.
    """

    pos: bool
    chunk: bool
    extra: int
    gold: bool

    @classmethod
    def of(cls, corpus: Corpus) -> Columns:
        """Those of a corpus."""
        return cls(
            pos=corpus.has_pos,
            chunk=corpus.has_chunk,
            extra=max((len(t.extra) for d in corpus.documents for t in d.tokens), default=0),
            gold=FORMATS[corpus.format].tags,
        )

    def filled(self, token: Token, gold: str) -> Token:
        """The token with every column, its gold tag as the last."""
        extra = (*token.extra, *["_"] * (self.extra - len(token.extra)))
        return replace(
            token,
            pos=token.pos or ("_" if self.pos else None),
            chunk=token.chunk or ("_" if self.chunk else None),
            extra=(*extra, gold) if self.gold else extra,
        )


@dataclass(frozen=True, slots=True)
class CorpusText(Text):
    """A document of a corpus.

    Attributes:
        columns: the corpus's columns.
        bordered: whether it is one of several documents that have borders between them.
    """

    columns: Columns | None = None
    bordered: bool = False

    def with_own_columns(self, tagged: Document) -> Document:
        """For column formats: a corpus keeps its own columns, its gold tag among them.

        Raises:
            SchemeError: gold entities that overlap have no column.
        """
        own, columns = self.content, self.columns
        if columns is None or not isinstance(own, Document):
            return tagged
        gold = iob2_tags(own) if columns.gold else [["O"] * len(s) for s in own.sentences]
        sentences = tuple(
            replace(sentence, tokens=tuple(map(columns.filled, sentence.tokens, tags)))
            for sentence, tags in zip(own.sentences, gold, strict=True)
        )
        return replace(own, sentences=sentences, entities=tagged.entities)


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read.

    Attributes:
        path: it; None for standard input.
        kind: of `sources.KINDS`; None for a corpus.
        folder: the folder that was named and that it was found in.
    """

    path: Path | None
    kind: str | None
    folder: Path | None = None


def find_sources(arguments: argparse.Namespace, outputs: Collection[Path]) -> list[Source]:
    """The files that the command line names, and those in its folders, in order.

    Args:
        arguments: the command line.
        outputs: what the command itself writes, which is no text of a folder.

    Raises:
        DataError: one does not exist, or a folder holds nothing that can be read.
        UsageError: `--input` names what standard input cannot be.
    """
    found: list[Source] = []
    for file in arguments.files or ([] if arguments.text else ["-"]):
        if file == "-":
            if arguments.input not in (None, "text"):
                raise UsageError("--input is for files; standard input is read as text")
            found.append(Source(None, "text"))
        elif arguments.input != "hub" and not Path(file).exists():
            raise DataError("no such file", where=file, remedy="check the path")
        elif Path(file).is_dir() and not _is_corpus_folder(Path(file), arguments.input):
            found += _in_folder(Path(file), arguments, outputs)
        else:
            found.append(Source(Path(file), _kind(Path(file), arguments)))
    return found


def _is_corpus_folder(path: Path, named: str | None) -> bool:
    if named is not None and named not in KINDS:
        return True
    return named is None and looks_like_corpus(path)


def _in_folder(
    folder: Path, arguments: argparse.Namespace, outputs: Collection[Path]
) -> list[Source]:
    wanted, others = files_in(folder, without=outputs)
    if arguments.input is not None:
        others += [path for path in wanted if kind_of(path) != arguments.input]
        wanted = [path for path in wanted if kind_of(path) == arguments.input]
    if not wanted:
        raise DataError(
            "a folder without texts, and no corpus",
            where=folder,
            expected="files that end in " + " ".join(s for own in KINDS.values() for s in own),
        )
    if others:
        skipped = counted(len(others), "file")
        print(
            f"posner: {folder}: {skipped} of other kinds skipped, {others[0]} first",
            file=sys.stderr,
        )
    return [Source(path, kind_of(path), folder) for path in wanted]


def _kind(path: Path, arguments: argparse.Namespace) -> str | None:
    """What a file is read as: as named, else as it looks; None for a corpus (which is told)."""
    named: str | None = arguments.input
    kind = kind_of(path)
    if named in KINDS and not (named == "jsonl" and arguments.format == "conll"):
        return named
    if named is not None:
        return None
    if kind in ("csv", "parquet") and (kind == "parquet" or not looks_like_corpus(path)):
        return kind
    if arguments.column is not None:
        return kind or "text"
    if not looks_like_corpus(path):
        return "text"
    records = plain_suffix(path) in (".json", ".jsonl", ".ndjson")
    head = read_head(path)
    if not records or _WORDS.search(head):
        print(
            f"posner: {path}: a corpus, whose own words are tagged (--input text reads it as text)",
            file=sys.stderr,
        )
    # Columns are those of the whole corpus, and an array has no lines.
    streamed = records and arguments.format != "conll" and head.lstrip(_BEFORE)[:1] == b"{"
    return "jsonl" if streamed else None


_WORDS = re.compile(rb'"tokens"\s*:')
_BEFORE = b" \t\r\n\xef\xbb\xbf"


def meter_of(sources: Sequence[Source]) -> Meter:
    """How many bytes there are to read."""
    paths = [source.path for source in sources]
    known = all(path is not None and path.is_file() for path in paths)
    return Meter(sum(p.stat().st_size for p in paths if p is not None) if known else 0)


def read_groups(
    sources: Sequence[Source], arguments: argparse.Namespace, tagger: Tagger, meter: Meter
) -> Iterator[Iterable[Item]]:
    """Everything that the command line names; each item with what it becomes under the limit.

    Raises:
        DataError: a file that cannot be read.
    """
    items = _items(sources, arguments, meter)
    if arguments.max_chars is None:
        return ([item] for item in items)
    limit = Limit(arguments.max_chars, arguments.over_limit or "error")
    return limited(items, limit, tagger.segmenter)


def _items(
    sources: Sequence[Source], arguments: argparse.Namespace, meter: Meter
) -> Iterator[Item]:
    for text in arguments.text or ():
        yield Text(Place("--text"), text, len(text))
    reading = Reading(arguments.document, arguments.column, tuple(arguments.keep or ()))
    bordered = arguments.document != "line"
    for source in sources:
        found: Iterator[Item]
        if source.path is None:
            found = read_text_stream(sys.stdin.buffer, arguments.document, "standard input")
        elif source.kind is None:
            yield from _corpus_items(source.path, arguments, meter)
            continue
        else:
            found = read_file(source.path, source.kind, reading, meter)
            if source.folder is not None:
                found = _unreadable_as_bad(found, source.path)
        for item in found:
            if isinstance(item, Text):
                item = _named(item, source)
                if bordered and source.kind == "text":
                    item = _bordered(item)
            yield item


def _unreadable_as_bad(found: Iterator[Item], path: Path) -> Iterator[Item]:
    """A folder's file; where it cannot be read at all, that is told and the next one is read."""
    try:
        yield from found
    except DataError as error:
        yield Bad(Place(str(path)), error)


def _named(text: Text, source: Source) -> Text:
    """In a folder each text says which file and line it is from."""
    if source.folder is None or source.path is None:
        return text
    place = {"file": source.path.relative_to(source.folder).as_posix(), "line": text.place.number}
    if source.kind in ("csv", "parquet"):
        del place["line"]  # they have rows
    metadata = {**place, **text.metadata}
    if isinstance(text.content, Document):
        return replace(text, content=replace(text.content, metadata=metadata), metadata=metadata)
    return replace(text, metadata=metadata)


def _bordered(text: Text) -> CorpusText:
    return CorpusText(text.place, text.content, text.length, text.id, text.metadata, bordered=True)


def _corpus_items(path: Path, arguments: argparse.Namespace, meter: Meter) -> Iterator[Item]:
    corpus, _ = read_repaired(
        str(path),
        format=arguments.input,
        scheme=arguments.scheme,
        repair=arguments.repair,
        flag="--input",
    )
    columns = Columns.of(corpus)
    several = len(corpus.documents) > 1 and any(len(d.sentences) > 1 for d in corpus.documents)
    size, begin = path.stat().st_size if path.is_file() else 0, meter.done
    for number, document in enumerate(corpus.documents, start=1):
        place = Place(str(path))
        yield CorpusText(place, document, len(document.text), columns=columns, bordered=several)
        meter.done = begin + size * number // len(corpus.documents)
