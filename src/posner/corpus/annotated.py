"""The corrected texts of an annotation file as a corpus, and a corpus as such a file.

Texts that nobody has corrected are no part of the corpus. Their words are those that the file
holds, else what segmentation finds.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path

from posner.corpus.annotation_file import MAGIC, Annotation, AnnotationFile
from posner.corpus.container import Corpus
from posner.corpus.problem import Problem
from posner.corpus.tagged import Losses
from posner.corpus.words import read_tokens, report_misaligned, segmented, tokens_json
from posner.document import Document, Entity
from posner.errors import DataError

WRITER = "convert"


def detects(path: Path, head: bytes) -> bool:
    """Whether the file is SQLite's."""
    del path
    return head.startswith(MAGIC)


def read_annotations(path: Path, problems: list[Problem]) -> Corpus:
    """Read the corrected texts.

    Raises:
        DataError: it is no annotation file.
    """
    documents = [document_of(a, str(path), problems) for a in AnnotationFile(path).corrected()]
    return Corpus(tuple(documents), "annotations", path)


def document_of(annotation: Annotation, path: str, problems: list[Problem]) -> Document:
    """A corrected text with its words; what is wrong with its spans is added to `problems`."""
    text = annotation.text
    entities = []
    for start, end, label in annotation.entities or ():
        if 0 <= start < end <= len(text) and label:
            entities.append(Entity(start, end, label, text[start:end]))
        else:
            reason = f"text {annotation.id}: {label} at characters {start} to {end} is outside it"
            problems.append(Problem(path, None, "span-outside-text", reason, "correct the text"))
    if annotation.words is None:
        sentences = segmented(text, entities)
    else:
        record = json.loads(annotation.words)
        sentences = read_tokens(text, record["tokens"], record.get("sentences")).sentences
    name = annotation.name or f"text-{annotation.id}"
    metadata = {"who": annotation.who, "at": annotation.at}
    document = Document(text, sentences, tuple(entities), name, metadata)
    report_misaligned(document, path, lambda _entity: annotation.id, problems)
    return document


def write_annotations(corpus: Corpus, path: Path) -> list[str]:
    """Write a corpus as corrected texts; returns what the format could not hold.

    Raises:
        DataError: the file cannot be written.
    """
    losses = Losses("annotations")
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = AnnotationFile(beside, create=True)
        seen: set[str] = set()
        kept = []
        for document in corpus.documents:
            if document.text in seen:
                losses.add("{n} documents with the text of another one are left out")
                continue
            seen.add(document.text)
            for name in document.metadata:
                losses.add(f"the metadata {name!r} of {{n}} documents is not held")
            scored = sum(entity.score is not None for entity in document.entities)
            losses.add("the scores of {n} entities are not held", scored)
            kept.append(document)
        file.add((d.id, d.text, json.dumps(tokens_json(d), ensure_ascii=False)) for d in kept)
        spans = ((d.text, [(e.start, e.end, e.label) for e in d.entities]) for d in kept)
        file.save_all(spans, WRITER)
        beside.replace(path)
    except (OSError, UnicodeEncodeError) as error:
        raise DataError("cannot be written", where=path, got=error) from error
    finally:
        beside.unlink(missing_ok=True)
    return losses.lines()
