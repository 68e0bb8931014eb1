#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.Queue: tasks in a file, over the ends of programs: check-queue.py [kills]

With "kills", only the program that is killed at random moments and started again.
"""

import asyncio
import concurrent.futures
import datetime
import functools
import gc
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

import queue_functions
import tap

import ferry

# Longer than any of this takes. What hangs is a fault.
LONG = 600

N_KILLS = 50 if "FERRY_TEST_NIGHT" in os.environ else 12


def caught(function, *arguments, **keywords):
    try:
        return function(*arguments, **keywords)
    except Exception as error:
        return error


def says(error, *parts):
    return isinstance(error, Exception) and all(part in str(error) for part in parts)


def wait_until(condition):
    end = time.monotonic() + LONG
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def read_lines(path):
    return path.read_text().splitlines() if path.exists() else []


# ---- in one program ----

def test_tasks(report, folder):
    path = folder / "tasks.db"
    with ferry.Queue(path) as queue:
        report.equal("a queue is empty at first", (len(queue), list(queue), bool(queue)), (0, [], True))
        task = queue.submit(queue_functions.double, 4, key="four")
        report.equal("a function is called", (task.result(), type(task).__name__, isinstance(task, ferry.Task)), (8, "Task", True))
        report.fact("a key is done once", queue.submit(queue_functions.double, 5, key="four") is task)
        report.equal("it finds the task", ("four" in queue, "five" in queue, queue["four"] is task, queue.get("five")),
                     (True, False, True, None))
        report.equal("and the task finds it", (queue.key_of(task), task in queue), ("four", True))
        report.fact("a key that is not known is said", says(caught(lambda: queue["five"]), "no task with the key 'five'"))
        queue.submit(queue_functions.add, queue_functions.Point(1, 2), more=3, key=pathlib.Path("a/b"))
        queue.submit(functools.partial(queue_functions.double, 6), key=7)
        failing = queue.submit(queue_functions.fail, 3, key=b"caf\xe9")
        queue.submit(queue_functions.fill, 3 << 20, key="large")
        queue.submit(len, bytes(3 << 20), key="large arguments")
        made = ferry.Task(queue_functions.double, 8)
        made.props.name = "Twice eight"
        report.fact("a task is made first, and submitted then", queue.submit(made, key="made") is made)
        queue.run(["printf", "one"], text=True, key="program")
        queue.run(["false"], key="failing program")
        out = str(folder / "out")
        replacing = queue.run(["touch", out], output_files=[out], replace_output_files=True, key="replaces")
        report.equal("a program that replaces its files may be repeated", (replacing.props.idempotent, queue["program"].props.idempotent),
                     (True, False))
        concurrent.futures.wait(queue)
        report.equal("all are done", {task.done() for task in queue}, {True})
        report.equal("an exception is what it was", repr(failing.exception()), "NotSo('not so: 3')")
        report.equal("a flush is one by itself", queue.flush().done(), True)
    report.equal("the file is the user's own", oct(os.stat(path).st_mode & 0o777), "0o600")
    check_again(report, path)


def check_again(report, path):
    """In what is another run for the queue."""
    with ferry.Queue(path) as queue:
        report.equal("tasks of an earlier run are there, in their order", [queue.key_of(task) for task in queue],
                     ["four", "a/b", "7", "caf\\udce9", "large", "large arguments", "made", "program", "failing program", "replaces"])
        report.equal("they are done", {(type(task).__name__, task.done(), task.running()) for task in queue}, {("Task", True, False)})
        report.equal("with their results", [queue[key].result() for key in ("four", "a/b", 7, "large arguments", "made")],
                     [8, 6, 12, 3 << 20, 16])
        report.equal("and names", queue["made"].props.name, "Twice eight")
        report.equal("also large ones", len(queue["large"].result()), 3 << 20)
        report.equal("and what programs have written", queue["program"].result().stdout, "one")
        error = queue[b"caf\xe9"].exception()
        report.equal("an exception is told by its class's name and its message", (type(error), error.class_name, str(error)),
                     (ferry.RemoteError, "NotSo", "queue_functions.NotSo: not so: 3"))
        report.fact("and has the worker's traceback", "in fail" in error.__cause__.tb, [error.__cause__.tb])
        report.equal("so has one of a program", queue["failing program"].exception().class_name, "CommandError")
        report.equal("what is submitted again is not done again", queue.submit(queue_functions.double, 5, key="four").result(), 8)
        report.equal("one that is awaited is as well", asyncio.run(asyncio.wait_for(queue["four"], LONG)), 8)
        again = queue.retry(queue["four"])
        report.equal("a task is tried again with its key", (again.result(), queue.key_of(again), queue["four"] is again),
                     (8, "four", True))
        queue.forget("four")
        report.equal("what is forgotten is done anew", ("four" in queue, queue.submit(queue_functions.double, 5, key="four").result()),
                     (False, 10))


def test_back_ups(report, folder):
    copy = folder / "copies" / "copy.db"
    with ferry.Queue(folder / "original.db") as queue:
        large = queue.submit(queue_functions.fill, 3 << 20, key="large").result()
        queue.paused = True
        queue.submit(queue_functions.double, 4, key="four")
        report.equal("a back-up is made while the queue is open", queue.back_up(copy).result(), None)
        report.fact("it replaces nothing", says(caught(queue.back_up, copy), str(copy), "exists"))
        queue.submit(queue_functions.double, 5, key="later")
    with ferry.Queue(copy) as queue:
        report.equal("it is a queue", (queue.damage, [queue.key_of(task) for task in queue]), (None, ["large", "four"]))
        report.equal("with its values", queue["large"].result(), large)
        report.equal("that goes on", queue["four"].result(), 8)


def test_changes(report, folder):
    with ferry.Queue(folder / "changes.db") as queue:
        queue.paused = True
        queue.reason = "Waits for mains power"
        one, two = [queue.submit(queue_functions.double, number, key=number) for number in (1, 2)]
        queue.move(two, one)
        report.equal("the order can be changed", [queue.key_of(task) for task in queue], ["2", "1"])
        queue.move(two)
        report.equal("also to the end", [queue.key_of(task) for task in queue], ["1", "2"])
        report.equal("a paused queue begins nothing, and says why", (queue.paused, one.props.text, one.done()),
                     (True, "Waits for mains power", False))
        queue.paused = False
        report.equal("and goes on", (one.result(), two.result()), (2, 4))
        later = queue.submit(queue_functions.double, 3, not_before=datetime.datetime.now() + datetime.timedelta(days=1))
        report.fact("a task waits for its time", wait_until(lambda: (later.props.text or "").startswith("Waits until")), [later.props.text])
        report.equal("and for no other", queue.submit(queue_functions.double, 4).result(), 8)
        queue.set_not_before(later, None)
        report.equal("a person can have it begin now", later.result(), 6)
        soon = [queue.submit(queue_functions.double, 5, not_before=when) for when in (0.05, datetime.timedelta(), -3)]
        report.equal("seconds are from now", [task.result() for task in soon], [10, 10, 10])
        report.equal("there is no error", (queue.error, queue.damage), (None, None))
        queue.props.keep_count = 1
        report.equal("so many that are done stay", len(queue), 1)
        queue.submit(queue_functions.double, 6, key="old").result()
        queue.submit(queue_functions.double, 7).result()
        old = queue.submit(queue_functions.double, 6, key="old")
        report.fact("others are known, and their results are not", old.done() and says(old.exception(), "is not kept any more"),
                    [old.exception()])


def test_refusals(report, queue, folder):
    local = lambda: 1  # noqa: E731

    def inner():
        pass

    with ferry.Executor(workers=1) as executor:
        sender, _ = executor.pipe()
        for name, function, *arguments in (
                ("a lambda", local), ("an inner function", inner), ("a lambda in a partial function", functools.partial(local)),
                ("a lambda as an argument", queue_functions.double, local), ("shared bytes", len, ferry.share(b"abc")),
                ("a sender", queue_functions.double, sender), ("an offer", queue_functions.double, ferry.offer(report)),
                ("a file", queue_functions.double, sys.stderr), ("a lock", queue_functions.double, threading.Lock())):
            error = caught(queue.submit, function, *arguments)
            notes = " ".join([str(error), *getattr(error, "__notes__", [])])
            report.fact("%s is refused, with what to do" % name, isinstance(error, Exception) and ("; define" in notes or "; give" in notes),
                        [notes])
    for name, error, parts in (
            ("a stream", caught(queue.submit, ferry.Stream(range, 3)), ("cannot be stored; give",)),
            ("a program as a task", caught(queue.submit, ferry.Command(["true"])), ("queue.run()",)),
            ("large arguments of a task", caught(queue.submit, ferry.Task(len, bytes(3 << 20))), ("are large",)),
            ("a program's lines", caught(queue.run, ["true"], all_lines=True), ("has no lines()",)),
            ("a line for a shell", caught(queue.run, "ls -l"), ("['ls', '-l']",)),
            ("what is no function", caught(queue.submit, 3), ("is not callable; give",)),
            ("a key that is a tuple", caught(queue.submit, len, "", key=("a", 1)), ("('a', 1)", "ferry.Task(function, key=...)")),
            ("an empty key", caught(queue.submit, len, "", key=""), ("at least one character",)),
            ("seconds since 1970", caught(queue.submit, len, "", not_before=time.time()), ("datetime.datetime.fromtimestamp(",)),
            ("a text as a time", caught(queue.submit, len, "", not_before="22:00"), ("datetime", "'22:00'")),
            ("the same file", caught(ferry.Queue, queue.path), ("is used by another",)),
            ("a file of another program", caught(ferry.Queue, __file__), ("is a file of another program",)),
            ("an executor as the path", caught(ferry.Queue, queue.executor), ("executor=executor",)),
            ("another start", caught(ferry.Queue, folder / "no.db", start="later"), ("continue, paused, as-it-was",)),
            ("a program as the executor's", caught(ferry.Queue, folder / "no.db", ferry.Executor(program=["true"])), ("knows no functions",)),
            ("what is not known", caught(queue.forget, "nothing"), ("'nothing'",))):
        report.fact("%s is refused in words" % name, says(error, *parts), [repr(error)])
    report.equal("and nothing was submitted", len(queue), 0)


def test_ends(report, folder):
    """A queue is closed while its tasks wait and run."""
    gate, log, path = folder / "gate", folder / "ends.log", folder / "ends.db"
    with ferry.Executor(workers=2) as executor:
        with ferry.Queue(path, executor) as queue:
            idempotent = queue.submit(queue_functions.wait_for_file, gate, log, key="idempotent", idempotent=True)
            once = queue.submit(queue_functions.wait_for_file, gate, log, key="once")
            waits = queue.submit(queue_functions.double, 3, key="waits")
            wait_until(lambda: read_lines(log) == ["begun", "begun"])
        report.fact("leaving a queue is no cancel of what runs, nor of what waits",
                    all(says(task.exception(), "open it again") and isinstance(task.exception(), ferry.Interrupted)
                        and not task.cancelled() for task in (idempotent, once, waits)),
                    [task.exception() for task in (idempotent, once, waits)])
        report.fact("a queue that was closed says so", says(caught(queue.submit, len, ""), "was closed"))
        report.equal("its executor goes on", executor.submit(queue_functions.double, 2).result(), 4)
        gate.touch()
        with ferry.Queue(path, executor) as queue:
            report.equal("what may be repeated goes on, and what waited",
                         (queue["idempotent"].result(), queue["waits"].result()), ("found", 6))
            report.fact("what may not says so", isinstance(queue["once"].exception(), ferry.Interrupted)
                        and says(queue["once"].exception(), "under way when the application ended"), [queue["once"].exception()])
            report.equal("and a person tries it again", queue.retry(queue["once"]).result(), "found")
            report.fact("a worker that dies is one task's failure", isinstance(queue.submit(queue_functions.die).exception(), ferry.WorkerLost))
            cancelled = queue.submit(queue_functions.wait_for_file, folder / "never", key="cancelled")
            cancelled.cancel()
            report.fact("a cancel is one", isinstance(caught(cancelled.result), ferry.CancelledError) and cancelled.cancelled())
        with ferry.Queue(path, executor) as queue:
            report.fact("and stays one", queue["cancelled"].cancelled())


def test_starts(report, folder):
    path = folder / "starts.db"
    with ferry.Queue(path) as queue:
        queue.submit(queue_functions.double, 1, key="one", not_before=3600)
    with ferry.Queue(path, start="paused") as queue:
        report.equal("a queue may start paused", (queue.paused, queue.set_not_before(queue["one"], None), queue["one"].done()),
                     (True, None, False))
    with ferry.Queue(path, start="as-it-was") as queue:
        report.equal("or as it was", queue.paused, True)
    with ferry.Queue(path) as queue:
        report.equal("or go on", queue["one"].result(), 2)
    report.equal("a task keeps its queue", ferry.Queue(path).submit(queue_functions.double, 5, key="five").result(), 10)
    collect(report, path)


def test_names(report, folder):
    path = folder / "names.db"
    with ferry.Queue(path) as queue:
        queue.paused = True
        queue.submit(queue_functions.double, 1)
        made = ferry.Task(queue_functions.fail, 2)
        made.props.name = "Holiday"
        made.props.retries = 1
        queue.submit(made, key="made")
        report.equal("a text says which functions wait", list_functions(), {"double", "fail"})
    with ferry.Queue(path, start="paused") as queue:
        report.equal("also in the next run, where they are made of the file", list_functions(), {"double", "fail"})
        report.equal("where tasks have what they had", (queue["made"].props.name, queue["made"].props.retries), ("Holiday", 1))
        report.fact("but no names are told", "Holiday" not in ferry.describe_application())


def list_functions():
    """What the text calls the functions of all tasks."""
    tasks = ferry.describe_application().partition("\nTasks: ")[2].partition("\n\n")[0]
    return {line.strip().partition(" (")[0] for line in tasks.splitlines()[1:]}


def open_when_free(path):
    """The queue, as soon as nobody else has the file."""
    end = time.monotonic() + LONG
    while True:
        try:
            return ferry.Queue(path)
        except ferry.Error as error:
            if "is used by another" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.01)


def collect(report, path):
    gc.collect()
    with open_when_free(path) as queue:
        report.equal("a queue that nobody has gives its file back", queue["five"].result(), 10)


async def use_asyncio(report, path):
    async with ferry.Queue(path) as queue:
        tasks = [queue.submit(queue_functions.double, number, key=number) for number in range(5)]
        report.equal("tasks are awaited", await asyncio.gather(*tasks), [0, 2, 4, 6, 8])
        report.equal("and what is stored", (await queue.flush(), await queue.submit(queue_functions.double, 9)), (None, 18))
        waits = queue.submit(queue_functions.wait_for_file, path + ".never", idempotent=True)
        awaiting = asyncio.ensure_future(asyncio.wait_for(asyncio.shield(asyncio.wrap_future(waits)), LONG))
        await asyncio.sleep(0)
    error = await asyncio.gather(awaiting, return_exceptions=True)
    report.fact("the end of the block is no cancel of what is awaited", isinstance(error[0], ferry.Interrupted), error)
    queue = await ferry.Queue(path)
    report.equal("a queue is awaited", len(queue), 7)
    await queue.close()
    with ferry.Queue(path) as queue:
        report.equal("a block that does not await is one", queue[3].result(), 6)
    with ferry.Queue(path) as queue:
        report.equal("and has closed the file", len(queue), 7)
    error = await asyncio.gather(ferry.Queue(path + "/no/folder").flush(), return_exceptions=True)
    report.fact("one that cannot be opened says so", says(error[0], "cannot be opened", path + "/no/folder"), error)


def test_threads(report, folder):
    with ferry.Queue(folder / "threads.db") as queue:
        def submit(first):
            for number in range(first, first + 25):
                queue.submit(queue_functions.double, number, key=number)

        threads = [threading.Thread(target=submit, args=(first,)) for first in (0, 10, 20, 30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        report.equal("threads submit, and each key is one task", sorted(task.result() for task in queue), list(range(0, 110, 2)))


# ---- another version of the program ----

VERSION = """
import sys
import ferry

