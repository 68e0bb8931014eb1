# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program with types: what a checker should know of it, and what it should refuse. It is never run.

Behind each such line there is the type that it reveals, or that it is a mistake.
"""

from collections.abc import Iterator

import ferry
import ferry.parallel
from ferry.traits import TraitsExecutor, submit_call, submit_iteration


def double(number: int) -> int:
    return 2 * number


def count(number: int) -> Iterator[str]:
    yield str(number)


def use(executor: ferry.Executor) -> None:
    reveal_type(executor.submit(double, 1).result())  # int
    reveal_type(executor.submit(ferry.Task(double, 1)).result(timeout=1))  # int
    reveal_type(executor.submit(ferry.Stream(count, 1)))  # ferry._stream.Stream[str]
    reveal_type(next(executor.stream(count, 1)))  # str
    reveal_type(list(executor.map(double, [1, 2], ordered=False)))  # list[int]
    reveal_type(next(ferry.track([1, 2])))  # int
    executor.submit(double, "1")  # mistake
    executor.submit(double, 1, number=2)  # mistake
    executor.stream(double, 1)  # mistake


async def wait(executor: ferry.Executor) -> None:
    reveal_type(await executor.submit(double, 1))  # int
    reveal_type([value async for value in executor.stream(count, 1)])  # list[str]
    reveal_type([value async for value in executor.map(double, [1])])  # list[int]


def port(executor: TraitsExecutor) -> None:
    reveal_type(submit_call(executor, double, 1).state)  # str
    reveal_type(submit_iteration(executor, count, 1))  # ferry.traits._futures.IterationFuture
    reveal_type(executor.stopped)  # bool
    reveal_type(ferry.parallel.connect_persistent("address").address)  # str
    executor.shutdown(1)  # mistake
