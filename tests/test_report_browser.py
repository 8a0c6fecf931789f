"""The page in a real browser: Chromium, headless, watched for errors, requests and overflow."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

import reported
from posner.report.build import build_page
from posner.report.pictures import pictures

PAGES = ("two runs", "one run without text", "several members")


@pytest.fixture(scope="module")
def page_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("report")
    runs = {
        "two runs": [reported.run("first"), reported.run("second", skip=5)],
        "one run without text": [reported.run(texts=False)],
        "several members": [reported.of_members("best")],
    }
    for name in PAGES:
        page = build_page(runs[name], pictures(runs[name]), texts="without" not in name)
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in PAGES}


@pytest.fixture(scope="module")
def page_file(page_files: dict[str, Path]) -> Path:
    return page_files["two runs"]


def watched(page: Page) -> tuple[list[str], list[str]]:
    """What the page says on its console, and what it asks the network for, from now on."""
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    return said, asked


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_opens_without_errors_or_requests(
    browser: Browser,
    page_files: dict[str, Path],
    width: int,
    scheme: Literal["light", "dark"],
    name: str,
) -> None:
    page_file = page_files[name]
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    said, asked = watched(page)
    page.goto(page_file.as_uri(), wait_until="networkidle")
    assert said == []
    assert set(asked) <= {page_file.as_uri(), "data:,"}
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width  # nothing makes a phone scroll sideways
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(18, 20, 24)") == (scheme == "dark")
    page.close()


@pytest.mark.slow
def test_long_names_of_runs_leave_the_figures_in_sight_on_a_phone(
    browser: Browser, tmp_path: Path
) -> None:
    runs = [
        reported.run(f"comparison/{cell}/run", skip) for cell, skip in (("bert", 3), ("crf", 5))
    ]
    file = tmp_path / "report.html"
    file.write_text(build_page(runs, pictures(runs), texts=True), encoding="utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(file.as_uri())
    tables = "[...document.querySelectorAll('#figures .scroll')]"
    hidden = page.evaluate(f"{tables}.map(table => table.scrollWidth - table.clientWidth)")
    assert hidden == [0, 0]
    assert page.locator("#figures thead th").nth(1).inner_text() == "comparison/bert/run"
    page.close()


@pytest.mark.slow
def test_a_page_that_breaks_its_promise_is_noticed(browser: Browser, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    broken.write_text(
        "<script>console.log('here'); nowhere()</script><img src='http://127.0.0.1:9/x.png'>"
    )
    page = browser.new_page()
    said, asked = watched(page)
    page.goto(broken.as_uri(), wait_until="networkidle")
    assert "here" in said
    assert any("nowhere" in line for line in said)
    assert "http://127.0.0.1:9/x.png" in asked
    page.close()


@pytest.mark.slow
def test_a_page_without_text_has_no_sentence_and_no_filter(
    browser: Browser, page_files: dict[str, Path]
) -> None:
    page = browser.new_page()
    page.goto(page_files["one run without text"].as_uri())
    assert "Sentences are left out of this report." in page.inner_text("#errors")
    assert page.locator("#sentences").count() == page.locator("#filter").count() == 0
    assert page.locator("figure svg").count() == 6
    page.close()


@pytest.mark.slow
def test_a_page_of_several_members_says_why_its_curves_begin_anew(
    browser: Browser, page_files: dict[str, Path]
) -> None:
    page = browser.new_page()
    page.goto(page_files["several members"].as_uri())
    told = page.inner_text("#course > p")
    assert "best: several members, each learned from the start" in told
    assert page.locator("#course figure").count() == 2
    page.close()


@pytest.mark.slow
def test_errors_are_filtered(browser: Browser, page_file: Path) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    shown = page.locator("#sentences > li:visible")
    total = shown.count()
    assert total > 3
    page.select_option("[name=kind]", "missed")
    missed = shown.count()
    assert 0 < missed < total
    assert page.inner_text("#shown") == f"{missed} of {total} sentences"
    page.select_option("[name=run]", "1")
    assert 0 < shown.count() <= missed
    for item in shown.all():
        assert "1|missed|" in (item.get_attribute("data-errors") or "")
    page.select_option("[name=kind]", "")
    page.select_option("[name=run]", "")
    page.fill("[name=text]", "quito")
    assert 0 < shown.count() < total
    page.fill("[name=text]", "no such words")
    assert shown.count() == 0
    page.close()


@pytest.mark.slow
def test_paper_is_light_and_shows_every_sentence(browser: Browser, page_file: Path) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(page_file.as_uri())
    page.emulate_media(media="print")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(246, 247, 248)"
    assert not page.locator("#filter").is_visible()
    assert page.pdf().startswith(b"%PDF")
    page.close()
