"""`compare`: every cell in turn, in processes of their own, and what they found.

OUT/compare.json          the data, so that nothing else is compared into the same folder
OUT/cells/NAME/           a cell: its order, its run, what it cost, what it found or why it failed
OUT/table.{md,csv,tex}    the tables
OUT/results.json          all figures
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from posner.compare.order import (
    FAILED,
    SCORED,
    Data,
    Order,
    Scored,
    Trained,
    read_failure,
    read_scored,
    read_trained,
)
from posner.compare.plan import Cell, Row, cells_of
from posner.errors import DataError, PosnerError
from posner.files import refuse_filled, write_json
from posner.locks import try_lock
from posner.systems.opponents import opponent_folder

STATE = "compare.json"
CELLS = "cells"


@dataclass(frozen=True)
class Result:
    """What came of a cell.

    Attributes:
        cell: which.
        trained: what its training cost.
        scored: what it found; None where it failed.
        error: why it failed.
    """

    cell: Cell
    trained: Trained | None
    scored: Scored | None
    error: str | None


@dataclass(frozen=True)
class Comparison:
    """All rows with the results of their cells."""

    data: Data
    rows: tuple[Row, ...]
    results: Mapping[Cell, Result]


@dataclass(frozen=True)
class Comparer:
    """Runs what a comparison has not run yet.

    Attributes:
        out: its folder.
        data: the corpora.
        mapping: an opponent's labels in the corpus's names.
        device: where networks compute.
        say: is told what is done.
    """

    out: Path
    data: Data
    mapping: Mapping[str, str] = field(default_factory=dict)
    device: str = "auto"
    say: Callable[[str], None] = print

    def run(self, rows: Sequence[Row], *, force: bool = False) -> Comparison:
        """Train and score every cell that is not done, one after the other.

        What is finished stays, however the corpora's paths are written and wherever it was
        computed; what failed before is tried again.

        Raises:
            DataError: the folder holds something else, or a comparison on other data or a finished
                cell with other settings, and `force` is off; or another process works on it.
            UsageError, RecipeError, ModelError: a system, recipe or folder that there is not.
        """
        cells = cells_of(rows)
        orders = {cell: self._order(cell) for cell in cells}  # says what is wrong before all work
        self._check_folder(force=force)
        lock = try_lock(self.out / ".lock")
        if lock is None:
            raise DataError("another comparison works here", where=self.out)
        try:
            self._begin(orders, force=force)
            results = {}
            for number, cell in enumerate(cells, start=1):
                self.say(f"{cell.slug} ({number} of {len(cells)})")
                results[cell] = self._run(cell, orders[cell])
        finally:
            lock.release()
        return Comparison(self.data, tuple(rows), results)

    def _order(self, cell: Cell) -> Order:
        if cell.system.is_foreign:
            opponent_folder(cell.system.text)
        recipe: dict[str, dict[str, Any]] = cell.system.settings()
        section = next((name for name in ("training", "learning") if name in recipe), None)
        if section is not None:
            recipe[section] |= {"seed": cell.seed, "device": self.device}
        return Order(
            system=cell.system.base,
            share=cell.share,
            seed=cell.seed,
            data=self.data,
            recipe=recipe,
            mapping=dict(self.mapping) if cell.system.takes_mapping else {},
            device=self.device,
        )

    def _check_folder(self, *, force: bool) -> None:
        """See that the folder is this comparison's or can become it, and that it is there."""
        state = self.out / STATE
        if not state.is_file():
            refuse_filled(self.out, force=False)
        elif not force and _fingerprint(state) != self.data.fingerprint:
            raise DataError(
                "holds a comparison on other data",
                where=self.out,
                remedy="name another folder, or replace it with --force",
            )
        try:
            (self.out / CELLS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError("cannot be made", where=self.out, got=error.strerror) from error

    def _begin(self, orders: Mapping[Cell, Order], *, force: bool) -> None:
        """Make the folder ready; only under the lock, since that can cost another's work."""
        for cell, order in orders.items():
            folder = self.out / CELLS / cell.slug
            done = Order.read(folder)
            if force or done is None or read_trained(folder) is None:
                continue
            changed = order.differences(done)
            if changed:
                raise DataError(
                    "was run with other settings",
                    where=folder,
                    expected=", ".join(changed),
                    remedy="delete this folder to run it anew, or everything with --force",
                )
        if force:
            shutil.rmtree(self.out / CELLS)
            (self.out / CELLS).mkdir()
        write_json(self.out / STATE, {"data": asdict(self.data)})

    def _run(self, cell: Cell, order: Order) -> Result:
        folder = self.out / CELLS / cell.slug
        done = Order.read(folder)
        if done is None or order.differences(done):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        order.write(folder)
        (folder / FAILED).unlink(missing_ok=True)
        if cell.system.is_opponent and read_trained(folder) is None:
            Trained(None, None).write(folder)
        for work, is_done in (("train", read_trained), ("score", read_scored)):
            if is_done(folder) is None and not self._work(work, folder):
                return Result(cell, read_trained(folder), None, read_failure(folder))
        return Result(cell, read_trained(folder), read_scored(folder), None)

    def _work(self, work: str, folder: Path) -> bool:
        """Do one part of a cell's work in a process of its own; whether it ended well."""
        if work == "train":
            (folder / SCORED).unlink(missing_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "posner.compare.cell", work, str(folder)],
            stdin=subprocess.DEVNULL,
        )
        try:
            status = process.wait()
        except BaseException:  # Ctrl-C reaches the process too, which ends at a checkpoint
            process.wait()
            raise
        if status and read_failure(folder) is None:
            how = f"signal {-status}" if status < 0 else f"exit status {status}"
            write_json(folder / FAILED, {"work": work, "error": f"its process ended with {how}"})
        if status:
            self.say(f"{folder.name}: failed, and the others go on: {read_failure(folder)}")
        return status == 0


def _fingerprint(state: Path) -> str:
    try:
        return str(json.loads(state.read_text(encoding="utf-8"))["data"]["fingerprint"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise PosnerError("damaged", where=state, got=error) from error
