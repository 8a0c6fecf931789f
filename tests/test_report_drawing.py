"""Scales, ticks and shapes: numbers land where they should, and any text can be written."""

from __future__ import annotations

import math
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reported
from posner.errors import MissingExtraError
from posner.report.axes import Series, spread, whole_ticks
from posner.report.bars import Bars, draw_bars
from posner.report.drawing import Drawing, shortened, text_width
from posner.report.matrix import draw_matrix
from posner.report.pictures import Picture, file_stems, pictures, write_pictures
from posner.report.reliability import Bin
from posner.report.scale import Scale, round_step, span_of
from posner.report.theme import DARK, LIGHT, page_css, picture_css

FINITE = st.floats(-1e6, 1e6)


@given(FINITE, st.floats(0.01, 1e6), st.integers(1, 12))
def test_ticks_are_round_few_and_within(low: float, length: float, wanted: int) -> None:
    scale = Scale(low, low + length, 0, 100)
    ticks = scale.ticks(wanted)
    assert len(ticks) <= wanted + 1
    assert all(low - length / 1e6 <= tick <= low + length * (1 + 1e-6) for tick in ticks)
    assert ticks == sorted(ticks)


@given(st.floats(1e-6, 1e3), st.floats(1.1, 1e6), st.integers(2, 8))
def test_logarithmic_ticks_are_within(low: float, ratio: float, wanted: int) -> None:
    ticks = Scale(low, low * ratio, 0, 100, logarithmic=True).ticks(wanted)
    assert all(low * 0.99 <= tick <= low * ratio * 1.01 for tick in ticks)


@given(st.floats(0.001, 10), st.floats(1.01, 100), st.booleans())
def test_a_scale_meets_its_ends_and_holds_what_lies_beyond(
    low: float, ratio: float, logarithmic: bool
) -> None:
    high = low * ratio
    scale = Scale(low, high, 200, 20, logarithmic=logarithmic)
    assert scale(low) == pytest.approx(200)
    assert scale(high) == pytest.approx(20)
    assert scale(low / 2) == pytest.approx(200)
    assert scale(high * 2) == pytest.approx(20)
    middle = math.sqrt(low * high) if logarithmic else (low + high) / 2
    assert scale(middle) == pytest.approx(110)


@given(st.floats(1e-9, 1e9))
def test_a_round_step_is_no_smaller_and_at_most_two_and_a_half_times_as_large(least: float) -> None:
    step = round_step(least)
    assert least * (1 - 1e-6) <= step <= 2.5 * least * (1 + 1e-6)


def test_spans_and_whole_ticks() -> None:
    assert span_of([]) == (0.0, 1.0)
    assert span_of([3.0, math.nan, 1.0]) == (1.0, 3.0)
    assert span_of([5.0], least=2.0) == (4.0, 6.0)
    assert whole_ticks(1, 5, 10) == [1, 2, 3, 4, 5]
    assert whole_ticks(1, 40, 10) == [5, 10, 15, 20, 25, 30, 35, 40]


@given(st.lists(st.tuples(st.floats(0, 400), st.floats(5, 60)), min_size=1, max_size=6))
def test_labels_are_kept_apart_and_in_order(labels: list[tuple[float, float]]) -> None:
    wanted, widths = sorted(c for c, _ in labels), [w for _, w in labels]
    centres = spread(wanted, widths, 0, 400)
    edges = [(c - w / 2, c + w / 2) for c, w in zip(centres, widths, strict=True)]
    for (_, end), (start, _) in pairwise(edges):
        assert end <= start
    assert edges[-1][1] <= 400 + 1e-6


@given(st.text(), st.text())
def test_any_text_makes_a_well_formed_picture(title: str, text: str) -> None:
    drawing = Drawing(100, 50, title)
    drawing.text((1, 2), text, turn=-50)
    drawing.box((0, 0), (5, 5), "f0", note=text)
    for written in (drawing.markup(), drawing.file()):
        ElementTree.fromstring(written)
    assert len(shortened(text, 40)) <= len(text) or shortened(text, 40) == "…"
    assert text_width(shortened(text, 40)) <= max(40, text_width("…"))


