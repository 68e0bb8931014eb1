#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tasks of the package ferry: values there and back, and each way in which a function can fail: check-tasks.py [calls]

With "calls", only what the module _ferry does and what goes through it, but for each night: whole programs start no other
way without it.
"""

import functools
import os
import pickle
import subprocess
import sys
import tempfile
import time

import functions
import tap

import ferry
import ferry.concurrent
import ferry.parallel
import ferry.pool
from ferry._library import Ferry
from ferry._map import run_items
from ferry._task import FIRST_CALLS


def own_function(number):
    """A function of the program itself, which workers import under another name."""
    return number + 1, __name__


def raised(executor, function, *arguments):
    try:
        return executor.submit(function, *arguments).result()
    except Exception as error:
        return error


def test_values(report, executor):
    report.equal("a function is called", executor.submit(functions.double, 21).result(), 42)
    report.equal("with all of its arguments", executor.submit(functions.keywords, 1, a=2, self=3).result(),
                 ((1,), {"a": 2, "self": 3}))
    report.equal("a function of the program itself is", executor.submit(own_function, 1).result(), (2, "__mp_main__"))
    report.equal("a part of a function is", executor.submit(functools.partial(functions.double, 4)).result(), 8)
    report.equal("a method is", executor.submit("a-b".split, "-").result(), ["a", "b"])
    named = executor.submit_named("Twice one", functions.double, 1)
    report.equal("one has a name for users", (named.result(), named.get_name()), (2, "Twice one"))
    task = ferry.Task(functions.double, 1)
    task.props.priority = 3
    report.equal("a task is made first, and submitted then", executor.submit(task).result(), 2)
    report.equal("it has the function's name", task.get_name(), "double")
    report.equal("a function of a worker has workers", executor.submit(functions.submit_more).result(), 42)
    path, pythonpath, own = executor.submit(functions.paths).result()
    report.equal("a worker has the path of the program", path, [os.path.abspath(folder) for folder in sys.path])
    report.equal("and its environment", (pythonpath, own), (os.environ.get("PYTHONPATH"), None))


def texts_of(task, seconds):
    """What the function says in that time, without what it said before."""
    end = time.monotonic() + seconds
    texts = [task.progress[1]]
    while time.monotonic() < end:
        if task.progress[1] != texts[-1]:
            texts.append(task.progress[1])
    return texts[1:]


def test_pauses(report, executor):
    task = executor.submit(functions.report_for_ever)
    while task.progress[1] is None:
        pass
    report.equal("a task is paused once", (task.is_paused, task.pause(), task.is_paused), (False, True, True))
    texts_of(task, 0.3)
    report.equal("a function that reports waits", texts_of(task, 0.5), [])
    waiting = executor.submit(functions.double, 1)
    report.equal("and goes on", (task.resume(), task.is_paused), (True, False))
    while not texts_of(task, 0.1):
        pass
    report.equal("a task that waits is paused", waiting.pause(), True)
    task.pause()
    task.cancel()
    report.fact("a cancel ends a task that is paused", isinstance(caught(task.result), ferry.CancelledError),
                caught(task.result))
    report.equal("a task that waits goes on", (waiting.resume(), waiting.result()), (True, 2))


def test_description(report, executor):
    task = executor.submit(functions.report_for_ever)
    task.props.name = "Holiday"
    while task.progress[1] is None:
        pass
    text = ferry.describe_application()
    report.fact("and which function runs", "runs report_for_ever" in text and "ferry.python" not in text, text.splitlines())
    report.fact("a text says what the program has and does", "Tasks: 1 open\n" in text and "python3 1, process " in text, text.splitlines())
    report.fact("and nothing of its users", "Holiday" not in text and "/" not in text, text.splitlines())
    task.cancel()


def test_large_values(report, executor):
    size = (80 if "FERRY_TEST_NIGHT" in os.environ else 20) << 20
    report.equal("large arguments arrive", executor.submit(len, bytes(size)).result(), size)
    report.equal("large results arrive", len(executor.submit(functions.give_bytes, size).result()), size)
    test_large_bytes(report, executor, size)
    try:
        import numpy
    except ImportError:
        report.skip("arrays", "there is no numpy")
        return
    # After the first large result, calls of the function bring memory along for the next ones.
    for number in (10, 1 << 20, 1 << 20, 10):
        array = numpy.arange(number, dtype=float)
        result = executor.submit(functions.change, array).result()
        report.fact("an array of %d goes there and back" % number, (result[1:] == array[1:]).all() and result[0] == 5)
        result[1] = 7
        report.fact("it can be changed, and is a copy", result[1] == 7 and array[0] == 0)


class Counted:
    """Items without an end, and how many of them were taken."""

    def __init__(self, item):
        self.item = item
        self.taken = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.taken += 1
        return self.item


def test_bounds(report):
    """A map whose results are read slowly takes few items, by their bytes or by a number."""
    with ferry.Executor(workers=2, modules=["functions"]) as executor:
        # Each worker has a chunk, however large that is.
        for item, function, chunksize, ahead in ((bytes(100000), len, None, 200), (100000, bytes, None, 200), (100000, bytes, 100, 200),
                                                 (100000, functions.give_pair, 100, 200), (2 << 20, functions.give_pair, None, 6),
                                                 ((1, bytes(2 << 20)), functions.first_of, None, 6)):
            items = Counted(item)
            results = executor.map(function, items, chunksize=chunksize)
            for _ in range(100):
                next(results)
            report.fact("a map is some megabytes ahead, of %s of %s, in chunks of %s"
                        % (function.__name__, type(item).__name__, chunksize), items.taken <= 100 + ahead, [items.taken])
            results.close()
        for ordered in (True, False):
            sizes = [len(value) for value in executor.map(functions.be_large_from_2000_on, range(2050), ordered=ordered)]
            report.equal("results that are suddenly large are all there", sorted(sizes), [0] * 2000 + [1 << 20] * 50)
            report.fact("they have their order", not ordered or sizes == sorted(sizes))
        _, values, _ = run_items(functions.be_large_from_2000_on, list(range(1990, 2050)), 1 << 20)
        report.fact("a worker returns few of them at once", 10 < len(values) < 20, [len(values)])
        for chunksize, ordered in ((None, True), (None, False), (3, True)):
            items = Counted(2)
            results = executor.map(functions.double, items, chunksize=chunksize, ordered=ordered, buffersize=5)
            ahead = 0
            for given in range(1, 101):
                next(results)
                ahead = max(ahead, items.taken - given)
            report.fact("no more than 5 items of buffersize=5 are ahead", 2 < ahead <= 5, [chunksize, ordered, ahead])
            results.close()
        with ferry.concurrent.Executor(2) as futures:
            items = Counted(2)
            results = futures.map(functions.double, items, buffersize=5)
            values = [next(results) for _ in range(50)]
            report.equal("nor of ferry.concurrent", (values, items.taken), (50 * [4], 54))
        for wrong, kind in ((0, ValueError), ("5", TypeError)):
            report.equal("buffersize=%r is refused" % wrong,
                         type(caught(functools.partial(executor.map, abs, [], buffersize=wrong))), kind)


def take_all(results, count):
    """The values, and the exceptions in their places."""
    found = []
    while len(found) < count:
        try:
            found.append(next(results))
        except Exception as exception:
            found.append("%s %s" % (type(exception).__name__, exception))
    return found


def test_rows(report, executor):
    """Each item of a map has its own end, however the function ends."""
    for function, expected in ((functions.fail_at_three, "OwnError ('three', 3)"), (functions.double_later, "OwnError ('three', 3)"),
                               (functions.stop_at_three, "RuntimeError stop_at_three raised StopIteration")):
        one = take_all(executor.map(function, range(6), chunksize=4), 6)
        value = one[3]
        one[3] = None
        sign = {functions.fail_at_three: -1, functions.double_later: 2, functions.stop_at_three: 1}[function]
        report.equal("items of %s beside one that fails" % function.__name__,
                     (one, value), ([None if i == 3 else sign * i for i in range(6)], expected))
    report.equal("rows of two iterables", list(executor.map(pow, range(5), range(5), chunksize=3)), [1, 1, 4, 27, 256])


def test_large_bytes(report, executor, size):
    """They go through memory, wherever they are in a value, and so have no limit of a message."""
    def set_limit(size):
        router = executor._home.router
        limit, router.props.max_message_size = router.props.max_message_size, size
        return limit

    limit = executor._home.call(lambda: set_limit(4 << 20))
    data = os.urandom(1 << 20) * (size >> 20)
    try:
        for value in (data, bytearray(data), [data, {"small": b"x", "large": bytearray(data)}]):
            for name, function in (("first", functools.partial(functions.echo, value)), ("next", functions.echo)):
                found = executor.submit(function, *([] if name == "first" else [value])).result()
                report.fact("large %ss in a %s call go there and back" % (type(value).__name__, name), found == value)
        found = executor.submit(functions.give_bytearray, size).result()
        found[0] = 7
        report.equal("a first result of a function has no limit of a message", (len(found), found[0]), (size, 7))
        report.equal("nor have those of objects in it", [len(part) for part in executor.submit(
            functions.give_many_bytes, size).result()], 3 * [size])
        executor._home.call(lambda: set_limit(64 << 20))
        for _ in range(FIRST_CALLS + 1):
            executor.submit(functions.give_late, 1).result()
        found = executor.submit(functions.give_late, 100 << 20).result()
        report.equal("nor has one that comes late", (len(found), found[-1]), (100 << 20, 7))
    finally:
        executor._home.call(lambda: set_limit(limit))


def test_sandbox(report):
    """Workers of a sandbox make no sockets, and some make no memory."""
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

    for name, limit in (("a sandbox", 0), ("a sandbox without shared memory", 1 << 30)):
        with ferry.Executor(workers=1) as executor:
            executor.pool.props.launcher.props.sandbox = Ferry.Sandbox(
                system_paths=True, memory_limit=limit, policy=Ferry.SandboxPolicy.PREFERRED,
                read_only_paths=[top, *os.environ["LD_LIBRARY_PATH"].split(":")])
            found = [len(executor.submit(functions.give_bytes, 20 << 20).result()) for _ in range(2)]
            report.equal("large results come from " + name, found, 2 * [20 << 20])


def test_settings(report, folder):
    """They are made on any thread."""
    with ferry.Executor(workers=1) as executor:
        executor.pool.props.max_tasks = 1
        report.equal("a setting of the pool is what it was set to", executor.pool.props.max_tasks, 1)
        processes = {executor.submit(functions.get_process).result() for _ in range(3)}
        report.equal("a worker has one task", len(processes), 3)
    path = os.path.join(folder, "begun")
    with ferry.Executor(workers=1, initializer=os.stat, initargs=(path,)) as executor:
        report.equal("an initializer fails", type(caught(executor.submit(abs, -4).result)), ferry.Error)
        with open(path, "w", encoding="utf-8"):
            executor.pool.reset()
        report.equal("a pool that was reset has workers again", executor.submit(abs, -4).result(), 4)


def test_forks(report):
    with ferry.Executor(workers=4) as executor:
        drawn = [task.result() for task in [executor.submit(functions.draw) for _ in range(50)]]
    report.equal("workers draw different numbers", len({number for number, _ in drawn}), 50)
    report.fact("in processes of their own", os.getpid() not in {process for _, process in drawn})
    with ferry.Executor(workers=1, fork=False) as executor:
        report.equal("a worker may be no copy", executor.submit(own_function, 1).result(), (2, "__mp_main__"))


def test_exceptions(report, executor):
    error = raised(executor, functions.fail)
    report.fact("an exception has its own class", type(error) is functions.OwnError, [repr(error)])
    report.equal("and all that it carries", (error.args, error.number), (("not so", 7), 7))
    report.fact("its cause has the traceback", type(error.__cause__) is ferry.RemoteTraceback
                and "in fail\n" in error.__cause__.tb, [repr(error.__cause__)])
    report.fact("a note has it, too", "in fail\n" in error.__notes__[-1], error.__notes__)
    report.fact("which begins where the function does", "worker.py" not in error.__notes__[-1], error.__notes__)
    report.equal("exception() returns it", type(executor.submit(functions.fail).exception()), functions.OwnError)
    report.equal("or nothing", executor.submit(functions.double, 1).exception(), None)
    for function, kind in ((functions.recurse, RecursionError), (functions.want_too_much, MemoryError),
                           (functions.import_nothing, ModuleNotFoundError)):
        report.equal("%s raises what it is" % function.__name__, type(raised(executor, function)), kind)
    error = raised(executor, functions.fail_in_a_class_of_its_own)
    name = "fail_in_a_class_of_its_own.<locals>.HiddenError"
    report.equal("an exception that cannot be made again says what it was", (type(error), error.class_name, str(error)),
                 (ferry.RemoteError, name, "functions.%s: hidden" % name))
    error = raised(executor, functions.leave_by_exception)
    report.equal("SystemExit ends nothing here", (type(error), str(error)), (ferry.RemoteError, "SystemExit: bye"))
    error = raised(executor, functions.press_ctrl_c)
    report.equal("nor does KeyboardInterrupt", (type(error), error.class_name), (ferry.RemoteError, "KeyboardInterrupt"))
    error = raised(executor, functions.give_a_lock)
    report.fact("a result that cannot be sent says so", type(error) is TypeError and "give_a_lock gave a value of type lock"
                in error.__notes__[0], [repr(error)])
    report.equal("after all of which the worker is well", executor.submit(functions.double, 1).result(), 2)


def test_deaths(report, executor):
    error = raised(executor, functions.crash)
    report.equal("a crash is one task's error", (type(error), error.signal), (ferry.WorkerLost, 11))
    report.fact("with the Python stack", any("in crash" in line for line in error.last_lines), error.last_lines)
    report.fact("whose heading the message has", str(error).endswith(": Fatal Python error: Segmentation fault"),
                [str(error)])
    notes = "\n".join(getattr(error, "__notes__", ()))
    report.fact("which a note has, and the functions of C below it", -1 < notes.find(", line") < notes.find("    #0 ") and
                "in crash" in notes and "_ctypes" in error.backtrace, [notes])
    report.fact("without those of what told so", "faulthandler" not in notes, [notes])
    report.fact("nor of the worker program", "worker.py" not in notes and "runpy" not in notes, [notes])
    report.fact("not those of the interpreter", "to #" in error.backtrace and "<Python's interpreter>" in error.backtrace and
                len(error.backtrace.splitlines()) < 15, [error.backtrace])
    report.fact("nor the name of what runs all functions", "ferry.python" not in str(error) + notes and
                "in function 'crash' of process" in notes, [str(error), notes])
    report.equal("a copy of the error has them", pickle.loads(pickle.dumps(error)).backtrace, error.backtrace)
    late = ferry.Task(functions.sum_for_ever)
    late.props.run_timeout = 200000
    late.props.cancel_grace = 1000000
    try:
        error = executor.submit(late).exception()
    except Exception as raised_here:
        error = raised_here
    notes = "\n".join(getattr(error, "__notes__", ()))
    report.fact("a task whose time is over says where it was", type(error) is TimeoutError and "in sum_for_ever" in notes
                and "    #0 " in notes, [repr(error), notes])
    for function, words in ((functions.report_for_ever, "in report_for_ever"), (functions.look_for_ever, "in look_for_ever"),
                            (functions.sleep_in_coroutine, "in sleep_in_coroutine")):
        error = raised(executor, ferry.limited(function, 0.2))
        notes = "\n".join(getattr(error, "__notes__", ()))
        report.fact("so does %s(), which a limit ends by an exception" % function.__name__, type(error) is TimeoutError
                    and words in notes and "in function '%s' of process" % function.__name__ in notes, [repr(error), notes])
        report.fact("without the frames of what has called it", "worker.py" not in notes and "_job.py" not in notes, [notes])
    error = raised(executor, functions.leave)
    report.equal("an exit is, too", (type(error), error.exit_status, error.signal), (ferry.WorkerLost, 7, 0))
    report.fact("its message names the function and the end", str(error).startswith("leave was lost: ")
                and "7" in str(error), [str(error)])
    report.equal("another worker takes the next task", executor.submit(functions.double, 2).result(), 4)


def test_refusals(report, executor):
    def inner():
        return 0

    for name, function in (("lambda", lambda: 0), ("inner function", inner)):
        try:
            executor.submit(function)
            error = None
        except pickle.PicklingError as refusal:
            error = refusal
        report.fact("a %s is refused" % name, "define it with 'def' at the top level" in str(error), [str(error)])
        error = None
        try:
            executor.map(function, [1])
        except pickle.PicklingError as refusal:
            error = refusal
        report.fact("so it is for many items", "define it with 'def' at the top level" in str(error), [str(error)])
    executor.shutdown()
    error = raised(executor, functions.double, 1)
    report.equal("an executor that is shut down takes nothing", type(error), ferry.errors.ExecutorEnded)
    try:
        ferry.Task(functions.double, 1).result()
        error = None
    except ferry.Error as refusal:
        error = refusal
    report.fact("a task that was not submitted has no result", "Executor.submit()" in str(error))


def caught(call):
    try:
        return call()
    except Exception as error:
        return error


def test_no_functions(report, executor):
    futures, pool = ferry.concurrent.Executor(1), ferry.pool.Pool(1)
    for name, call in (("submit", executor.submit), ("stream", executor.stream), ("map", executor.map),
                       ("create", executor.create), ("process", ferry.process), ("Task", ferry.Task),
                       ("submit of concurrent", futures.submit), ("map of concurrent", futures.map),
                       ("apply", pool.apply), ("apply_async", pool.apply_async), ("map_async", pool.map_async),
                       ("imap", pool.imap), ("start of parallel", ferry.parallel.start),
                       ("start_persistent", functools.partial(ferry.parallel.start_persistent, "/nowhere/socket"))):
        error = caught(lambda: call(3, [1]))
        report.fact("%s raises at once for what is no function" % name, type(error) is TypeError
                    and str(error).startswith("'int' object is not callable; give a function"), [repr(error)])
    error = caught(lambda: ferry.Executor(1, initializer=3))
    report.equal("no initializer is one either", type(error), TypeError)
    error = caught(lambda: ferry.Executor(1, program=["true"], initializer=abs))
    report.equal("nor is one of Python for a program of another language", type(error), ValueError)


def run_program(*arguments):
    """What a program of some lines prints, and what it complains of."""
    done = subprocess.run([sys.executable, *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, timeout=600)
    return done.stdout, done.stderr


UNGUARDED = """
import ferry

