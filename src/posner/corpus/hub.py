"""Hugging Face data sets: a local folder, a Parquet file, or a name on the hub.

A name may say which part is meant: `NAME:SPLIT` or `NAME:CONFIG:SPLIT`. The columns are those of
`posner.corpus.rows`, `tokens` and `ner_tags`; numbered tags have the names of their ClassLabel.
Needs the extra `hub`; the network is used only where a name is no local path.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from posner.corpus.container import Corpus, Layout
from posner.corpus.problem import Problem
from posner.corpus.rows import DOCUMENT, EXTRA, ID, NUMBER, WORDS, Table, read_rows
from posner.corpus.tagged import Losses, document_name, document_tags
from posner.document import Sentence
from posner.errors import DataError
from posner.extras import needs_extra
from posner.files import folder_beside
from posner.schemes import Scheme, scheme_named

_SAVED = ("state.json", "dataset_dict.json")
PARQUET = (".parquet", ".pq")


def detects(path: Path, head: bytes) -> bool:
    """Whether it is a folder that `datasets` saved or can load, or a file of Parquet."""
    del head
    if not path.is_dir():
        return path.suffix.lower() in PARQUET
    return _is_saved(path) or any(path.glob("**/*.parquet"))


def names_split(path: Path) -> bool:
    """Whether it is such a folder with the name of a split behind a colon."""
    base, colon, _ = str(path).rpartition(":")
    return bool(colon) and not path.exists() and Path(base).is_dir() and detects(Path(base), b"")


def holds_words(path: Path) -> bool:
    """Whether `datasets` saved the folder, or a file or folder of Parquet has words, not texts."""
    if _is_saved(path):
        return True
    first = path if path.is_file() else min(path.glob("**/*.parquet"), default=None)
    return first is not None and not set(WORDS).isdisjoint(_parquet_columns(first))


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
    with needs_extra("reading and writing Hugging Face data sets", "hub"):
        return importlib.import_module("datasets")


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
        with _without_bars(datasets):
            loaded = _loaded(datasets, base, config)
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


def _loaded(datasets: Any, base: str, config: str | None) -> Any:
    if _is_saved(Path(base)):
        return datasets.load_from_disk(base)
    if Path(base).is_file():
        return datasets.Dataset(importlib.import_module("pyarrow.parquet").read_table(base))
    return datasets.load_dataset(base, config)


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
    names = {name: found for name in data.column_names if (found := _names(data, name))}
    table = Table(data.column_names, enumerate(data, 1), path, names)
    documents, tag_scheme = read_rows(table, scheme, problems)
    return Corpus(documents, "hub", path, Layout(scheme=tag_scheme.name))


def _names(data: Any, column: str) -> list[str] | None:
    """What the numbers of a column mean; None where it holds none, or nothing says so."""
    feature = data.features[column]
    names: list[str] | None = getattr(getattr(feature, "feature", feature), "names", None)
    return names


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
        DOCUMENT: datasets.Value("int64"),
    }
    if corpus.has_pos:
        features["pos_tags"] = strings
    if corpus.has_chunk:
        features["chunk_tags"] = strings
    if any(row[EXTRA] for row in rows):
        features[EXTRA] = datasets.Sequence(strings)
    if any(row[NUMBER] is not None for row in rows):
        features[NUMBER] = datasets.Value("int64")
    if any(row[ID] is not None for row in rows):
        features[ID] = datasets.Value("string")
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
            rows.append(_row(sentence, tags) | {DOCUMENT: index, ID: document.id})
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
        EXTRA: extra if any(extra) else [],
        NUMBER: sentence.number,
    }


def _metadata_features(
    rows: list[dict[str, Any]], taken: Mapping[str, Any], datasets: Any, losses: Losses
) -> dict[str, Any]:
    """Columns for metadata whose values are all texts, or all whole numbers."""
    own = {*taken, "pos_tags", "chunk_tags", EXTRA, NUMBER, ID}
    features = {}
    for name in dict.fromkeys(name for row in rows for name in row if name not in own):
        values = [row[name] for row in rows if row.get(name) is not None]
        kind = next((k for k in (str, int) if values and all(type(v) is k for v in values)), None)
        if kind is None:
            losses.add(f"the metadata {name!r} of {{n}} sentences is not held", len(values))
        else:
            features[name] = datasets.Value("string" if kind is str else "int64")
    return features
