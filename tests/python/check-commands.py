#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs as tasks of the package ferry, beside subprocess.run(): check-commands.py"""

import asyncio
import os
import pickle
import re
import subprocess
import tempfile
import threading
import time

import functions
import tap

import ferry

LONG = 600


def raised(function):
    try:
        return function()
    except Exception as error:
        return error


def shell(script):
    return ["sh", "-c", script]


def both(executor, args, **keywords):
    """What subprocess.run() gives, and what a task does, as far as they can be compared."""
    found = []
    for run in (lambda: subprocess.run(args, capture_output=True, check=True, **keywords),
                lambda: executor.run(args, **keywords).result(LONG)):
        outcome = raised(run)
        if isinstance(outcome, subprocess.CompletedProcess):
            found.append((outcome.args, outcome.returncode, outcome.stdout, outcome.stderr))
        elif isinstance(outcome, subprocess.CalledProcessError):
            found.append((outcome.cmd, outcome.returncode))
        elif isinstance(outcome, OSError) and not isinstance(outcome, TimeoutError):
            found.append((type(outcome), outcome.errno, outcome.filename))
        else:
            found.append(outcome)
    return found


def test_beside_subprocess(report, executor, folder):
    plain = os.path.join(folder, "plain")
    open(plain, "wb").close()
    for name, args, keywords in (
            ("bytes", ["printf", "a\\377b"], {}),
            ("text, with its ends of lines", ["printf", "\\303\\244\\r\\nb\\r"], {"text": True}),
            ("an encoding", ["printf", "\\344"], {"encoding": "latin-1"}),
            ("what an encoding does not know", ["printf", "\\344"], {"encoding": "utf-8", "errors": "replace"}),
            ("standard error", shell("echo one; echo two >&2"), {"text": True}),
            ("nothing", ["true"], {}),
            ("input", ["cat"], {"input": b"a\0b" * 100000}),
            ("no input that is given", ["cat"], {"input": b""}),
            ("a little input", ["cat"], {"input": b"a\0b"}),
            ("input that is text", ["cat"], {"input": "ä", "text": True}),
            ("a folder", ["pwd", "-P"], {"cwd": os.path.realpath(folder)}),
            ("an environment", shell("echo $WORD; echo $HOME"), {"env": {"WORD": "a=b", "PATH": os.environ["PATH"]}}),
            ("names that are no text", [b"printf", "%s", b"\xff"], {}),
            ("a status", shell("exit 3"), {}),
            ("a signal", shell("kill -9 $$"), {}),
            # A folder of the path that may not be searched makes another error of it.
            ("no such program", ["no-such-program"], {"env": {"PATH": "/usr/bin:/bin"}}),
            ("no such path", [os.path.join(folder, "none")], {}),
            ("a file that is no program", [plain], {}),
            ("no such folder", ["true"], {"cwd": os.path.join(folder, "none")}),
            ("a folder that is none", ["true"], {"cwd": plain})):
        expected, found = both(executor, args, **keywords)
        report.equal("%s: as subprocess.run() has it" % name, found, expected)


def test_errors(report, executor):
    error = raised(executor.run(shell("echo first >&2; echo sorry >&2; exit 3"), text=True).result)
    report.fact("a failure is an error of both", isinstance(error, ferry.CommandError) and isinstance(error, ferry.Error)
                and isinstance(error, subprocess.CalledProcessError), [repr(error)])
    report.equal("and has standard error", error.stderr, "first\nsorry\n")
    report.fact("its message has the last words", "sorry" in str(error) and "3" in str(error), [str(error)])
    copy = pickle.loads(pickle.dumps(error))
    report.equal("it is pickled", (str(copy), copy.returncode, copy.cmd, copy.stderr),
                 (str(error), 3, error.cmd, error.stderr))
    error = raised(executor.run(["sleep", "1000"], timeout=0.1).result)
    report.equal("a time that is over", type(error), TimeoutError)
    error = raised(executor.run(["yes"], output_limit=1000).result)
    report.fact("too much output says what to do", type(error) is ferry.Error and "output" in str(error), [repr(error)])
    report.equal("a line of a shell is refused", type(raised(lambda: executor.run("ls -l"))), TypeError)
    report.equal("so is no program", type(raised(lambda: executor.run([]))), ferry.Error)
    error = raised(lambda: executor.run(["ls"], capture_output=True))
    report.fact("so is an unknown keyword", type(error) is TypeError and "always captured" in str(error), [repr(error)])
    report.equal("so is an unknown reader", type(raised(lambda: executor.run(["ls"], progress="telepathy"))), ValueError)
    for script, status in (("echo a; exit 3", 3), ("kill -9 $$", -9)):
        done = executor.run(shell(script), check=False).result(LONG)
        report.equal("a status that is not checked: %d" % status, done.returncode, status)
    report.equal("with its output", executor.run(shell("echo a; exit 3"), check=False).result(LONG).stdout, b"a\n")
    done = executor.run(shell("exit 1"), success_statuses=[0, 1]).result(LONG)
    report.equal("another status may be a success", done.returncode, 1)


def look_until(holds):
    while not holds():
        time.sleep(0.01)


def read(path):
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def is_stopped(pid):
    return read("/proc/%d/stat" % pid).rpartition(")")[2].split()[:1] == ["T"]


