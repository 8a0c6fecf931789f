"""Comparing systems: the plan, the figures of rows, the tables, and one comparison run."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
from rich.console import Console

import tiny
from posner.cli import main
from posner.compare import cell
from posner.compare.compare import Comparison, Result
from posner.compare.lines import duels_of, lines_of
from posner.compare.order import Data, Order, Scored, Trained, read_scored, read_trained
from posner.compare.plan import Row, SystemName, cells_of, plan_rows, titles_of
from posner.compare.tables import (
    Grid,
    Value,
    comma_separated,
    label_grid,
    latex,
    latex_text,
    main_grid,
    markdown,
    terminal_table,
    terminal_tables,
    width_of,
)
from posner.errors import PosnerError, UsageError
from posner.evaluation.unit_counts import UnitCounts
from posner.locks import locked
from posner.training.memory import peak_gigabytes

Capture = pytest.CaptureFixture[str]
DATA = Data("train", "dev", None, None, (), "f")


def shown(rows: list[Row]) -> list[tuple[str, float, int]]:
    return [(r.system.text, r.share, len(r.seeds)) for r in rows]


def test_rows_of_slow_rivals_are_followed_by_posners_own_with_the_same() -> None:
    rows = plan_rows(
        ["bert", "crf", "bilstm", "transformer", "spacy"],
        seeds=3,
        shares={"transformer": 0.25},
        fewer={"transformer": 1, "bilstm": 1},
    )
    assert shown(rows) == [
        ("bert", 1, 3),
        ("crf", 1, 1),
        ("bilstm", 1, 1),
        ("bert", 1, 1),
        ("transformer", 0.25, 1),
        ("bert", 0.25, 1),
        ("spacy", 1, 1),
    ]
    cells = cells_of(rows)
    assert len(cells) == len(set(cells)) == 8  # the single seed of bert is one of the three
    assert len({cell.slug for cell in cells}) == 8


def test_no_two_systems_share_a_folder_or_a_name() -> None:
    names = ["hf:a b", "hf:a_b", "bilstm:x/m.toml", "bilstm:y/m.toml", "bert:quick", "bert:n.toml"]
    rows = plan_rows(names, seeds=1)
    assert len({cell.slug for cell in cells_of(rows)}) == len(names)
    assert {"bert_quick-1", "hf_a_b-1"} <= {cell.slug for cell in cells_of(rows)}
    titles = titles_of(rows)
    assert [titles[SystemName(name)] for name in names] == [
        *names[:2],
        "bilstm:x/m",
        "bilstm:y/m",
        "bert:quick",
        "bert:n",
    ]


def test_posners_own_is_never_trained_more_often_than_was_asked() -> None:
    rows = plan_rows(["bert", "crf", "bilstm"], seeds=3, fewer={"bert": 1})
    assert shown(rows) == [("bert", 1, 1), ("crf", 1, 1), ("bilstm", 1, 3)]
    rows = plan_rows(["bert", "crf"], seeds=3, fewer={"bert": 2, "crf": 1}, shares={"crf": 0.5})
    assert shown(rows) == [("bert", 1, 2), ("crf", 0.5, 1), ("bert", 0.5, 2)]


def test_deterministic_systems_run_once() -> None:
    rows = plan_rows(["crf-next", "crf", "hf:a/b", "bilstm:x.toml"], seeds=2)
    assert [n for _, _, n in shown(rows)] == [1, 1, 1, 2]
    assert SystemName("bilstm:a/x.toml").title == "bilstm:x"
    assert SystemName("hf:a/b").recipe is None


@pytest.mark.parametrize(
    "call",
    [
        {"systems": []},
        {"systems": ["crf", "crf"]},
        {"seeds": 0},
        {"shares": {"bert": 0.5}},
        {"shares": {"crf": 1.5}},
        {"fewer": {"crf": 0}},
        {"fewer": {"crf": 2}},
        {"systems": ["spacy"], "fewer": {"spacy": 3}},
        {"systems": ["spacy"], "shares": {"spacy": 0.5}},
    ],
)
def test_wrong_plans_are_refused(call: dict[str, object]) -> None:
    values: dict[str, object] = {"systems": ["crf"], "seeds": 1, **call}
    with pytest.raises(UsageError):
        plan_rows(**values)  # type: ignore[arg-type]


def test_unknown_systems_and_recipes_are_refused() -> None:
    for name in ("svm", "crf:none.toml", "bert:none"):
        with pytest.raises(PosnerError):
            SystemName(name).settings()
    assert SystemName("spacy").settings() == {}
    assert SystemName("bert:quick").settings()["training"]["epochs"] == 2


def units(counts: list[tuple[int, int, int]]) -> UnitCounts:
    """Documents with the same counts in the strict, flat and PER reading."""
    array = np.array([[c, c, c] for c in counts], dtype=np.int64)
    return UnitCounts(("strict", "flat", "strict.PER"), array)


def result(row: Row, seed: int, counts: list[tuple[int, int, int]]) -> Result:
    cell = list(row.cells)[seed - 1]
    scored = Scored({}, units(counts), 1000.0 * seed, 0.5, 2_000_000)
    return Result(cell, Trained(60.0 * seed, 1.0 * seed), scored, None)


@pytest.fixture
def comparison() -> Comparison:
    rows = plan_rows(["bert", "crf", "spacy"], seeds=2)
    bert, crf, spacy = rows
    results = [
        result(bert, 1, [(2, 2, 2), (2, 2, 1)]),
        result(bert, 2, [(2, 2, 2), (2, 2, 2)]),
        result(crf, 1, [(2, 2, 1), (2, 4, 1)]),
        Result(next(spacy.cells), Trained(None, None), None, "no | such & thing"),
    ]
    return Comparison(DATA, tuple(rows), {r.cell: r for r in results})


def test_several_seeds_are_one_line_over_all_of_them(comparison: Comparison) -> None:
    bert, crf, spacy = lines_of(comparison)
    assert bert.f1s == (0.75, 1.0)
    assert bert.figures["strict"].f1 == pytest.approx(7 / 8)
    assert bert.intervals["strict"].f1.low <= 7 / 8 <= bert.intervals["strict"].f1.high
    assert bert.minutes == 1.5
    assert bert.words_per_second == 1500
    assert bert.training_gigabytes == 2.0
    assert bert.megabytes == 2.0
    assert crf.figures["flat"].precision == pytest.approx(2 / 6)
    assert spacy.error == "no | such & thing"
    duel, missed = duels_of([bert, crf, spacy])
    assert duel.leads
    assert duel.to_json()["first"] == pytest.approx(7 / 8)
    assert "bert leads crf: 87.50 against 40.00" in duel.sentence()
    assert missed.leads is None
    assert missed.sentence() == "bert is not compared with spacy: spacy failed"
    assert duels_of([crf, spacy]) == []


def test_where_a_rival_is_ahead_is_said_of_whom_the_whole_leads() -> None:
    lines = []
    for name, strict, flat, per in (
        ("bert", (4, 4, 4), (4, 4, 2), (4, 4, 1)),
        ("crf", (4, 4, 3), (4, 2, 2), (4, 4, 2)),
    ):
        (row,) = plan_rows([name], seeds=1)
        document = np.array([strict, flat, per, per], dtype=np.int64)
        counts = UnitCounts(
            ("strict", "flat", "strict.PER", "strict.LOC"), np.stack([document] * 2)
        )
        scored = Scored({}, counts, 1000.0, 0.5, 2_000_000)
        cell = next(row.cells)
        found = Comparison(DATA, (row,), {cell: Result(cell, Trained(60.0, 1.0), scored, None)})
        lines += lines_of(found)
    (duel,) = duels_of(lines)
    assert duel.leads
    assert duel.sentence().endswith("; crf is ahead in flat P, flat F1, LOC F1, PER F1")
    assert duel.to_json()["behind"] == ["flat P", "flat F1", "LOC F1", "PER F1"]


def test_a_folder_that_there_is_not_is_refused_before_all_work(
    folder: Path, capsys: Capture
) -> None:
    call = ["compare", str(folder / "train.conll"), str(folder / "dev.conll")]
    call += ["--systems", f"crf,hf:{folder / 'nope'}", "--out", str(folder / "never")]
    assert main(call) == 1
    assert "nope: no such folder" in capsys.readouterr().err
    assert not (folder / "never").exists()


def test_how_long_a_network_over_words_has_learned_is_told() -> None:
    (row,) = plan_rows(["transformer"], seeds=1, shares={"transformer": 0.25})
    scored = Scored({}, units([(2, 2, 1), (2, 2, 2)]), 1000.0, 0.5, 2_000_000)
    found = Result(next(row.cells), Trained(60.0, 1.0, 4400), scored, None)
    (line,) = lines_of(Comparison(DATA, (row,), {found.cell: found}))
    notes = main_grid([line], 9).notes
    assert "Learned: transformer, 25 % of the data, 4,400 steps from random vectors." in notes
    assert line.to_json()["steps"] == 4400


def test_whom_posner_could_not_meet_is_named() -> None:
    bert, crf = plan_rows(["bert", "crf"], seeds=1)
    counts = [(2, 2, 1)]
    results = [result(bert, 1, counts), result(crf, 1, [*counts, *counts])]
    other = lines_of(Comparison(DATA, (bert, crf), {r.cell: r for r in results}))
    (duel,) = duels_of(other)
    assert "not scored on the same data" in duel.sentence()
    results = [result(bert, 1, counts), result(crf, 1, counts)]
    alone = lines_of(Comparison(DATA, (bert, crf), {r.cell: r for r in results}))
    (duel,) = duels_of(alone)
    assert (duel.leads, duel.to_json()["leads"]) == (None, None)
    assert "too few documents to draw from" in duel.sentence()
    assert "| bert | 1 | 50.00 | 50.00 | 50.00 |" in markdown(main_grid(alone, 9))
    assert alone[0].to_json()["figures"]["strict"]["f1"] == {"value": 0.5}


def test_tables_say_the_same_in_four_forms(comparison: Comparison) -> None:
    lines = lines_of(comparison)
    grid = main_grid(lines, 1234)
    text = markdown(grid)
    assert text.splitlines()[0].startswith("| system | seeds | strict P |")
    assert "| crf | 1 | 33.33 (" in text
    assert "no | such & thing" in text
    rows = list(csv.DictReader(io.StringIO(comma_separated(grid))))
    assert [row["system"] for row in rows] == ["bert", "crf", "spacy"]
    assert rows[0]["strict F1"] == "87.50"
    assert float(rows[0]["strict F1 low"]) <= 87.5 <= float(rows[0]["strict F1 high"])
    assert rows[2]["strict F1"] == rows[2]["minutes"] == ""
    tex = latex(grid)
    assert tex.count("\n") == len(grid.rows) + 7 + len(grid.notes)
    body = [line for line in tex.splitlines() if line.endswith(r"\\")]
    assert all(line.count(" & ") == len(grid.header) - 1 for line in body)
    assert rows[0]["by seed"] == "17.68"
    assert rows[1]["by seed"] == ""
    (chosen,) = [note for note in grid.notes if "best epoch" in note]
    assert "best epoch of bert, calibrated the scores of Posner's own, and chose the w" in chosen
    assert not any("best epoch" in note for note in main_grid(lines[1:], 9).notes)
    assert latex_text("50 % of_a {b}") == r"50 \% of\_a \{b\}"
    assert terminal_table(grid).row_count == 3
    assert label_grid(lines).header == ("system", "PER P", "PER R", "PER F1")


def test_answers_are_read_as_they_were_written(tmp_path: Path) -> None:
    order = Order("crf", 0.5, 1, Data("a", "b", None, "IOB1", ("PER",), "x"), {"crf": {"c1": 0.1}})
    order.write(tmp_path)
    assert Order.read(tmp_path) == order
    assert Order.read(tmp_path / "none") is None
    scored = Scored({"a": 1}, units([(1, 2, 1)]), 5.0, None, 7)
    scored.write(tmp_path)
    again = read_scored(tmp_path)
    assert again is not None
    assert again.units.names == scored.units.names
    assert (again.units.counts == scored.units.counts).all()
    assert (again.units.unit, again.units.sentences) == ("documents", None)
    few = replace(scored, units=replace(scored.units, sentences=scored.units.documents))
    few.write(tmp_path)
    again = read_scored(tmp_path)
    assert again is not None
    assert again.units.unit == "sentences"
    assert (again.bytes, again.gigabytes, again.figures) == (7, None, {"a": 1})


def test_a_training_in_parts_costs_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minute a part, less memory in the second, and an interruption between them."""
    clock, peaks = iter((0.0, 60.0, 100.0, 160.0)), iter((4.0, 3.0))
    stand_ins = {
        "corpus_of": Mock(),
        "time": SimpleNamespace(perf_counter=lambda: next(clock)),
        "peak_gigabytes": lambda: next(peaks),
    }
    for name, stand_in in stand_ins.items():
        monkeypatch.setattr(cell, name, stand_in)
    record = tmp_path / "run" / "run.json"

    def begin(run: Path, *_: object) -> None:
        run.mkdir()
        record.write_text("{}")
        raise PosnerError("stopped")

    order = Order("bert", 1.0, 1, DATA, {})
    monkeypatch.setattr(cell, "_train_main", begin)
    with pytest.raises(PosnerError):
        cell.train_cell(tmp_path, order)
    assert read_trained(tmp_path) is None
    monkeypatch.setattr(cell, "_train_main", Mock(return_value=5.0))
    cell.train_cell(tmp_path, order)
    assert read_trained(tmp_path) == Trained(120.0, 4.0)


