"""One-to-one pairs of greatest weight, in whole numbers, so that no rounding decides."""

from __future__ import annotations

from collections.abc import Sequence


def assign(weights: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Pair rows with columns, each at most once, so that the sum of the weights is greatest.

    Kuhn's Hungarian method (1955) by shortest augmenting paths, in cubic time. Own code, since
    weights that rank several wishes outgrow a float's digits, and since SciPy would be the base
    install's largest package by far.

    Args:
        weights: (rows, columns), none below 0; 0 says that the two cannot be a pair.

    Returns:
        The pairs (row, column) of a weight above 0, by row.
    """
    if not weights or not weights[0]:
        return []
    if len(weights) > len(weights[0]):
        turned = assign(list(zip(*weights, strict=True)))
        return sorted((row, column) for column, row in turned)
    columns = len(weights[0])
    row_prices, column_prices = [0] * (len(weights) + 1), [0] * (columns + 1)
    rows = [0] * (columns + 1)  # the row of each column, both from 1; 0 is none
    for row in range(1, len(weights) + 1):
        rows[0] = row
        column, before = _path(weights, row_prices, column_prices, rows)
        while column:
            rows[column] = rows[before[column]]
            column = before[column]
    pairs = ((rows[column] - 1, column - 1) for column in range(1, columns + 1) if rows[column])
    return sorted((row, column) for row, column in pairs if weights[row][column] > 0)


def _path(
    weights: Sequence[Sequence[int]],
    row_prices: list[int],
    column_prices: list[int],
    rows: Sequence[int],
) -> tuple[int, list[int]]:
    """The cheapest way from the new row (`rows[0]`) to a free column; prices are adjusted.

    Returns:
        The free column, and for each column the one before it on the way.
    """
    count = len(column_prices)
    nearest: list[int | None] = [None] * count
    before, done = [0] * count, [False] * count
    column = 0
    while rows[column]:
        done[column] = True
        row = rows[column]
        step, following = None, 0
        for other in range(1, count):
            if done[other]:
                continue
            cost = -weights[row - 1][other - 1] - row_prices[row] - column_prices[other]
            known = nearest[other]
            if known is None or cost < known:
                nearest[other], before[other] = cost, column
                known = cost
            if step is None or known < step:
                step, following = known, other
        assert step is not None, "there are at least as many columns as rows"
        for other in range(count):
            known = nearest[other]
            if done[other]:
                row_prices[rows[other]] += step
                column_prices[other] -= step
            elif known is not None:
                nearest[other] = known - step
        column = following
    return column, before
