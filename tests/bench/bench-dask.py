# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""dask.distributed as a peer: bench-dask.py WORKERS. A scheduler, and workers with one thread each, are processes.

It says "ready", or "missing" where there is no dask.distributed. Then a line of what to do comes in, and a figure goes out.

tasks/SIZE/MANY N   N tasks that give their payload of SIZE back, MANY of them under way: tasks a second
begin N             N tasks, one at a time: the median time from submission to the function's first instruction, in ns
end 0               the median time from submission to the result, of the same tasks
"""

import asyncio
import multiprocessing
import os
import statistics
import sys
import time

try:
    import distributed
except ImportError:
    distributed = None


def echo(value):
    return value


def tell_time():
    return time.monotonic_ns()


async def schedule(ready):
    async with distributed.Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
        ready.send(scheduler.address)
        await scheduler.finished()


async def work(address):
    async with distributed.Worker(address, nthreads=1, host="127.0.0.1", dashboard=False) as worker:
        await worker.finished()


def run(what, argument):
    asyncio.run(what(argument))


def start(context, what, argument):
    """A process, which ends with this one."""
    context.Process(target=run, args=(what, argument), daemon=True).start()


def measure_rate(client, size, many, count):
    payload = "x" * size
    began = time.monotonic_ns()
    sent = min(many, count)
    running = distributed.as_completed([client.submit(echo, payload, pure=False) for _ in range(sent)], with_results=True)
    done = 0
    for _, result in running:
        assert result == payload
        done += 1
        if sent < count:
            running.add(client.submit(echo, payload, pure=False))
            sent += 1
    assert done == count
    return count * 1e9 / (time.monotonic_ns() - began)


def measure_trips(client, count):
    begins, ends = [], []
    for _ in range(count):
        began = time.monotonic_ns()
        begun = client.submit(tell_time, pure=False).result()
        ends.append(time.monotonic_ns() - began)
        begins.append(begun - began)
    return begins, ends


def serve(client):
    ends = []
    for line in sys.stdin:
        what, count = line.split()
        if what == "end":
            figure = statistics.median(ends)
        elif what == "begin":
            begins, ends = measure_trips(client, int(count))
            figure = statistics.median(begins)
        else:
            size, many = map(int, what.split("/")[1:])
            figure = measure_rate(client, size, many, int(count))
        print(figure, flush=True)


def main():
    if distributed is None:
        print("missing")
        return
    n_workers = int(sys.argv[1])
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    # So that the modules are loaded once.
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    start(context, schedule, sender)
    address = receiver.recv()
    for _ in range(n_workers):
        start(context, work, address)
    with distributed.Client(address) as client:
        client.wait_for_workers(n_workers)
        print("ready", flush=True)
        serve(client)


if __name__ == "__main__":
    main()
