"""The service's page in a real browser, with what it loads and complains of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import serving
from serving import Running

TEXT = "Ada met Bo in Oslo. 😀 Then Cyd left."
ALL = [["Ada", "PER"], ["Bo", "LOC"], ["Oslo", "LOC"], ["Then", "PER"], ["Cyd", "PER"]]


@contextmanager
def corrected(folder: Path, texts: str, **values: Any) -> Iterator[Running]:
    """A service of two models that takes corrections, and texts that wait for them."""
    (folder / "texts.txt").write_text(texts, encoding="utf-8", newline="")
    models = {"rules": "rules", "other": "other"}
    paths = {"annotations": str(folder / "a.sqlite"), "texts": str(folder / "texts.txt")}
    with serving.running(serving.service(models, **paths, **values)) as found:
        yield found


class Page:
    """The page with the text box filled, and everything that it loaded or complained of."""

    def __init__(
        self, browser: Any, url: str, width: int = 1280, info: Any = None, **context: Any
    ) -> None:
        self.url = url
        self.context = browser.new_context(viewport={"width": width, "height": 800}, **context)
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page = self.context.new_page()
        if info is not None:  # as another service would say
            self.page.route("**/info", lambda route: route.fulfill(json=info))
        self.page.set_default_timeout(10_000)
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._heard)
        self.page.goto(url)
        self.page.wait_for_selector("mark")

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def write(self, text: str) -> None:
        self.page.fill("#text", text)

    def entities(self, view: int = 0) -> list[list[str]]:
        """Each entity's text and label as the view shows them."""
        script = """view => [...view.querySelectorAll('mark')].map(mark => {
            const label = mark.querySelector('.label');
            return [mark.textContent.replace(label.textContent, ''), label.textContent];
        })"""
        found: list[list[str]] = self.page.locator(".marked").nth(view).evaluate(script)
        return found

    def wait_for(self, entities: list[list[str]], view: int = 0) -> None:
        for _ in range(200):
            if self.entities(view) == entities:
                return
            self.page.wait_for_timeout(25)
        assert self.entities(view) == entities

    def wait_told(self, beginning: str) -> None:
        """Wait for a message; the page's policy forbids the usual functions that wait."""
        told = re.compile(f"^{re.escape(beginning)}")
        self.page.get_by_role("status").filter(has_text=told).wait_for()

    def analyzed(self) -> int:
        return sum(url.endswith("/analyze") for url in self.requests)

    def correct(self, text: str = TEXT) -> None:
        """Begin to correct a text, as somebody who has a name."""
        self.write(text)
        self.page.check("#correct")
        self.page.fill("#who", "Ann")
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until the text can be corrected and saved."""
        self.page.wait_for_selector("#save:not([disabled])")

    def choose(self, name: str) -> None:
        """Press a button of the chooser."""
        self.page.locator("#chooser").get_by_role("button", name=name, exact=True).click()

    def select(self, first: str, last: str, mouse: bool = True) -> None:
        """Select from one word to another, as the mouse does."""
        script = """([first, last]) => {
            const root = document.querySelector('.marked');
            const all = [];
            const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) all.push(walker.currentNode);
            const at = (word) => {
                const node = all.find((n) => n.data.includes(word));
                return [node, node.data.indexOf(word)];
            };
            const [from, start] = at(first);
            const [to, end] = at(last);
            getSelection().setBaseAndExtent(from, start, to, end + last.length);
        }"""
        self.page.evaluate(script, [first, last])
        if mouse:
            self.page.locator(".marked").first.dispatch_event("mouseup")
