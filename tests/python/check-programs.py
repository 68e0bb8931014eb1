#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs find what they expect: their arguments and folder, what they share, and errors of their own: check-programs.py"""

import errno
import importlib.util
import multiprocessing
import os
import subprocess
import sys
import tempfile
import warnings
import zipfile

import functions
import tap

import ferry
import ferry.concurrent
import ferry.pool

# Longer than any of this takes. What hangs is a fault.
LONG = 600


def raised(function):
    try:
        return function()
    except BaseException as error:
        return error


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def run(folder, *arguments, **variables):
    """What a program prints, without what workers say, and what it complains of."""
    done = subprocess.run([sys.executable, *arguments], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, timeout=LONG, env={**os.environ, **variables})
    return done.stdout.splitlines(), done.stderr


# It reads a file beside it as it is imported, and goes elsewhere then.
ARGUMENTS = """
import os
import sys
import ferry

WORD = open("word.txt").read()
ARGUMENTS = sys.argv[1:]

def tell():
    return WORD, ARGUMENTS, sys.argv[1:], os.getcwd()

if __name__ == "__main__":
    os.chdir("elsewhere")
    for fork in (True, False):
        with ferry.Executor(workers=1, fork=fork) as executor:
            print(executor.submit(tell).result() == ("ready", ["-x", "one"], ["-x", "one"], os.getcwd()))
"""

# A program that has threads after its imports, whose workers are no copies.
THREADS = """
import sys
import threading
import beside
import ferry

threading.Thread(target=threading.Event().wait, daemon=True).start()

if __name__ == "__main__":
    with ferry.Executor(workers=1) as executor:
        print(executor.submit(beside.get).result())
"""


def test_arguments(report, folder):
    write(folder, "word.txt", "ready")
    os.mkdir(os.path.join(folder, "elsewhere"))
    write(folder, "arguments.py", ARGUMENTS)
    report.equal("a worker imports the program with its arguments, where it began", run(folder, "arguments.py", "-x", "one"),
                 (["True", "True"], ""))
    write(folder, "modules/beside.py", "def get():\n    return 'found'\n")
    program = write(folder, "modules/threads.py", THREADS)
    out, complaint = run(folder, program)
    report.equal("a worker that cannot be forked has the paths, too", (out, "Traceback" in complaint), (["found"], False))
    write(folder, "strange/random.py", "raise ValueError('not the one')\n")
    out, complaint = run(os.path.join(folder, "strange"), "-P", program)
    report.equal("modules of the current folder are not in the way of the package's own", "not the one" in complaint, False)


PACKAGE = """
import sys
import ferry
from . import work

class Own:
    pass

def own():
    return 1

if __name__ == "__main__":
    with ferry.Executor(workers=1) as executor:
        for call in (lambda: executor.submit(work.double, 4).result(), lambda: executor.submit(own).result(),
                     lambda: executor.submit(work.double, [Own()]).result()):
            try:
                print(call())
            except Exception as error:
                print(type(error).__name__, error)
"""


def test_packages(report, folder):
    refusals = ["is in a __main__.py, which runs the program where it is imported, so that workers do not import it; move it "
                "to another module of the package or archive",
                "AttributeError A worker imports no __main__.py, nor what is typed in, and so has no 'Own' of it; move its "
                "definition to another module"]
    work = "def double(value):\n    return 2 * value\n"
    write(folder, "package/__main__.py", PACKAGE)
    write(folder, "package/__init__.py", "")
    write(folder, "package/work.py", work)
    with zipfile.ZipFile(os.path.join(folder, "program.pyz"), "w") as archive:
        archive.writestr("__main__.py", PACKAGE.replace("from . ", ""))
        archive.writestr("work.py", work)
    # Where it is installed, these go by value.
    write(folder, "none/cloudpickle.py", "raise ImportError('not installed')\n")
    path = os.pathsep.join([os.path.join(folder, "none"), os.environ.get("PYTHONPATH", "")])
    for name, arguments in (("package", ("-m", "package")), ("zipapp", ("program.pyz",))):
        out, complaint = run(folder, *arguments, PYTHONPATH=path)
        report.fact("a function in a module of a %s is found" % name, out[:1] == ["8"], [out, complaint])
        report.fact("one in its __main__.py is refused with the reason", out[1:2] and out[1].endswith(refusals[0]), out[1:])
        report.equal("so is a class, as its objects arrive", out[2:], [refusals[1]])


def keep(*shared):
    """An initializer."""
    functions.WORDS[:] = [shared]


def use_shared():
    lock, rlock, semaphore, event, condition, queue, simple = functions.WORDS[0]
    with lock, rlock, semaphore, condition:
        queue.put("queue")
        simple.put("simple")
    return event.wait(LONG)


def hold():
    with functions.WORDS[0][0]:
        functions.WORDS[0][5].put("held")
        return functions.WORDS[0][3].wait(LONG)


def make_shared(context):
    return (context.Lock(), context.RLock(), context.Semaphore(2), context.Event(), context.Condition(), context.Queue(),
            context.SimpleQueue())


