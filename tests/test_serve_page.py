"""The page in a real browser: typing, the slider, the legend, copying, limits, failures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import expect

import serving
from browsing import ALL, TEXT, Page, corrected
from serving import Running


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with corrected(tmp_path_factory.mktemp("page"), "Eve in Quito\n") as found:
        yield found


@pytest.fixture
def page(browser: Any, made: Running) -> Iterator[Page]:
    found = Page(browser, made.url)
    yield found
    assert found.errors == []
    assert all(url.startswith(made.url) for url in found.requests)  # nothing from elsewhere
    found.context.close()


def test_entities_appear_while_one_types(page: Page) -> None:
    page.page.fill("#text", "")
    page.wait_for([])
    page.page.locator("#text").press_sequentially("Ada met Bo", delay=5)
    page.wait_for([["Ada", "PER"], ["Bo", "LOC"]])
    assert page.analyzed() < 10  # not one for each key


def test_the_slider_filters_at_once_without_a_request(page: Page) -> None:
    page.write(TEXT)
    page.wait_for(ALL)
    asked = len(page.requests)
    page.page.locator("#threshold").fill("0.5")
    page.wait_for([e for e in ALL if e[1] == "PER"])
    page.page.locator("#threshold").fill("0")
    page.wait_for(ALL)
    assert len(page.requests) == asked


def test_labels_are_toggled_in_the_legend(page: Page) -> None:
    page.write(TEXT)
    page.wait_for(ALL)
    button = page.page.get_by_role("button", name="PER 3")
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    page.wait_for([["Bo", "LOC"], ["Oslo", "LOC"]])
    page.page.get_by_role("button", name="PER").click()
    page.wait_for(ALL)


def test_hover_and_focus_tell_more(page: Page) -> None:
    page.write(TEXT)
    page.wait_for(ALL)
    page.page.locator("mark").first.hover()
    tip = page.page.get_by_role("tooltip")
    expect(tip).to_contain_text("0.750")
    expect(tip).to_contain_text("person")
    page.page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    page.page.locator("mark").first.focus()
    page.page.keyboard.press("ArrowRight")
    expect(tip).to_contain_text("0.250")


def test_nested_and_crossing_entities_are_stacked(page: Page) -> None:
    text = "the University of Oslo Press in Norway"
    spans = [(4, 22, "ORG"), (18, 22, "LOC"), (4, 28, "FIRM"), (15, 38, "PHRASE"), (32, 38, "LOC")]
    entities = [
        {"entity_group": label, "score": 0.9, "word": text[start:end], "start": start, "end": end}
        for start, end, label in spans
    ]
    answer = {"model": "rules", "documents": [{"entities": entities, "words": []}]}
    page.page.route("**/analyze", lambda route: route.fulfill(json=answer))
    page.write(text)
    page.page.locator(".label", has_text="FIRM").wait_for()
    shown = page.page.locator("mark").evaluate_all(
        """marks => marks.map(mark => {
            const copy = mark.cloneNode(true);
            for (const label of copy.querySelectorAll('.label')) label.remove();
            const labels = mark.covers.map(e => e.entity_group).sort().join(' ');
            return [copy.textContent.trim(), Number(mark.dataset.layers), labels];
        })"""
    )
    covers = {piece.split(" ")[0]: (layers, labels) for piece, layers, labels in shown}
    assert covers["University"] == (2, "FIRM ORG")
    assert covers["of"] == (3, "FIRM ORG PHRASE")
    assert covers["Norway"][1] == "LOC PHRASE"
    assert covers["Oslo"] == (4, "FIRM LOC ORG PHRASE")
    drawn = page.page.locator(".marked").evaluate(
        """view => { const copy = view.cloneNode(true);
            for (const label of copy.querySelectorAll('.label')) label.remove();
            return copy.textContent; }"""
    )
    assert drawn == text
    page.page.locator("mark", has_text="Oslo").hover()
    expect(page.page.get_by_role("tooltip").locator("dl")).to_have_count(4)


def test_the_table_lists_them(page: Page) -> None:
    page.write(TEXT)
    page.wait_for(ALL)
    page.page.get_by_role("button", name="Table").click()
    rows = page.page.locator("tbody tr").all_inner_texts()
    assert [row.split()[:2] for row in rows] == ALL
    page.page.get_by_role("button", name="Text", exact=True).click()
    page.wait_for(ALL)


def copied(page: Page, name: str) -> str:
    page.page.locator("#copy summary").click()
    page.page.get_by_role("button", name=name, exact=True).click()
    page.wait_told("Copied")
    text: str = page.page.evaluate("navigator.clipboard.readText()")
    return text


def test_copies_are_exact_beyond_the_basic_plane(page: Page) -> None:
    page.write(TEXT)
    page.wait_for(ALL)
    entities = json.loads(copied(page, "JSON"))
    assert [[TEXT[e["start"] : e["end"]], e["entity_group"]] for e in entities] == ALL
    assert all(e["word"] == TEXT[e["start"] : e["end"]] for e in entities)
    columns = [line.split(" ") for line in copied(page, "CoNLL").split("\n") if line]
    assert [word for word, tag in columns if tag != "O"] == [word for word, _ in ALL]
    assert ["met", "O"] in columns
    marked = copied(page, "HTML")
    assert marked.count("<mark") == len(ALL)
    assert 'style="background:' in marked


def imported(page: Page, name: str, call: str, argument: Any) -> Any:
    """What a function of one of the page's modules says."""
    script = f"async given => (await import('/static/{name}.js')).{call}"
    return page.page.evaluate(script, argument)


