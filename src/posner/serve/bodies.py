"""What requests hold and what answers look like; FastAPI checks and documents by these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from posner.schemes import OUTSIDE
from posner.serve.errors import UNKNOWN_KEY, wrong_field
from posner.serve.work import PIECEWISE, ModelFacts, Wanted


def _whole(text: str) -> str:
    text.encode()  # half of a surrogate pair is a ValueError
    return text


Text = Annotated[str, AfterValidator(_whole)]
Texts = Annotated[list[Text], Field(fail_fast=True)]
LabelNames = Annotated[list[Text], Field(fail_fast=True, max_length=1_000)]
Strategy = Literal["none", "simple", "first", "average", "max"]
Threshold = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
ModelName = Annotated[Text, Field(max_length=200)]


class Known(BaseModel):
    """What a client sends under names: no others than these."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _no_other_key(cls, given: Any) -> Any:
        """One unknown key is told, and what there is instead: a million would hold up everyone."""
        keys = given if isinstance(given, dict) else ()
        unknown = next((key for key in keys if key not in cls.model_fields), None)
        if unknown is not None:
            key = unknown.encode("utf-8", "replace").decode()[:100]
            allowed = ", ".join(cls.model_fields)
            raise PydanticCustomError(
                UNKNOWN_KEY, "not known here, expected {allowed}", {"key": key, "allowed": allowed}
            )
        return given


class Body(Known):
    """A request's body: no values of other types. Lists are given up at their first bad element."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Asked(Known):
    """How to answer, in a body or a query."""

    aggregation_strategy: Strategy = Field(
        default="simple",
        description="`none`: pieces with tags. All others: entities; they are the same, "
        "since a word never has two labels.",
    )
    threshold: Threshold | None = Field(
        default=None,
        description="Entities with a smaller score are left out; null: the model's own threshold.",
    )
    labels: LabelNames | None = Field(default=None, description="The labels to keep; null: all.")
    ignore_labels: LabelNames = Field(default=[], description="Labels to leave out.")
    lexicon: bool = Field(default=True, description="Whether the service's lexicon is applied.")
    model: ModelName | None = Field(
        default=None, description="A model's name; null: the default one."
    )

    def wanted(self, facts: ModelFacts, within: str = "") -> Wanted:
        """What is wanted of a text by a model of which this is known.

        Args:
            facts: of the model.
            within: what stands before a field's name where clients give it.

        Raises:
            ServiceError: pieces are wanted, and the model tags whole words; no such label.
        """
        pieces = self.aggregation_strategy == PIECEWISE
        if pieces and not facts.is_recognizer:
            raise wrong_field(
                f"{within}aggregation_strategy",
                f"this model tags whole words, so {PIECEWISE} has no pieces to answer with",
            )
        for name, labels in (("labels", self.labels), ("ignore_labels", self.ignore_labels)):
            # A lexicon may have labels of its own. O is what others leave out by default.
            odd = set(labels or ()) - {*facts.labels, OUTSIDE}
            if odd and not facts.lexicon:
                raise wrong_field(
                    f"{within}{name}",
                    f"the model has no label {min(odd)[:100]}, expected {', '.join(facts.labels)}",
                )
        return Wanted(
            pieces=pieces,
            threshold=self.threshold,
            lexicon=self.lexicon,
            labels=None if self.labels is None else frozenset(self.labels),
            ignored=frozenset(self.ignore_labels),
        )


class Parameters(Body, Asked):
    """How to answer."""


class PredictBody(Body):
    """One text, or several."""

    inputs: Text | Texts = Field(description="A text, or several.")
    parameters: Parameters = Parameters()

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"inputs": "Ada Lovelace lived in London."}]},
    )


class AnalyzeBody(Body):
    """Texts of the page."""

    texts: Texts = Field(description="The texts.")
    model: ModelName | None = Field(
        default=None, description="A model's name; null: the default one."
    )


class EntityAnswer(BaseModel):
    """One entity. `end` is exclusive; offsets count characters (Unicode code points)."""

    entity_group: str
    score: float | None
    word: str
    start: int
    end: int
    corrected: str | None = None
    id: str | None = None
    similarity: float | None = None
    changes: list[str] = []


class PieceAnswer(BaseModel):
    """One piece with its tag (`aggregation_strategy` `none`)."""

    entity: str
    score: float
    index: int
    word: str
    start: int
    end: int


Answer = list[EntityAnswer] | list[PieceAnswer]


class AnalyzedText(BaseModel):
    """What was found in one text: entities, and `[start, end, sentence]` of each word."""

    entities: list[EntityAnswer]
    words: list[tuple[int, int, int]]


class AnalyzeAnswer(BaseModel):
    """What was found in each text."""

    model: str
    documents: list[AnalyzedText]


class ErrorAnswer(BaseModel):
    """What was wrong."""

    error: str
    error_type: str
    field: str | None = None


class LabelInfo(BaseModel):
    """A label, what it means, and its colour on the page."""

    name: str
    meaning: str | None
    colour: str


class ModelInfo(BaseModel):
    """A model."""

    name: str
    default: bool
    labels: list[LabelInfo]
    scheme: str
    pos_tags: list[str]
    posner_version: str
    revision: str
    threshold: float
    thresholds: dict[str, float]
    lexicon: bool
    calibration: Any = None
    dev_f1: float | None = None


class InfoAnswer(BaseModel):
    """The service."""

    version: str
    models: list[ModelInfo]
    limits: dict[str, float]
    annotations: bool


class HealthAnswer(BaseModel):
    """How the service is: `ok`, `loading`, or `degraded` while no engine can answer."""

    status: Literal["ok", "loading", "degraded"]
    engines: int
    engines_ready: int
    texts_waiting: int