def test_memory_is_a_figure() -> None:
    peak = peak_gigabytes()
    assert peak is None or 0.001 < peak < 1000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("compare")
    tiny.save_corpus(made / "train.conll", 8)
    tiny.save_corpus(made / "dev.conll", 3, first=8)
    (made / "fast.toml").write_text("[crf]\niterations = 20\n")
    return made


def test_a_comparison_goes_on_where_it_was_and_one_failure_loses_no_other(
    folder: Path, capfd: Capture
) -> None:
    data = [str(folder / "train.conll"), str(folder / "dev.conll")]
    broken = folder / "none"
    broken.mkdir()
    (broken / "config.json").write_text("[]")
    systems = ["--systems", f"hf:{broken},crf:{folder / 'fast.toml'}"]
    call = ["compare", *data, *systems, "--out", str(folder / "out"), "--seeds", "2"]
    assert main([*call, "--json", str(folder / "f.json")]) == 1
    told = capfd.readouterr()
    assert "strict F1" in told.out
    assert "failed, and the others go on" in told.err
    figures = json.loads((folder / "f.json").read_text())
    failed, crf = figures["rows"]
    assert str(broken) in failed["error"]
    assert crf["name"] == "crf:fast"
    assert crf["figures"]["strict"]["f1"]["value"] > 0.5
    assert crf["training_gigabytes"] > 0.01
    assert crf["megabytes"] > 0
    names = {"table.md", "table.csv", "table.tex", "labels.csv", "labels.tex", "results.json"}
    assert names <= {p.name for p in (folder / "out").iterdir()}
    (run,) = (folder / "out" / "cells").glob("crf*/run/run.json")
    begun = run.stat().st_mtime_ns
    assert main(["compare", *data, systems[0], f"crf:{folder / 'fast.toml'}", *call[5:]]) == 0
    assert run.stat().st_mtime_ns == begun  # what was done stays
    # However the corpora are named, and wherever it is computed.
    elsewhere = [str(folder / ".." / folder.name / Path(path).name) for path in data]
    same = ["compare", *elsewhere, "--systems", f"crf:{folder / 'fast.toml'}", *call[5:]]
    assert main([*same, "--format", "conll", "--device", "cpu"]) == 0
    assert run.stat().st_mtime_ns == begun
    other = ["compare", data[1], data[0], *systems, "--out", str(folder / "out")]
    assert main(other) == 1
    assert "comparison on other data" in capfd.readouterr().err


