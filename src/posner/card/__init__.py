"""The model card: a folder's `README.md`, in Hugging Face's metadata format."""

from posner.card.card import CARD, model_card
from posner.card.transformers import transformers_card

__all__ = ["CARD", "model_card", "transformers_card"]
