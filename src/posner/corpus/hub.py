"""Hugging Face data sets: a local folder, or a name on the hub; columns `tokens` and `ner_tags`.

A name may say which part is meant: `NAME:SPLIT` or `NAME:CONFIG:SPLIT`. Tags are texts or numbers
with names (ClassLabel). Each row is a sentence and, unless a column `document` says otherwise, a
document of its own: context never crosses from one row to the next. Further columns are carried
through. Needs the extra `hub`; the network is used only where a name is no local path.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from posner.corpus.container import Corpus, Layout
from posner.corpus.problem import Problem
from posner.corpus.tagged import Losses, RowSentence, document_name, document_tags, read_tags
from posner.document import Document, Sentence, WordRow, document_from_words
from posner.errors import DataError, MissingExtraError
from posner.files import folder_beside
from posner.schemes import Scheme, scheme_named

_SAVED = ("state.json", "dataset_dict.json")
_WORDS = ("tokens", "words")
_TAGS = ("ner_tags", "tags", "ner")
_POS = ("pos_tags", "pos")
_CHUNK = ("chunk_tags", "chunk")
_DOCUMENT, _NUMBER, _ID, _EXTRA = "document", "sentence_number", "document_id", "extra_columns"


def detects(path: Path, head: bytes) -> bool:
    """Whether it is a folder that `datasets` saved or can load."""
    del head
    return path.is_dir() and (_is_saved(path) or any(path.glob("**/*.parquet")))


def holds_words(path: Path) -> bool:
    """Whether a folder is one that `datasets` saved, or of Parquet that has words, not texts."""
    if _is_saved(path):
        return True
    first = min(path.glob("**/*.parquet"), default=None)
    return first is not None and not set(_WORDS).isdisjoint(_parquet_columns(first))


def _is_saved(path: Path) -> bool:
    return any((path / name).exists() for name in _SAVED)


def _parquet_columns(path: Path) -> list[str]:
    """The columns of a Parquet file; none where that cannot be found out."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        return []
    try:
        return list(parquet.read_schema(path).names)
    except (pyarrow.ArrowException, OSError):
        return []


def _datasets() -> Any:
    try:
        return importlib.import_module("datasets")
    except ImportError as error:
        raise MissingExtraError("reading and writing Hugging Face data sets", "hub") from error


@contextmanager
def _without_bars(datasets: Any) -> Iterator[None]:
    """Keep `datasets` from drawing progress bars over what a command prints."""
    disabled = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if not disabled:
            datasets.enable_progress_bars()


def _load(name: str) -> Any:
    """The data set that the name means, one split of it.

    Raises:
        DataError: it cannot be found or loaded, or the split must be named.
    """
    datasets = _datasets()
    parts = [name] if Path(name).exists() else name.split(":")
    if len(parts) > 3:
        raise DataError("too many colons", where=name, expected="NAME:CONFIG:SPLIT")
    base, config = parts[0], parts[1] if len(parts) == 3 else None
    split = parts[-1] if len(parts) > 1 else None
    try:
        if _is_saved(Path(base)):
            loaded = datasets.load_from_disk(base)
        else:
            loaded = datasets.load_dataset(base, config)
    # Whatever the hub, the network or a loading script raises is the user's to mend.
    except (
        *(OSError, ValueError, RuntimeError, LookupError, ImportError),
        datasets.exceptions.DatasetsError,
    ) as error:
        raise DataError(
            "the data set cannot be loaded",
            where=name,
            got=str(error).split("\n", 1)[0][:200],
            remedy="check the name, the network and HF_HUB_OFFLINE, or name a saved folder",
        ) from error
    return _split(loaded, split, name, base) if hasattr(loaded, "keys") else loaded


