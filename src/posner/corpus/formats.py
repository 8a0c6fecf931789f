"""The formats as a table, and the two functions over it: `read` and `write`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from posner.collector import collector_paused
from posner.corpus import (
    annotated,
    conll,
    conll_detection,
    conll_writer,
    hub,
    jsonl,
    kaggle,
    spacy_docs,
    standoff,
)
from posner.corpus.container import Corpus, Layout
from posner.corpus.files import head_text, plain_suffix, read_head
from posner.corpus.flavours import FLAVOURS
from posner.corpus.problem import Problem, raise_first
from posner.document import Document
from posner.errors import DataError, SchemeError, UsageError
from posner.files import refuse_filled
from posner.schemes import scheme_named


@dataclass(frozen=True)
class Format:
    """One outside format.

    Attributes:
        name: as users write it.
        suffixes: of its files; a writer's default is the first (none: a folder).
        tags: whether it holds tags, so that a scheme can be named.
        detect: whether a file (its path and its first bytes) is of this format.
        read: path, scheme and the list of problems to a Corpus.
        write: Corpus, path and scheme to what was lost.
    """

    name: str
    suffixes: tuple[str, ...]
    tags: bool
    detect: Callable[[Path, bytes], bool]
    read: Callable[[Path, str | None, list[Problem]], Corpus]
    write: Callable[[Corpus, Path, str | None], list[str]]


def _jsonl(flavour: str | None, *suffixes: str) -> Format:
    return Format(
        flavour or "jsonl",
        suffixes,
        False,
        jsonl.detects,
        lambda path, _scheme, problems: jsonl.read_jsonl(path, flavour, problems),
        lambda corpus, path, _scheme: jsonl.write_jsonl(corpus, path, flavour),
    )


# Detection asks them in this order; `conll`, which only looks at rows, comes last.
FORMATS: dict[str, Format] = {
    format.name: format
    for format in (
        Format(
            "brat",
            ("", ".ann"),
            False,
            standoff.detects,
            lambda path, _scheme, problems: standoff.read_standoff(path, problems),
            lambda corpus, path, _scheme: standoff.write_standoff(corpus, path),
        ),
        Format(
            "hub",
            ("",),
            True,
            hub.detects,
            lambda path, scheme, problems: hub.read_hub(str(path), scheme, problems),
            hub.write_hub,
        ),
        Format(
            "annotations",
            (".sqlite", ".db"),
            False,
            annotated.detects,
            lambda path, _scheme, problems: annotated.read_annotations(path, problems),
            lambda corpus, path, _scheme: annotated.write_annotations(corpus, path),
        ),
        Format(
            "spacy",
            (spacy_docs.SUFFIX,),
            False,
            spacy_docs.detects,
            lambda path, _scheme, problems: spacy_docs.read_docbin(path, problems),
            lambda corpus, path, _scheme: spacy_docs.write_docbin(corpus, path),
        ),
        Format("kaggle", (".csv",), True, kaggle.detects, kaggle.read_kaggle, kaggle.write_kaggle),
        _jsonl(None, ".jsonl", ".json"),
        Format(
            "conll",
            (*conll.SUFFIXES, ".txt", ".tsv", ".col"),
            True,
            conll_detection.detects,
            conll.read_conll,
            conll_writer.write_conll,
        ),
        *(_jsonl(name, ".json" if name == "labelstudio" else ".jsonl") for name in FLAVOURS),
    )
}


class UnknownFormatError(DataError):
    """A corpus whose format cannot be told."""


def format_named(name: str) -> Format:
    """The format of that name.

    Raises:
        UsageError: no such format.
    """
    found = FORMATS.get(name.lower())
    if found is None:
        raise UsageError("unknown format", expected=f"one of {', '.join(FORMATS)}", got=name)
    return found


def _check_scheme(name: str | None, format: Format) -> None:
    """A scheme that is named must be one, of a format that holds tags.

    Raises:
        UsageError: it is not.
    """
    if name is None:
        return
    try:
        scheme_named(name)
    except SchemeError as error:
        raise UsageError(error.problem, expected=error.expected, got=error.got) from None
    if not format.tags:
        raise UsageError(f"{format.name} holds no tags, so no scheme can be named", got=name)


def looks_like_corpus(path: Path) -> bool:
    """Whether an existing file or folder is surely a corpus, not a text.

    Its suffix tells (that of `.csv`, `.tsv` and JSON only together with how the file begins), or
    its rows: nearly all of one width, with a tag at the end. A text that has a corpus beside it is
    a text, and a folder of Parquet files without words is one of texts.

    Raises:
        DataError: the file cannot be read.
    """
    if path.is_dir():
        return standoff.detects(path, b"") or hub.holds_words(path)
    suffix = plain_suffix(path)
    if suffix in hub.PARQUET:
        return hub.holds_words(path)
    if suffix in (*conll.SUFFIXES, ".col", ".ann", spacy_docs.SUFFIX):
        return True
    head = read_head(path)
    if annotated.detects(path, head):
        return True
    if suffix in (".json", ".jsonl", ".ndjson"):
        return jsonl.detects(path, head)
    if suffix == ".tsv":  # a table of texts has next to no tags
        return conll_detection.detects(path, head)
    return kaggle.detects(path, head) or (suffix != ".csv" and conll_detection.has_only_rows(head))


def detect_format(path: Path) -> Format:
    """Find out the format of a file or folder.

    Raises:
        DataError: no such file, or an empty one.
        UnknownFormatError: none of the formats.
    """
    if hub.names_split(path):
        return FORMATS["hub"]
    head = b"" if path.is_dir() else read_head(path)
    if not path.is_dir() and not head.strip() and not standoff.detects(path, head):
        raise DataError("the file is empty", where=path)
    found = next((f for f in FORMATS.values() if f.detect(path, head)), None)
    # The first word of columns may be `{}` or `{"`, with which JSON begins as well.
    if found is FORMATS["jsonl"] and conll_detection.is_sure(path, head):
        return FORMATS["conll"]
    if found is None and path.is_dir():
        raise DataError(
            "a folder of no format",
            where=path,
            expected="brat's pairs, Parquet files, or a data set of `save_to_disk`",
            got=_listed(path) or "no file",
            remedy="name one file, or check the path",
        )
    if found is None:
        raise UnknownFormatError(
            "the format cannot be told",
            where=path,
            expected=_expected(path, head),
            got=repr(head_text(head).lstrip().split("\n", 1)[0][:60]),
            remedy=f"name its format ({', '.join(FORMATS)})",
        )
    return found


def _listed(folder: Path) -> str:
    """The first files of a folder, in words; nothing if it has none."""
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    return ", ".join([*names[:3], *(["..."] if len(names) > 3 else [])])


def _expected(path: Path, head: bytes) -> str:
    """What a file of unknown format might have been."""
    if plain_suffix(path) == ".csv":
        return "one word a row, below a row of names with `word` and `tag`"
    if b"\0" in head:
        return "text in UTF-8, or in UTF-16 with its mark"
    return "CoNLL columns, a csv of words, JSON Lines, brat, spaCy or a saved data set"


def read(
    path: Path | str,
    *,
    format: str | None = None,
    scheme: str | None = None,
    problems: list[Problem] | None = None,
) -> Corpus:
    """Read a corpus; the format and the tag scheme are found out unless they are named.

    Args:
        path: a file, a folder, or (format `hub`) the name of a data set.
        format: a name in `FORMATS`.
        scheme: the tag scheme of a format that holds tags.
        problems: where to put what is wrong; reading then goes on with the repair that
            `posner.corpus.problem.KINDS` states. Without it the first problem is raised.

    Raises:
        DataError: the corpus cannot be read, or `problems` is None and something is wrong.
        UsageError: an unknown format or scheme, or a scheme for a format that holds no tags.
    """
    place = Path(path)
    chosen = detect_format(place) if format is None else format_named(format)
    if format is not None and chosen.name != "hub" and not place.exists():
        raise DataError("no such file or folder", where=path, remedy="check the path")
    if format is not None and place.is_dir() and chosen.name not in ("hub", "brat"):
        raise DataError("a folder, not a file", where=path, expected=f"a {chosen.name} file")
    _check_scheme(scheme, chosen)
    found: list[Problem] = []
    with collector_paused():
        corpus = chosen.read(place, scheme, found)
    if problems is None:
        raise_first(found, path)
    else:
        problems += found
    return replace(corpus, path=path)


def target_format(path: Path, source: str | None) -> Format:
    """The format to write when none is named: by the target's suffix, else the source's own.

    Raises:
        UsageError: neither tells.
    """
    suffix = plain_suffix(path)
    if source is not None and (not suffix or suffix in FORMATS[source].suffixes):
        return FORMATS[source]
    found = next((f for f in FORMATS.values() if suffix and suffix in f.suffixes), None)
    if found is None and source is not None:
        return FORMATS[source]
    if found is None:
        raise UsageError("which format shall be written?", where=path, remedy="name the format")
    return found


def write(
    corpus: Corpus | Iterable[Document],
    path: Path | str,
    *,
    format: str | None = None,
    scheme: str | None = None,
    force: bool = False,
) -> list[str]:
    """Write a corpus; returns a line for each thing that the format could not hold.

    The same format keeps the layout that was read. Tags are written in `scheme`, else in the
    corpus's own scheme if the format is the same, else in IOB2. The target appears only when it
    is complete.

    Raises:
        DataError: the target is not empty and `force` is not set, or something cannot be written
            at all: overlapping entities as tags, white space in a CoNLL column.
        UsageError: an unknown format or scheme, or a scheme for a format that holds no tags.
    """
    place = Path(path)
    if not isinstance(corpus, Corpus):
        corpus = Corpus(tuple(corpus), "", place)
    chosen = format_named(format) if format else target_format(place, corpus.format or None)
    _check_scheme(scheme, chosen)
    refuse_filled(place, force=force)
    if chosen.name == "brat" and place.suffix.lower() == ".ann":
        refuse_filled(place.with_suffix(".txt"), force=force)
    same = chosen.name == corpus.format or (corpus.format == "jsonl" and chosen.name in FLAVOURS)
    if not same:
        corpus = replace(corpus, layout=Layout())
    return chosen.write(corpus, place, scheme)
