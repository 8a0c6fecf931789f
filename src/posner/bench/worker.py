"""The process in which one variant of a model is measured; reads its task from standard input."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from posner.bench.measure import Loaded, measure
from posner.errors import PosnerError


def main() -> int:
    """Measure what standard input says, and print the figures as one line of JSON."""
    task = json.load(sys.stdin)

    def load() -> Loaded:
        import posner

        recognizer = posner.load(
            task["model"], precision=task["precision"], threads=task["threads"]
        )

        def many(texts: Sequence[str]) -> int:
            return sum(document.word_count for document in recognizer.pipe(texts))

        return Loaded(one=recognizer, many=many)

    try:
        speed = measure(load, task["texts"], begun=task["begun"], seconds=task["seconds"])
    except PosnerError as error:
        print(error.line(), file=sys.stderr)
        return error.exit_code
    print(json.dumps(speed.to_json()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
