"""Other people's labels in a corpus's own: who learned elsewhere names things as it was taught."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from posner.document import Document
from posner.errors import UsageError
from posner.tagger import ModelFacts, Tagger

# What OntoNotes' labels are called in each corpus. A label that a corpus does not annotate
# (a number, an amount) is left out.
MAPPINGS: dict[str, dict[str, str]] = {
    "conll": {
        "PERSON": "PER",
        "ORG": "ORG",
        "GPE": "LOC",
        "LOC": "LOC",
        "FAC": "LOC",
        "NORP": "MISC",
        "EVENT": "MISC",
        "WORK_OF_ART": "MISC",
        "PRODUCT": "MISC",
        "LANGUAGE": "MISC",
        "LAW": "MISC",
    },
    "gmb": {
        "PERSON": "per",
        "ORG": "org",
        "GPE": "geo",
        "LOC": "geo",
        "FAC": "geo",
        "NORP": "gpe",
        "DATE": "tim",
        "TIME": "tim",
        "EVENT": "eve",
        "WORK_OF_ART": "art",
        "PRODUCT": "art",
    },
}


@dataclass(frozen=True)
class MappedFacts:
    """What a model says of itself, its labels renamed.

    Attributes:
        own: the model's facts.
        mapping: its labels in the corpus's names.
    """

    own: ModelFacts
    mapping: Mapping[str, str]

    @property
    def labels(self) -> tuple[str, ...]:
        """The corpus's labels that it can say."""
        return tuple(sorted(set(self.mapping.values())))

    @property
    def pos_tags(self) -> tuple[str, ...]:
        """The model's own."""
        return self.own.pos_tags

    @property
    def chunk_tags(self) -> tuple[str, ...]:
        """The model's own."""
        return self.own.chunk_tags

    @property
    def figures(self) -> dict[str, object]:
        """The model's own."""
        return dict(self.own.figures)


class Relabelled(Tagger):
    """A tagger whose labels are renamed; entities whose label has no name there are left out.

    Args:
        tagger: finds the entities.
        mapping: its labels in the corpus's names.
    """

    def __init__(self, tagger: Tagger, mapping: Mapping[str, str]) -> None:
        self.tagger = tagger
        self.mapping = dict(mapping)
        self.manifest = MappedFacts(tagger.manifest, self.mapping)

    def find(self, documents: Sequence[Document]) -> list[Document]:
        """Tag the words of documents."""
        return [
            replace(
                found,
                entities=tuple(
                    replace(entity, label=self.mapping[entity.label])
                    for entity in found.entities
                    if entity.label in self.mapping
                ),
            )
            for found in self.tagger.tag(documents)
        ]


def parse_mapping(pairs: Iterable[str]) -> dict[str, str]:
    """`PERSON=PER` as an entry.

    Raises:
        UsageError: something else.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        own, equals, name = pair.partition("=")
        if not (own and equals and name):
            raise UsageError("not a label mapping", expected="such as PERSON=PER", got=pair)
        found[own] = name
    return found


def best_mapping(labels: Iterable[str]) -> str:
    """The name of the built-in mapping that knows most of a corpus's labels."""
    wanted = set(labels)
    return max(MAPPINGS, key=lambda name: len(wanted & set(MAPPINGS[name].values())))


def mapping_to(
    labels: Sequence[str], own: Iterable[str], given: Mapping[str, str] | None = None
) -> dict[str, str]:
    """A model's labels in a corpus's names.

    What is given counts. Else a label that the corpus writes exactly so is that one; of the others
    OntoNotes' labels are named as in the built-in mapping that knows most of the corpus's labels
    (GMB's `gpe` is not their `GPE`), and what is left is told by its letters, whatever their case.

    Args:
        labels: the corpus's.
        own: the model's.
        given: some of the model's labels with their names.
    """
    alike = {label.casefold(): label for label in labels}
    best = MAPPINGS[best_mapping(labels)]
    fitting = {k: v for k, v in best.items() if v in labels}
    found: dict[str, str] = {}
    for label in own:
        if given and label in given:
            found[label] = given[label]
        elif label in labels:
            found[label] = label
        elif label in fitting:
            found[label] = fitting[label]
        elif label.casefold() in alike:
            found[label] = alike[label.casefold()]
    return found
