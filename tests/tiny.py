"""Tiny seeded encoders with their tokenizers, and a small corpus: offline, in seconds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors
from torch import nn

from posner.align import PieceTokenizer
from posner.corpus import Corpus, write
from posner.document import Document, WordRow, WordSentence, document_from_words
from posner.folder import Manifest
from posner.model.backbone import load_backbone
from posner.model.network import Network, build_network, required_head_tags
from posner.recipe import BackboneRecipe, Recipe, load_recipe
from posner.schemes import Span
from posner.training.prepare import tag_sets
from posner.word_features import alphabet_of

WIDTH = 32
LAYERS = 2
KINDS = ("bert", "roberta", "distilbert")

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,'-"
_WORDS = ("the", "in", "met", "works", "for", "lives", "ada", "oslo", "##son", "##ville", "##ing")


def save_encoder(folder: Path, kind: str = "bert") -> Path:
    """Save a 2-layer encoder with random weights and its tokenizer, as transformers would."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = byte_pieces() if kind == "roberta" else word_pieces()
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(11)
    config = _config(kind, tokenizer.get_vocab_size())
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    return folder


def _config(kind: str, pieces: int) -> Any:
    if kind == "distilbert":
        return transformers.DistilBertConfig(
            vocab_size=pieces,
            dim=WIDTH,
            n_layers=LAYERS,
            n_heads=2,
            hidden_dim=2 * WIDTH,
            max_position_embeddings=128,
        )
    shared = {
        "vocab_size": pieces,
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "intermediate_size": 2 * WIDTH,
    }
    if kind == "roberta":
        return transformers.RobertaConfig(
            **shared, max_position_embeddings=130, pad_token_id=1, bos_token_id=0, eos_token_id=2
        )
    return transformers.BertConfig(**shared, max_position_embeddings=128)


