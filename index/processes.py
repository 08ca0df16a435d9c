"""Processes: new ones for work beside this one, or whose memory is to be seen alone."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

_PRELOADED = ["index.comparison", "query.described", "query.question"]  # what a new process begins with

T = TypeVar("T")


def in_own_process(call: Callable[..., T], *arguments: Any) -> T:
    """What a call returns in a new process, whose memory is its own."""
    with _pool(1) as pool:
        return pool.submit(call, *arguments).result()


def drawn_beside(call: Callable[..., T], calls: Iterable[tuple[Any, ...]], *, workers: int) -> Iterator[T]:
    """What each of many calls returns, in order, worked on by other processes; no more lie ready than `workers` + 1."""
    waiting: deque[Future[T]] = deque()
    with _pool(workers) as pool:
        for arguments in calls:
            waiting.append(pool.submit(call, *arguments))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _pool(workers: int) -> ProcessPoolExecutor:
    context = get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return ProcessPoolExecutor(workers, mp_context=context)
