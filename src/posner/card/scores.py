"""A card's scores: those of the model as it stands, or a line that says whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from posner.card.text import (
    RATIOS,
    described,
    figure,
    file_name,
    is_number,
    number,
    percent,
    plain,
    title,
)
from posner.errors import DataError
from posner.postprocess.thresholds import Thresholds


def scores(saved: Mapping[str, Any]) -> str:
    """The dev figures, over all and by label."""
    dev = figure(saved, "figures", "dev")
    micro = figure(dev, "strict", "micro")
    if not micro:
        return ""
    lines = ["## Scores", ""]
    lines += ["On the part it was judged by; an entity counts with exact borders and exact label."]
    lines += ["", "| | precision | recall | F1 | gold entities |", "|---|---:|---:|---:|---:|"]
    lines += [_score_row("**all**", micro, figure(dev, "counts").get("gold"))]
    lines += _interval_row(figure(dev, "intervals"))
    for label in figure(dev, "strict", "labels"):
        ratios = figure(dev, "strict", "labels", label)
        lines += [_score_row(described(label), ratios, ratios.get("support"))]
    paragraphs = [_drawn(figure(dev, "intervals")), _in_8_bits(saved), _thresholded(saved)]
    accuracy = figure(dev, "pos").get("accuracy")
    if is_number(accuracy):
        paragraphs += [f"Parts of speech: accuracy {percent(accuracy)}."]
    paragraphs += [_with_surface(figure(saved, "figures", "surface"))]
    paragraphs += [_calibrated(saved)]
    epoch, seconds = dev.get("epoch"), dev.get("seconds")
    if is_number(epoch) and is_number(seconds):
        paragraphs += [f"Reached in epoch {epoch}, after {seconds / 60:.1f} minutes of training."]
    return "\n\n".join(["\n".join(lines), *filter(None, paragraphs)])


def _calibrated(saved: Mapping[str, Any]) -> str:
    """Where the scores of entities were calibrated, if they were."""
    calibration = figure(saved, "figures", "calibration")
    if not calibration:
        return ""
    if not calibration.get("kept"):
        return f"The score that it gives each entity was calibrated{_source(calibration)}."
    if saved.get("temperature") == 1:
        tried = f"calibrating it{_source(calibration)} gained nothing"
        return f"The score that it gives each entity is as the network leaves it: {tried}."
    return "The score that it gives each entity was calibrated."


def _interval_row(intervals: Mapping[str, Any]) -> list[str]:
    """The intervals; nothing where they are not known."""
    ranges = figure(intervals, "strict")
    if not all(is_number(figure(ranges, name).get("low")) for name in RATIOS):
        return []
    cells = [f"{percent(ranges[n]['low'])} to {percent(ranges[n]['high'])}" for n in RATIOS]
    return [f"| 95 % interval | {' | '.join(cells)} | |"]


def _drawn(intervals: Mapping[str, Any]) -> str:
    """What the intervals were drawn over."""
    unit = intervals.get("unit")
    if not _interval_row(intervals) or not isinstance(unit, str) or not unit:
        return ""
    count = intervals.get("units")
    many = f"{count:,} " if isinstance(count, int) else ""
    return f"The intervals are a bootstrap's over {many}{plain(unit)}."


def own_ratios(saved: Mapping[str, Any]) -> Mapping[str, Any]:
    """Precision, recall and F1 of the model as it stands, as far as they are known."""
    if not dev_is_of_the_model(saved):
        return {}
    dev = figure(saved, "figures", "dev")
    if not _lacks_8_bits(saved):
        return figure(dev, "strict", "micro")
    own = figure(saved, "figures", "export", "dev", "int8")
    same_corpus = own.get("gold") == figure(dev, "counts").get("gold")
    return _ratios_of(own) if same_corpus else {}


def _lacks_8_bits(saved: Mapping[str, Any]) -> bool:
    """Whether the model is in 8 bits and its dev figures are those of full precision."""
    precision = figure(saved, "figures", "export").get("precision")
    return precision == "int8" and figure(saved, "figures", "dev").get("precision") != "int8"


def _with_surface(weighed: Mapping[str, Any]) -> str:
    """What the features beside the network are worth."""
    f1 = [figure(weighed, name).get("f1") for name in ("without", "within", "held_out")]
    if not all(map(is_number, f1)) or not is_number(weighed.get("weight")):
        return ""
    alone, both, held_out = map(percent, f1)
    units = plain(str(weighed.get("units")))
    return (
        f"Surface features stand beside the network, with a weight ({weighed['weight']:g}) that was"
        f" chosen on that part too: F1 is {both} with them there, {alone} without, and {held_out}"
        f" on {units} that were held out of the choice."
    )


def _in_8_bits(saved: Mapping[str, Any]) -> str:
    """What an exported model finds in 8 bits, where the table is of full precision."""
    if not _lacks_8_bits(saved):
        return ""
    said = "The table is of the model in full precision; this is the same in 8 bits"
    judged = figure(saved, "figures", "export", "dev")
    own, full = (_ratios_of(figure(judged, name)) for name in ("int8", "full"))
    if not own or not full:
        return f"{said}, which were not judged."
    gold = number(figure(judged, "int8").get("gold"))
    cells = [f"{title(name)} {percent(own[name])}" for name in RATIOS]
    return (
        f"{said}: {', '.join(cells)} on the {gold} gold entities that it was exported with"
        f" (F1 in full precision there {percent(full['f1'])})."
    )


def measured_otherwise(saved: Mapping[str, Any]) -> str:
    """In what the dev figures are not those of the model as it stands; empty where they are."""
    found = [] if dev_is_of_the_model(saved) else ["before its threshold changed"]
    found += ["in full precision"] if _lacks_8_bits(saved) else []
    return ", ".join(found)


def dev_is_of_the_model(saved: Mapping[str, Any]) -> bool:
    """Whether the dev figures were measured with the thresholds that the model has."""
    dev, thresholds = figure(saved, "figures", "dev"), _thresholds(saved)
    if not thresholds:
        return not _thresholds(dev)
    same_scores = dev.get("temperature") == saved.get("temperature")
    return _thresholds(dev) == thresholds and same_scores


def _thresholds(source: Mapping[str, Any]) -> Thresholds | None:
    """Those that leave something out; None for others, and for what are none."""
    try:
        return Thresholds.from_json(source.get("thresholds")) or None
    except DataError:
        return None


def _thresholded(saved: Mapping[str, Any]) -> str:
    """What a threshold does to the scores, and what it is worth where it was not chosen."""
    thresholds, is_own = _thresholds(saved), dev_is_of_the_model(saved)
    if thresholds is None:
        return "" if is_own else "The table was made with a threshold that the model has no more."
    said = f"Entities with a score below {plain(str(thresholds))} are left out"
    said += ", in these figures too." if is_own else "; these figures were measured without that."
    calibration = figure(saved, "figures", "calibration")
    found = figure(calibration, "threshold")
    f1 = {name: figure(found, name).get("f1") for name in ("without", "within", "held_out")}
    wish = found.get("wish")
    if not isinstance(wish, str) or not is_number(f1["without"]) or not is_number(f1["within"]):
        return said
    same = "the same data" if is_own else "other data"
    said += f" The threshold ({plain(wish)}) was chosen on {same}{_source(calibration, ',')}: F1"
    said += f" is {percent(f1['within'])} with it there, {percent(f1['without'])} without"
    if is_number(f1["held_out"]):
        said += f", and {percent(f1['held_out'])} on parts that were held out of the choice"
    return f"{said}."


def _source(calibration: Mapping[str, Any], comma: str = "") -> str:
    source = calibration.get("data")
    if not isinstance(source, str) or not source:
        return ""
    return f"{comma} {plain(file_name(source))}" if comma else f" on {plain(file_name(source))}"


def _ratios_of(counts: Mapping[str, Any]) -> Mapping[str, float]:
    """Precision, recall and F1 of strict counts; nothing where they are none."""
    gold, predicted, correct = (counts.get(name) for name in ("gold", "predicted", "correct"))
    if not is_number(gold) or not is_number(predicted) or not is_number(correct):
        return {}
    wholes = {"precision": predicted, "recall": gold, "f1": (gold + predicted) / 2}
    return {name: correct / whole if whole else 0.0 for name, whole in wholes.items()}


def _score_row(name: str, ratios: Mapping[str, Any], support: object) -> str:
    cells = [name, *(percent(ratios.get(key)) for key in RATIOS), number(support)]
    return f"| {' | '.join(cells)} |"