def word_pieces() -> tokenizers.Tokenizer:
    """WordPiece over letters and a few words, lower-cased like the embedded backbone's."""
    listed = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    listed += [*_LETTERS, *(f"##{letter}" for letter in _LETTERS), *_WORDS]
    tokenizer = tokenizers.Tokenizer(
        models.WordPiece({piece: i for i, piece in enumerate(listed)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def byte_pieces() -> tokenizers.Tokenizer:
    """Byte-level BPE with a few merges; as published, without the space before the first word."""
    listed = ["<s>", "<pad>", "</s>", "<unk>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    merges = [("\u0120", "a"), ("o", "n"), ("i", "n"), ("\u0120", "O")]
    listed += ["".join(pair) for pair in merges]
    tokenizer = tokenizers.Tokenizer(
        models.BPE({piece: i for i, piece in enumerate(listed)}, merges, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False
    )
    return tokenizer


_PEOPLE = ("Ada Marsh", "Ben Hollis", "Clara Voss", "Dora Penn", "Emil Stone", "Fay Larkin")
_PLACES = ("Oslo", "Lima", "Turin", "New Haven", "Quito", "Porto")
_FIRMS = ("Acme", "Brightwater Mills", "Corvo Ltd", "Delta Works", "Ostrava Steel", "Fennec")
_TEMPLATES = (
    "{PER} lives in {LOC} .",
    "{PER} works for {ORG} in {LOC} .",
    "the boats of {LOC} belong to {ORG} .",
    "yesterday it rained for hours .",
    "{ORG} thanked {PER} and left .",
)
_POS = {".": ".", "in": "IN", "for": "IN", "of": "IN", "to": "IN", "the": "DT", "it": "PRP"}


def documents(count: int, first: int = 0) -> list[Document]:
    """Documents of four sentences each, with PER, ORG, LOC, parts of speech and chunks."""
    return [
        document_from_words([_sentence(4 * d + s) for s in range(4)], id=f"d{d}")
        for d in range(first, first + count)
    ]


def _sentence(number: int) -> WordSentence:
    values = {
        "PER": _PEOPLE[number % len(_PEOPLE)],
        "LOC": _PLACES[number * 5 // 3 % len(_PLACES)],
        "ORG": _FIRMS[number * 7 // 5 % len(_FIRMS)],
    }
    words: list[str] = []
    spans: list[Span] = []
    for part in _TEMPLATES[number % len(_TEMPLATES)].split():
        label = part.strip("{}")
        new = values[label].split() if part.startswith("{") else [part]
        if part.startswith("{"):
            spans.append(Span(len(words), len(words) + len(new), label))
        words += new
    rows = [WordRow(w, _POS.get(w, "NNP" if w[0].isupper() else "NN"), "B-NP") for w in words]
    return WordSentence(tuple(rows), tuple(spans), number)


def corpus(count: int, first: int = 0, name: str = "toy.conll") -> Corpus:
    """The documents as a corpus that no file holds."""
    return Corpus(path=name, documents=tuple(documents(count, first)), format="conll")


def save_corpus(path: Path, count: int, first: int = 0) -> Path:
    """The documents as a CoNLL file."""
    write(corpus(count, first), path)
    return path


def labelled(sentences: Sequence[tuple[str, Sequence[tuple[int, int, str]]]]) -> Document:
    """A document from sentences of space-separated words and their spans of words."""
    return document_from_words(
        [
            WordSentence(tuple(WordRow(w) for w in text.split(" ")), tuple(Span(*s) for s in spans))
            for text, spans in sentences
        ]
    )


def recipe(encoder: Path, values: Mapping[str, Any] | None = None) -> Recipe:
    """The default recipe on a tiny encoder, small and in float32, with values of its own."""
    small = {
        "backbone.name": str(encoder),
        "data.overlap": 8,
        "attention.width": 16,
        "attention.heads": 2,
        "heads.entity": "softmax",
        "features.character-width": 8,
        "features.surface": False,
        "training.epochs": 2,
        "training.batch-pieces": 256,
        "training.mask": 0.0,
        "training.learning-rate": 1e-3,
        "training.head-learning-rate": 1e-2,
        "training.precision": "fp32",
        "training.device": "cpu",
    }
    return load_recipe("default").with_values({**small, **(values or {})}, where="test")


@dataclasses.dataclass(frozen=True)
class Untrained:
    """A network that was never trained, with what belongs to it."""

    network: Network
    manifest: Manifest
    tokenizer: PieceTokenizer


def untrained(settings: Recipe, seed: int = 3) -> Untrained:
    """A network over the toy corpus's labels, its new weights spread widely enough to matter."""
    learned = corpus(3)
    tags = tag_sets(learned)
    backbone = load_backbone(settings.backbone, dropout=0.0)
    pos, chunk = required_head_tags(settings, tags.pos, tags.chunk)
    manifest = Manifest(
        recipe=settings,
        labels=tags.labels,
        window=backbone.window,
        pos_tags=pos,
        chunk_tags=chunk,
        characters=alphabet_of(learned.documents) if settings.features.characters else "",
    )
    torch.manual_seed(seed)
    network = build_network(backbone.encoder, manifest)
    with torch.no_grad():
        for parameter in parameters_above_encoder(network):
            parameter.add_(0.3 * torch.randn_like(parameter))
    return Untrained(network.eval(), manifest, backbone.tokenizer)


def backbone_recipe(encoder: Path) -> BackboneRecipe:
    """The recipe section that names a tiny encoder."""
    return BackboneRecipe(name=str(encoder))


def endless(texts: Sequence[str]) -> Iterator[str]:
    """The texts again and again, without end."""
    while True:
        yield from texts


def parameters_above_encoder(network: Network) -> list[nn.Parameter]:
    """Everything that was not pretrained."""
    inner = {id(p) for p in network.encoder.parameters()}
    return [p for p in network.parameters() if id(p) not in inner]
