#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.Queue with a server: hosts run what the program has left: check-away.py HOST, the program ferry-host"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import queue_functions
import tap

import ferry

# Longer than any of this takes. What hangs is a fault.
LONG = 600

N_TASKS = 5


def here(number):
    return number


def caught(function, *arguments, **keywords):
    try:
        return function(*arguments, **keywords)
    except Exception as error:
        return error


def wait_until(condition):
    end = time.monotonic() + LONG
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def start_server(folder):
    """The server, and its address, when it takes connections."""
    server = subprocess.Popen(["nats-server", "-a", "127.0.0.1", "-p", "-1", "-js", "-sd", str(folder / "streams"),
                               "--ports_file_dir", str(folder), "-l", str(folder / "log")])
    ports = folder / ("nats-server_%d.ports" % server.pid)
    wait_until(lambda: ports.exists() and "127.0.0.1:" in ports.read_text())
    return server, "nats://127.0.0.1:%d" % int(ports.read_text().split("127.0.0.1:")[1].split('"')[0])


def start_host(program, folder, url, module):
    paths = os.pathsep.join([os.path.dirname(os.path.abspath(__file__)), os.environ["PYTHONPATH"]])
    log = (folder / "host").open("w")
    return subprocess.Popen([program, "--server", url, "--application", "sums", "--name", "alpha", "--queue", "user", "--workers", "2",
                             sys.executable, "-P", "-m", "ferry.worker", module],
                            env={**os.environ, "FERRY_TEST_HOST": "alpha", "PYTHONPATH": paths}, stdout=log, stderr=log)


def leave(path, url):
    """A program that ends before its tasks have begun."""
    executor = ferry.Executor(1)
    executor.set_paused(True)
    with ferry.Queue(path, executor, server=url, application="sums") as queue:
        for number in range(N_TASKS):
            queue.submit(queue_functions.where, number, key=number)


def test_left(report, program, folder):
    path = folder / "queue.db"
    server, url = start_server(folder)
    lost = start_host(program, folder, url, "no_such_module")
    report.fact("a host that lacks the module ends, and says so",
                lost.wait(LONG) != 0 and "No module named 'no_such_module'" in (folder / "host").read_text())
    host = start_host(program, folder, url, "queue_functions")
    try:
        wait_until(lambda: "Works off the queue" in (folder / "host").read_text())
        subprocess.run([sys.executable, __file__, "leave", path, url], check=True)
        executor = ferry.Executor(1)
        executor.set_paused(True)
        with ferry.Queue(path, executor, server=url, application="sums") as queue:
            report.equal("hosts run what a program has left", sorted(task.result(LONG) for task in queue),
                         [(number, "alpha") for number in range(N_TASKS)])
            error = caught(queue.submit, here, 1)
            report.fact("a function that hosts do not have is refused", "here() is a function of the program itself" in str(error))
            error = caught(queue.submit, ferry.Task(here, 1))
            report.fact("also as a task", "here() is a function of the program itself" in str(error))
            error = caught(queue.run, ["true"])
            report.fact("and so is a program", "stores no programs" in str(error))
        executor.shutdown()
    finally:
        host.terminate()
        host.wait()
        server.terminate()
        server.wait()


def body(report):
    program = sys.argv[1]
    error = caught(ferry.Queue, "queue.db", application="sums")
    report.fact("a name without a server is an error", isinstance(error, TypeError) and "give the `server`" in str(error))
    if shutil.which("nats-server") is None:
        report.skip("hosts run what a program has left", "there is no program 'nats-server'; install it to run this")
        return
    with tempfile.TemporaryDirectory() as folder:
        test_left(report, program, pathlib.Path(folder))


if __name__ == "__main__":
    if sys.argv[1] == "leave":
        leave(*sys.argv[2:])
    else:
        tap.main(body)
