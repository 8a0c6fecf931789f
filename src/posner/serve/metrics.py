"""What Prometheus reads: load, speed, and what is found, so that drift shows.

Drift is told by what models find in the texts of `/predict` and its stream, before thresholds and
labels leave anything out: neither clients' wishes, nor the page, nor the queue's ratings change it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from posner.serve.batching import JobBatch
from posner.serve.work import Found

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_TENTHS = tuple(i / 10 for i in range(1, 11))


class Metrics:
    """The figures of one service.

    Args:
        budget: padded tokens of a full batch.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "posner_requests", "Requests", ["route", "status"], registry=registry
        )
        self.request_seconds = Histogram(
            "posner_request_seconds",
            "From a request's first byte to its answer's last",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.texts = Counter("posner_texts", "Texts answered", ["model"], registry=registry)
        self.words = Counter("posner_words", "Words answered", ["model"], registry=registry)
        self.queue_seconds = Histogram(
            "posner_queue_seconds",
            "Seconds that texts wait",
            buckets=(0.001, 0.002, *_SECONDS),
            registry=registry,
        )
        self.batch_seconds = Histogram(
            "posner_batch_seconds",
            "Seconds that a batch is computed",
            buckets=_SECONDS,
            registry=registry,
        )
        self.batch_texts = Histogram(
            "posner_batch_texts",
            "Texts of a batch",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
            registry=registry,
        )
        self.batch_fill = Histogram(
            "posner_batch_fill",
            "Padded tokens of a batch, as a share of the budget",
            buckets=_TENTHS,
            registry=registry,
        )
        self.entities = Counter(
            "posner_entities",
            "Entities found",
            ["model", "label"],
            registry=registry,
        )
        self.scores = Histogram(
            "posner_entity_score",
            "Scores of the entities found",
            ["model", "label"],
            buckets=_TENTHS,
            registry=registry,
        )
        self.deaths = Counter(
            "posner_engine_deaths", "Inference processes that ended", registry=registry
        )
        self.dropped = Counter(
            "posner_texts_given_up", "Texts that nobody waited for any more", registry=registry
        )

    def gauge(self, name: str, help: str, value: Callable[[], float]) -> None:
        """A figure that is looked up whenever it is read."""
        Gauge(name, help, registry=self.registry).set_function(value)

    def computed(self, batch: JobBatch, found: Sequence[Found], seconds: float) -> None:
        """A batch was answered."""
        model = batch.model
        self.batch_seconds.observe(seconds)
        self.batch_texts.observe(len(batch.jobs))
        self.batch_fill.observe(batch.load.padded / self.budget)
        self.texts.labels(model).inc(sum(f.rest is None for f in found))
        self.words.labels(model).inc(sum(f.word_count for f in found))

    def answered(self, model: str, found: Sequence[Found]) -> None:
        """Texts of clients were answered: what the model found in them, and not what they kept."""
        for label, score in (entity for one in found for entity in one.raw):
            self.entities.labels(model, label).inc()
            if score is not None:
                self.scores.labels(model, label).observe(score)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)