class Old:
    pass

def %(function)s:
    return %(result)s

def convert(version, function, args, kwargs):
    print("convert", version, function, args if function != "__main__.hold" else "", kwargs)
    if function == "__main__.drop":
        return None
    return (greet, (args[0], "!"), kwargs) if function == "__main__.hello" else (function, args, kwargs)

if __name__ == "__main__":
    with ferry.Queue(sys.argv[1], version=%(version)d, %(settings)s) as queue:
        if %(version)d == 1:
            queue.paused = True
            queue.submit(hello, "you", key="hello")
            queue.submit(drop, 1, key="drop")
            queue.submit(hold, Old(), key="hold")
            queue.submit(len, "four", key="len")
        for task in queue:
            if %(version)d > 1:
                print(queue.key_of(task), repr(task.exception()) if task.exception() else task.result())
"""
OTHERS = """def drop(number):
    return number

def hold(old):
    return old

def """


def write_version(path, **parts):
    path.write_text(VERSION % parts)
    return path


def run_program(*arguments, **keywords):
    done = subprocess.run([sys.executable, *map(str, arguments)], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, timeout=LONG, **keywords)
    return done.stdout + done.stderr


def test_versions(report, folder):
    program, path = folder / "program.py", folder / "versions.db"
    said = run_program(write_version(program, function="drop(number): pass\n\ndef hold(old): pass\n\ndef hello(who)", result="'hello ' + who",
                                     version=1, settings=""), path)
    report.equal("a first version stores", said, "")
    gone = folder / "gone.db"
    gone.write_bytes(path.read_bytes())
    (folder / "gone.db.lock").touch()
    text = write_version(program, function="greet(who, mark)", result="'hello ' + who + mark", version=2,
                         settings="convert=convert").read_text()
    program.write_text(text.replace("class Old:\n    pass\n", ""))
    lines = run_program(program, path).splitlines()
    report.equal("a second one is asked to convert each call", lines[:4],
                 ["convert 1 __main__.hello ('you',) {}", "convert 1 __main__.drop (1,) {}", "convert 1 __main__.hold  {}",
                  "convert 1 builtins.len ('four',) {}"])
    report.equal("what it converts runs", [lines[4], lines[7]], ["hello hello you!", "len 4"])
    report.fact("what it cannot run stays, and says so", lines[5].startswith("drop Error(") and "of version 1 of the application" in lines[5], lines)
    report.fact("and what it leaves as it is, and cannot read", lines[6].startswith("hold Error(") and "there is no 'hold' in it" in lines[6]
                and "forget its key, or have the queue convert it" in lines[6], lines)
    program.write_text(text.replace("version=2, convert=convert", "version=0"))
    lines = run_program(program, gone).splitlines()
    report.fact("without a conversion, a function that is gone is an error of its task",
                lines[0].startswith("hello Error(") and "there is no 'hello' in it" in lines[0], lines)
    report.equal("and other tasks run", lines[3:], ["len 4"])


UPDATED = """
import sys
import time