def test_tasks(report, executor, folder):
    task = executor.run(shell("echo $$ > %s/pid; exec sleep 1000" % folder))
    look_until(lambda: read(folder + "/pid").endswith("\n"))
    pid = int(read(folder + "/pid"))
    task.pause()
    look_until(lambda: is_stopped(pid))
    report.fact("a pause stops the process", not task.done())
    task.resume()
    look_until(lambda: not is_stopped(pid))
    report.fact("which goes on", not task.done())
    task.pause()
    look_until(lambda: is_stopped(pid))
    task.cancel()
    report.equal("a cancel ends it, though it is paused", type(raised(lambda: task.result(LONG))), ferry.CancelledError)
    report.equal("and the process", type(raised(lambda: os.kill(pid, 0))), ProcessLookupError)

    async def gather():
        tasks = [executor.run(["echo", str(i)], text=True) for i in range(4)]
        return [done.stdout for done in await asyncio.gather(*tasks)]

    report.equal("commands are awaited", asyncio.run(gather()), ["0\n", "1\n", "2\n", "3\n"])
    lines = []
    task = ferry.Command(["seq", "3"], all_lines=True)
    task.props.priority = 5
    task.connect("message", lambda _, kind, value: lines.append((kind, value.unpack())))
    report.equal("a task is made first", executor.submit(task).result(LONG).stdout, b"1\n2\n3\n")
    report.equal("and hears lines", lines, [("line", "1"), ("line", "2"), ("line", "3")])
    report.equal("it is called as the program", task.get_name(), "seq")
    path = os.path.join(folder, "out")
    report.equal("output goes to a file", executor.run(["echo", "a"], output_file=path).result(LONG).stdout, b"")
    report.equal("and is there", open(path, encoding="ascii").read(), "a\n")
    report.equal("input comes from a file", executor.run(["cat"], input_file=path).result(LONG).stdout, b"a\n")


def test_progress(report, executor, folder):
    gate = os.path.join(folder, "gate")
    os.mkfifo(gate)
    for name, line, keywords in (
            ("a percentage", "40 %", {"progress": "percent"}), ("steps", "[2/5]", {"progress": "steps"}),
            ("a number", "8", {"progress": "number", "total": 20}),
            ("keys", "n=2", {"progress": "keys", "progress_pattern": "done=n total=of", "total": 5}),
            ("JSON", '{"a": {"share": 0.4}}', {"progress": "json", "progress_pattern": "fraction=a.share"}),
            ("a pattern of re", "step 2 of 5", {"progress": re.compile(r"step (?P<done>\d+) of (?P<total>\d+)")})):
        begun = threading.Event()
        # A total counts when it is said again, since it may grow.
        task = ferry.Command(["sh", "-c", 'echo "$1"; echo "$1"; read word < "$2"', "sh", line, gate], **keywords)
        task.connect("progress", lambda task: round(task.get_fraction(), 3) == 0.4 and begun.set())
        executor.submit(task)
        report.fact("progress is read: " + name, begun.wait(LONG), [task.progress])
        with open(gate, "w", encoding="ascii") as opened:
            opened.write("go\n")
        task.result(LONG)
        report.equal("and ends with 1: " + name, task.progress[0], 1)


def test_executors(report):
    with ferry.Executor(workers=1) as executor:
        tasks = [executor.submit(functions.double, 2), executor.run(["echo", "a"], text=True)]
        report.equal("functions and programs have one executor", [tasks[0].result(LONG), tasks[1].result(LONG).stdout], [4, "a\n"])
        report.equal("what runs programs runs no functions", type(raised(lambda: executor.commands.submit(functions.double, 1))),
                     ferry.Error)
        report.equal("with as many workers", executor.commands.workers, 1)
        waiting = executor.run(["sleep", "1000"])
        executor.cancel_all()
        report.equal("all are cancelled", type(raised(lambda: waiting.result(LONG))), ferry.CancelledError)
        late = executor.run(["sh", "-c", "echo late"])
    report.fact("the end of the block waits for programs", late.done() and late.result().stdout == b"late\n")
    report.equal("behind it none begins", type(raised(lambda: executor.run(["true"]))), ferry.Error)
    other = ferry.Executor()
    other.shutdown()
    report.equal("nor the first one", type(raised(lambda: other.run(["true"]))), ferry.Error)
    try:
        with ferry.Executor() as executor:
            task = executor.run(["sleep", "1000"])
            raise KeyError
    except KeyError:
        report.equal("an exception in the block cancels them", type(raised(lambda: task.result(LONG))), ferry.CancelledError)


def test_paused_executors(report):
    with ferry.Executor(workers=1) as executor:
        executor.set_paused(True)
        waiting = [executor.submit(functions.double, 2), executor.run(["echo", "a"], text=True)]
        report.equal("a paused executor begins nothing", type(raised(lambda: waiting[1].result(0.2))), TimeoutError)
        executor.set_paused(False)
        report.equal("and goes on", [waiting[0].result(LONG), waiting[1].result(LONG).stdout], [4, "a\n"])
        running = executor.run(["sleep", "0.1"])
        look_until(lambda: running.running())
        executor.set_paused(True, running=True)
        report.fact("what runs may be paused as well", running.is_paused or running.done())
        executor.set_paused(False)
        report.equal("and goes on, too", running.result(LONG).returncode, 0)


def body(report):
    with tempfile.TemporaryDirectory() as folder, ferry.Executor(workers=2) as executor:
        test_beside_subprocess(report, executor, folder)
        test_errors(report, executor)
        test_tasks(report, executor, folder)
        test_progress(report, executor, folder)
    test_executors(report)
    test_paused_executors(report)


if __name__ == "__main__":
    tap.main(body)