def double(number):
    return 2 * number

print(ferry.Executor(workers=1).submit(double, 2).result())
"""


HIDDEN = """
import ferry
import ferry.parallel

if __name__ == "__main__":
    class Inner:
        pass

    def inner(*_):
        pass

    with ferry.Executor(workers=1) as executor:
        hidden = executor.create(Inner)
        for wait in (executor.submit(inner).result, executor.submit(id, [Inner()]).result, lambda: next(executor.map(inner, [1])),
                     lambda: next(executor.stream(inner)), lambda: hidden.make().result(),
                     ferry.parallel.start(inner).receive):
            try:
                wait()
            except Exception as error:
                print(type(error).__name__, error)
"""
ADVICE = "finds no '%s' in it; move its definition to the top level, out of 'if __name__ == \"__main__\":'"


def test_hidden(report, folder):
    program = os.path.join(folder, "hidden.py")
    with open(program, "w", encoding="utf-8") as file:
        file.write(HIDDEN)
    out, _ = run_program(program)
    report.equal("what the program alone defines is missed, with what to do", out.splitlines(),
                 ["AttributeError A worker that imports the program " + ADVICE % name
                  for name in ("inner", "Inner", "inner", "inner", "Inner", "inner")])


CRASHING = """
import ctypes
import logging
import sys
import warnings
import ferry

