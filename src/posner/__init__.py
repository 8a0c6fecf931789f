"""Posner: customise a pretrained BERT into a named-entity recogniser, and run it well."""

from __future__ import annotations

__version__ = "0.1.0"
