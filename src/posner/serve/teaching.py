"""Texts that people correct: whose turn it is, how unsure the model is, and the file behind it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from posner.corpus.annotation_file import Annotation, AnnotationFile, Span
from posner.serve.corrections import check_words
from posner.serve.errors import ServiceError
from posner.serve.service import Service
from posner.serve.work import Task, Wanted
from posner.textfile import read_texts

log = logging.getLogger("posner.serve")

TURN = 600.0
"""Seconds for which a text of the queue is one person's."""

TOGETHER = 16
"""Texts of the queue that are rated together; people's requests come between."""


class Teaching:
    """The corrections of one service.

    Args:
        service: its default model says how unsure it is.
        path: the annotation file, made where there is none.
        texts: a file whose lines are to be corrected; empty: none.

    Raises:
        DataError: the file is none of annotations, or the texts cannot be read.
    """

    def __init__(self, service: Service, path: str, texts: str = "") -> None:
        self.service = service
        self.file = AnnotationFile(Path(path), create=True)
        self._turns: dict[int, tuple[str, float]] = {}
        if texts:
            with Path(texts).open("rb") as stream:
                lines = read_texts(stream, "line", name=texts)
                named = ((f"{Path(texts).name}:{n}", line) for n, line in enumerate(lines, 1))
                self.file.add((name, line, None) for name, line in named if line.strip())

    async def rate(self) -> None:
        """Let the model say how unsure it is of each text that waits, if it knows that."""
        while not self.service.is_loaded:
            await asyncio.sleep(0.05)
        if not self.service.facts(None)[1].is_recognizer:
            return  # such a model does not say how unsure it is: the texts come in their order
        waiting = [a for a in await asyncio.to_thread(self.file.waiting) if a.uncertainty is None]
        for first in range(0, len(waiting), TOGETHER):
            part = waiting[first : first + TOGETHER]
            try:
                ratings = await self._ratings([annotation.text for annotation in part])
            except ServiceError as error:
                log.warning("texts not rated", extra={"facts": {"error_type": error.kind}})
                continue
            rated = [(a.id, r) for a, r in zip(part, ratings, strict=True) if r is not None]
            await asyncio.to_thread(self.file.rate, rated)
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

    def queue(self, who: str, limit: int) -> list[Annotation]:
        """The texts that this person should correct next; for a while they are nobody else's."""
        now = time.monotonic()
        self._turns = {i: turn for i, turn in self._turns.items() if turn[1] > now}
        free = [
            annotation
            for annotation in self.file.waiting(limit + len(self._turns))
            if self._turns.get(annotation.id, (who, 0.0))[0] == who
        ][:limit]
        self._turns |= {annotation.id: (who, now + TURN) for annotation in free}
        return free
