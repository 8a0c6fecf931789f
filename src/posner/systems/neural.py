"""What both networks over word vectors share: words to rows, emissions, files, learning."""

from __future__ import annotations

import json
import shutil
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self, TypeVar

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from posner.batching import sorted_batches
from posner.document import Document
from posner.errors import ModelError
from posner.evaluation.model import score_documents
from posner.labels import IGNORED
from posner.model.saved import torch_device
from posner.systems.examples import Examples, filled
from posner.systems.labelling import gold_tags, tag_set
from posner.systems.learning import DevScore, Trainer
from posner.systems.manifest import SystemManifest
from posner.systems.recipes import NeuralRecipe
from posner.systems.system import System
from posner.systems.vectors import check_vectors
from posner.systems.vocabulary import PADDING, Vocabulary
from posner.systems.words import WordVectors, word_table
from posner.training.console import Reporter
from posner.training.develop import softmax_loss
from posner.training.watch import memory_gigabytes
from posner.windows import FloatArray

WEIGHTS = "model.safetensors"
WORDS = "vocabulary.json"
BATCH_WORDS = 4096
"""Padded words that prediction puts into one batch."""

N = TypeVar("N", bound=NeuralRecipe)


class WordNetwork(nn.Module):
    """A network from the rows of words to an emission a tag.

    Attributes:
        words: its layer of vectors.
    """

    words: WordVectors

    def forward(self, rows: Tensor) -> Tensor:
        """(sentences, words) rows, padded with `PADDING`, to (sentences, words, tags)."""
        raise NotImplementedError