def test_what_was_run_with_other_settings_is_not_lost(folder: Path, capsys: Capture) -> None:
    recipe, out = folder / "mine.toml", folder / "settings"
    recipe.write_text("[crf]\niterations = 5\n")
    call = ["compare", str(folder / "train.conll"), str(folder / "dev.conll")]
    call += ["--systems", f"crf:{recipe}", "--out", str(out)]
    assert main(call) == 0
    (run,) = out.glob("cells/*/run/run.json")
    begun = run.stat().st_mtime_ns
    recipe.write_text("[crf]\niterations = 6\n")
    capsys.readouterr()
    assert main(call) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "other settings (expected crf.iterations: 6, not 5)" in line
    assert run.stat().st_mtime_ns == begun
    with locked(out / ".lock"):
        assert main([*call, "--force"]) == 1
    assert "another comparison works here" in capsys.readouterr().err
    assert run.stat().st_mtime_ns == begun
    assert main([*call, "--force"]) == 0
    assert run.stat().st_mtime_ns != begun


def test_the_terminals_table_cuts_nothing() -> None:
    names = ("transformer-adamw, 25 % of the data", "transformer", "bert, 25 % of the data")
    values = tuple(Value("100.00", "100.00", "100.00") for _ in range(12))
    table = terminal_table(
        Grid("all", ("system", *map(str, range(12))), tuple((n, values) for n in names))
    )
    out = io.StringIO()
    Console(width=width_of(table), file=out, highlight=False).print(table)
    printed = out.getvalue()
    assert all(name in printed for name in names)
    assert printed.count("100.00-100.00") == 12 * len(names)


