"""The page: well-formed, complete, safe with any text, and without sentences where it must."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

import reported
from posner.document import Document, document_from_words
from posner.errors import MissingExtraError
from posner.evaluation.analysis import analyse
from posner.report.build import build_page
from posner.report.curves import Course
from posner.report.findings import Marked
from posner.report.judge import findings_of
from posner.report.pictures import pictures
from posner.report.runs import ReportedRun
from posner.report.sentences import error_items, segments
from posner.report.tables import recipe_differences
from tiny import documents, labelled

VOID = {"meta", "link", "br", "input", "hr", "img", "wbr"}


class Checker(HTMLParser):
    """Sees that every element is closed in its turn; remembers sections, texts and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sections: list[str] = []
        self.addresses: list[str] = []
        self.elements: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.elements.append(tag)
        self.addresses += [named[key] or "" for key in ("href", "src", "action") if key in named]
        if tag == "section":
            self.sections.append(named["id"] or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.elements.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    return checker


def page_of(*runs: ReportedRun, texts: bool = True) -> str:
    return build_page(runs, pictures(runs), texts=texts)


ALL = ["figures", "course", "labels", "confusion", "calibration", "errors", "cost", "recipe"]


def test_one_run_fills_every_section() -> None:
    run = reported.run()
    page = page_of(run)
    checker = checked(page)
    assert checker.sections == ALL
    assert checker.elements.count("figure") == 6
    assert "95 % interval" in page
    assert "Expected calibration error" in page
    assert "best epoch 6 of 10" in page
    for said in ("1:01", "1.25", "22.6", "10.9", "1,000"):  # what it cost
        assert f"<td>{said}</td>" in page
    assert "a part of train, set aside" in page


def test_several_runs_stand_side_by_side_with_the_same() -> None:
    runs = [reported.run("first"), reported.run("second", skip=5), reported.run("third")]
    page = page_of(*runs)
    checker = checked(page)
    assert checker.sections == ALL
    assert checker.elements.count("figure") == 4 * 3 + 2  # labels and errors are in one
    for name in ("first", "second", "third"):
        assert page.count(f"<figcaption>{name}</figcaption>") == 4
    assert re.search(
        r"F1 [+−]\d+\.\d\d against first \([+−]\d+\.\d\d to [+−]\d+\.\d\d\), p = [01]\.", page
    )
    assert "F1 +0.00 against first (+0.00 to +0.00), p = 1.000" in page  # the third is the first
    assert "training.seed" in page
    assert "training.epochs" not in page  # the same in all: no difference


def test_the_tables_of_labels_stand_side_by_side_below_the_bars_of_several_runs() -> None:
    for names in (["first"], ["first", "second"]):
        page = page_of(*map(reported.run, names))
        labels = page[page.index('<section id="labels">') : page.index('<section id="confusion">')]
        assert labels.count("<figure") == 1
        bars, columns = labels.index("<figure"), labels.index('<div class="columns">')
        assert (bars < columns) == (len(names) > 1)
        assert labels.count("<table>") == len(names)


def test_each_runs_calibration_error_says_what_it_is() -> None:
    one, two = reported.run("first"), reported.run("second", skip=5)
    assert one.findings is not None
    assert two.findings is not None
    errors = [100 * (found.calibration_error or 0) for found in (one.findings, two.findings)]
    told = " ".join(page_of(one, two).split())
    beginning = "the mean distance from that line over all scored entities: "
    assert f"{beginning}{errors[0]:.2f} % (first), {errors[1]:.2f} % (second).</p>" in told
    assert f"{beginning}{errors[0]:.2f} %.</p>" in " ".join(page_of(one).split())
    without = replace(one, findings=replace(one.findings, calibration_error=None))
    assert "Expected calibration error" not in page_of(without)


def test_the_best_of_a_row_is_marked() -> None:
    page = page_of(reported.run("first"), reported.run("second", skip=5))
    row = next(line for line in page.splitlines() if ">strict F1<" in line)
    first, second = re.findall(r'<td( class="best")?>', row)
    assert (bool(first), bool(second)) == (False, True)


def test_runs_on_other_data_are_not_compared() -> None:
    page = page_of(reported.run("first"), reported.run("second", count=5))
    assert " against first (" not in page


def test_the_best_is_marked_on_one_corpus_alone() -> None:
    assert 'class="best"' in page_of(reported.run("first"), reported.run("second", skip=5))
    other = page_of(reported.run("first"), reported.run("second", skip=5, count=5))
    table = other.split('id="course"')[0]
    assert 'class="best"' not in table
    for digests, second, marked in (
        (("d", "d"), 0.6, True),
        (("d", "d"), 0.50001, False),  # both are shown as 50.00
        (("d", "e"), 0.6, False),
    ):
        runs = []
        for digest, f1 in zip(digests, (0.5, second), strict=True):
            data = {"fingerprints": {"train": "t", "dev": digest}}
            dev = {"strict": {"micro": {"f1": f1}}}
            runs.append(ReportedRun(replace(reported.story(), data=data, dev=dev)))
        assert ('class="best"' in page_of(*runs).split('id="course"')[0]) == marked


def test_only_settings_that_runs_share_can_differ() -> None:
    first, second, crf = (reported.run(name) for name in ("first", "second one", "crf"))
    story = replace(crf.story, system="crf", recipe={"crf": {"c1": 0.1}, "labels": {"keep": ""}})
    crf = ReportedRun(story, crf.findings)
    rows = {row.name: row.cells for row in recipe_differences([first, second, crf]).rows}
    assert rows == {
        "system": ["Posner's own", "Posner's own", "crf"],
        "training.seed": ["5", "10", "–"],
    }
    assert [row.name for row in recipe_differences([first, crf]).rows] == ["system"]
    assert recipe_differences([first, first]).rows == []


def test_several_members_are_told_of_where_their_curves_stand() -> None:
    assert "several members" not in page_of(reported.run())
    page = page_of(reported.run("one"), reported.of_members("many"))
    assert "many: several members, each learned from the start" in page


def test_a_dev_set_that_was_scored_once_chose_nothing_and_has_no_curve() -> None:
    whole = reported.story()
    once = replace(whole, course=replace(whole.course, metrics=whole.course.metrics[-1:]))
    kept = replace(once.course.metrics[0], best=True)
    once = replace(once, course=replace(once.course, metrics=[kept]))
    page = page_of(ReportedRun(once))
    assert "dev was scored once, after epoch 10" in page
    assert "Dev was scored once of mine" in page
    assert "best, epoch" not in page
    assert "by epoch: mine" not in page  # a chart of one point
    assert "best epoch" not in page
    both = page_of(ReportedRun(once), ReportedRun(reported.story("other")))
    assert "by epoch: other" in both
    assert "by epoch: mine" not in both


def test_what_intervals_were_drawn_over_is_told_of_recorded_ones_too() -> None:
    drawn = {"value": 0.5, "low": 0.4, "high": 0.6}
    micro = {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    dev = {"strict": {"micro": micro}}
    ranges = {"unit": "documents", "strict": dict.fromkeys(micro, drawn)}
    page = page_of(ReportedRun(replace(reported.story(), dev=dev | {"intervals": ranges})))
    assert "Intervals: documents drawn with replacement." in page
    assert "tagging a corpus adds confusion, calibration and errors" in page
    bare = page_of(ReportedRun(replace(reported.story(), dev=dev)))
    assert "drawn with replacement" not in bare
    assert "tagging a corpus adds intervals, confusion" in bare
    assert "Intervals: sentences drawn" in page_of(reported.run())


def test_without_findings_the_record_is_shown() -> None:
    dev = {"strict": {"micro": {"precision": 0.5, "recall": 0.25, "f1": 1 / 3}}}
    page = page_of(ReportedRun(replace(reported.story(), dev=dev)))
    assert checked(page).sections == ["figures", "course", "cost", "recipe"]
    assert "33.33" in page
    assert "what training wrote down" in page


def test_an_empty_run_has_a_page() -> None:
    story = replace(reported.story(), course=Course([], []), recipe={}, recipe_text="")
    story = replace(story, data={}, weights={}, environment={}, seconds=None, memory=None)
    assert checked(page_of(ReportedRun(story))).sections == ["figures", "cost"]


def test_sentences_are_left_out_where_none_may_show() -> None:
    told = reported.run(texts=False)
    assert told.findings is not None
    assert told.findings.wrong == ()
    page = page_of(told, texts=False)
    assert checked(page).sections == ALL
    words = {t.text for d in documents(6) for t in d.tokens if len(t.text) > 4}
    assert "Marsh" in words
    assert not [word for word in words if re.search(rf"\b{word}\b", page)]
    assert "Sentences are left out" in page
    # What was kept by mistake is not shown either.
    assert "Marsh" not in page_of(reported.run(), texts=False)


def test_nothing_comes_from_elsewhere() -> None:
    page = page_of(reported.run("first"), reported.run("second"))
    checker = checked(page)
    assert all(address.startswith("#") or address == "data:," for address in checker.addresses)
    assert not re.search(r"https?://|//\w|url\(|@import", page)
    assert "default-src 'none'" in page


def nasty() -> list[Document]:
    """A corpus whose words and labels are markup."""
    text = reported.NASTY.replace("\x00", "")
    gold = labelled([(f"x {text} y", [(1, 2, text)]), ("a b", [(0, 1, "LOC")])])
    return [gold, gold]


def test_any_text_is_only_text() -> None:
    gold = nasty()
    tagged = [document.with_entities([]) for document in gold]
    findings = findings_of(analyse(gold, tagged), gold, tagged, reported.NASTY, texts=True)
    story = replace(reported.story(reported.NASTY), recipe_text=reported.NASTY)
    page = page_of(ReportedRun(story, findings), ReportedRun(story, findings))
    checker = checked(page)
    assert checker.elements.count("script") == 1
    assert "<script>alert" not in page
    assert not re.search("[\x00-\x08\ud800-\udfff\uffff]", page)
    page.encode("utf-8")


def test_segments_are_the_text_cut_at_borders() -> None:
    text = "New Haven in Oslo"
    found = segments(text, [Marked(0, 9, "LOC"), Marked(4, 9, "ORG"), Marked(13, 17, "LOC")])
    assert "".join(part.text for part in found) == text
    assert [part.text for part in found] == ["New ", "Haven", " in ", "Oslo"]
    assert [list(part.ends) for part in found] == [[], ["ORG", "LOC"], [], ["LOC"]]
    assert [bool(part.colour) for part in found] == [True, True, False, True]
    assert segments("", []) == []


def test_sentences_are_numbered_as_in_the_corpus() -> None:
    gold = [labelled([("a b", [(0, 1, "LOC")]), ("c d", [(1, 2, "LOC")])]), documents(1)[0]]
    gold.insert(1, document_from_words([]))
    tagged = [d.with_entities([]) for d in gold]
    found = findings_of(analyse(gold, tagged), gold, tagged, "dev", texts=True)
    assert [w.place for w in found.wrong] == [1, 2, 3, 4, 5]  # the sixth has no entity
    assert [w.text for w in found.wrong][:2] == ["a b", "c d"]
    assert all(w.text[m.start : m.end].strip() for w in found.wrong for m in w.gold)


def test_a_sentence_shows_what_every_run_made_of_it() -> None:
    runs = [reported.run("first"), reported.run("second", skip=5)]
    items = error_items(runs, 1000)
    assert [item.place for item in items] == sorted({item.place for item in items})
    assert all([run.name for run in item.runs] == ["first", "second"] for item in items)
    assert any(not run.errors for item in items for run in item.runs)  # one of them is right
    shown = {run.name: 0 for run in runs}
    for item in items:
        for run in item.runs:
            shown[run.name] += len(run.errors)
    for told in runs:
        assert told.findings is not None
        assert told.findings.kinds is not None
        assert shown[told.name] == sum(told.findings.kinds.values())
    assert len(error_items(runs, 2)) == 2


def test_what_does_not_fit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posner.report.build.MOST_SENTENCES", 2)
    total = len(error_items([reported.run()], 1000))
    assert f"2 sentences are shown; {total - 2} more have errors." in page_of(reported.run())


def test_without_the_package_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from posner.report import build

    build._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"posner\[report\]"):
        page_of(reported.run())