class NeuralSystem(System[N]):
    """A network over word vectors.

    Args:
        manifest: what the model is.
        recipe: its settings.
        vocabulary: the words that have a vector.
        network: gives the emissions.
    """

    longest: ClassVar[int | None] = None
    """Words that the network sees at once; longer sentences are cut. None: any number."""

    def __init__(
        self, manifest: SystemManifest, recipe: N, vocabulary: Vocabulary, network: WordNetwork
    ) -> None:
        super().__init__(manifest, recipe)
        self.vocabulary = vocabulary
        self.network = network.eval()
        self.device = torch.device("cpu")

    @classmethod
    @abstractmethod
    def network_of(cls, recipe: N, rows: int, tags: int) -> WordNetwork:
        """The network, with random weights."""

    @classmethod
    def check(cls, recipe: N) -> None:
        """Refuse a file of vectors that is not there, or has another width."""
        if recipe.vectors.path:
            check_vectors(Path(recipe.vectors.path), recipe.vectors.width)

    @classmethod
    def fit(
        cls,
        name: str,
        train: Sequence[Document],
        dev: Sequence[Document],
        recipe: N,
        *,
        reporter: Reporter,
    ) -> Self:
        """Learn from documents, and keep the epoch that does best on `dev`."""
        torch.manual_seed(recipe.learning.seed)
        table = word_table(train, dev, recipe.vectors, reporter)
        labels = tuple(sorted({e.label for d in train for e in d.entities}))
        tags = tag_set(labels, merge=recipe.labels.merge)
        network = cls.network_of(recipe, len(table.vocabulary), len(tags))
        if table.pretrained is not None:
            network.words.fill(table.pretrained)
        system = cls(SystemManifest(name, recipe, labels, tags), recipe, table.vocabulary, network)
        system.move(recipe.learning.device)
        trainer = Trainer(
            network,
            system._examples(train, table.rare),
            lambda: system._judge(dev),
            recipe,
            reporter,
            system.device,
        )
        weights = sum(p.numel() for p in network.parameters())
        precision = "bf16" if trainer.bf16 else "fp32"
        reporter.say(f"{weights / 1e6:.1f} million weights, on {system.device} in {precision}")
        system.manifest = system.manifest.with_figures({"learning": {"epoch": trainer.run()}})
        return system

    def peak_gigabytes(self) -> float | None:
        """The most memory that learning took: the GPU's, or the machine's."""
        on_gpu = self.device.type == "cuda"
        return memory_gigabytes(self.device) if on_gpu else super().peak_gigabytes()

    @classmethod
    def read(cls, folder: Path, manifest: SystemManifest, recipe: N) -> Self:
        """The model of a folder.

        Raises:
            ModelError: its files are damaged or do not fit together.
        """
        try:
            words = json.loads((folder / WORDS).read_text(encoding="utf-8"))
            state = safetensors.torch.load_file(folder / WEIGHTS)
            vocabulary = Vocabulary(tuple(words))
            network = cls.network_of(recipe, len(vocabulary), len(manifest.tags))
            network.load_state_dict(state)
        except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
            detail = " ".join(str(error).split())[:200]
            raise ModelError("damaged", where=folder, got=detail) from error
        return cls(manifest, recipe, vocabulary, network.requires_grad_(False))

    def write(self, folder: Path) -> None:
        """The weights, and the words in the order of their rows."""
        tensors = {k: v.detach().cpu().contiguous() for k, v in self.network.state_dict().items()}
        safetensors.torch.save_file(tensors, folder / WEIGHTS)
        text = json.dumps(self.vocabulary.words, ensure_ascii=True, indent=0)
        (folder / WORDS).write_text(text + "\n", encoding="utf-8")
        shutil.copymode(folder / WORDS, folder / WEIGHTS)  # safetensors keeps all others out

    def move(self, device: str) -> None:
        """Compute on a device from now on."""
        self.device = torch_device(device)
        self.network.to(self.device)

    def emissions(self, documents: Sequence[Document]) -> list[FloatArray]:
        """(words, tags) for each sentence, alike in length together."""
        sentences = [self.vocabulary.rows(s.words) for d in documents for s in d.sentences]
        parts = [(i, part) for i, rows in enumerate(sentences) for part in self.cut(rows)]
        found: dict[int, FloatArray] = {}
        for indices in sorted_batches([len(rows) for _, rows in parts], BATCH_WORDS):
            batch = self._emissions([parts[i][1] for i in indices])
            found.update(zip(indices, batch, strict=True))
        gathered: list[list[FloatArray]] = [[] for _ in sentences]
        for place, (i, _) in enumerate(parts):
            gathered[i].append(found[place])
        empty = np.zeros((0, len(self.manifest.tags)), dtype=np.float32)
        return [np.concatenate(own) if own else empty for own in gathered]

    @torch.inference_mode()
    def _emissions(self, rows: Sequence[Sequence[int]]) -> list[FloatArray]:
        """(words, tags) for each run of rows, none of them empty."""
        self.network.eval()
        out = (
            self.network(torch.from_numpy(filled(rows, PADDING)).to(self.device))
            .float()
            .cpu()
            .numpy()
        )
        return [own[: len(run)] for own, run in zip(out, rows, strict=True)]

    @classmethod
    def cut(cls, rows: list[int]) -> list[list[int]]:
        """A sentence in runs that the network can hold; none where it has no words."""
        step = cls.longest or max(1, len(rows))
        return [rows[i : i + step] for i in range(0, len(rows), step)]

    def _judge(self, dev: Sequence[Document]) -> DevScore:
        """Tag and score the dev set as any other text."""
        emissions = self.emissions(dev)
        evaluation = score_documents(dev, self.assemble(dev, emissions), has_pos=False)
        gold = [tags for document in dev for tags in self._indices(document)]
        return DevScore(evaluation.counts.ratios, mean_loss(emissions, gold))

    def _examples(self, documents: Sequence[Document], rare: frozenset[int]) -> Examples:
        """Rows and tags of what is learned; tags that the network does not know are `IGNORED`."""
        rows: list[list[int]] = []
        tags: list[list[int]] = []
        for document in documents:
            for sentence, own in zip(document.sentences, self._indices(document), strict=True):
                rows += self.cut(self.vocabulary.rows(sentence.words))
                tags += self.cut(own)
        return Examples(rows, tags, rare)

    def _indices(self, document: Document) -> list[list[int]]:
        """The index of each word's gold tag, sentence by sentence."""
        index = {tag: i for i, tag in enumerate(self.manifest.tags)}
        gold = gold_tags(document, merge=self.recipe.labels.merge)
        return [[index.get(tag, IGNORED) for tag in tags] for tags in gold]


def mean_loss(emissions: Sequence[FloatArray], gold: Sequence[Sequence[int]]) -> float:
    """The mean cross-entropy of known tags, over all words: (words, tags) against (words,) each."""
    total, words = 0.0, 0
    for rows, tags in zip(emissions, gold, strict=True):
        known = np.array(tags, dtype=np.int64) != IGNORED
        if known.any():
            total += softmax_loss(rows[known], np.array(tags, dtype=np.int64)[known])
            words += int(known.sum())
    return total / words if words else 0.0