def test_shared(report):
    for name, context in (("", multiprocessing.get_context("fork")), (" of spawn", multiprocessing.get_context("spawn"))):
        shared = make_shared(context)
        lock, event, queue, simple = shared[0], shared[3], shared[5], shared[6]
        with ferry.concurrent.Executor(2, initializer=keep, initargs=shared) as executor:
            future = executor.submit(use_shared)
            report.equal("queues%s go to workers" % name, (queue.get(timeout=LONG), simple.get()), ("queue", "simple"))
            report.fact("events do, and are waited for", not future.done())
            event.set()
            report.equal("and set", future.result(LONG), True)
            event.clear()
            future = executor.submit(hold)
            queue.get(timeout=LONG)
            report.equal("locks are held by one process", lock.acquire(False), False)
            event.set()
            future.result(LONG)
            report.equal("and free behind it", lock.acquire(timeout=LONG), True)
    with ferry.pool.Pool(1, keep, make_shared(multiprocessing)) as pool:
        report.equal("a pool takes them, too", pool.apply(len, ["ab"]), 2)
    held = multiprocessing.get_context("fork").RLock()
    with held:
        error = raised(lambda: ferry.Executor(1, initializer=keep, initargs=(held,)))
    report.fact("what is held is refused", "it is held; make it with multiprocessing.get_context" in str(error), [repr(error)])


# What tqdm.contrib.concurrent.process_map() does.
def map_as_tqdm_does(executor_class, function, items, lock):
    with executor_class(max_workers=2, initializer=keep, initargs=(lock,)) as executor:
        return list(executor.map(function, items, chunksize=1))


def test_tqdm(report):
    report.equal("a map of tqdm's form works", map_as_tqdm_does(ferry.concurrent.Executor, functions.double, range(10),
                                                               multiprocessing.RLock()), list(range(0, 20, 2)))
    if importlib.util.find_spec("tqdm") is None:
        report.skip("tqdm's own", "tqdm is not installed")
        return
    concurrent = importlib.import_module("tqdm.contrib.concurrent")
    found = concurrent._executor_map(ferry.concurrent.Executor, functions.double, range(10), max_workers=2, disable=True,
                                     lock_name="mp_lock")
    report.equal("tqdm's own works", found, list(range(0, 20, 2)))


def test_exceptions(report):
    with ferry.Executor(workers=1) as executor:
        for function, kind, args, attributes in (
                (functions.fail_oddly, functions.OddError, ("odd",), {}),
                (functions.fail_with_code, functions.CodeError, ("code 404",), {"code": 404}),
                (functions.fail_with_keyword, functions.KeywordError, (), {"why": "no"}),
                (functions.fail_with_slot, functions.SlotError, ("slot 3",), {"place": 3}),
                (functions.fail_of_system, functions.SystemFault, (errno.ENOENT, "gone"), {"errno": errno.ENOENT})):
            error = executor.submit(function).exception()
            report.equal("a %s comes back as it was" % kind.__name__, (type(error), error.args,
                         {name: getattr(error, name, None) for name in attributes}), (kind, args, attributes))
            report.fact("with its traceback", "in %s\n" % function.__name__ in error.__cause__.tb, [repr(error.__cause__)])
        for function, said in ((functions.miss_file, "No such file or directory: /nothing/at/all"),
                               (functions.rename_nothing, "No such file or directory: /nothing/a -> /nothing/b"),
                               (functions.fail_in_words, "the words of it"), (functions.miss_key, "KeyError: 'key'")):
            task = executor.submit(function)
            report.fact("it fails", isinstance(task.exception(), Exception))
            report.equal("a row says what %s() says" % function.__name__, raised(task.get_result).message, said)
        error = raised(lambda: list(executor.map(functions.fail_with_code_for, [1])))
        report.equal("out of a map, too", (type(error), error.code), (functions.CodeError, 1))


def test_coroutines(report):
    with ferry.Executor(workers=1) as executor:
        report.equal("a coroutine function is run", executor.submit(functions.double_later, 4).result(), 8)
        report.equal("in a map, too", list(executor.map(functions.double_later, range(3))), [0, 2, 4])
        report.equal("its exception is its own", type(executor.submit(functions.fail_later).exception()), functions.OwnError)
        process = executor.submit(functions.get_process).result()
        task = ferry.Task(functions.sleep_later)
        task.connect("notify::text", lambda task, _: task.cancel())
        report.equal("a cancel ends it", type(raised(executor.submit(task).result)), ferry.CancelledError)
        report.equal("and not its worker", executor.submit(functions.get_process).result(), process)
        error = raised(lambda: executor.stream(functions.count_later, 3))
        report.fact("a stream of what is asynchronous is refused", type(error) is TypeError
                    and "'count_later' is asynchronous" in str(error), [repr(error)])
    with ferry.concurrent.Executor(1) as executor:
        report.equal("executors of concurrent.futures run it", executor.submit(functions.double_later, 5).result(), 10)


def test_pools(report):
    with ferry.concurrent.Executor(3) as executor:
        report.equal("an executor says how many workers it may have", executor._max_workers, 3)
    pool = ferry.pool.Pool(1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del pool
    report.equal("a pool that is left open warns", [each.category for each in caught], [ResourceWarning])
    for end in ("close", "terminate"):
        pool = ferry.pool.Pool(1)
        getattr(pool, end)()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del pool
        report.equal("one behind %s() does not" % end, [each.category for each in caught], [])


PARTS = """
import sys
import ferry, ferry.concurrent, ferry.worker

def find():
    return [name for name in sys.modules if name.startswith(("ferry.parallel", "ferry.pool", "ferry.traits"))]

if __name__ == "__main__":
    print(find())
    with ferry.Executor(workers=1) as executor:
        print(executor.submit(find).result())
"""


def test_parts(report, folder):
    out, complaint = run(folder, write(folder, "parts.py", PARTS))
    report.equal("what is for users of other packages is not loaded for others", (out, complaint), (["[]", "[]"], ""))


def body(report):
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        test_arguments(report, folder)
        test_packages(report, folder)
        test_parts(report, folder)
    test_shared(report)
    test_tqdm(report)
    test_exceptions(report)
    test_coroutines(report)
    test_pools(report)


if __name__ == "__main__":
    tap.main(body)