def crash():
    ctypes.string_at(0)

def fail():
    raise ValueError("no settings")

def tell():
    logging.getLogger("own").warning("a worker begins")
    warnings.warn("in an old way")
    ferry.report(0.5)

if __name__ == "__main__":
    with ferry.Executor(workers=1, initializer=globals()[sys.argv[1]]) as executor:
        try:
            executor.submit(abs, -1).result()
        except ferry.Error as error:
            print(type(error).__name__, str(error))
"""


SIGNALLED = """
import os
import signal
import ferry

def send(process, n):
    for _ in range(n):
        os.kill(process, signal.SIGWINCH)
        while is_pending(process):
            os.sched_yield()

def is_pending(process):
    with open("/proc/%d/status" % process) as file:
        lines = dict(line.split(":", 1) for line in file)
    return int(lines["ShdPnd"], 16) & 1 << signal.SIGWINCH - 1

if __name__ == "__main__":
    with ferry.Executor(workers=1) as executor:
        process = executor.submit(os.getpid).result()
        assert process > 1
        send(process, 3000)
        print(executor.submit(os.getpid).result() == process)
"""


def test_signals_of_others(report, folder):
    """Of the signal by which the application asks where a function is."""
    program = os.path.join(folder, "signalled.py")
    with open(program, "w", encoding="utf-8") as file:
        file.write(SIGNALLED)
    report.equal("a worker minds no SIGWINCH of others, and prints no stack for it", run_program(program), ("True\n", ""))


def test_initializers(report, folder):
    program = os.path.join(folder, "crashing.py")
    with open(program, "w", encoding="utf-8") as file:
        file.write(CRASHING)
    out, complaint = run_program(program, "crash")
    report.fact("the error names the initializer that crashed", out.startswith(
        "WorkerLost The workers' initialiser 'crash()' has ended its worker; correct it."), [out])
    report.equal("whose stack is printed once", complaint.count("in crash\n"), 1)
    out, complaint = run_program(program, "fail")
    report.fact("so it does for one that failed", out.startswith(
        "Error The workers' initialiser 'fail()' failed; correct it: no settings"), [out])
    report.fact("whose traceback is printed, for who asks for no result", "Exception in initializer:\n" in complaint
                and "in fail\n" in complaint and "ValueError: no settings\n" in complaint, [complaint])
    _, complaint = run_program(program, "tell")
    report.fact("what an initializer logs and warns of is printed",
                "a worker begins\n" in complaint and "UserWarning: in an old way\n" in complaint, [complaint])


# Workers cannot import it.
BROKEN = """
import ferry

