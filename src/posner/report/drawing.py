"""An SVG picture under construction: shapes by class, text escaped, the same for page and file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree

from rich.cells import cell_len

from posner.render.clean import clean
from posner.report.theme import LIGHT, picture_css

_NAMESPACE = "http://www.w3.org/2000/svg"
_SMALLEST, _LARGEST = 0.7, 1.25
"""How far pages may scale a drawing, so that all have letters of about one size."""

Point = tuple[float, float]


def text_width(text: str, size: float = 13) -> float:
    """About how wide a text is drawn, in pixels, in the widest of the usual fonts."""
    return size * sum(
        cell_len(letter) * (0.7 if letter.isupper() or letter.isdigit() else 0.6) for letter in text
    )


def shortened(text: str, width: float, size: float = 13) -> str:
    """The text, with its end left out where it would be wider than `width` pixels."""
    if text_width(text, size) <= width:
        return text
    kept = text
    while kept and text_width(kept + "…", size) > width:
        kept = kept[:-1]
    return kept + "…"


@dataclass
class Drawing:
    """A picture of `width` by `height` pixels, which pages scale to the room that they have.

    Attributes:
        width: in pixels.
        height: in pixels.
        title: what it shows, for readers who do not see it, and for the file's title.
    """

    width: float
    height: float
    title: str
    _root: ElementTree.Element = field(init=False, repr=False)

    def __post_init__(self) -> None:
        box = f"0 0 {_number(self.width)} {_number(self.height)}"
        self._root = ElementTree.Element("svg", {"viewBox": box, "role": "img"})
        self._root.set("aria-label", clean(self.title))

    def line(self, start: Point, end: Point, style: str) -> None:
        """A straight line."""
        (x1, y1), (x2, y2) = start, end
        self._add("line", style, {"x1": x1, "y1": y1, "x2": x2, "y2": y2})

    def path(self, points: Sequence[Point], style: str) -> None:
        """A line through points; nothing without two of them."""
        if len(points) > 1:
            listed = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
            ElementTree.SubElement(self._root, "polyline", {"class": style, "points": listed})

    def box(
        self, corner: Point, size: Point, style: str, *, note: str = "", opacity: float = 1.0
    ) -> None:
        """A filled rectangle; `note` is shown where the pointer rests on it."""
        numbers = {"x": corner[0], "y": corner[1], "width": size[0], "height": size[1]}
        element = self._add("rect", style, numbers, note)
        if opacity < 1:
            element.set("fill-opacity", _number(opacity))

    def dot(self, centre: Point, radius: float, style: str, *, note: str = "") -> None:
        """A filled circle; `note` is shown where the pointer rests on it."""
        self._add("circle", style, {"cx": centre[0], "cy": centre[1], "r": radius}, note)

    def text(
        self, at: Point, text: str, style: str = "", *, anchor: str = "start", turn: float = 0
    ) -> None:
        """A text on its base line at a point.

        Args:
            at: the point.
            text: any text.
            style: classes.
            anchor: which part of the text stands at the point: start, middle, end.
            turn: degrees, clockwise.
        """
        element = self._add("text", style, {"x": at[0], "y": at[1]})
        element.text = clean(text)
        if anchor != "start":
            element.set("text-anchor", anchor)
        if turn:
            place = f"{_number(at[0])} {_number(at[1])}"
            element.set("transform", f"rotate({_number(turn)} {place})")

    def markup(self) -> str:
        """The element for an HTML page, whose style sheet gives its classes their looks."""
        least, most = _number(_SMALLEST * self.width), _number(_LARGEST * self.width)
        self._root.set("style", f"min-width: {least}px; max-width: {most}px")
        return ElementTree.tostring(self._root, encoding="unicode")

    def file(self) -> str:
        """A whole SVG file, in the light theme, on a background of its own."""
        root = ElementTree.Element(
            "svg",
            {name: value for name, value in self._root.items() if name != "style"}
            | {
                "xmlns": _NAMESPACE,
                "width": _number(self.width),
                "height": _number(self.height),
            },
        )
        ElementTree.SubElement(root, "title").text = clean(self.title)
        ElementTree.SubElement(root, "style").text = picture_css()
        whole = {"width": "100%", "height": "100%", "fill": LIGHT["card"]}
        ElementTree.SubElement(root, "rect", whole)
        root.extend(self._root)
        return ElementTree.tostring(root, encoding="unicode") + "\n"

    def _add(
        self, kind: str, style: str, numbers: dict[str, float], note: str = ""
    ) -> ElementTree.Element:
        attributes = {name: _number(value) for name, value in numbers.items()}
        if style:
            attributes["class"] = style
        element = ElementTree.SubElement(self._root, kind, attributes)
        if note:
            ElementTree.SubElement(element, "title").text = clean(note)
        return element


def _number(value: float) -> str:
    """At most one decimal: a tenth of a pixel is enough."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value != round(value) else str(round(value))
