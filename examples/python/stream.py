# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""Stream: the values of a function as they come, under asyncio.
The function yields them in a worker, and is at most a few values ahead of the loop.
A second task goes on meanwhile, and is awaited after the loop.
"""

import asyncio

import ferry


def approximate_pi(rounds):
    total = 0
    for i in range(rounds):
        total += sum((4 if j % 2 == 0 else -4) / (2 * j + 1) for j in range(i * 1000, (i + 1) * 1000))
        yield total


def add(first, second):
    return first + second


async def main():
    async with ferry.Executor(workers=2) as executor:
        sum_ = executor.submit(add, 2, 3)
        async for value in executor.stream(approximate_pi, 3):
            print("so far %.4f" % value)
        print("sum", await sum_)


if __name__ == "__main__":
    asyncio.run(main())