class Outer:
    pass

if __name__ == "__main__":
    with ferry.Executor(workers=1) as executor:
        for wait in (executor.submit(Outer).result, executor.create(Outer).make().result):
            try:
                wait()
            except Exception as error:
                print("of it: ValueError: not here; mend that" in str(error))
else:
    raise ValueError("not here")
"""


def test_broken(report, folder):
    program = os.path.join(folder, "broken.py")
    with open(program, "w", encoding="utf-8") as file:
        file.write(BROKEN)
    out, _ = run_program(program)
    report.equal("the error says why the program cannot be imported", out.splitlines(), 2 * ["True"])


# As a kernel of Jupyter: a __main__ without a file, and a loop of asyncio that runs.
NOTEBOOK = """
import asyncio, sys, types
import ferry

cells = sys.modules["__main__"] = types.ModuleType("__main__")
exec('''
import ferry

class Point:
    pass

@ferry.function("x", "x")
def double(number):
    return 2 * number
''', cells.__dict__)

async def run_cells():
    executor = ferry.Executor(workers=1)
    print(await executor.submit(abs, -1), executor.submit(abs, -2).result(),
          [value async for value in executor.map(abs, [-3, -4])], list(executor.map(abs, [-5])))
    for ask in (lambda: executor.submit(cells.double, 1), lambda: list(executor.map(cells.double, [1])),
                lambda: executor.stream(cells.double, 1), lambda: executor.create(cells.Point),
                lambda: executor.call("double", 1), lambda: ferry.Executor(initializer=cells.double),
                lambda: executor.submit(repr, cells.Point()).result()):
        try:
            ask()
        except Exception as error:
            print("file" if "put it into a file" in str(error) else "module" if "to another module" in str(error) else error)