def test_of_nested_entities_columns_hold_the_outermost(page: Page) -> None:
    text = "University of Oslo won"
    entities = [
        {"start": 0, "end": 10, "entity_group": "PER"},
        {"start": 0, "end": 18, "entity_group": "ORG"},
        {"start": 14, "end": 18, "entity_group": "LOC"},
    ]
    words = [[0, 10, 0], [11, 13, 0], [14, 18, 0], [19, 22, 0]]
    blocks = [{"text": text, "entities": entities, "words": words}]
    columns = imported(page, "formats", "asConll(given, () => true)", blocks)
    assert columns == "University B-ORG\nof I-ORG\nOslo I-ORG\nwon O\n\n"


@pytest.mark.parametrize(
    ("piece", "ends"),
    [
        ("Ada met Bo in New York and went on. ", {"on. "}),
        ("the way to New York and back again ", {"the ", "way ", "and ", "back ", "again "}),
        ("one row of words  then two rows to New York then ", {"words  "}),
        ("New York ", {"New ", "York "}),
        ("彼は東京に住んでいる。", {"いる。"}),
        ("x", {"x"}),
    ],
)
def test_a_long_line_is_cut_where_it_hurts_least(page: Page, piece: str, ends: set[str]) -> None:
    text = piece * (30_000 // len(piece))
    for limit in (1_000, 100_000):
        blocks = imported(page, "blocks", f"blocksOf(given, {limit})", text)
        assert "".join(blocks) == text
        assert len(blocks) > 1
        assert all(len(block) <= min(limit, 18_000) for block in blocks)
        assert all(block.endswith(tuple(ends)) for block in blocks[:-1])


def test_two_models_stand_side_by_side(page: Page) -> None:
    page.write(TEXT)
    page.page.select_option("#other", "other")
    page.wait_for(ALL, view=1)
    page.wait_for(ALL, view=0)
    expect(page.page.locator("mark.differs")).to_have_count(0)


def test_what_differs_is_what_the_other_model_does_not_show(page: Page) -> None:
    def answer(route: Any) -> None:
        model = route.request.post_data_json["model"]
        score = 0.9 if model == "rules" else 0.4
        oslo = {"entity_group": "LOC", "score": score, "word": "Oslo", "start": 11, "end": 15}
        documents = [{"entities": [oslo], "words": [[11, 15, 0]]}]
        route.fulfill(json={"model": model, "documents": documents})

    page.page.route("**/analyze", answer)
    page.write("nobody, in Oslo")
    page.page.select_option("#other", "other")
    page.wait_for([["Oslo", "LOC"]], view=1)
    page.wait_for([["Oslo", "LOC"]], view=0)
    expect(page.page.locator("mark.differs")).to_have_count(0)
    page.page.locator("#threshold").fill("0.5")
    page.wait_for([], view=1)
    expect(page.page.locator("mark.differs")).to_have_count(1)


DROP = """root => {
    const files = new DataTransfer();
    files.items.add(new File(['Zed left.'], 'a.txt'));
    return ['dragover', 'drop'].map((name) => {
        const event = new DragEvent(name, {bubbles: true, cancelable: true, dataTransfer: files});
        root.dispatchEvent(event);
        return event.defaultPrevented;
    });
}"""


def test_a_file_may_be_dropped_anywhere_and_words_where_they_are_written(page: Page) -> None:
    page.write(TEXT)
    page.wait_for(ALL)
    assert page.page.locator("#results").evaluate(DROP) == [True, True]
    page.wait_for([["Zed", "PER"]])
    assert page.page.locator("textarea.dropping").count() == 0
    file, words = "items.add(new File(['Zed left.'], 'a.txt'))", "setData('text/plain', 'x')"
    script = DROP.replace(file, words)
    assert page.page.locator("#text").evaluate(script) == [False, False]  # the browser does it


def test_the_text_box_has_a_name(page: Page) -> None:
    expect(page.page.get_by_role("textbox", name="Your text", exact=True)).to_have_id("text")


def test_a_long_text_is_sent_in_parts_and_an_edit_sends_few(page: Page) -> None:
    paragraph = "Ada met Bo in Oslo and went on. " * 20 + "\n\n"
    text = "".join(f"{i} {paragraph}" for i in range(200))
    page.page.evaluate("t => { document.getElementById('text').value = t }", text)
    page.page.locator("#text").dispatch_event("input")
    page.wait_told("12000 entities")
    before = page.analyzed()
    page.page.evaluate(
        "() => { const t = document.getElementById('text');"
        "t.setRangeText('Zed ', 60000, 60000); t.dispatchEvent(new Event('input')); }"
    )
    page.wait_told("12001 entities")
    assert page.analyzed() == before + 1
    drawn = page.page.locator("mark").count()
    assert 0 < drawn < 3000  # only what is near the screen


def test_a_key_is_asked_for(browser: Any) -> None:
    with serving.running(serving.service(api_key="s3cret")) as made:
        context = browser.new_context()
        tab = context.new_page()
        tab.goto(made.url)
        told = tab.get_by_role("alert")
        for key, why in [("wröng", "printable ASCII"), ("wrong", "not this service's key")]:
            tab.fill("#key-value", key)
            tab.keyboard.press("Enter")
            told.filter(has_text=why).wait_for()
        assert tab.evaluate("sessionStorage.length") == 0
        tab.fill("#key-value", "s3cret")
        tab.keyboard.press("Enter")
        tab.wait_for_selector("mark")
        context.close()


def test_without_a_key_the_page_says_so_once(browser: Any) -> None:
    with serving.running(serving.service(api_key="s3cret")) as made:
        context = browser.new_context()
        tab = context.new_page()
        tab.goto(made.url)
        tab.wait_for_selector("#key[open]")
        tab.keyboard.press("Escape")
        tab.get_by_role("status").filter(has_text="Without its key").wait_for()
        expect(tab.locator("#key")).to_be_hidden()
        context.close()


def failing(page: Page, kind: str, times: int, after: int = 0) -> None:
    """Let the next answers be errors."""
    left = [None] * times

    def answer(route: Any) -> None:
        if left:
            left.pop()
            body = {"error": f"it is {kind}", "error_type": kind}
            route.fulfill(status=503, json=body, headers={"Retry-After": str(after)})
        else:
            route.fallback()

    page.page.route("**/analyze", answer)


def test_a_text_that_cannot_be_tagged_is_sent_once(page: Page) -> None:
    page.write(TEXT)
    page.wait_for(ALL)
    asked = page.analyzed()
    failing(page, "engine_died", 1)
    page.write("Ada fell")
    page.wait_told("it is engine_died")
    page.wait_for([])
    assert page.analyzed() == asked + 1
    page.errors.clear()  # the browser's own line about the 503


def test_what_is_busy_is_asked_again(page: Page) -> None:
    failing(page, "overloaded", 1)
    page.write(TEXT)
    page.wait_told("Waiting: it is overloaded")
    page.wait_for(ALL)
    page.errors.clear()


def test_what_is_busy_is_waited_for_for_a_minute(page: Page) -> None:
    page.write(TEXT)
    page.wait_for(ALL)
    asked = page.analyzed()
    page.page.clock.install()
    failing(page, "overloaded", 100, after=30)
    page.write("Ada fell")
    told = page.page.get_by_role("status").filter(has_text="it is overloaded")
    while "wrong" not in str(told.get_attribute("class")):
        page.page.clock.fast_forward(1000)
    assert page.analyzed() == asked + 3  # at once, after half a minute, after a minute
    page.errors.clear()


def test_while_models_load_the_page_waits_however_long(page: Page) -> None:
    page.write(TEXT)
    page.wait_for(ALL)
    asked = page.analyzed()
    page.page.clock.install()
    left = [None] * 200  # looks, two seconds each

    def answer(route: Any) -> None:
        if left:
            left.pop()
            body = {"error": "no engine is ready", "error_type": "loading"}
            route.fulfill(status=503, json=body)
        else:
            route.fallback()

    page.page.route("**/readyz", answer)
    failing(page, "loading", 1)
    page.write("Ada fell")
    page.page.clock.fast_forward(1000)
    page.wait_told("Waiting: it is loading")
    while left:
        page.page.clock.fast_forward(2000)
        assert page.analyzed() == asked + 1
    page.page.clock.fast_forward(2000)
    page.wait_for([["Ada", "PER"]])
    assert page.analyzed() == asked + 2
    page.errors.clear()


def rows(page: Any, route: str) -> list[list[str]]:
    """The cells of a route's tables, whether one sees them or not."""
    title = page.locator("h2", has_text=re.compile(f"^{route}$"))
    section = page.locator("section").filter(has=title)
    script = "all => all.map(row => [...row.cells].map(cell => cell.textContent))"
    found: list[list[str]] = section.locator("tr").evaluate_all(script)
    return found


@pytest.mark.parametrize("api_key", ["", "s3cret"])
def test_the_routes_are_described_with_all_fields_and_the_key(
    browser: Any, tmp_path: Path, api_key: str
) -> None:
    made = serving.service(api_key=api_key, annotations=str(tmp_path / "a.sqlite"))
    with serving.running(made) as run:
        tab = browser.new_page()
        tab.goto(f"{run.url}/docs")
        tab.wait_for_selector("section")
        told = [row[:2] for row in rows(tab, "POST/predict")]
        for row in (
            ["parameters.labels", "[string] | null"],
            ["[].entity_group", "string"],
            ["[].changes", "[string]"],
            ["[].entity", "string"],
        ):
            assert told.count(row) == 1
        told = [row[:2] for row in rows(tab, "POST/analyze")]
        assert ["documents[].entities[].start", "integer"] in told
        assert ["documents[].words", "[[integer, integer, integer]]"] in told
        told = [row[:2] for row in rows(tab, "POST/annotations")]
        assert told.count(["entities[].label", "string"]) == 2  # as it is asked, and answered
        lines = dict(
            zip(
                tab.locator("section code").all_text_contents(),
                tab.locator("section pre").all_text_contents(),
                strict=True,
            )
        )
        header = '-H "Authorization: Bearer $POSNER_API_KEY"'
        keyed = {path for path, line in lines.items() if header in line}
        assert keyed == (set(lines) - {"/livez", "/readyz", "/health"} if api_key else set())
        tab.close()


def test_requests_stay_below_the_services_limits(browser: Any, tmp_path: Path) -> None:
    with corrected(tmp_path, "", max_chars=300, max_texts=2) as made:
        page = Page(browser, made.url)
        text = "Ada met Bo. 😀 \n" * 60 + "Cyd " * 200
        page.write(text)
        page.wait_told("320 entities")
        assert page.errors == []
        page.context.close()


def test_the_models_own_thresholds_hold_until_the_slider_moves(browser: Any, made: Running) -> None:
    info = httpx2.get(f"{made.url}/info").json()
    info["models"][0] |= {"threshold": 0.3, "thresholds": {"LOC": 0.2, "PER": 0.9}}
    page = Page(browser, made.url, info=info)
    page.write(TEXT)
    page.wait_for([e for e in ALL if e[1] == "LOC"])
    expect(page.page.locator("#threshold-value")).to_have_text("by label")
    page.page.locator("#threshold").fill("0.3")
    page.wait_for([e for e in ALL if e[1] == "PER"])
    page.context.close()


def test_one_threshold_of_all_labels_is_told_as_a_number(browser: Any, made: Running) -> None:
    info = httpx2.get(f"{made.url}/info").json()
    info["models"][0] |= {"threshold": 0.3, "thresholds": {"LOC": 0.3, "PER": 0.3}}
    page = Page(browser, made.url, info=info)
    expect(page.page.locator("#threshold-value")).to_have_text("0.30")
    page.context.close()


def test_copying_works_without_a_safe_origin(page: Page) -> None:
    page.page.select_option("#other", "other")
    page.write(TEXT)
    page.wait_for(ALL, view=1)
    page.page.evaluate("navigator.clipboard.writeText = undefined")
    page.page.locator("#copy summary").click()
    page.page.get_by_role("button", name="CoNLL").click()
    page.wait_told("Copied as CoNLL, of the first model only: rules")
    assert page.page.evaluate("navigator.clipboard.readText()").startswith("Ada B-PER\n")


def test_no_colour_stays_behind_where_a_mark_wraps(page: Page) -> None:
    text = "Eve" + " met" * 80
    whole = {"entity_group": "PER", "score": 0.9, "word": text, "start": 0, "end": len(text)}
    answer = {"model": "rules", "documents": [{"entities": [whole], "words": []}]}
    page.page.route("**/analyze", lambda route: route.fulfill(json=answer))
    page.write(text)
    page.page.locator("mark", has_text="Eve met").wait_for()
    widths = page.page.locator("mark").evaluate(
        """mark => {
            const range = document.createRange();
            const ends = [];
            const node = mark.firstChild;
            for (let i = 3; i < node.data.length - 4; i += 4) {
                range.setStart(node, i);
                range.setEnd(node, i + 1);
                const next = document.createRange();
                next.setStart(node, i + 1);
                next.setEnd(node, i + 2);
                const blank = range.getBoundingClientRect();
                if (next.getBoundingClientRect().top > blank.top + 5) ends.push(blank.width);
            }
            return ends;
        }"""
    )
    assert len(widths) > 0
    assert set(widths) == {0}


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(browser: Any, made: Running, width: int) -> None:
    page = Page(browser, made.url, width)
    page.write(TEXT + " " + "x" * 300)
    page.page.check("#correct")
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    page.page.goto(f"{made.url}/docs")
    page.page.locator("details summary").first.click()
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()
