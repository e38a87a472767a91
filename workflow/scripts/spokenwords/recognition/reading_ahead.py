"""Work that is done in advance, by threads, within limits."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(
    pool: ThreadPoolExecutor,
    function: Callable[[Item], Result],
    items: Iterable[Item],
    room: float,
    weight: Callable[[Item], float] = lambda item: 1,
) -> Iterator[Result]:
    """Yield `function(item)` of each item in order, computed by `pool` in advance.

    Items in work, and the one whose result was yielded last, weigh at most `room` together; a
    heavier item is alone.
    """
    waiting: deque[tuple[Future[Result], float]] = deque()
    load = 0.0
    for item in items:
        own = weight(item)
        while waiting and load + own > room:
            yield waiting[0][0].result()
            load -= waiting.popleft()[1]
        waiting.append((pool.submit(function, item), own))
        load += own
        del item
    while waiting:
        yield waiting[0][0].result()
        waiting.popleft()