import ferry
import parted

if __name__ == "__main__":
    with open(parted.__file__) as file:
        text = file.read()
    with open(parted.__file__, "w") as file:
        file.write("def twice(number) return")
    with ferry.Queue(sys.argv[1]) as queue:
        tasks = [queue.submit(parted.twice, number) for number in range(4)]
        while queue.error is None:
            time.sleep(0.01)
        print("SyntaxError" in str(queue.error), [task.done() for task in tasks])
        with open(parted.__file__, "w") as file:
            file.write(text)
        print([task.result() for task in tasks], queue.error)
"""


def test_files_that_go(report, folder):
    """A program that cleans up removes the file, and nobody is there to press a button."""
    path = folder / "going.db"
    with ferry.Queue(path) as queue:
        first = queue.submit(queue_functions.double, 1, key="first").result()
        path.unlink()
        report.equal("a queue whose file was removed writes it anew", (first, queue.submit(queue_functions.double, 2, key="second").result()), (2, 4))
        queue.flush().result()
    with ferry.Queue(path) as queue:
        report.equal("with all that it had", [queue[key].result() for key in ("first", "second")], [2, 4])


def test_modules_that_do_not_load(report, folder):
    """An update that is installed while the program runs."""
    (folder / "parted.py").write_text("def twice(number):\n    return 2 * number\n")
    (folder / "updated.py").write_text(UPDATED)
    lines = [line for line in run_program(folder / "updated.py", folder / "updated.db").splitlines() if line[:4] == "True" or line[:1] == "["]
    report.equal("tasks wait while a module does not load, which is the queue's error", lines[:1], ["True [False, False, False, False]"])
    report.equal("and go on when it does", lines[-1:], ["[0, 2, 4, 6] None"])


# ---- a program that is killed ----

KILLED = """
import os
import sys
import time
import ferry

