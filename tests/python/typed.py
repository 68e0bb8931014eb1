# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program with types: what a checker should know of it, and what it should refuse. It is never run.

Behind each such line there is the type that it reveals, or that it is a mistake.
"""

import asyncio
from collections.abc import Iterator

import ferry
import ferry.parallel
from ferry.traits import TraitsExecutor, submit_call, submit_iteration


def double(number: int) -> int:
    return 2 * number


def count(number: int) -> Iterator[str]:
    yield str(number)


def add_up(*numbers: float) -> float:
    return sum(numbers)


def join(word: str, number: int) -> str:
    return word * number


async def fetch(name: str) -> bytes:
    return name.encode()


class Counter:
    def __init__(self, value: int) -> None:
        self.value = value

    def add(self, amount: int) -> int:
        self.value += amount
        return self.value

    async def fetch(self, name: str) -> str:
        return name * self.value


class Timer(Counter):
    pass


def use(executor: ferry.Executor) -> None:
    reveal_type(executor.submit(double, 1).result())  # int
    reveal_type(executor.submit(ferry.Task(double, 1)).result(timeout=1))  # int
    reveal_type(executor.submit(ferry.Stream(count, 1)))  # ferry._stream.Stream[str]
    reveal_type(next(executor.stream(count, 1)))  # str
    reveal_type(list(executor.map(double, [1, 2], ordered=False)))  # list[int]
    reveal_type(next(ferry.track([1, 2])))  # int
    reveal_type(executor.submit(fetch, "a").result())  # bytes
    reveal_type(executor.run(["ls"], encoding="utf-8").result())  # subprocess.CompletedProcess[str]
    reveal_type(executor.run(["ls"], text=True, cwd="/").result())  # subprocess.CompletedProcess[str]
    reveal_type(executor.run(["ls"], timeout=1).result())  # subprocess.CompletedProcess[bytes]
    reveal_type(executor.submit(ferry.Command(["ls"], text=True)).result())  # subprocess.CompletedProcess[str]
    executor.run([1])  # mistake
    executor.submit(double, "1")  # mistake
    executor.submit(double, 1, number=2)  # mistake
    executor.stream(double, 1)  # mistake


def use_map(executor: ferry.Executor) -> None:
    reveal_type(executor.map(double, range(3), chunksize=2))  # ferry._map.Map[int]
    reveal_type(list(executor.map(join, ["a", "b"], [1, 2], buffersize=3)))  # list[str]
    reveal_type(list(executor.map(len, ["a", [1], b""])))  # list[int]
    reveal_type(list(executor.map(add_up, [1], [2.5], [3])))  # list[float]
    reveal_type(list(executor.map(add_up, [1], [2], [3], [4], [5])))  # list[float]
    reveal_type(next(executor.map(double, [1], return_exceptions=True)))  # Union[int, Exception]
    reveal_type(list(executor.map(join, ["a"], [1], ordered=False, return_exceptions=True)))  # list[Union[str, Exception]]
    executor.map(double, ["1"])  # mistake
    executor.map(double, [1], [2])  # mistake
    executor.map(join, ["a"])  # mistake
    executor.map(join, [1], ["a"])  # mistake
    executor.map(add_up, [1], [2], ["3"])  # mistake
    executor.map(double)  # mistake
    executor.map(double, 1)  # mistake


def use_object(executor: ferry.Executor) -> None:
    counter = executor.create(Counter, 1)
    reveal_type(counter)  # ferry._proxy.Proxy[typed.Counter]
    with executor.create(Timer, value=1) as timer:
        reveal_type(timer)  # ferry._proxy.Proxy[typed.Timer]
    reveal_type(ferry.pass_to(counter, Counter.add, 3).result())  # int
    reveal_type(ferry.pass_to(timer, Counter.add, 3).result())  # int
    reveal_type(ferry.pass_to(counter, Counter.fetch, "a").result())  # str
    reveal_type(ferry.pass_to(counter.remote, join, 3))  # ferry._outcome.Call[str]
    reveal_type(counter.add(3))  # Any
    ferry.pass_to(counter, Counter.add, "3")  # mistake
    ferry.pass_to(counter, Counter.add)  # mistake
    executor.create(Counter, "1")  # mistake
    executor.create(Counter)  # mistake


def use_queue(queue: ferry.Queue) -> None:
    reveal_type(queue.submit(double, 1, key="one").result())  # int
    reveal_type(queue.submit(fetch, "a", idempotent=True).result())  # bytes
    reveal_type(queue.submit(ferry.Task(double, 1), not_before=5).result())  # int
    reveal_type(queue.run(["ls"], text=True).result().stdout)  # str
    reveal_type(queue["one"])  # ferry._task.Task[Any]
    reveal_type(queue.retry(queue.submit(double, 1)))  # ferry._task.Task[int]
    reveal_type([queue.key_of(task) for task in queue])  # list[Union[str, None]]
    reveal_type(queue.error)  # Union[ferry.errors.Error, None]
    queue.submit(double, 1, key=1.5)  # mistake
    queue.submit(double, 1, not_before="22:00")  # mistake
    ferry.Queue(executor=5)  # mistake


async def wait(executor: ferry.Executor) -> None:
    reveal_type(await executor.submit(double, 1))  # int
    number, content = await asyncio.gather(executor.submit(double, 1), executor.submit(fetch, "a"))
    reveal_type(number)  # int
    reveal_type(content)  # bytes
    found = await asyncio.wait_for(executor.submit(double, 1), 3)
    reveal_type(found)  # int
    executor.submit(add_up, *[1.5]).add_done_callback(print)
    executor.submit(double, ferry.share(1))
    reveal_type([value async for value in executor.stream(count, 1)])  # list[str]
    reveal_type([value async for value in executor.map(double, [1])])  # list[int]
    reveal_type(await executor.create(Counter, 1))  # ferry._proxy.Proxy[typed.Counter]
    async with executor.create(Counter, 1) as counter:
        reveal_type(await ferry.pass_to(counter, Counter.add, 3))  # int


def port(executor: TraitsExecutor) -> None:
    reveal_type(submit_call(executor, double, 1).state)  # str
    reveal_type(submit_iteration(executor, count, 1))  # ferry.traits._futures.IterationFuture
    reveal_type(executor.stopped)  # bool
    reveal_type(ferry.parallel.connect_persistent("address").address)  # str
    executor.shutdown(1)  # mistake
