"""The plain way to serve: one FastAPI handler around Hugging Face's pipeline.

    python benchmarks/peer_service.py FOLDER PORT

FOLDER is a token classifier that transformers opens, as `posner export --to huggingface` writes it.
"""

from __future__ import annotations

import sys
from typing import Any

import transformers
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class Body(BaseModel):
    """What the handler takes."""

    inputs: str


def main() -> int:
    """Serve until ended."""
    folder, port = sys.argv[1], int(sys.argv[2])
    pipeline: Any = transformers.pipeline(
        "token-classification", model=folder, aggregation_strategy="simple"
    )
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


if __name__ == "__main__":
    sys.exit(main())
