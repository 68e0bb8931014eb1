# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Python's own ways, as peers: a line of what to do and how often comes in, and a figure goes out.

start N   N processes of a warm forkserver, one after the other: the median time to the function's first instruction, in ns
map N     N items through a warm multiprocessing.Pool of two, in chunks of one: items a second
tasks N   N tasks through a warm pool of two processes: tasks a second
"""

import concurrent.futures
import multiprocessing
import statistics
import sys
import time


def tell_time(connection):
    connection.send(time.monotonic_ns())


def echo(value):
    return value


def start(context, count):
    times = []
    for _ in range(count):
        reader, writer = context.Pipe(duplex=False)
        process = context.Process(target=tell_time, args=(writer,))
        begun = time.monotonic_ns()
        process.start()
        writer.close()
        times.append(reader.recv() - begun)
        process.join()
        reader.close()
    return statistics.median(times)


def tasks(pool, count):
    begun = time.monotonic_ns()
    for sent, came in enumerate(pool.map(echo, range(count), chunksize=1)):
        assert sent == came
    return count * 1e9 / (time.monotonic_ns() - begun)


def map_items(pool, count):
    begun = time.monotonic_ns()
    results = pool.map(echo, range(count), chunksize=1)
    took = time.monotonic_ns() - begun
    assert results == list(range(count))
    return count * 1e9 / took


def main():
    context = multiprocessing.get_context("forkserver")
    pool = None
    mapping_pool = None
    started = False
    for line in sys.stdin:
        what, count = line.split()
        if what == "start":
            if not started:
                start(context, 3)
                started = True
            figure = start(context, int(count))
        elif what == "map":
            if mapping_pool is None:
                mapping_pool = multiprocessing.Pool(2)
                map_items(mapping_pool, 200)
            figure = map_items(mapping_pool, int(count))
        else:
            if pool is None:
                pool = concurrent.futures.ProcessPoolExecutor(2)
                tasks(pool, 200)
            figure = tasks(pool, int(count))
        print(figure, flush=True)
    if pool is not None:
        pool.shutdown()
    if mapping_pool is not None:
        mapping_pool.close()
        mapping_pool.join()


if __name__ == "__main__":
    main()
