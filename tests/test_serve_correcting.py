"""Correcting on the page in a real browser: what is marked is saved, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import expect

import tiny
from browsing import ALL, TEXT, Page, corrected
from posner.cli import main
from posner.corpus import read
from posner.serve.loading import ModelLoader
from posner.serve.service import Service
from posner.serve.settings import ServeSettings
from serving import Running, running


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Running]:
    with corrected(tmp_path, "Eve in Quito\nnobody here\n") as found:
        yield found


@pytest.fixture
def page(browser: Any, made: Running) -> Iterator[Page]:
    found = Page(browser, made.url)
    yield found
    assert found.errors == []
    found.context.close()


def saved(made: Running, text: str = TEXT) -> list[list[str]]:
    """What the service holds of a text."""
    answer = httpx2.post(f"{made.url}/annotations/lookup", json={"text": text}).json()
    return [[text[e["start"] : e["end"]], e["label"]] for e in answer["entities"] or []]


def test_words_are_corrected_by_mouse_and_keys_saved_and_undone(page: Page, made: Running) -> None:
    page.correct()
    page.page.locator("mark").nth(3).click()  # Then is nobody
    page.choose("No entity")
    page.wait_for([e for e in ALL if e[0] != "Then"])
    page.page.locator("mark").nth(1).click()  # Bo is a person
    page.choose("PER")
    expected = [["Ada", "PER"], ["Bo", "PER"], ["Oslo", "LOC"], ["Cyd", "PER"]]
    page.wait_for(expected)
    page.page.locator(".marked").focus()
    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("Shift+ArrowRight")
    page.page.keyboard.press("Enter")
    page.page.get_by_label("Another label").fill("DEED")
    page.page.keyboard.press("Enter")
    expected = [["Ada met", "DEED"], *expected[1:]]
    page.wait_for(expected)
    page.page.click("#save")
    page.wait_told("Saved")
    [saved] = httpx2.get(f"{made.url}/annotations").json()
    assert saved["who"] == "Ann"
    found = [[TEXT[e["start"] : e["end"]], e["label"]] for e in saved["entities"]]
    assert found == expected
    page.page.click("#undo")
    page.wait_for(ALL)
    assert httpx2.get(f"{made.url}/annotations").json() == []


def test_the_queue_brings_texts_and_a_model_is_trained_on_them(
    page: Page, made: Running, bert: Path, tmp_path: Path
) -> None:
    page.page.click("#next")
    page.wait_for([["Eve", "PER"], ["Quito", "LOC"]])
    page.page.fill("#who", "Ann")
    page.page.wait_for_selector("#save:not([disabled])")
    page.page.click("#save")
    page.wait_told("Saved")
    for document in tiny.documents(8):  # and others correct, too
        spans = [{"start": e.start, "end": e.end, "label": e.label} for e in document.entities]
        body = {"text": document.text, "entities": spans, "who": "Bob"}
        assert httpx2.post(f"{made.url}/annotations", json=body).status_code == 200
    file = Path(made.service.settings.annotations)
    assert len(read(file).documents) == 9
    short = ["--training.epochs", "1", "--training.precision", "fp32", "--training.device", "cpu"]
    command = ["train", str(file), "--backbone.name", str(bert), "--out", str(tmp_path / "run")]
    assert main([*command, *short]) == 0
    assert main(["predict", str(tmp_path / "run"), "--text", "Eve in Quito"]) == 0


def trained(data: Path, out: Path, *more: str) -> Path:
    """A small model that knows these texts by heart."""
    flags = {
        "epochs": "60",
        "evaluations": "1",
        "learning-rate": "1e-3",
        "head-learning-rate": "1e-2",
        "mask": "0",
        "precision": "fp32",
        "device": "cpu",
    }
    settings = [part for name, value in flags.items() for part in (f"--training.{name}", value)]
    call = ["train", str(data), "--dev", str(data), "--out", str(out), *settings, *more]
    assert main(call) == 0
    return out


def served(model: Path, **values: Any) -> Service:
    """A service of a real model."""
    settings = ServeSettings(**values)
    return Service({model.name: str(model)}, settings, ModelLoader(settings))


def test_a_model_learns_what_was_corrected_on_its_page(
    browser: Any, bert: Path, tmp_path: Path
) -> None:
    data, file = tiny.save_corpus(tmp_path / "train.conll", 2), tmp_path / "a.sqlite"
    first = trained(data, tmp_path / "first", "--backbone.name", str(bert))
    text = tiny.documents(1)[0].text
    with running(served(first, annotations=str(file))) as service:
        page = Page(browser, service.url)
        page.correct(text)
        before = page.entities()
        assert before
        asked = page.analyzed()
        page.page.locator("#threshold").fill("1")
        page.wait_for([])
        page.page.locator("#threshold").fill("0")
        page.wait_for(before)
        assert page.analyzed() == asked
        word, label = before[0]
        after = [[word, "LOC" if label == "PER" else "PER"], *before[1:]]
        page.page.locator("mark").first.click()
        page.choose(after[0][1])
        page.wait_for(after)
        page.page.click("#save")
        page.wait_told("Saved")
        assert page.errors == []
        page.context.close()
    better = trained(file, tmp_path / "better", "--from", str(first))
    with running(served(better)) as service:
        page = Page(browser, service.url)
        page.write(text)
        page.wait_for(after)
        assert page.errors == []
        page.context.close()


def test_what_is_marked_is_what_is_saved(page: Page, made: Running) -> None:
    page.write(TEXT)
    page.wait_for(ALL)
    page.page.get_by_role("button", name="PER 3").click()  # hidden, but not while one corrects
    page.correct()
    page.wait_for(ALL)
    page.page.locator("#threshold").fill("0.5")
    people = [e for e in ALL if e[1] == "PER"]
    page.wait_for(people)
    page.select("Oslo", "Oslo")
    page.choose("LOC")
    expected = [people[0], ["Oslo", "LOC"], *people[1:]]
    page.wait_for(expected)
    page.page.click("#save")
    page.wait_told("Saved 4 entities")
    assert saved(made) == expected
    page.page.locator("#threshold").fill("0")
    page.wait_for(expected)  # and not what the model was less sure of
    page.page.uncheck("#correct")
    page.wait_for([["Bo", "LOC"], ["Oslo", "LOC"]])


def layers(page: Page) -> list[list[str]]:
    """Every entity that is marked, each once."""
    script = "marks => marks.flatMap(mark => mark.covers.map(e => [e.word, e.entity_group]))"
    found = page.page.locator("mark").evaluate_all(script)
    return sorted([list(pair) for pair in {tuple(pair) for pair in found}])


LINE = "Ada met Bo in Oslo and went on. " * 60 + "\n\n"
NESTED = "the University of Oslo left"


def test_nested_entities_are_added_renamed_and_dropped_one_by_one(
    page: Page, made: Running
) -> None:
    page.correct(NESTED)
    page.select("University", "Oslo")
    page.page.get_by_label("Beside what is there").check()
    page.choose("PER")
    page.page.locator("mark", has_text="Oslo").click()
    expect(page.page.locator("#chooser input[type=radio]")).to_have_count(2)
    present = page.page.locator("#chooser button[aria-pressed=true]")
    expect(present).to_have_text("LOC")
    page.choose("PER")  # the innermost one
    page.page.locator("mark", has_text="Oslo").click()
    expect(present).to_be_focused()
    page.page.get_by_label("PER: University of Oslo").check()
    expect(present).to_have_text("PER")
    page.choose("LOC")
    expected = [["University", "PER"], ["University of Oslo", "LOC"], ["Oslo", "PER"]]
    assert layers(page) == sorted(expected)
    page.page.locator("mark", has_text="Oslo").focus()
    page.page.keyboard.press("Delete")
    assert layers(page) == sorted(expected[:2])
    page.page.locator("mark", has_text="University").focus()
    page.page.keyboard.press("Backspace")  # as good as Delete
    page.page.click("#save")
    page.wait_told("Saved 1 entity")
    assert saved(made, NESTED) == [["University of Oslo", "LOC"]]


def test_that_models_learn_flat_entities_is_said_before_one_nests_them(page: Page) -> None:
    page.correct(NESTED)
    warning = page.page.locator("#chooser .warn")
    page.select("University", "Oslo")  # in place of its parts
    expect(warning).to_be_empty()
    page.page.get_by_label("Beside what is there").check()
    expect(warning).to_contain_text("Shares words with PER: University, LOC: Oslo. Models learn")
    expect(warning).to_contain_text("a training needs --repair")
    page.choose("PER")
    page.page.locator("mark", has_text="Oslo").click()
    expect(warning).to_contain_text("Shares words with PER: University of Oslo.")
    page.page.get_by_label("PER: University of Oslo").check()
    expect(warning).to_contain_text("Shares words with PER: University, LOC: Oslo.")
    page.page.keyboard.press("Escape")
    page.page.click("#save")
    page.wait_told("Saved 3 entities")
    expect(page.page.get_by_role("status").last).to_contain_text(
        "2 share words with another: a training needs --repair, which keeps the longest."
    )
    for name in ("University", "Oslo"):
        page.page.locator("mark", has_text=name).focus()
        page.page.keyboard.press("Delete")
    page.page.click("#save")
    page.wait_told("Saved 1 entity")
    expect(page.page.get_by_role("status").last).not_to_contain_text("training")


def test_a_label_that_is_a_tag_is_refused(page: Page, made: Running) -> None:
    page.correct()
    page.select("met", "met")
    for label in ("B-PER", "I-PER", "O"):
        page.page.get_by_label("Another label").fill(label)
        page.page.keyboard.press("Enter")
        expect(page.page.locator("#chooser input:invalid")).to_have_count(1)
        expect(page.page.locator("#chooser")).to_be_visible()
        span = {"start": 0, "end": 3, "label": label}
        body = {"text": TEXT, "entities": [span], "who": "Ann"}
        answer = httpx2.post(f"{made.url}/annotations", json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, "entities.0.label")
    page.page.get_by_label("Another label").fill("E-MAIL")
    page.page.keyboard.press("Enter")
    page.page.click("#save")
    page.wait_told("Saved 6 entities")
    assert ["met", "E-MAIL"] in saved(made)


def test_a_longer_name_takes_the_place_of_its_parts_and_not_of_what_is_around_it(
    page: Page,
) -> None:
    page.correct("Ada met Bo in Oslo")
    page.select("Ada", "Bo")
    expect(page.page.get_by_label("Instead of PER: Ada, LOC: Bo")).to_be_checked()
    page.choose("PER")
    page.wait_for([["Ada met Bo", "PER"], ["Oslo", "LOC"]])
    page.select("met", "met")
    expect(page.page.get_by_label("Beside what is there")).to_be_checked()
    page.choose("LOC")
    page.page.locator(".label", has_text="LOC").nth(1).wait_for()
    expect(page.page.locator("mark")).to_have_count(4)  # Ada, met and Bo, and Oslo


def test_a_refused_entity_is_named_and_kept(page: Page) -> None:
    body = {
        "error": "entities.2: what is wrong",
        "error_type": "validation",
        "field": "entities.2",
    }
    page.correct()
    page.page.route("**/annotations", lambda route: route.fulfill(status=422, json=body))
    page.page.click("#save")
    page.wait_told("Oslo (LOC): what is wrong")
    page.wait_for(ALL)
    page.errors.clear()  # the browser's own line about the 422


def test_of_equal_parts_one_is_corrected(page: Page, made: Running) -> None:
    text = LINE * 6
    page.correct(text)
    page.page.locator("mark").first.click()
    page.choose("No entity")
    scroller = page.page.locator(".marked")
    scroller.evaluate("view => { view.scrollTop = 700 }")
    page.page.click("#save")
    page.wait_told("Saved 1079 entities")
    assert scroller.evaluate("view => view.scrollTop") == 700
    found = saved(made, text)
    assert found[:3] == [["Bo", "LOC"], ["Oslo", "LOC"], ["Ada", "PER"]]
    assert sum(e == ["Ada", "PER"] for e in found) == 359


def test_an_entity_over_the_border_of_two_parts_stays(page: Page, made: Running) -> None:
    text = LINE * 6
    spans = [{"start": len(LINE) - 6, "end": len(LINE) + 3, "label": "LONG"}]
    body = {"text": text, "entities": spans, "who": "Bob"}
    assert httpx2.post(f"{made.url}/annotations", json=body).status_code == 200
    page.correct(text)
    page.wait_told("Corrected by Bob")
    page.page.locator(".label", has_text="LONG").wait_for()
    page.page.click("#save")
    page.wait_told("Saved 1 entity")
    assert saved(made, text) == [[text[len(LINE) - 6 : len(LINE) + 3], "LONG"]]


ACROSS = """() => {  // from the last words of one part to the first of the next
    const [one, two] = document.querySelectorAll('.block');
    const nodes = (root) => {
        const all = [];
        const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) all.push(walker.currentNode);
        return all;
    };
    const from = nodes(one).at(-1);
    const to = nodes(two).find((node) => node.data.includes('Ada'));
    getSelection().setBaseAndExtent(from, from.data.indexOf('on'), to, to.data.indexOf('Ada') + 3);
}"""


def test_words_of_two_parts_become_one_entity(page: Page, made: Running) -> None:
    text = LINE * 6
    page.correct(text)
    first = page.page.locator(".block").first.evaluate("block => block.item.block.text.length")
    scroller = page.page.locator(".marked")
    page.page.locator(".block").nth(1).scroll_into_view_if_needed()
    page.page.locator(".block").nth(1).locator("mark").first.wait_for()
    page.page.evaluate(ACROSS)
    height = scroller.evaluate("view => view.scrollTop")
    scroller.dispatch_event("mouseup")
    expect(page.page.get_by_label("Instead of PER: Ada")).to_be_checked()
    page.choose("LOC")
    long = text[first - 6 : first + 3]
    assert (long[:2], long[-3:]) == ("on", "Ada")
    page.wait_told("on. ")
    assert abs(scroller.evaluate("view => view.scrollTop") - height) < 40
    page.page.click("#save")
    page.wait_told("Saved 1080 entities")
    assert [long, "LOC"] in saved(made, text)


def test_unsaved_corrections_are_neither_the_models_nor_lost(page: Page) -> None:
    page.correct()
    page.page.locator("mark").first.click()
    page.choose("No entity")
    page.wait_for(ALL[1:])
    page.page.uncheck("#correct")
    page.wait_for(ALL)  # what the model says
    page.page.check("#correct")
    page.wait_for(ALL[1:])
    assert not page.page.locator("#text").is_editable()
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.page.once("dialog", stay)
    page.page.click("#next")
    page.page.select_option("#model", "other")
    page.wait_told("4 entities")
    page.wait_for(ALL[1:])
    assert len(asked) == 1
    page.page.click("#discard")
    page.wait_for(ALL)
    assert page.page.locator("#text").is_editable()


def test_what_another_person_has_saved_meanwhile_is_shown(page: Page, made: Running) -> None:
    page.correct()
    body = {"text": TEXT, "entities": [], "who": "Bob"}
    assert httpx2.post(f"{made.url}/annotations", json=body).status_code == 200
    page.page.click("#save")
    page.wait_told("Corrected by Bob")
    page.wait_for([])
    page.errors.clear()  # the browser's own line about the 409
    page.page.click("#save")
    page.wait_told("Saved 0 entities")


def test_the_queue_goes_on_behind_texts_that_are_passed_over(page: Page) -> None:
    texts = [{"id": 7, "text": "Eve won"}, {"id": 8, "text": "Pete won"}]
    asked: list[str] = []

    def answer(route: Any) -> None:
        asked.append(route.request.url)
        route.fulfill(json=[t for t in texts if f"skip={t['id']}" not in asked[-1]][:1])

    page.page.route("**/queue?*", answer)
    for name in ("Eve", "Pete"):
        page.page.click("#next")
        page.wait_for([[name, "PER"]])
    page.page.click("#next")
    page.wait_told("No other text waits")
    page.page.click("#next")
    page.wait_for([["Eve", "PER"]])
    people = {url.partition("who=")[2].partition("&")[0] for url in asked}
    assert len(people) == 1
    assert people != {"someone"}


@pytest.mark.parametrize("text", ["Eve\rmet Pete", "Eve\r\nmet 😀 Pete"])
def test_a_text_with_carriage_returns_is_saved_as_it_is(
    page: Page, made: Running, text: str
) -> None:
    queued = {"id": 9, "text": text}
    page.page.route("**/queue?*", lambda route: route.fulfill(json=[queued]))
    page.page.click("#next")
    page.page.fill("#who", "Ann")
    page.wait_ready()
    page.page.click("#save")
    page.wait_told("Saved")
    assert saved(made, text) == [["Eve", "PER"], ["Pete", "PER"]]


def test_keys_reach_everything(page: Page) -> None:
    page.correct()
    text = page.page.get_by_role("application", name="The text, to be corrected")
    page.select("Bo", "Bo", mouse=False)
    text.locator("mark").first.focus()
    page.page.keyboard.press("Enter")  # the mark, whatever is selected
    chooser = page.page.get_by_role("dialog", name="Choose a label")
    expect(chooser.locator(".hint")).to_have_text("Ada")
    expect(chooser.get_by_role("button", name="PER")).to_be_focused()  # what it is
    chooser.get_by_role("button").first.focus()
    page.page.keyboard.press("Shift+Tab")
    chooser.wait_for(state="hidden")  # it does not stay behind


def test_a_finger_selects_words_and_presses_a_button(browser: Any, made: Running) -> None:
    page = Page(browser, made.url, 390, has_touch=True)
    page.correct()
    page.page.locator(".marked").tap(position={"x": 300, "y": 100})
    page.select("met", "met", mouse=False)
    page.page.get_by_role("button", name="Name the selected words").tap()
    page.choose("PER")
    page.wait_for([ALL[0], ["met", "PER"], *ALL[1:]])
    page.page.locator("mark").first.tap()
    sheet, mark = page.page.locator("#chooser"), page.page.locator("mark").first
    assert mark.bounding_box()["y"] + mark.bounding_box()["height"] <= sheet.bounding_box()["y"]
    assert page.errors == []
    page.context.close()