def _split(loaded: Any, split: str | None, name: str, base: str) -> Any:
    """One split of those that were loaded: the one that is named, or the only one."""
    names = list(loaded.keys())
    if split is None and len(names) == 1:
        split = names[0]
    if split not in names:
        raise DataError(
            "which split?" if split is None else f"no split {split!r}",
            where=name,
            expected=f"one of {', '.join(names)}",
            remedy=f"write {base}:{names[0]}",
        )
    return loaded[split]


def read_hub(path: str, scheme: str | None, problems: list[Problem]) -> Corpus:
    """Read a data set.

    Raises:
        DataError: it cannot be loaded, or has no words or no tags.
        MissingExtraError: `datasets` is not installed.
    """
    data = _load(path)
    columns = _Columns(data, path)
    sentences = columns.sentences(problems)
    tagged = read_tags([s for s, _ in sentences], scheme, path, problems)
    documents: list[Document] = []
    pairs = zip(tagged.sentences, (key for _, key in sentences), strict=True)
    for (_, name), group in groupby(pairs, key=lambda pair: pair[1]):
        documents.append(document_from_words([sentence for sentence, _ in group], id=name))
    return Corpus(tuple(documents), "hub", path, Layout(scheme=tagged.scheme.name))


class _Columns:
    """The columns of a data set: which is what, and the names of numbered values."""

    def __init__(self, data: Any, path: str) -> None:
        self.data = data
        self.path = path
        self.words = self._find(_WORDS, "words")
        self.tags = self._find(_TAGS, "tags")
        names = data.column_names
        self.pos = next((n for n in _POS if n in names), None)
        self.chunk = next((n for n in _CHUNK if n in names), None)
        own = {self.words, self.tags, self.pos, self.chunk, _DOCUMENT, _NUMBER, _ID, _EXTRA}
        self.others = [n for n in names if n not in own]

    def _find(self, candidates: Sequence[str], what: str) -> str:
        names: list[str] = self.data.column_names
        found = next((n for n in candidates if n in names), None)
        if found is None:
            raise DataError(
                f"the data set has no {what}",
                where=self.path,
                expected=f"a column {' or '.join(candidates)}",
                got=", ".join(names),
            )
        return found

    def _names(self, column: str) -> list[str] | None:
        feature = self.data.features[column]
        inner = getattr(feature, "feature", feature)
        names: list[str] | None = getattr(inner, "names", None)
        return names

    def _texts(self, column: str | None, row: Mapping[str, Any]) -> list[str | None]:
        values = [] if column is None else row[column] or []
        names = None if column is None else self._names(column)
        if names is None:
            return [v if isinstance(v, str) or v is None else str(v) for v in values]
        return [names[v] if v is not None and 0 <= v < len(names) else None for v in values]

    def sentences(
        self, problems: list[Problem]
    ) -> list[tuple[RowSentence, tuple[int, str | None]]]:
        """Each row's sentence with the document that it belongs to: place and id."""
        read = []
        for number, row in enumerate(self.data, 1):
            sentence = self._sentence(row, number, problems)
            place = row.get(_DOCUMENT)
            name = row.get(_ID)
            key = (place if type(place) is int else number, name if name is None else str(name))
            read.append((sentence, key))
        return read

    def _sentence(self, row: Mapping[str, Any], line: int, problems: list[Problem]) -> RowSentence:
        words = [str(word) for word in row[self.words] or []]
        tags = self._texts(self.tags, row)
        if len(tags) != len(words):
            few = len(tags) < len(words)
            reason = f"{len(tags)} tags for {len(words)} words"
            kind = "too-few-columns" if few else "too-many-columns"
            problems.append(Problem(self.path, line, kind, reason, "correct the row"))
        pos, chunk = self._texts(self.pos, row), self._texts(self.chunk, row)
        extra = row.get(_EXTRA) or []
        number = row.get(_NUMBER)
        metadata = {n: row[n] for n in self.others if row[n] is not None}
        sentence = RowSentence(number=number if type(number) is int else None, metadata=metadata)
        for index, word in enumerate(words):
            if not word:
                problems.append(
                    Problem(self.path, line, "empty-word", "a word is empty", "fill it in")
                )
                continue
            columns = tuple(extra[index]) if index < len(extra) else ()
            tag = tags[index] if index < len(tags) else "O"
            shown = WordRow(word, _at(pos, index), _at(chunk, index), columns)
            sentence.add(shown, "no name" if tag is None else tag, line)
        return sentence


