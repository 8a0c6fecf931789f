"""The training set of each epoch where augmentation changes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from posner.align import Encoder, PieceTokenizer
from posner.collector import collector_paused
from posner.document import Document
from posner.folder import Manifest
from posner.recognizer import window_plan
from posner.training.augment import MentionTable, augmented
from posner.training.lexicon import Lexicon
from posner.training.prepare import PreparedSet, prepare


@dataclass(frozen=True)
class FreshSets:
    """Prepares the training documents as each epoch changes them.

    Attributes:
        documents: as they were read.
        table: what may stand in a mention's place.
        with_lexicon: whether some of that came from a lexicon.
        manifest: knows the recipe, the seed and the tags.
        tokenizer: splits words.
    """

    documents: Sequence[Document]
    table: MentionTable
    with_lexicon: bool
    manifest: Manifest
    tokenizer: PieceTokenizer

    @classmethod
    def of(
        cls,
        documents: Sequence[Document],
        lexicon: Lexicon,
        manifest: Manifest,
        tokenizer: PieceTokenizer,
    ) -> FreshSets | None:
        """For the manifest's recipe; None if it augments nothing."""
        if not manifest.recipe.augment.on:
            return None
        table = MentionTable.of(documents if manifest.recipe.augment.mentions else (), lexicon)
        return cls(documents, table, bool(lexicon), manifest, tokenizer)

    @collector_paused()
    def __call__(self, epoch: int) -> PreparedSet:
        """What epoch `epoch`, counted from 0, learns from: a function of the seed and of it."""
        recipe = self.manifest.recipe
        seed = recipe.training.seed
        documents = augmented(self.documents, self.table, recipe.augment, seed, epoch)
        encoder = Encoder(self.tokenizer, self.manifest.characters)
        plan = window_plan(self.manifest, self.tokenizer)
        return prepare(documents, self.manifest, encoder, plan)

    def announcement(self) -> Iterator[str]:
        """What is going to be done."""
        augment = self.manifest.recipe.augment
        done = []
        if augment.mentions:
            source = " and the lexicon" if self.with_lexicon else ""
            done.append(
                f"{100 * augment.mentions:g} % of the mentions are replaced, from "
                f"{self.table.size:,} distinct ones of the training data{source}"
            )
        if augment.casing:
            done.append(f"{100 * augment.casing:g} % of the sentences change their case")
        yield f"anew in each epoch: {'; '.join(done)}"
