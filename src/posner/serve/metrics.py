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
_POWERS = tuple(2**i for i in range(10))


class Metrics:
    """The figures of one service.

    Args:
        budget: padded tokens of a full batch.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.registry = CollectorRegistry()
        self.requests = self._counter("requests", "Requests", "route", "status")
        self.request_seconds = self._histogram(
            "request_seconds", "From a request's first byte to its answer's last", _SECONDS, "route"
        )
        self.texts = self._counter("texts", "Texts answered", "model")
        self.words = self._counter("words", "Words answered", "model")
        self.queue_seconds = self._histogram(
            "queue_seconds", "Seconds that texts wait", (0.001, 0.002, *_SECONDS)
        )
        self.batch_seconds = self._histogram(
            "batch_seconds", "Seconds that a batch is computed", _SECONDS
        )
        self.batch_texts = self._histogram("batch_texts", "Texts of a batch", _POWERS)
        self.batch_fill = self._histogram(
            "batch_fill", "Padded tokens of a batch, as a share of the budget", _TENTHS
        )
        self.entities = self._counter("entities", "Entities found", "model", "label")
        self.scores = self._histogram(
            "entity_score", "Scores of the entities found", _TENTHS, "model", "label"
        )
        self.deaths = self._counter("engine_deaths", "Inference processes that ended")
        self.dropped = self._counter("texts_given_up", "Texts that nobody waited for any more")

    def _counter(self, name: str, help: str, *labels: str) -> Counter:
        return Counter(f"posner_{name}", help, labels, registry=self.registry)

    def _histogram(self, name: str, help: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(f"posner_{name}", help, labels, buckets=buckets, registry=self.registry)

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