def test_a_file_stands_alone_and_names_no_variable() -> None:
    text = reported_picture().file()
    assert text.startswith("<svg")
    assert "var(" not in text
    assert LIGHT["s0"] in text
    assert DARK["s0"] not in text
    assert "var(--s0)" in page_css()
    assert picture_css().count("#") >= 8
    assert LIGHT.keys() == DARK.keys()


def reported_picture() -> Drawing:
    return pictures([reported.run()])[0].drawing


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_text_and_lines_stand_out_from_their_background(colours: dict[str, str]) -> None:
    for name, least in (("ink", 7), ("soft", 4.5), *((f"s{i}", 4.5) for i in range(6))):
        assert contrast(colours[name], colours["card"]) >= least, name


def contrast(first: str, second: str) -> float:
    """The ratio of WCAG 2."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(first), light(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_bars_and_cells_carry_their_values() -> None:
    bars = [Bars("LOC", [90.0, None]), Bars("x" * 60, [0.0, 45.5])]
    series = [Series("one", 0), Series("two", 1)]
    text = draw_bars(bars, series, "bars", highest=100, label=lambda v: f"{v:.1f} %").file()
    assert "LOC, one: 90.0 %" in text
    assert "two: 45.5 %" in text
    assert text.count(" %</text>") == 3
    cells = {("LOC", "LOC"): 1234, ("LOC", None): 2, (None, "PER"): 3}
    text = draw_matrix(cells, "mine").file()
    assert "gold LOC, predicted LOC: 1,234" in text
    assert "gold LOC, predicted missed: 2" in text
    assert "gold spurious, predicted PER: 3" in text


@given(st.integers(0, 500), st.integers(1, 500))
def test_a_share_lies_in_its_interval(correct: int, more: int) -> None:
    low, high = Bin(0, 1, correct + more, correct, 0.5).interval
    assert 0 <= low <= correct / (correct + more) <= high <= 1
    wider = Bin(0, 1, 2 * (correct + more), 2 * correct, 0.5).interval
    assert wider[1] - wider[0] <= high - low  # more entities, a narrower interval


def test_the_interval_of_a_share_is_wilsons() -> None:
    low, high = Bin(0, 1, 10, 8, 0.5).interval  # Wilson's interval for 8 of 10: 49.0 to 94.3 %
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert Bin(0, 1, 0, 0, 0).interval == (0, 1)


def test_pictures_are_written_as_svg_and_png(tmp_path: Path) -> None:
    made = pictures([reported.run("a"), reported.run("b", skip=5)])
    assert {picture.subject for picture in made} == {
        "losses",
        "epochs",
        "labels",
        "confusion",
        "calibration",
        "errors",
    }
    reported.need_letters()
    written = write_pictures(made[:3], tmp_path / "pictures")
    assert [path.name for path in written] == [
        f"{stem}.{kind}" for stem in ("losses-a", "epochs-a", "losses-b") for kind in ("svg", "png")
    ]
    for path in written:
        data = path.read_bytes()
        if path.suffix == ".png":
            assert data.startswith(b"\x89PNG")
            width = int.from_bytes(data[16:20], "big")
            assert width == 2 * made[0].drawing.width
        else:
            ElementTree.fromstring(data)


def test_file_names_are_plain_and_differ() -> None:
    drawing = reported_picture()
    made = [Picture("losses", run, drawing) for run in ("a/b", "a b", "../x", "", "a-b~2", "é")]
    stems = file_stems(made)
    assert len(set(stems)) == len(stems)
    assert not any("/" in stem or stem.startswith(".") for stem in stems)


def test_without_the_package_pictures_name_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(MissingExtraError, match=r"posner\[report\]"):
        write_pictures([], tmp_path)
