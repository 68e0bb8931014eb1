#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What functions of the package ferry say to their tasks, and how they hear of a cancel: check-jobs.py"""

import functools
import logging
import os
import queue
import tempfile
import threading
import time
import warnings

import functions
import tap

import ferry

# The grace time of a task in the tests, in microseconds: longer than a test may take, or none.
LONG = 3600 * 1000000
SHORT = 1000

# When a test gives up, in seconds.
LIMIT = 600


def begun(executor, function, grace):
    """A task whose function has begun."""
    task = ferry.Task(function)
    event = threading.Event()
    task.set_cancel_grace(grace)
    task.connect("notify::text", lambda *_: event.set())
    executor.submit(task)
    assert event.wait(600)
    return task


def raised(function):
    try:
        return function()
    except Exception as error:
        return error


def test_cancels(report, executor):
    _, worker = executor.submit(functions.draw).result()
    for function, what in ((functions.spin, "a loop that calls nothing"), (functions.sleep, "a call of the system"),
                           (functions.finalize_and_spin, "a loop that begins while it comes")):
        task = begun(executor, function, LONG)
        began = time.monotonic()
        task.cancel()
        report.equal("a cancel ends %s" % what, type(raised(task.result)), ferry.CancelledError)
        print("# after %.1f ms" % (1000 * (time.monotonic() - began)))
    with tempfile.TemporaryDirectory() as folder:
        task = ferry.Task(functions.import_for_long, folder)
        task.set_cancel_grace(LONG)
        executor.submit(task)
        while not os.path.exists(os.path.join(folder, "begun")):
            time.sleep(0.001)
        task.cancel()
        report.equal("a cancel comes behind an import", type(raised(task.result)), ferry.CancelledError)
        report.equal("which is whole then", executor.submit(functions.import_for_long, folder).result(), (42, worker))
    task = begun(executor, functions.end_in_own_way, LONG)
    task.cancel()
    report.equal("a function may catch it", type(raised(task.result)), ferry.CancelledError)
    with tempfile.TemporaryDirectory() as folder:
        task = begun(executor, functools.partial(functions.commit, folder), LONG)
        task.cancel()
        open(os.path.join(folder, "go"), "w").close()
        report.equal("a cancel comes too late for what has committed", (task.result(), task.cancelled()), (False, False))
    task = begun(executor, functions.commit_late, LONG)
    task.cancel()
    report.equal("and a commit for what was cancelled", type(raised(task.result)), ferry.CancelledError)
    report.equal("the same worker takes the next task", executor.submit(functions.draw).result()[1], worker)
    task = begun(executor, functions.be_deaf, SHORT)
    task.cancel()
    report.equal("what does not hear is ended", type(raised(task.result)), ferry.CancelledError)
    report.fact("and its worker replaced", executor.submit(functions.draw).result()[1] != worker)
    task = ferry.Task(functions.spin)
    task.set_run_timeout(50000)
    report.equal("a function has its time", type(raised(executor.submit(task).result)), TimeoutError)
    waiting = [executor.submit(functions.sleep) for _ in range(3)]
    executor.cancel_all()
    report.equal("all are cancelled at once", {type(raised(task.result)) for task in waiting}, {ferry.CancelledError})


def test_progress(report, executor):
    task = ferry.Task(functions.begin)
    heard = []
    task.connect("notify::fraction", lambda task, _: heard.append((task.get_fraction(), task.get_text())))
    report.equal("at first there is none", task.progress, (0, None))
    executor.submit(task).result()
    report.equal("a report is a property", heard[0], (0.5, "begun"))
    report.equal("which any thread reads", task.progress, (0.5, "begun"))
    task = executor.submit(functions.track, 1000)
    report.equal("items pass", task.result(), 499500)
    report.equal("and are counted", (task.props.amount, task.props.total, task.props.text), (1000, 1000, "counting"))
    report.equal("a function that was not cancelled hears so", executor.submit(functions.ask_nothing).result(), False)


def test_bar_is_taken_back(report, executor):
    heard = queue.SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "fifo")
        os.mkfifo(path)
        task = ferry.Task(functions.take_back, path)
        task.connect("notify::indeterminate",
                     lambda task, _: heard.put((task.props.indeterminate, task.get_fraction(), task.get_text())))
        executor.submit(task)
        report.equal("a function has a bar", heard.get(timeout=LIMIT), (False, 0.5, "first part"))
        open(path, "w").close()
        report.equal("and takes it back", heard.get(timeout=LIMIT)[:2], (True, 0))
        open(path, "w").close()
        task.result()
        report.equal("whatever it reports later", heard.get(timeout=LIMIT), (False, 1, "second part"))


class Listener(logging.Handler):
    """Keeps what is logged."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


def test_notices(report, executor):
    listener = Listener()
    logging.getLogger().addHandler(listener)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        executor.submit(functions.notice).result()
    logging.getLogger().removeHandler(listener)
    report.equal("records come home", [(record.name, record.levelno, record.getMessage()) for record in listener.records],
                 [("functions", logging.WARNING, "there are 3"), ("functions", logging.ERROR, "it failed")])
    report.fact("with the task and the traceback", listener.records[0].task == "notice"
                and "OwnError" in listener.records[1].exc_text)
    report.equal("and warnings", [(str(warning.message), warning.category, os.path.basename(warning.filename))
                                  for warning in heard], [("it is old", UserWarning, "functions.py")])


def test_here(report):
    ferry.report(0.5, "nothing hears it")
    ferry.commit()
    report.equal("outside of a worker nothing is said", (list(ferry.track([1, 2])), ferry.cancelled()), ([1, 2], False))


def body(report):
    with ferry.Executor(workers=1) as executor:
        test_progress(report, executor)
        test_bar_is_taken_back(report, executor)
        test_notices(report, executor)
        test_cancels(report, executor)
    test_here(report)


if __name__ == "__main__":
    tap.main(body)
