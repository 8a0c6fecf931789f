"""The process in which another toolkit is measured; reads its task from standard input."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from posner.bench.measure import Loaded, measure


def main() -> int:
    """Measure what standard input says, and print the figures as one line of JSON."""
    task = json.load(sys.stdin)
    loader = {"pipeline": load_pipeline, "spacy": load_spacy}[task["system"]]
    speed = measure(
        lambda: loader(task), task["texts"], begun=task["begun"], seconds=task["seconds"]
    )
    print(json.dumps(speed.to_json()))
    return 0


def load_pipeline(task: dict[str, Any]) -> Loaded:
    """transformers' own pipeline; its words are those that the task counts."""
    import transformers

    transformers.utils.logging.set_verbosity_error()
    pipeline = transformers.pipeline(
        "token-classification", model=task["model"], aggregation_strategy="simple", device="cpu"
    )

    def many(texts: Sequence[str]) -> int:
        for _ in pipeline(list(texts), batch_size=task["batch_size"]):
            pass
        return int(sum(task["words"][: len(texts)]))

    return Loaded(one=pipeline, many=many)


def load_spacy(task: dict[str, Any]) -> Loaded:
    """spaCy with only what its entity recogniser needs, in as many processes as the task says."""
    import spacy

    nlp = spacy.load(task["model"])
    recogniser: Any = nlp.get_pipe("ner")
    # Its own layers, or those of a component before it.
    listens = any("listener" in layer.name for layer in recogniser.model.walk())
    for name in list(nlp.pipe_names):
        if name != "ner" and not (listens and name == "tok2vec"):
            nlp.remove_pipe(name)

    def many(texts: Sequence[str]) -> int:
        for document in nlp.pipe(texts, n_process=task["processes"]):
            _ = document.ents
        return int(sum(task["words"][: len(texts)]))

    return Loaded(one=nlp, many=many)


if __name__ == "__main__":
    sys.exit(main())
