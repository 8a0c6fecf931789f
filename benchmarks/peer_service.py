"""The plain way to serve: one FastAPI handler around Hugging Face's pipeline.

    python benchmarks/peer_service.py MODEL PORT

The pipeline runs the model's own encoder with a linear head of as many tags, whose weights are
drawn at random: what it finds is of no use, and what it costs is what a trained one costs.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
import transformers
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from posner.backends.torch import TorchBackend
from posner.folder import TOKENIZER, find_model
from posner.loading import load


class Body(BaseModel):
    """What the handler takes."""

    inputs: str


def main() -> int:
    """Serve until ended."""
    folder, port = sys.argv[1], int(sys.argv[2])
    pipeline = plain_pipeline(folder)
    app = FastAPI()

    @app.post("/predict")
    def predict(body: Body) -> list[dict[str, Any]]:
        found = pipeline(body.inputs)
        return [{**entity, "score": float(entity["score"])} for entity in found]

    @app.get("/readyz")
    def ready() -> dict[str, str]:
        return {"status": "ok"}

    uvicorn.run(app, port=port, log_level="warning", access_log=False)
    return 0


def plain_pipeline(folder: str) -> Any:
    """Hugging Face's pipeline over a Posner model's encoder."""
    recognizer = load(folder, device="cpu")
    assert isinstance(recognizer.backend, TorchBackend)
    encoder: Any = recognizer.backend.network.encoder
    config = encoder.config
    config.num_labels = len(recognizer.manifest.tags)
    config.id2label = dict(enumerate(recognizer.manifest.tags))
    config.label2id = {tag: i for i, tag in enumerate(recognizer.manifest.tags)}
    torch.manual_seed(1)
    model = transformers.AutoModelForTokenClassification.from_config(config)
    model.base_model.load_state_dict(encoder.state_dict(), strict=False)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(find_model(folder) / TOKENIZER),
        model_max_length=recognizer.manifest.window,
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        unk_token="[UNK]",
    )
    return transformers.pipeline(
        "token-classification",
        model=model.eval(),
        tokenizer=tokenizer,
        aggregation_strategy="simple",
    )


if __name__ == "__main__":
    sys.exit(main())