def _at(values: Sequence[str | None], index: int) -> str | None:
    return values[index] if index < len(values) else None


def write_hub(corpus: Corpus, path: Path, scheme: str | None) -> list[str]:
    """Save a folder that `datasets.load_from_disk` reads; returns what it could not hold.

    Raises:
        DataError: overlapping entities, or the folder cannot be written.
        MissingExtraError: `datasets` is not installed.
    """
    datasets = _datasets()
    losses = Losses("hub")
    tag_scheme = scheme_named(scheme or corpus.layout.scheme or "IOB2")
    rows = _rows(corpus, tag_scheme, losses)
    strings = datasets.Sequence(datasets.Value("string"))
    names = list(tag_scheme.tags(corpus.labels))
    features = {
        "tokens": strings,
        "ner_tags": datasets.Sequence(datasets.ClassLabel(names=names)),
        _DOCUMENT: datasets.Value("int64"),
    }
    if corpus.has_pos:
        features["pos_tags"] = strings
    if corpus.has_chunk:
        features["chunk_tags"] = strings
    if any(row[_EXTRA] for row in rows):
        features[_EXTRA] = datasets.Sequence(strings)
    if any(row[_NUMBER] is not None for row in rows):
        features[_NUMBER] = datasets.Value("int64")
    if any(row[_ID] is not None for row in rows):
        features[_ID] = datasets.Value("string")
    features |= _metadata_features(rows, features, datasets, losses)
    table = {name: [row.get(name) for row in rows] for name in features}
    with folder_beside(path) as folder, _without_bars(datasets):
        saved = datasets.Dataset.from_dict(table, features=datasets.Features(features))
        saved.save_to_disk(str(folder))
    return losses.lines()


def _rows(corpus: Corpus, scheme: Scheme, losses: Losses) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for index, document in enumerate(corpus.documents):
        losses.add_unheld(document, keep_id=True)
        where = document_name(document, index)
        before = len(rows)
        for sentence, tags in document_tags(document, scheme, losses, where):
            rows.append(_row(sentence, tags) | {_DOCUMENT: index, _ID: document.id})
        losses.add("{n} documents without words are not held", int(len(rows) == before))
    return rows


def _row(sentence: Sentence, tags: list[str]) -> dict[str, Any]:
    extra = [list(token.extra) for token in sentence.tokens]
    return {
        **sentence.metadata,
        "tokens": sentence.words,
        "ner_tags": tags,
        "pos_tags": [token.pos for token in sentence.tokens],
        "chunk_tags": [token.chunk for token in sentence.tokens],
        _EXTRA: extra if any(extra) else [],
        _NUMBER: sentence.number,
    }


def _metadata_features(
    rows: list[dict[str, Any]], taken: Mapping[str, Any], datasets: Any, losses: Losses
) -> dict[str, Any]:
    """Columns for metadata whose values are all texts, or all whole numbers."""
    own = {*taken, "pos_tags", "chunk_tags", _EXTRA, _NUMBER, _ID}
    features = {}
    for name in dict.fromkeys(name for row in rows for name in row if name not in own):
        values = [row[name] for row in rows if row.get(name) is not None]
        kind = next((k for k in (str, int) if values and all(type(v) is k for v in values)), None)
        if kind is None:
            losses.add(f"the metadata {name!r} of {{n}} sentences is not held", len(values))
        else:
            features[name] = datasets.Value("string" if kind is str else "int64")
    return features
