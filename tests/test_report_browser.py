"""The page in a real browser: Chromium, headless, watched for errors, requests and overflow."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import reported
from posner.report.build import build_page
from posner.report.pictures import pictures

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
WIDTHS = (390, 1280)


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = [reported.told("first"), reported.told("second", skip=5)]
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(build_page(runs, pictures(runs), texts=True), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    # As root, which containers often are, Chromium starts only without its sandbox.
    flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield started
        started.close()


@pytest.mark.slow
def test_the_page_opens_without_errors_or_requests(
    browser: sync_api.Browser, page_file: Path
) -> None:
    for width in WIDTHS:
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": 800}, color_scheme=scheme
            )
            page = context.new_page()
            said: list[str] = []
            asked: list[str] = []
            page.on("console", lambda message, said=said: said.append(message.text))
            page.on("pageerror", lambda error, said=said: said.append(str(error)))
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.goto(page_file.as_uri())
            assert said == []
            assert set(asked) <= {page_file.as_uri(), "data:,"}
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width  # nothing makes a phone scroll sideways
            background = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (background == "rgb(18, 20, 24)") == (scheme == "dark")
            context.close()


@pytest.mark.slow
def test_errors_are_filtered(browser: sync_api.Browser, page_file: Path) -> None:
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
def test_paper_is_light_and_shows_every_sentence(
    browser: sync_api.Browser, page_file: Path
) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(page_file.as_uri())
    page.emulate_media(media="print")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(246, 247, 248)"
    assert not page.locator("#filter").is_visible()
    assert page.pdf().startswith(b"%PDF")
    page.close()
