"""Numbers about numbers."""

import math
from collections.abc import Sequence


def smoothed(values: Sequence[float], weight: float) -> list[float]:
    """
    The exponential moving average with a bias correction at the start; what is no finite number stays as it is and
    does not count. A weight of 0 changes nothing.
    """
    result, average, counted = [], 0.0, 0
    for value in values:
        if not math.isfinite(value):
            result.append(value)
            continue
        average, counted = weight * average + (1 - weight) * value, counted + 1
        result.append(average / (1 - weight**counted) if weight else value)
    return result