def test_columns_that_do_not_fit_stand_below() -> None:
    heads = tuple(f"column {number}" for number in range(12))
    values = tuple(Value(f"{number}.00", "0.00", "99.99") for number in range(12))
    grid = Grid("all", ("system", *heads), (("transformer-adamw", values), ("crf", values)))
    tables = list(terminal_tables(grid, 80))
    assert [table.title for table in tables] == ["all", *[None] * (len(tables) - 1)]
    assert all(60 < width_of(table) <= 80 for table in tables[:-1])
    shown = [str(column.header) for table in tables for column in table.columns]
    assert [head for head in shown if head != "system"] == list(heads)
    assert shown.count("system") == len(tables)
    assert len(list(terminal_tables(grid, 1_000))) == 1
    assert len(list(terminal_tables(grid, 1))) == 12


def test_wrong_calls_end_with_one_line(folder: Path, capsys: Capture) -> None:
    data = [str(folder / "train.conll"), str(folder / "dev.conll"), "--out", str(folder / "new")]
    calls = {
        "no such system": ["--systems", "svm"],
        "--share names a system": ["--share", "crf"],
        "not one of the systems": ["--systems", "crf", "--share", "bert=0.5"],
        "not a label mapping": ["--systems", "spacy", "--map", "PER"],
        "--map is for spacy and hf:PATH": ["--systems", "crf", "--map", "PERSON=PER"],
        "neither is compared": ["--systems", "crf,spacy/conll", "--map", "PERSON=PER"],
        "no such label in the corpora": ["--systems", "spacy", "--map", "PERSON=PRE"],
    }
    for told, flags in calls.items():
        assert main(["compare", *data, *flags]) == 2, told
        err = capsys.readouterr().err
        assert told in err
        assert err.count("\n") == 1
    assert not (folder / "new").exists()
