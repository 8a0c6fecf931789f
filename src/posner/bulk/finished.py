"""What an output that `--resume` finished leaves beside it, so that the same call ends at once."""

from __future__ import annotations

from pathlib import Path

from posner.bulk.journal import companions
from posner.bulk.state import State


def finished(target: Path, side: Path, call: str) -> State | None:
    """What the same call has written already; None if it has not finished this output.

    An output or a side file that has another size since then is no longer what it wrote.

    Args:
        target: the output.
        side: the file for what cannot be tagged.
        call: digest of everything that decides what is written.
    """
    state = State.read_if_any(companions(target)[-1])
    if state is None:
        return None
    same = (state.call, state.side) == (call, str(side.resolve()))
    sizes = {target: state.size} | ({} if state.side_size is None else {side: state.side_size})
    return state if same and all(_holds(path, size) for path, size in sizes.items()) else None


def _holds(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size
