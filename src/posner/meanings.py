"""What tags and labels mean, in a few plain words.

`MEANINGS` holds the 45 part-of-speech tags of the Penn Treebank, the entity labels of CoNLL-2003
(upper case) and of the Groningen Meaning Bank (lower case), and CoNLL's chunk labels. No key of
one set is a key of another.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PARTS_OF_SPEECH: Mapping[str, str] = MappingProxyType(
    {
        "CC": "coordinating conjunction (and, but)",
        "CD": "cardinal number (two, 1996)",
        "DT": "determiner (the, a, this)",
        "EX": "existential there",
        "FW": "foreign word",
        "IN": "preposition or subordinating conjunction (in, because)",
        "JJ": "adjective (big)",
        "JJR": "adjective, comparative (bigger)",
        "JJS": "adjective, superlative (biggest)",
        "LS": "list item marker (1., a))",
        "MD": "modal verb (can, will)",
        "NN": "noun, singular or mass (dog, water)",
        "NNS": "noun, plural (dogs)",
        "NNP": "proper noun, singular (London)",
        "NNPS": "proper noun, plural (Alps)",
        "PDT": "predeterminer (all the, both the)",
        "POS": "possessive ending ('s)",
        "PRP": "personal pronoun (she, it)",
        "PRP$": "possessive pronoun (her, its)",
        "RB": "adverb (quickly)",
        "RBR": "adverb, comparative (sooner)",
        "RBS": "adverb, superlative (soonest)",
        "RP": "particle (give up)",
        "SYM": "symbol (+, %)",
        "TO": "the word to",
        "UH": "interjection (oh)",
        "VB": "verb, base form (take)",
        "VBD": "verb, past tense (took)",
        "VBG": "verb, gerund or present participle (taking)",
        "VBN": "verb, past participle (taken)",
        "VBP": "verb, present tense, not third person singular (take)",
        "VBZ": "verb, present tense, third person singular (takes)",
        "WDT": "wh-determiner (which)",
        "WP": "wh-pronoun (who)",
        "WP$": "possessive wh-pronoun (whose)",
        "WRB": "wh-adverb (where)",
        "#": "pound sign",
        "$": "currency sign",
        "``": "opening quotation mark",
        "''": "closing quotation mark",
        "(": "opening bracket",
        ")": "closing bracket",
        ",": "comma",
        ".": "mark that ends a sentence (. ! ?)",
        ":": "colon, semicolon, dash or ellipsis",
    }
)

CONLL_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "PER": "person",
        "ORG": "organisation",
        "LOC": "location",
        "MISC": "other name (nationality, event, work, product)",
    }
)

GMB_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "art": "artefact (product, work)",
        "eve": "event",
        "geo": "geographical place",
        "gpe": "geopolitical entity (a country, its government or people)",
        "nat": "natural phenomenon",
        "org": "organisation",
        "per": "person",
        "tim": "time (date, period)",
    }
)

CHUNK_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "NP": "noun phrase",
        "VP": "verb phrase",
        "PP": "prepositional phrase",
        "ADJP": "adjective phrase",
        "ADVP": "adverb phrase",
        "SBAR": "subordinate clause's opening word",
        "PRT": "particle",
        "CONJP": "conjunction phrase",
        "INTJ": "interjection",
        "LST": "list marker",
        "UCP": "coordination of unlike phrases",
    }
)

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        **PARTS_OF_SPEECH,
        **CONLL_LABELS,
        **GMB_LABELS,
        **CHUNK_LABELS,
        "O": "outside every entity",
    }
)

# How corpora spell Penn tags that their own format could not hold.
_SPELLINGS = {
    '"': "''",
    "-LRB-": "(",
    "-RRB-": ")",
    "LRB": "(",
    "RRB": ")",
    ";": ":",
}


def meaning(tag: str) -> str | None:
    """What a tag or label means, or None if it is not known.

    A tag's scheme prefix does not matter (`B-PER` means what `PER` means); of joined tags
    (`NN|SYM`) all must be known.
    """
    known = MEANINGS.get(_SPELLINGS.get(tag, tag))
    if known is not None:
        return known
    prefix, hyphen, label = tag.partition("-")
    if hyphen and len(prefix) == 1 and prefix in "BIESLU":
        return MEANINGS.get(label)
    parts = [meaning(part) for part in tag.split("|")] if "|" in tag else [None]
    return None if None in parts else " or ".join(part for part in parts if part)
