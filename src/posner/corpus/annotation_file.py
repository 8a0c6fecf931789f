"""Texts and their corrections in one SQLite file that several people and programs share.

Nothing is ever overwritten: a change is a row with who made it and when, and undoing is a change,
too. What holds for a text is the state that its last change leads to.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from posner.errors import DataError, PosnerError

MAGIC = b"SQLite format 3\x00"
APPLICATION = 0x504F534E  # "POSN"
VERSION = 1
_WAIT = 10.0  # seconds for another's change to end

_SCHEMA = f"""
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
CREATE TABLE texts (
    id INTEGER PRIMARY KEY,
    name TEXT,
    text TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    words TEXT,
    uncertainty REAL
);
CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    text INTEGER NOT NULL REFERENCES texts (id),
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    parent INTEGER,
    state INTEGER,
    entities TEXT
);
CREATE INDEX changes_of_text ON changes (text, id);
"""
# A save has entities, and the state before it as `parent`; its `state` is its own id. An undo has
# none, and as `state` the parent of the save that it undoes; NULL: the text is not corrected.

_RATINGS = """
CREATE TABLE IF NOT EXISTS ratings (
    text INTEGER PRIMARY KEY REFERENCES texts (id),
    model TEXT NOT NULL
)
"""
# Whose a text's uncertainty is. Who knows nothing of it reads the file all the same.

Span = tuple[int, int, str]
"""First character, one past the last, label."""


class StaleError(PosnerError):
    """Someone else has changed the text meanwhile."""


class NothingToUndoError(DataError):
    """The text has no correction, or is not known at all."""


@dataclass(frozen=True)
class Annotation:
    """A text and what holds for it.

    Attributes:
        id: the text's number.
        name: what it is called, if anything.
        text: the text.
        words: its words as JSON Lines write them, or None.
        uncertainty: a model's, or None.
        revision: the number of its last change; 0: there is none.
        who: made that change.
        at: when, in UTC.
        entities: as they were corrected, or None for a text that nobody has corrected.
    """

    id: int
    name: str | None
    text: str
    words: str | None
    uncertainty: float | None
    revision: int
    who: str | None
    at: str | None
    entities: tuple[Span, ...] | None


_CURRENT = """
SELECT t.id, t.name, t.text, t.words, t.uncertainty, coalesce(c.id, 0), c.who, c.at, s.entities
FROM texts t
LEFT JOIN changes c ON c.id = (SELECT max(id) FROM changes WHERE text = t.id)
LEFT JOIN changes s ON s.id = c.state
"""


class AnnotationFile:
    """The texts and changes in a file.

    Args:
        path: the file; `create` makes it where there is none.
        create: see `path`.

    Raises:
        DataError: it is missing, or no such file, or a newer program's.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path
        if not path.exists() or path.stat().st_size == 0:
            if not create:
                raise DataError("no such file", where=path, remedy="check the path")
            with self._opened("rwc") as file:
                file.executescript(_SCHEMA)
        with self._opened() as file:
            [application] = file.execute("PRAGMA application_id").fetchone()
            [version] = file.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION:
            raise DataError(
                "an SQLite file, but not one of annotations",
                where=path,
                expected="a file that `posner serve --annotations` has made",
            )
        if version > VERSION:
            raise DataError(
                "written by a newer Posner", where=path, remedy="upgrade this one", got=version
            )

    def add(self, texts: Iterable[tuple[str | None, str, str | None]]) -> int:
        """Add texts as (name, text, words); those that are there stay. Returns how many are new."""
        with self._changing() as file:
            before = file.total_changes
            file.executemany(
                "INSERT OR IGNORE INTO texts (name, text, words, digest) VALUES (?, ?, ?, ?)",
                ((name, text, words, _digest(text)) for name, text, words in texts),
            )
            return file.total_changes - before

    def rate(self, ratings: Iterable[tuple[int, float]], model: str = "") -> None:
        """Note how uncertain a model is of texts, by their numbers, and which model that is."""
        with self._changing() as file:
            file.execute(_RATINGS)
            for number, uncertainty in ratings:
                file.execute("UPDATE texts SET uncertainty = ? WHERE id = ?", (uncertainty, number))
                file.execute("INSERT OR REPLACE INTO ratings VALUES (?, ?)", (number, model))

    def unrated(self, model: str) -> list[Annotation]:
        """The texts that have no correction, and whose uncertainty is not this model's."""
        condition = """
            LEFT JOIN ratings r ON r.text = t.id
            WHERE s.entities IS NULL AND r.model IS NOT ? ORDER BY t.id
        """
        with self._changing() as file:
            file.execute(_RATINGS)
            rows = file.execute(f"{_CURRENT} {condition}", (model,)).fetchall()
        return [_annotation(row) for row in rows]

    def find(self, text: str) -> Annotation | None:
        """What holds for a text, if it is known."""
        with self._opened() as file:
            row = file.execute(f"{_CURRENT} WHERE t.digest = ?", (_digest(text),)).fetchone()
        return None if row is None else _annotation(row)

    def get(self, number: int) -> Annotation | None:
        """What holds for a text by its number, if there is one."""
        with self._opened() as file:
            row = file.execute(f"{_CURRENT} WHERE t.id = ?", (number,)).fetchone()
        return None if row is None else _annotation(row)

    def corrected(self, after: int = 0, limit: int = -1) -> list[Annotation]:
        """The corrected texts in the order of their numbers."""
        condition = "WHERE s.entities IS NOT NULL AND t.id > ? ORDER BY t.id LIMIT ?"
        with self._opened() as file:
            rows = file.execute(f"{_CURRENT} {condition}", (after, limit)).fetchall()
        return [_annotation(row) for row in rows]

    def waiting(self, limit: int = -1) -> list[Annotation]:
        """The texts that have no correction, those first of which a model is least certain."""
        condition = "WHERE s.entities IS NULL ORDER BY t.uncertainty DESC NULLS LAST, t.id LIMIT ?"
        with self._opened() as file:
            rows = file.execute(f"{_CURRENT} {condition}", (limit,)).fetchall()
        return [_annotation(row) for row in rows]

    def save(self, text: str, entities: Sequence[Span], who: str, revision: int) -> Annotation:
        """Correct a text, which is added where it is not known.

        Raises:
            StaleError: `revision` is not that of the text's last change.
        """
        with self._changing() as file:
            values = (text, _digest(text))
            file.execute("INSERT OR IGNORE INTO texts (text, digest) VALUES (?, ?)", values)
            number = self._save(file, text, entities, who, revision)
        return self._known(number)

    def save_all(self, corrected: Iterable[tuple[str, Sequence[Span]]], who: str) -> None:
        """Correct texts that are there and that nobody has corrected, all of them or none."""
        with self._changing() as file:
            for text, entities in corrected:
                self._save(file, text, entities, who, 0)

    def _save(
        self,
        file: sqlite3.Connection,
        text: str,
        entities: Sequence[Span],
        who: str,
        revision: int,
    ) -> int:
        """Add a change; returns the text's number."""
        number, state = self._check(file, _digest(text), revision)
        listed = json.dumps([list(span) for span in sorted(entities)], ensure_ascii=False)
        made = file.execute(
            "INSERT INTO changes (text, who, at, parent, entities) VALUES (?, ?, ?, ?, ?)",
            (number, who, _now(), state, listed),
        ).lastrowid
        file.execute("UPDATE changes SET state = id WHERE id = ?", (made,))
        return number

    def undo(self, text: str, who: str, revision: int) -> Annotation:
        """Go back to what held before the text's last correction.

        Raises:
            StaleError: `revision` is not that of the text's last change.
            NothingToUndoError: there is nothing to undo.
        """
        with self._changing() as file:
            number, state = self._check(file, _digest(text), revision)
            if state is None:
                raise NothingToUndoError("this text has no correction that could be undone")
            [parent] = file.execute("SELECT parent FROM changes WHERE id = ?", (state,)).fetchone()
            file.execute(
                "INSERT INTO changes (text, who, at, state) VALUES (?, ?, ?, ?)",
                (number, who, _now(), parent),
            )
        return self._known(number)

    def _check(
        self, file: sqlite3.Connection, digest: str, revision: int
    ) -> tuple[int, int | None]:
        """A text's number and state, if its last change is the one that is meant."""
        row = file.execute("SELECT id FROM texts WHERE digest = ?", (digest,)).fetchone()
        if row is None:
            raise NothingToUndoError("this text is not known")
        last = file.execute(
            "SELECT id, state, who FROM changes WHERE text = ? ORDER BY id DESC LIMIT 1", row
        ).fetchone()
        found, state, who = last or (0, None, None)
        if found != revision:
            raise StaleError(
                f"{who or 'someone'} has changed this text meanwhile",
                expected=f"revision {found}",
                got=revision,
                remedy="look at it again",
            )
        return row[0], state

    def _known(self, number: int) -> Annotation:
        found = self.get(number)
        assert found is not None
        return found

    @contextmanager
    def _opened(self, mode: str = "rw") -> Iterator[sqlite3.Connection]:
        """The file for a while; one that is gone is not made anew, but for `mode` "rwc"."""
        address = f"{self.path.absolute().as_uri()}?mode={mode}"
        try:
            file = sqlite3.connect(address, uri=True, timeout=_WAIT, isolation_level=None)
            try:
                yield file
            finally:
                file.close()
        except sqlite3.Error as error:
            raise DataError("cannot be used", where=self.path, got=error) from error

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """One change: all of it or nothing, and no other between."""
        with self._opened() as file:
            file.execute("BEGIN IMMEDIATE")
            try:
                yield file
            except BaseException:
                file.execute("ROLLBACK")
                raise
            file.execute("COMMIT")


def _annotation(row: tuple[int, str, str, str, float, int, str, str, str]) -> Annotation:
    entities = (
        None if row[8] is None else tuple((s, e, label) for s, e, label in json.loads(row[8]))
    )
    return Annotation(*row[:8], entities)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
