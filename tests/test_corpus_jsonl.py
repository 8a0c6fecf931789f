"""JSON Lines: the three flavours, what they carry through, what they report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from posner.corpus import Problem, read, write
from posner.errors import DataError

DOCCANO: list[dict[str, Any]] = [
    {"id": 5, "text": "Ann saw Oslo.", "label": [[0, 3, "PER"], [8, 12, "LOC"]], "user": "x"},
    {"id": 6, "text": "None.", "label": [], "Comments": []},
]
DOCCANO_OBJECTS: list[dict[str, Any]] = [
    {
        "id": 5,
        "text": "Ann saw Oslo.",
        "entities": [{"id": 1, "label": "PER", "start_offset": 0, "end_offset": 3}],
        "relations": [{"id": 2, "from_id": 1, "to_id": 1, "type": "same"}],
    }
]
PRODIGY: list[dict[str, Any]] = [
    {
        "text": "Ann saw Oslo.",
        "_input_hash": 77,
        "tokens": [
            {"text": "Ann", "start": 0, "end": 3, "id": 0, "ws": True},
            {"text": "saw", "start": 4, "end": 7, "id": 1, "ws": True},
            {"text": "Oslo", "start": 8, "end": 12, "id": 2, "ws": False},
            {"text": ".", "start": 12, "end": 13, "id": 3, "ws": False},
        ],
        "spans": [
            {"start": 8, "end": 12, "label": "LOC", "token_start": 2, "token_end": 2, "src": "m"}
        ],
        "answer": "accept",
    }
]
LABELSTUDIO: list[dict[str, Any]] = [
    {
        "id": 9,
        "data": {"text": "Ann saw Oslo.", "source": "mail"},
        "annotations": [
            {"id": 1, "was_cancelled": True, "result": []},
            {
                "id": 2,
                "completed_by": 4,
                "result": [
                    {
                        "id": "abc",
                        "from_name": "ner",
                        "to_name": "t",
                        "type": "labels",
                        "value": {"start": 0, "end": 3, "text": "Ann", "labels": ["PER"]},
                    },
                    {"id": "r", "type": "choices", "value": {"choices": ["good"]}},
                ],
            },
        ],
        "meta": {"batch": 3},
    }
]


def put(folder: Path, records: list[dict[str, Any]], *, array: bool = False) -> Path:
    path = folder / ("data.json" if array else "data.jsonl")
    lines = [json.dumps(r, ensure_ascii=False) for r in records]
    path.write_text(json.dumps(records) if array else "\n".join(lines) + "\n", encoding="utf-8")
    return path


def found(path: Path) -> tuple[list[tuple[str, str]], list[Problem]]:
    problems: list[Problem] = []
    corpus = read(path, problems=problems)
    return [(e.text, e.label) for d in corpus.documents for e in d.entities], problems


@pytest.mark.parametrize(
    ("records", "flavour", "entities"),
    [
        (DOCCANO, "doccano", [("Ann", "PER"), ("Oslo", "LOC")]),
        (DOCCANO_OBJECTS, "doccano", [("Ann", "PER")]),
        (PRODIGY, "prodigy", [("Oslo", "LOC")]),
        (LABELSTUDIO, "labelstudio", [("Ann", "PER")]),
    ],
)
@pytest.mark.parametrize("array", [False, True])
def test_flavours_are_told_by_their_keys_and_written_back(
    tmp_path: Path,
    records: list[dict[str, Any]],
    flavour: str,
    entities: list[tuple[str, str]],
    array: bool,
) -> None:
    source = put(tmp_path, records, array=array)
    corpus = read(source)
    assert (corpus.format, corpus.layout.flavour, corpus.layout.array) == ("jsonl", flavour, array)
    assert found(source) == (entities, [])
    target = tmp_path / ("out" + source.suffix)
    assert write(corpus, target) == []
    text = target.read_text(encoding="utf-8")
    written = json.loads(text) if array else [json.loads(line) for line in text.splitlines()]
    assert read(target).documents == corpus.documents
    for one, other in zip(records, written, strict=True):
        assert holds(other, one), (one, other)


def holds(written: Any, original: Any) -> bool:
    """Whether everything that stood in the original stands in what was written."""
    if isinstance(original, dict):
        return isinstance(written, dict) and all(
            key in written and holds(written[key], value) for key, value in original.items()
        )
    if isinstance(original, list) and original and isinstance(original[0], dict):
        return all(any(holds(w, o) for w in written) for o in original)
    return bool(written == original)


def test_label_studio_counts_utf16_units_where_its_text_says_so(tmp_path: Path) -> None:
    value = {"start": 3, "end": 7, "text": "Oslo", "labels": ["LOC", "CITY"]}
    task = {"data": {"text": "😀 Oslo"}, "annotations": [{"result": [{"value": value}]}]}
    assert found(put(tmp_path, [task])) == ([("Oslo", "LOC"), ("Oslo", "CITY")], [])


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"text": "Ann ran", "label": [[0, 2, "P"]]}, "misaligned-span"),
        ({"text": "Ann ran", "label": [[0, 4, "P"]]}, "misaligned-span"),
        ({"text": "Ann ran", "label": [[3, 4, "P"]]}, "misaligned-span"),
        ({"text": "Ann", "label": [[0, 9, "P"]]}, "span-outside-text"),
        ({"text": "Ann", "label": [[2, 2, "P"]]}, "span-outside-text"),
        ({"text": "Ann", "label": [[0, "3", "P"]]}, "malformed-span"),
        ({"text": "Ann", "label": ["P"]}, "malformed-span"),
        ({"text": "Ann", "entities": [{"start": 0, "end": 3, "labels": []}]}, "malformed-span"),
        ({"label": []}, "malformed-record"),
        ({"text": "Ann", "spans": [{"start": 0, "end": 3, "label": None}]}, "malformed-span"),
        ({"text": "Ann", "spans": [], "answer": "reject"}, "not-accepted"),
        ({"text": "Ann", "tokens": [{"start": 0, "end": 9}], "spans": []}, "malformed-tokens"),
        ({"text": "Ann", "tokens": 3, "spans": []}, "malformed-tokens"),
        ({"data": {"text": "Ann"}, "annotations": []}, "no-annotation"),
        (
            {
                "data": {"text": "Ann"},
                "annotations": [
                    {"result": [{"value": {"start": 0, "end": 3, "text": "Bob", "labels": ["P"]}}]}
                ],
            },
            "span-text-mismatch",
        ),
        *(
            ({"data": {"text": "Ann"}, "annotations": [{"result": [result]}]}, "malformed-span")
            for result in (
                {"type": "labels", "value": {"start": 0, "end": 3, "labels": []}},
                {"type": "labels", "value": None},
                {
                    "type": "hypertextlabels",
                    "value": {
                        "start": "/p[1]/text()[1]",
                        "end": "/p[1]/text()[1]",
                        "startOffset": 0,
                        "endOffset": 3,
                        "globalOffsets": {"start": 0, "end": 3},
                        "hypertextlabels": ["PER"],
                    },
                },
                "P",
            )
        ),
    ],
)
def test_problems_are_reported_with_their_line(
    tmp_path: Path, record: dict[str, Any], kind: str
) -> None:
    fine = {"text": "Fine.", "label": []}
    _, problems = found(put(tmp_path, [fine, record]))
    assert [(p.line, p.kind) for p in problems] == [(2, kind)]
    assert problems[0].remedy
    with pytest.raises(DataError):
        read(put(tmp_path, [fine, record]))


def test_broken_json_costs_only_its_line(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"text": "a", "label": []}\n{"text": \n[1]\n{"text": "b", "label": []}\n')
    problems: list[Problem] = []
    corpus = read(path, problems=problems)
    assert [(p.line, p.kind) for p in problems] == [
        (2, "malformed-json"),
        (3, "malformed-record"),
    ]
    assert [d.text for d in corpus.documents] == ["a", "b"]


FINE = [json.dumps({"text": name, "label": []}) for name in "abcd"]


@pytest.mark.parametrize("joint", [", ", ",\n"])
@pytest.mark.parametrize(
    ("bad", "kept"),
    [
        ('{"text": "b", "label": [],}', "acd"),
        ('{"text": "b" "label": []}', "acd"),
        ('{"text": "} he said \\"hi\\"", "label": [[0, 1, X]]}', "acd"),
        ('{"text": "b", "meta": {"text": }, "label": []}', "acd"),
        ('{"text": "b", "label": [}', "a"),
        ('{"text": "b", "label": []', "a"),
        ('{"text": "b, "label": []}', "a"),
        ("b", "a"),
    ],
)
def test_a_bad_record_of_an_array_hides_no_other(
    tmp_path: Path, bad: str, kept: str, joint: str
) -> None:
    path = tmp_path / "data.json"
    text = "[" + joint.join([FINE[0], bad, *FINE[2:]]) + "]"
    path.write_text(text)
    problems: list[Problem] = []
    corpus = read(path, format="jsonl", problems=problems)
    assert "".join(d.text for d in corpus.documents) == kept
    (problem,) = problems
    assert problem.line is not None
    if len(kept) > 1:
        assert problem.kind == "malformed-json"
    else:
        left = len(text) - len("[" + FINE[0] + joint)
        assert problem.kind == "malformed-array"
        assert f"the {left} characters from this record to the end" in problem.reason


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("]\n" + FINE[1], "26 characters follow the end of the array"),
        ("]]", "1 characters follow"),
        ("", "its ] is missing"),
        (",\n", "its ] is missing"),
    ],
)
def test_what_follows_an_array_is_reported(tmp_path: Path, end: str, reason: str) -> None:
    path = tmp_path / "data.json"
    path.write_text(f"[{FINE[0]}{end}")
    problems: list[Problem] = []
    assert [d.text for d in read(path, problems=problems).documents] == ["a"]
    assert [p.kind for p in problems] == ["malformed-array"]
    assert reason in problems[0].reason


def test_half_a_surrogate_pair_is_written_as_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text(
        '{"text": "\\ud83d caf\\u00e9", "label": []}\n{"text": "\\u00e9", "label": []}\n'
    )
    assert write(read(path), tmp_path / "out.jsonl", format="doccano") == []
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert "\\ud83d caf\\u00e9" in lines[0]
    assert "\u00e9" in lines[1]
    assert read(tmp_path / "out.jsonl").documents[0].text == "\ud83d caf\u00e9"


def test_array_problems_have_lines(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text('[\n{"text": "a", "label": []},\n\n{"text": "b", "label": [[0, 9, "X"]]}\n]\n')
    _, problems = found(path)
    assert [(p.line, p.kind) for p in problems] == [(4, "span-outside-text")]


def test_a_sentence_that_an_entity_crosses_is_one(tmp_path: Path) -> None:
    text = "We met at the fair. Nobody came."
    path = put(tmp_path, [{"text": text, "label": [[14, 26, "X"]]}])
    assert found(path)[1] == []
    assert len(list(read(path).sentences)) == 1


def test_columns_survive_json_lines(tmp_path: Path) -> None:
    source = tmp_path / "data.conll"
    source.write_text("# id = 1\nAnn NNP I-NP B-PER\n. . O O\n\nBob NNP I-NP B-PER\n\n")
    for flavour in ("doccano", "prodigy", "labelstudio"):
        write(read(source), tmp_path / f"{flavour}.jsonl", format=flavour)
        write(read(tmp_path / f"{flavour}.jsonl"), tmp_path / f"{flavour}.conll")
        assert (tmp_path / f"{flavour}.conll").read_text() == source.read_text()


def test_metadata_that_would_be_taken_for_spans_is_a_named_loss(tmp_path: Path) -> None:
    record = {"text": "Ann", "spans": [], "label": "positive"}
    losses = write(read(put(tmp_path, [record])), tmp_path / "out.jsonl", format="doccano")
    assert losses == ["doccano: the metadata 'label' of 1 documents is not held"]


ROWS = [
    {"id": "7", "tokens": ["Ann", "Lee", "ran"], "ner_tags": ["B-PER", "I-PER", "O"]},
    {"id": "8", "tokens": ["Oslo"], "ner_tags": ["B-LOC"]},
]
PAIR = ["Ann saw Oslo.", {"entities": [[0, 3, "PER"], [8, 12, "LOC"]]}]
BOTH = [("Ann", "PER"), ("Oslo", "LOC")]


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(json.dumps(row) for row in ROWS),
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        json.dumps({"version": 1, "data": ROWS}),
        json.dumps({"data": ROWS}, indent=2),
        json.dumps([{"words": r["tokens"], "tags": r["ner_tags"], "id": r["id"]} for r in ROWS]),
        json.dumps([{"text": "Ann Lee ran", **r} for r in ROWS]),
    ],
)
def test_words_and_tags_side_by_side(tmp_path: Path, text: str) -> None:
    path = tmp_path / "data.json"
    path.write_text(text)
    corpus = read(path)
    assert [d.text for d in corpus.documents] == ["Ann Lee ran", "Oslo"]
    found = [(e.text, e.label) for d in corpus.documents for e in d.entities]
    assert found == [("Ann Lee", "PER"), ("Oslo", "LOC")]
    assert next(corpus.sentences).metadata["id"] == "7"


def test_rows_of_another_kind_are_reported(tmp_path: Path) -> None:
    path = put(tmp_path, [ROWS[0], {"text": "x"}, {"tokens": ["a", "b"], "ner_tags": ["O"]}])
    assert [(p.line, p.kind) for p in found(path)[1]] == [
        (2, "malformed-record"),
        (3, "too-few-columns"),
    ]


def test_numbered_tags_without_names_are_refused(tmp_path: Path) -> None:
    path = put(tmp_path, [{"tokens": ["Ann", "ran"], "ner_tags": [1, 0]}])
    with pytest.raises(DataError, match=r"nothing says what they mean .*B-PER.*feature\.names"):
        read(path)


def test_several_lists_in_one_object_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text(json.dumps({"train": ROWS, "dev": ROWS}))
    with pytest.raises(DataError, match=r"several lists .*train, dev"):
        read(path)


@pytest.mark.parametrize(
    "value",
    [
        [PAIR],
        {"classes": ["PER", "LOC"], "annotations": [PAIR]},
        [{"id": 1, "data": PAIR[0], "label": [[0, 3, "PER"], [8, 12, "LOC"]]}],
        [
            {
                "text": PAIR[0],
                "my_labels": [
                    {"start": 0, "end": 3, "text": "Ann", "labels": ["PER"]},
                    {"start": 8, "end": 12, "text": "Oslo", "labels": ["LOC"]},
                ],
            }
        ],
    ],
    ids=["spaCy's training data", "the same with classes", "old doccano", "small Label Studio"],
)
def test_other_exports(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "data.json"
    path.write_text(json.dumps(value))
    assert found(path) == (BOTH, [])
    write(read(path), tmp_path / "out.jsonl")
    assert found(tmp_path / "out.jsonl") == (BOTH, [])


def test_spans_by_label_and_missing_texts_are_told_with_a_remedy(tmp_path: Path) -> None:
    path = put(tmp_path, [{"text": "Ann", "label": {"PER": {"Ann": [[0, 2]]}}}, {"sentences": []}])
    lines = [problem.line_text() for problem in found(path)[1]]
    assert '`label` is no list of spans; write "label": [[start, end, label], ...]' in lines[0]
    assert "no text under 'text' (its keys: sentences); name the text `text`" in lines[1]


TEXT = {"text": "Ann saw Oslo.", "label": [[0, 3, "PER"], [8, 12, "LOC"]]}


@pytest.mark.parametrize(
    "first",
    [
        {"text": "", "labels": [], "tokens": []},
        {"text": "", "label": [], "tokens": [], "tags": []},
        {"text": "Ann", "words": [], "labels": []},
        {"text": "Ann ran", "label": [], "words": ["Ann", "ran"], "tags": ["news"]},
        {"text": "Ann ran", "label": [], "words": ["Ann", "ran"], "tags": [1, 2]},
        {"text": "Ann ran", "spans": [], "words": ["Ann", "ran"], "tags": ["a", "b"]},
        {"text": "Ann ran", "labels": {"toxic": 0.1}},
    ],
)
def test_texts_with_words_and_tags_beside_them_stay_texts(
    tmp_path: Path, first: dict[str, Any]
) -> None:
    path = put(tmp_path, [first, TEXT])
    assert found(path) == (BOTH, [])
    assert [d.text for d in read(path).documents] == [first["text"], TEXT["text"]]


def test_parts_of_speech_that_are_numbers_are_kept(tmp_path: Path) -> None:
    path = put(tmp_path, [{"tokens": ["Ann"], "ner_tags": ["B-PER"], "pos_tags": [12]}])
    assert [token.pos for d in read(path).documents for token in d.tokens] == ["12"]
