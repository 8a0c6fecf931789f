"""Tiny token classifiers with random weights, in folders as transformers saves them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers
from tokenizers import decoders, models, pre_tokenizers, processors

import tiny

KINDS = (
    "bert",
    "distilbert",
    "electra",
    "roberta",
    "modernbert",
    "xlm-roberta",
    "deberta-v2",
    "albert",
)
CONLL = ("O", "B-MISC", "I-MISC", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")

_SIZES: dict[str, Any] = {
    "hidden_size": tiny.WIDTH,
    "num_hidden_layers": tiny.LAYERS,
    "num_attention_heads": 2,
    "intermediate_size": 2 * tiny.WIDTH,
}
_OWN: dict[str, dict[str, Any]] = {
    "bert": {**_SIZES, "max_position_embeddings": 128},
    "distilbert": {
        "dim": tiny.WIDTH,
        "n_layers": tiny.LAYERS,
        "n_heads": 2,
        "hidden_dim": 2 * tiny.WIDTH,
        "max_position_embeddings": 128,
    },
    "electra": {**_SIZES, "embedding_size": 16, "max_position_embeddings": 128},
    "roberta": {**_SIZES, "max_position_embeddings": 130},
    "modernbert": {
        **_SIZES,
        "max_position_embeddings": 128,
        "cls_token_id": 0,
        "sep_token_id": 2,
        "reference_compile": False,
    },
    "xlm-roberta": {**_SIZES, "max_position_embeddings": 130},
    "deberta-v2": {
        **_SIZES,
        "max_position_embeddings": 128,
        "relative_attention": True,
        "position_buckets": 8,
        "pos_att_type": ["c2p", "p2c"],
    },
    "albert": {**_SIZES, "embedding_size": 16, "max_position_embeddings": 128},
}
_BERT_LIKE = ("bert", "distilbert", "electra")
BYTES = ("roberta", "modernbert")


def save_classifier(folder: Path, kind: str = "bert", names: Sequence[str] = CONLL) -> Path:
    """Save a 2-layer token classifier and its tokenizer."""
    tokenizer = _tokenizer(kind)
    special = {"unk": "[UNK]", "pad": "[PAD]", "cls": "[CLS]", "sep": "[SEP]"}
    if kind not in _BERT_LIKE:
        special = {"unk": "<unk>", "pad": "<pad>", "bos": "<s>", "eos": "</s>"}
    config = transformers.AutoConfig.for_model(
        kind,
        **_OWN[kind],
        vocab_size=tokenizer.get_vocab_size() + 4,  # some tokenizer classes add a mask
        pad_token_id=tokenizer.token_to_id(special["pad"]),
        bos_token_id=0,
        eos_token_id=2,
        id2label=dict(enumerate(names)),
        label2id={name: i for i, name in enumerate(names)},
    )
    torch.manual_seed(23)
    model = transformers.AutoModelForTokenClassification.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():  # wide enough that the labels differ
            parameter.add_(0.15 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    named = {f"{name}_token": piece for name, piece in special.items()}
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=128, **named
    ).save_pretrained(folder)
    return folder


def _tokenizer(kind: str) -> tokenizers.Tokenizer:
    if kind in _BERT_LIKE:
        return tiny.word_pieces()
    return tiny.byte_pieces() if kind in BYTES else _unigram()


def _unigram() -> tokenizers.Tokenizer:
    """SentencePiece's kind of pieces, with a few words whole."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,'-"
    scores = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -4.0)]
    scores += [(letter, -5.0) for letter in letters]
    words = ("the", "in", "Ada", "Oslo", "lives", "works")
    scores += [(f"\u2581{word}", -3.0) for word in words] + [("ing", -3.5), ("ville", -3.5)]
    tokenizer = tokenizers.Tokenizer(models.Unigram(scores, unk_id=3, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer
