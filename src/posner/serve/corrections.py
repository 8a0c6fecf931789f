"""Texts that people correct: whose turn it is, how unsure the model is, and the file behind it."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from posner.corpus.annotation_file import Annotation, AnnotationFile, Span
from posner.corpus.formats import looks_like_corpus
from posner.errors import DataError, PosnerError
from posner.serve.errors import ServiceError
from posner.serve.service import Service
from posner.serve.span_checks import check_words
from posner.serve.work import Task, Wanted
from posner.sources import Bad, Meter, Reading, kind_of, read_file

log = logging.getLogger("posner.serve")

TURN = 600.0
"""Seconds for which a text of the queue is one person's."""

LOOK = 0.2
"""Seconds between two looks at whether there is another model."""

AGAIN = 30.0
"""Seconds until what could not be rated is tried once more."""

TOGETHER = 16
"""Texts of the queue that are rated together; people's requests come between."""


class Corrections:
    """The corrections of one service.

    Args:
        service: its default model says how unsure it is.
        path: the annotation file, made where there is none.
        texts: a file whose texts are to be corrected; empty: none.

    Raises:
        DataError: the file is none of annotations, or the texts cannot be read.
    """

    def __init__(self, service: Service, path: str, texts: str = "") -> None:
        self.service = service
        waiting = _named_texts(Path(texts)) if texts else []  # or a file is made for nothing
        self.file = AnnotationFile(Path(path), create=True)
        self._turns: dict[int, tuple[str, float]] = {}
        self._turn = threading.Lock()  # or two people who ask at once get the same texts
        if waiting:
            self.file.add((name, line, None) for name, line in waiting)

    async def rate(self) -> None:
        """Let the model say how unsure it is of each text that waits, anew when it is replaced."""
        rated = ""
        while True:
            revision = self._revision()
            if revision and revision != rated:
                try:
                    await self.rate_all(revision)
                    rated = revision
                except (PosnerError, ServiceError) as error:
                    kind = error.kind if isinstance(error, ServiceError) else error.line()
                    log.warning("texts not rated", extra={"facts": {"error": kind}})
                    await asyncio.sleep(AGAIN)
            await asyncio.sleep(LOOK)

    def _revision(self) -> str:
        """The default model's, if it is loaded and says how unsure it is; else nothing."""
        facts = self.service.supervisor.facts.get(self.service.default)
        # Another model does not say how unsure it is: the texts come in their order.
        return facts.revision if facts is not None and facts.is_recognizer else ""

    async def rate_all(self, revision: str) -> None:
        """Rate the texts that wait and that this revision of the model has not rated.

        Raises:
            ServiceError: some could not be rated, the others are.
            DataError: the file cannot be used.
        """
        waiting = await asyncio.to_thread(self.file.unrated, revision)
        failure: ServiceError | None = None
        for first in range(0, len(waiting), TOGETHER):
            part = waiting[first : first + TOGETHER]
            try:
                ratings = await self._ratings([annotation.text for annotation in part])
            except ServiceError as error:
                failure = error
                continue
            rated = [(a.id, r) for a, r in zip(part, ratings, strict=True) if r is not None]
            await asyncio.to_thread(self.file.rate, rated, revision)
        if failure is not None:
            raise failure
        log.info("texts rated", extra={"facts": {"texts": len(waiting)}})

    async def _ratings(self, texts: Sequence[str]) -> list[float | None]:
        wanted = Wanted(uncertainty=True)
        tasks = [Task(text, wanted) for text in texts]
        found = await self.service.answer(self.service.default, tasks)
        return [result.uncertainty for result in found]

    def save(self, text: str, spans: Sequence[Span], who: str, revision: int) -> Annotation:
        """Correct a text; see `AnnotationFile.save`.

        Raises:
            StaleError: `revision` is not that of the text's last change.
            ServiceError: a span is none of words.
        """
        if self._plain_words:
            known = self.file.find(text)
            words = None if known is None else known.words
            check_words(Annotation(0, None, text, words, None, 0, None, None, tuple(spans)))
        return self.file.save(text, spans, who, revision)

    @property
    def _plain_words(self) -> bool:
        """Whether the words are known without a model: one may have a segmenter of its own."""
        return all(facts.plain_words for facts in self.service.supervisor.facts.values())

    def queue(self, who: str, limit: int, skip: Collection[int] = ()) -> list[Annotation]:
        """The texts that this person should correct next; for a while they are nobody else's.

        Args:
            who: the person.
            limit: how many.
            skip: numbers of texts that the person does not want now.
        """
        with self._turn:
            now = time.monotonic()
            self._turns = {i: turn for i, turn in self._turns.items() if turn[1] > now}
            free = [
                annotation
                for annotation in self.file.waiting(limit + len(self._turns) + len(skip))
                if annotation.id not in skip
                and self._turns.get(annotation.id, (who, 0.0))[0] == who
            ][:limit]
            self._turns |= {annotation.id: (who, now + TURN) for annotation in free}
        return free


def _named_texts(path: Path) -> list[tuple[str, str]]:
    """A file's texts that hold something, each with the file's name and its line or row.

    Raises:
        DataError: the file cannot be read, a text of it is none, or it is a corpus.
    """
    where = f"--texts {path}"
    if not path.is_file():
        raise DataError("no such file", where=where, remedy="check the path")
    kind = kind_of(path) or "text"
    if kind in ("text", "csv") and looks_like_corpus(path):
        raise DataError(
            "a corpus, and not texts",
            where=where,
            expected="a text a line, or JSON Lines, CSV or Parquet with texts",
            remedy=f"begin with it: posner convert {path} CORRECTIONS.sqlite",
        )
    found = []
    for item in read_file(path, kind, Reading(), Meter()):
        if isinstance(item, Bad):
            raise item.error
        text = "".join(item.characters())
        if text.strip():
            found.append((f"{path.name}:{item.place.number}", text))
    return found