def note(log, key):
    with open(log, "a") as file:
        file.write("%s %s\\n" % (os.environ["TURN"], key))
    time.sleep(0.01)
    return key.upper()

if __name__ == "__main__":
    path, log, count = sys.argv[1:]
    with ferry.Queue(path) as queue:
        # Of each three, two may be repeated.
        for number in range(int(count)):
            queue.submit(note, log, "key-%d" % number, key="key-%d" % number, idempotent=number % 3 > 0)
        queue.flush()
        print("stored", flush=True)
        for task in queue:
            interrupted = isinstance(task.exception(), ferry.Interrupted)
            if interrupted:
                print(queue.key_of(task), "interrupted", flush=True)
            if interrupted and os.environ["TURN"] == "last":
                task, interrupted = queue.retry(task), False
            if not interrupted:
                print(queue.key_of(task), task.result(), flush=True)
"""


class Ledger:
    """What the program has said in all of its runs."""

    def __init__(self, folder):
        self.program, self.path, self.log = folder / "killed.py", folder / "killed.db", folder / "killed.log"
        self.program.write_text(KILLED)
        # The turns in which a task was said to have ended, by key and result.
        self.told = {}
        self.complaints = []
        self.n_stored = 0

    def take(self, turn, line):
        key, result = line.split()
        if turn != "last":
            self.complaints += ["%s was %s, and is %s" % (key, before, result) for before in self.told.get(key, {}) if before != result]
        self.told.setdefault(key, {}).setdefault(result, turn)

    def run(self, turn, count, kill_after):
        """Runs the program, and kills it when it has said so many lines, or before it has said one."""
        process = subprocess.Popen([sys.executable, self.program, self.path, self.log, str(count)], text=True,
                                   stdout=subprocess.PIPE, env={**os.environ, "TURN": str(turn)})
        for number, line in enumerate(process.stdout):
            if line != "stored\n":
                self.take(turn, line)
            else:
                self.n_stored = max(self.n_stored, count)
            if number + 1 >= kill_after:
                process.send_signal(signal.SIGKILL)
                break
        process.stdout.close()
        return process.wait()


def test_kills(report, folder):
    seed = random.randrange(1 << 30)
    print("# seed %d" % seed, flush=True)
    choice = random.Random(seed)
    ledger = Ledger(folder)
    for turn in range(N_KILLS):
        before = ledger.n_stored
        ledger.run(turn, 20 + 10 * turn, choice.randrange(before, before + 12) + 1)
    status = ledger.run("last", 20 + 10 * N_KILLS, 1 << 30)
    report.equal("a program that was killed %d times comes to its end" % N_KILLS, status, 0)
    report.none("no result changes", ledger.complaints)
    runs = {}
    for line in read_lines(ledger.log):
        turn, key = line.split()
        runs.setdefault(key, []).append(turn)
    with ferry.Queue(ledger.path) as queue:
        found = {queue.key_of(task): task.result() for task in queue}
        report.equal("each key's result is there once", (len(queue), found),
                     (20 + 10 * N_KILLS, {"key-%d" % number: "KEY-%d" % number for number in range(20 + 10 * N_KILLS)}))
    once = {"key-%d" % number for number in range(0, 20 + 10 * N_KILLS, 3)}
    interrupted = {key for key, told in ledger.told.items() if "interrupted" in told}
    report.none("what may not be repeated ran once, but where a person tried it again",
                ["%s ran %s" % (key, runs[key]) for key in once if len(runs.get(key, ())) > 1 + (key in interrupted)])
    report.none("what was told to be done is done once", [
        "%s was done in turn %s, and ran %s" % (key, turn, runs[key]) for key, told in ledger.told.items()
        for result, turn in told.items() if result != "interrupted" and turn != "last"
        and any(ran == "last" or int(ran) > turn for ran in runs[key])])
    print("# %d of %d runs were interrupted" % (len(interrupted), len(once)), flush=True)


def body(report):
    only = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if only != ["kills"]:
            # First, as what is left of others would be told as well.
            test_names(report, folder)
            test_tasks(report, folder)
            test_back_ups(report, folder)
            test_changes(report, folder)
            with ferry.Queue(folder / "refusals.db") as queue:
                test_refusals(report, queue, folder)
            test_ends(report, folder)
            test_starts(report, folder)
            asyncio.run(use_asyncio(report, str(folder / "asyncio.db")))
            test_threads(report, folder)
            test_versions(report, folder)
            test_files_that_go(report, folder)
            test_modules_that_do_not_load(report, folder)
        if only != ["nokills"]:
            test_kills(report, folder)


if __name__ == "__main__":
    tap.main(body)
