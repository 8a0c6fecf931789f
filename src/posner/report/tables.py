"""The tables of a report: figures, labels, epochs, cost and recipes, runs side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from posner.meanings import meaning
from posner.report.runs import ReportedRun, all_labels, figure
from posner.training.console import clock

_OWN_SYSTEM = "Posner's own"


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        name: what the row is about.
        cells: one for each column.
        best: columns whose cell is the best of the row; only where several can be compared.
    """

    name: str
    cells: Sequence[str]
    best: Sequence[int] = ()


@dataclass(frozen=True)
class Table:
    """A table with the names of its columns; the first column has none."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Row]


def percent(fraction: float | None) -> str:
    """A fraction as a percentage; an unknown one as a dash."""
    return "–" if fraction is None else f"{100 * fraction:.2f}"


def figures_table(runs: Sequence[ReportedRun]) -> Table:
    """Every headline figure, a column a run."""
    readings: list[tuple[str, tuple[str, ...]]] = [
        ("strict F1", ("strict", "micro", "f1")),
        ("strict precision", ("strict", "micro", "precision")),
        ("strict recall", ("strict", "micro", "recall")),
        ("strict macro F1", ("strict", "macro", "f1")),
        ("exact borders, any label", ("modes", "exact", "f1")),
        ("overlap, half credit", ("modes", "partial", "f1")),
        ("overlap, right label", ("modes", "type", "f1")),
        ("flat F1 without O", ("flat", "micro_without_o")),
        ("flat F1 with O", ("flat", "micro_with_o")),
        ("parts of speech, accuracy", ("pos", "accuracy")),
    ]
    comparable = len({run.corpus for run in runs}) == 1
    rows = [
        _compared(name, [figure(run.figures, *keys) for run in runs], comparable=comparable)
        for name, keys in readings
    ]
    errors = [run.findings.calibration_error if run.findings else None for run in runs]
    rows.append(_compared("expected calibration error", errors, comparable=comparable, low=True))
    rows += [
        Row(name, [_count(figure(run.figures, "counts", key)) for run in runs])
        for name, key in (("gold entities", "gold"), ("predicted", "predicted"))
    ]
    rows.append(Row("measured on", [run.source for run in runs]))
    return Table("Figures", [run.name for run in runs], [r for r in rows if _says(r)])


def cost_table(runs: Sequence[ReportedRun]) -> Table:
    """What each run cost, and on what."""
    rows = [
        Row("training, minutes:seconds", [_text(run.story.seconds, clock) for run in runs]),
        Row("to the kept epoch", [_text(run.story.dev.get("seconds"), clock) for run in runs]),
        Row(
            f"{_pace_unit(runs)} a second, training",
            [_text(_pace(run), "{:,.0f}".format) for run in runs],
        ),
        Row("words a second, tagging", [_text(_speed(run), "{:,.0f}".format) for run in runs]),
        Row("peak memory, GB", [_text(run.story.memory, "{:.2f}".format) for run in runs]),
        Row("steps", [_text(_last(run, "step"), "{:,}".format) for run in runs]),
        Row("epochs", [_text(_last(run, "epoch"), str) for run in runs]),
        Row("padding in batches, %", [_text(_last(run, "padding"), percent) for run in runs]),
        Row("weights, million", [_millions(run, "all") for run in runs]),
        Row("of them trained, million", [_millions(run, "trained") for run in runs]),
        Row("processor", [_machine(run) for run in runs]),
        Row("program", [_versions(run) for run in runs]),
    ]
    return Table("Cost", [run.name for run in runs], [row for row in rows if _says(row)])


def data_table(runs: Sequence[ReportedRun]) -> Table:
    """What each run learned from and was judged by: names and counts."""
    rows = []
    for part in ("train", "dev"):
        rows.append(Row(part, [_data_name(run, part) for run in runs]))
        for unit in ("sentences", "words"):
            cells = [_count(run.story.data.get(f"{part}_{unit}")) for run in runs]
            rows.append(Row(f"{part} {unit}", cells))
        totals = [run.story.data.get(f"{part}_entities") for run in runs]
        cells = [_count(sum(t.values()) if isinstance(t, dict) else None) for t in totals]
        rows.append(Row(f"{part} entities", cells))
    return Table("Data", [run.name for run in runs], [row for row in rows if _says(row)])


def label_tables(runs: Sequence[ReportedRun]) -> list[Table]:
    """For each run its figures by label."""
    tables = []
    for run in runs:
        rows = [
            Row(
                f"{label}, {said}" if (said := meaning(label)) else label,
                [
                    _count(run.labels[label].get("support")),
                    *(percent(run.labels[label].get(k)) for k in ("precision", "recall", "f1")),
                ],
            )
            for label in all_labels(runs)
            if label in run.labels
        ]
        if rows:
            tables.append(Table(run.name, ["gold", "precision", "recall", "F1"], rows))
    return tables


def epoch_tables(runs: Sequence[ReportedRun]) -> list[Table]:
    """For each run a row an evaluation."""
    columns = ["step", "train loss", "dev loss", "rate", "P", "R", "F1", "time"]
    tables = []
    for run in runs:
        best = run.story.course.best
        rows = [
            Row(
                f"epoch {m.epoch}",
                [
                    f"{m.step:,}",
                    f"{m.train_loss:.4f}",
                    f"{m.dev_loss:.4f}",
                    f"{m.learning_rate:.2e}",
                    *(percent(v) for v in (m.precision, m.recall, m.f1)),
                    clock(m.seconds),
                ],
                best=[6] if m is best else [],
            )
            for m in run.story.course.metrics
        ]
        if rows:
            tables.append(Table(run.name, columns, rows))
    return tables


def recipe_differences(runs: Sequence[ReportedRun]) -> Table:
    """The settings in which runs differ that have them; empty for one run.

    Systems of other kinds have other settings, which are no differences.
    """
    names = dict.fromkeys(
        (section, name)
        for run in runs
        for section, values in run.story.recipe.items()
        for name in values
    )
    systems = [run.story.system or _OWN_SYSTEM for run in runs]
    rows = [Row("system", systems)] if len(set(systems)) > 1 else []
    for section, name in names:
        found = [run.story.recipe.get(section, {}) for run in runs]
        held = {_setting(values[name]) for values in found if name in values}
        if len(held) > 1:
            rows.append(Row(f"{section}.{name}", [_setting(v.get(name)) for v in found]))
    return Table("Settings that differ", [run.name for run in runs], rows)


def _compared(
    name: str, values: Sequence[float | None], *, comparable: bool, low: bool = False
) -> Row:
    """A row of figures with the best marked, where those of one corpus differ as shown."""
    shown = [percent(value) for value in values]
    known = [(value, cell) for value, cell in zip(values, shown, strict=True) if value is not None]
    differ = comparable and len({cell for _, cell in known}) > 1
    best = (min(known) if low else max(known))[1] if differ else None
    return Row(name, shown, [i for i, cell in enumerate(shown) if cell == best])


def _says(row: Row) -> bool:
    """Whether a row says anything: one of dashes does not."""
    return any(cell != "–" for cell in row.cells)


def _text(value: Any, label: Callable[[Any], str]) -> str:
    return "–" if value is None else label(value)


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "–"


def _last(run: ReportedRun, name: str) -> Any:
    metrics = run.story.course.metrics
    return getattr(metrics[-1], name) if metrics else None


def _pace_unit(runs: Sequence[ReportedRun]) -> str:
    """What training is counted in: the networks over word vectors know no pieces."""
    paced = [run for run in runs if _pace(run) is not None]
    units = {"words" if "vectors" in run.story.recipe else "pieces" for run in paced}
    return " or ".join(sorted(units or {"pieces"}))


def _pace(run: ReportedRun) -> float | None:
    """The mean of the evaluations' paces, each weighted by its steps."""
    total, before, pieces = 0, 0, 0.0
    for line in run.story.course.metrics:
        pieces += (line.step - before) * line.pieces_per_second
        total += line.step - before
        before = line.step
    return pieces / total if pieces else None


def _speed(run: ReportedRun) -> float | None:
    speed: float | None = figure(run.figures, "words_per_second")
    return speed


def _millions(run: ReportedRun, key: str) -> str:
    count = run.story.weights.get(key)
    return "–" if count is None else f"{count / 1e6:.1f}"


def _machine(run: ReportedRun) -> str:
    found = run.story.environment
    if not found:
        return "–"
    machine, threads = found.get("gpu") or found.get("processor") or "?", found.get("threads")
    if threads is None:
        return str(machine)
    return f"{machine}, {threads} {'thread' if threads == 1 else 'threads'}"


def _versions(run: ReportedRun) -> str:
    found = run.story.environment
    if not found:
        return "–"
    torch = found.get("packages", {}).get("torch")
    used = f", torch {torch}" if torch else ""
    return f"posner {found.get('posner')}, Python {found.get('python')}{used}"


def _data_name(run: ReportedRun, part: str) -> str:
    data = run.story.data
    if part not in data:
        return "–"
    return PurePath(data[part]).name if data[part] else "a part of train, set aside"


def _setting(value: Any) -> str:
    if value is None:
        return "–"
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'