asyncio.run(run_cells())
"""


def test_programs(report, folder):
    # With cloudpickle they go by value, which check-mains.py has.
    without = "import sys; sys.modules['cloudpickle'] = None\n"
    out, _ = run_program("-c", without + NOTEBOOK)
    report.equal("in a notebook functions of modules are called and awaited, and those of cells refused with the way out",
                 out.splitlines(), ["1 2 [3, 4] [5]"] + 6 * ["file"] + ["module"])
    out, complaint = run_program("-c", without + UNGUARDED)
    report.fact("a function that is typed in is refused", "put it into a file" in complaint, [out, complaint])
    out, complaint = run_program("-c", "import ferry; print(ferry.Executor(workers=1).submit(abs, -2).result())")
    report.equal("a program that just ends is at its end", (out, complaint), ("2\n", ""))
    program = os.path.join(folder, "unguarded.py")
    with open(program, "w", encoding="utf-8") as file:
        file.write(UNGUARDED)
    out, complaint = run_program(program)
    report.fact("a program without a guard is told of it", "if __name__ ==" in complaint and not out, [out, complaint])


def body(report):
    with ferry.Executor(workers=1, modules=["functions"]) as executor:
        test_values(report, executor)
        test_pauses(report, executor)
        test_description(report, executor)
        test_rows(report, executor)
        test_large_values(report, executor)
        test_exceptions(report, executor)
        test_deaths(report, executor)
        test_no_functions(report, executor)
        test_refusals(report, executor)
    if sys.argv[1:] == ["calls"] and "FERRY_TEST_NIGHT" not in os.environ:
        return
    test_sandbox(report)
    test_forks(report)
    test_bounds(report)
    with tempfile.TemporaryDirectory() as folder:
        test_programs(report, folder)
        test_hidden(report, folder)
        test_broken(report, folder)
        test_signals_of_others(report, folder)
        test_initializers(report, folder)
        test_settings(report, folder)


if __name__ == "__main__":
    tap.main(body)
