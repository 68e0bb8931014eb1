#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs as tasks of the package ferry, beside subprocess.run(), and as steps of functions: check-commands.py"""

import array
import asyncio
import os
import pathlib
import pickle
import re
import signal
import subprocess
import sys
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
    # Those of a task are captured.
    captured = {"capture_output": True} if not {"stdout", "stderr", "capture_output"} & set(keywords) else {}
    for run in (lambda: subprocess.run(args, **{"check": True, **captured, **keywords}),
                lambda: executor.run(args, **keywords).result(LONG)):
        outcome = raised(run)
        if isinstance(outcome, subprocess.CompletedProcess):
            found.append((outcome.args, outcome.returncode, outcome.stdout, outcome.stderr))
        elif isinstance(outcome, subprocess.CalledProcessError):
            found.append((outcome.cmd, outcome.returncode, outcome.output, outcome.stdout, outcome.stderr))
        elif isinstance(outcome, OSError) and not isinstance(outcome, TimeoutError):
            found.append((type(outcome), outcome.errno, outcome.filename))
        elif isinstance(outcome, (TypeError, ValueError, subprocess.SubprocessError)):
            found.append((type(outcome), str(outcome)))
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
            ("both streams of a status", shell("echo out; echo no >&2; exit 3"), {"text": True}),
            ("both streams of a signal", shell("echo out; echo no >&2; kill -9 $$"), {}),
            ("a status that is not checked", shell("echo out; echo no >&2; exit 3"), {"check": False}),
            ("a signal that is not checked", shell("echo out; kill -9 $$"), {"check": False, "text": True}),
            ("captured streams", shell("echo out; echo no >&2"), {"capture_output": True}),
            ("pipes", shell("echo out; echo no >&2"), {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                                                       "stderr": subprocess.PIPE}),
            ("merged streams", shell("echo 1; echo 2 >&2; echo 3"), {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}),
            ("merged streams of a status", shell("echo 1; echo 2 >&2; exit 4"),
             {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}),
            ("no streams", shell("echo 1; echo 2 >&2"), {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}),
            ("lines of any system", ["printf", "a\\r\\nb"], {"universal_newlines": True}),
            ("much output", ["head", "-c", "3000000", "/dev/zero"], {}),
            ("much of both streams", shell("seq 300000; seq 400000 >&2"), {}),
            ("an array as input", ["cat"], {"input": array.array("i", [1, 2, 300])}),
            ("a bytearray as input", ["cat"], {"input": bytearray(b"a\0b")}),
            ("a view as input", ["cat"], {"input": memoryview(b"abcdef")[1:4]}),
            ("a mask", shell("umask"), {"umask": 0o27}),
            ("a mask with bits that are none", shell("umask"), {"umask": 0o1027}),
            ("a tuple", ("printf", "%s", "a"), {}),
            ("an environment of bytes", shell("printf %s \"$A\""), {"env": {b"A": b"\xff", "PATH": os.environ["PATH"]}}),
            ("an environment that is no text", shell("printf %s \"$A\""), {"env": {**os.environ, "A": "\udcff"}}),
            ("a name with an equals sign", ["true"], {"env": {"A=B": "c"}}),
            ("a variable with a zero byte", ["true"], {"env": {"A": "b\0c"}}),
            ("a variable that is a number", ["true"], {"env": {"A": 1}}),
            ("an argument with a zero byte", ["echo", "a\0b"], {}),
            ("two ways to capture", ["true"], {"capture_output": True, "stdout": subprocess.PIPE}),
            ("two inputs", ["true"], {"input": b"a", "stdin": subprocess.PIPE}),
            ("two meanings of text", ["true"], {"text": True, "universal_newlines": False}),
            ("what a shell is not needed for", ["true"], {"shell": False, "close_fds": True, "bufsize": -1}),
            # A folder of the path that may not be searched makes another error of it.
            ("no such program", ["no-such-program"], {"env": {"PATH": "/usr/bin:/bin"}}),
            ("no such path", [os.path.join(folder, "none")], {}),
            ("a file that is no program", [plain], {}),
            ("no such folder", ["true"], {"cwd": os.path.join(folder, "none")}),
            ("a folder that is none", ["true"], {"cwd": plain})):
        expected, found = both(executor, args, **keywords)
        report.equal("%s: as subprocess.run() has it" % name, found, expected)


def test_two_names(report, executor, folder):
    """What is a property of a command and a keyword of subprocess.run(), by either name, and by both."""
    path = os.path.realpath(folder)
    script = shell("pwd -P; echo $WORD; echo no >&2")
    for one, other in (({"cwd": path}, {"directory": path}), ({"env": {"WORD": "a"}}, {"environment": ["WORD=a"]}),
                       ({"stderr": subprocess.STDOUT}, {"merge_streams": True})):
        expected, found = (raised(executor.run(script, **keywords).result) for keywords in (one, other))
        report.equal("%s is %s" % (list(one)[0], list(other)[0]), (found.stdout, found.stderr), (expected.stdout, expected.stderr))
        report.fact("and says something", expected.stdout != executor.run(script).result().stdout)
        error = raised(lambda: executor.run(script, **one, **other))
        report.equal("not both are given", (type(error), str(error)),
                     (ValueError, "%s and %s arguments may not both be used." % (list(one)[0], list(other)[0])))
    file = os.path.join(folder, "file")
    for keywords in ({"stdin": subprocess.PIPE, "input_file": file}, {"stdout": subprocess.DEVNULL, "output_file": file},
                     {"capture_output": True, "output_file": file}, {"capture_output": True, "merge_streams": True},
                     {"stdin": subprocess.DEVNULL, "interactive": True},
                     {"progress": re.compile("(?P<percent>[0-9]+)"), "progress_pattern": "a"}):
        error = raised(lambda: executor.run(["true"], **keywords))
        report.equal("these say two things: " + ", ".join(keywords),
                     (type(error), "may not both be used" in str(error)), (ValueError, True))
    error = raised(lambda: executor.run(["true"], directory=os.path.join(folder, "none")).result())
    report.equal("a folder that is none, by its other name", (type(error), error.filename),
                 (FileNotFoundError, os.path.join(folder, "none")))
    error = raised(lambda: executor.run(["true"], argv=["false"]))
    report.equal("the arguments have one name", type(error), TypeError)
    for line, keywords, advice in (("ls -l 'a b'", {}, "['ls', '-l', 'a b']"), ("a | b", {}, "['sh', '-c', 'a | b']"),
                                   ("it's", {}, "['sh', '-c', \"it's\"]"),
                                   ("echo $((1", {"shell": True}, '["sh", "-c", script, "sh", *names]'),
                                   (["ls"], {"stdin": 0}, "a | b"),
                                   (["ls"], {"start_new_session": True}, "setsid")):
        error = raised(lambda: executor.run(line, **keywords))
        report.fact("what there is not, says what there is: %s" % advice, type(error) is TypeError and advice in str(error),
                    [repr(error)])


def check_partial_output(report, executor):
    """What a program has written before its time was over. It may be slow to begin, so it has longer and longer."""
    script = "echo out; echo err >&2; sleep 1000"
    for timeout in (0.5, 5, 50):
        error = raised(executor.run(["sh", "-c", script], timeout=timeout, text=True).result)
        if error.stdout:
            break
    report.equal("a time that is over has what the program wrote", (type(error), error.stdout, error.output, error.stderr),
                 (ferry.CommandTimeout, "out\n", "out\n", "err\n"))
    error = raised(executor.run(["sh", "-c", script], timeout=timeout, stderr=subprocess.STDOUT).result)
    report.equal("as bytes, too, and in one stream", (sorted(error.stdout.split()), error.stderr), ([b"err", b"out"], None))
    copy = pickle.loads(pickle.dumps(error))
    report.equal("which a pickled one has as well", (copy.stdout, copy.stderr), (error.stdout, None))


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
    report.fact("a time that is over", isinstance(error, subprocess.TimeoutExpired) and isinstance(error, TimeoutError)
                and isinstance(error, ferry.Error) and (error.cmd, error.timeout) == (["sleep", "1000"], 0.1), [repr(error)])
    copy = pickle.loads(pickle.dumps(error))
    report.equal("it is pickled, too", (str(copy), copy.cmd, copy.timeout), (str(error), ["sleep", "1000"], 0.1))
    check_partial_output(report, executor)
    error = raised(executor.run(["yes"], output_limit=1000, fail_at_output_limit=True).result)
    report.fact("too much output says what to do", type(error) is ferry.CommandError and "raise 'output-limit'" in str(error)
                and error.returncode < 0 and error.stdout.startswith(b"y\ny\n") and error.stderr == b"", [repr(error)])
    with tempfile.TemporaryDirectory() as folder:
        for check in (True, False):
            missing = os.path.join(folder, "none")
            error = raised(executor.run(shell("echo out; echo err >&2") + [missing], output_files=[missing], text=True, check=check,
                                        replace_output_files=True).result)
            report.fact("so does a file that is missing, with what the program wrote, check=%s" % check,
                        type(error) is ferry.CommandError and "none' has not been written" in str(error)
                        and (error.returncode, error.stdout, error.stderr) == (0, "out\n", "err\n"), [repr(error)])
    done = executor.run(["seq", "1000"], output_limit=20, text=True).result(LONG)
    report.equal("a limit keeps the first and the last part", done.stdout, "1\n2\n3\n4\n5\n\n999\n1000\n")
    report.equal("a line of a shell is refused", type(raised(lambda: executor.run("ls -l"))), TypeError)
    error = raised(lambda: executor.run(pathlib.Path("/bin/true")))
    report.fact("so is a path by itself", type(error) is TypeError and "['/bin/true']" in str(error), [repr(error)])
    error = raised(lambda: executor.run(["true"], timeout="5"))
    report.fact("and a time that is a text", type(error) is TypeError and "timeout='5'" in str(error), [repr(error)])
    report.equal("so is no program", type(raised(lambda: executor.run([]))), ferry.Error)
    error = raised(lambda: executor.run(["ls"], telepathy=True))
    report.fact("so is an unknown keyword", type(error) is TypeError and "telepathy" in str(error), [repr(error)])
    for keywords, reason in (({"shell": True}, "sh"), ({"pass_fds": [3]}, "another process"), ({"preexec_fn": print}, "cwd"),
                             ({"executable": "/bin/sh"}, "first"), ({"user": "nobody"}, "setpriv"),
                             ({"stdout": 1}, "output_file"), ({"stdin": open(os.devnull, "rb")}, "input_file")):
        error = raised(lambda: executor.run(["ls"], **keywords))
        report.fact("what cannot be had says why: %s" % list(keywords)[0],
                    type(error) is TypeError and list(keywords)[0] in str(error) and reason in str(error), [repr(error)])
    error = raised(executor.run(["true"] + ["x" * 1000] * 3000).result)
    report.equal("too many arguments are an error as with subprocess", (type(error), error.errno), (OSError, 7))
    error = raised(executor.run(["ls -l /"]).result)
    report.fact("a line as one word says what to do", "each of its arguments" in str(error), [str(error)])
    error = raised(executor.run(["/usr/bin"]).result)
    report.fact("so does a folder", type(error) is PermissionError and "is a folder" in str(error), [str(error)])
    report.equal("thousands of arguments arrive",
                 executor.run(["printf", "%s\n", *map(str, range(20000))], text=True).result(LONG).stdout.splitlines(),
                 [str(i) for i in range(20000)])
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


def begin(executor, folder, script, **keywords):
    """A program that has done what the script does, and goes on."""
    gate = os.path.join(folder, "begun")
    os.mkfifo(gate)
    task = executor.run(["sh", "-c", script + '; echo > "$1"; exec sleep 1000', "sh", gate], **keywords)
    with open(gate, encoding="ascii") as file:
        file.read()
    os.unlink(gate)
    return task


def test_cancelled(report, executor, folder):
    task = begin(executor, folder, "echo out; echo err >&2", text=True)
    error = raised(lambda: task.result(0.01))
    report.equal("a wait that is too short is that of Popen.wait()", (type(error), error.cmd, error.timeout, error.stdout),
                 (ferry.CommandTimeout, task.args, 0.01, None))
    report.fact("the program goes on", not task.done() and "wait longer" in str(error), [str(error)])
    error = raised(lambda: task.wait(5))
    report.fact("a wait as the library has it is none of a task", isinstance(error, AttributeError) and "result()" in str(error),
                [repr(error)])
    for name in ("poll", "communicate", "kill", "terminate", "send_signal", "pid", "returncode", "stdin", "stdout", "stderr"):
        error = raised(lambda: getattr(task, name))
        report.fact("what Popen has says what a task has in its place: " + name,
                    isinstance(error, AttributeError) and "A task has no '%s': " % name in str(error), [repr(error)])
    report.fact("the list of programs is gone through", task in list(executor.commands), [list(executor.commands)])
    report.fact("a task is cancelled", task.cancel())
    error = raised(lambda: task.result(LONG))
    report.equal("it says what there was", (type(error), error.cmd, error.returncode, error.stdout, error.stderr),
                 (ferry.CommandCancelled, task.args, -signal.SIGINT, "out\n", "err\n"))
    report.fact("and is cancelled as any other", isinstance(error, ferry.CancelledError) and task.cancelled())
    copy = pickle.loads(pickle.dumps(error))
    report.equal("also pickled", (str(copy), copy.cmd, copy.returncode, copy.stdout, copy.stderr),
                 (str(error), error.cmd, error.returncode, error.stdout, error.stderr))
    task = begin(executor, folder, "printf 'a\\303'", encoding="utf-8")
    task.cancel()
    report.equal("half a character is no other error", raised(lambda: task.result(LONG)).stdout, "a\ufffd")
    task = begin(executor, folder, "seq 1000000")
    task.cancel()
    report.equal("much output is there, too", raised(lambda: task.result(LONG)).stdout.count(b"\n"), 1000000)
    executor.set_paused(True)
    task = executor.run(["true"])
    task.cancel()
    error = raised(lambda: task.result(LONG))
    report.equal("what had not begun has nothing", (type(error), error.returncode, error.stdout, error.stderr),
                 (ferry.CommandCancelled, None, None, None))
    executor.set_paused(False)


def test_late_handlers(report, executor, folder):
    """A program may have asked before its task is there for a handler of the signal."""
    task = executor.run(["sh", "-c", "printf 'really? '; read answer; echo $answer"], text=True, interactive=True)
    look_until(lambda: task._home.call(lambda: task.get_property("question")) is not None)
    asked = []
    task.connect("asks", lambda task, question, more: (asked.append((question, more)), task.answer("yes\n")), "more")
    report.equal("what is asked already is asked", task.result(LONG).stdout, "really? yes\n")
    report.equal("once", asked, [("really?", "more")])


LEAVES = """
import sys, ferry
executor = ferry.Executor()
task = executor.run(["sh", "-c", 'echo out; echo > "$1"; exec sleep 1000', "sh", sys.argv[1]])
open(sys.argv[1]).read()
"""


def test_end_of_application(report, folder):
    gate = os.path.join(folder, "left")
    os.mkfifo(gate)
    done = subprocess.run([sys.executable, "-c", LEAVES, gate], stderr=subprocess.PIPE, text=True, check=True)
    report.equal("an application that ends over a program says nothing of it", done.stderr, "")


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
    report.equal("a cancel ends it, though it is paused", type(raised(lambda: task.result(LONG))), ferry.CommandCancelled)
    report.equal("and the process", type(raised(lambda: os.kill(pid, 0))), ProcessLookupError)

    async def gather():
        tasks = [executor.run(["echo", str(i)], text=True) for i in range(4)]
        return [done.stdout for done in await asyncio.gather(*tasks)]

    report.equal("commands are awaited", asyncio.run(gather()), ["0\n", "1\n", "2\n", "3\n"])
    task = ferry.Command(["seq", "3"])
    task.props.priority = 5
    report.equal("a task is made first", executor.submit(task).result(LONG).stdout, b"1\n2\n3\n")
    report.equal("it is called as the program", task.get_name(), "seq")
    path = os.path.join(folder, "out")
    report.equal("output goes to a file", executor.run(["echo", "a"], output_file=path).result(LONG).stdout, None)
    report.equal("and is there", open(path, encoding="ascii").read(), "a\n")
    report.equal("input comes from a file", executor.run(["cat"], input_file=path).result(LONG).stdout, b"a\n")


LISTING = b"one\n\n\tthree \r\n10%\b\b20%\r30%\ncaf\xc3\xa9\nlast"
LINES = [b"one", b"", b"\tthree ", b"10%\b\b20%\r30%", b"caf\xc3\xa9", b"last"]


def test_lines(report, executor, folder):
    path = os.path.join(folder, "listing")
    with open(path, "wb") as file:
        file.write(LISTING)
    task = executor.run(["cat", path], all_lines=True)
    report.equal("lines are what was written", list(task.lines()), LINES)
    report.equal("and are in no result", task.result(LONG).stdout, None)
    task = executor.run(["cat", path], all_lines=True, encoding="utf-8")
    report.equal("lines may be text", list(task.lines()), [line.decode() for line in LINES])

    async def read():
        return [line async for line in executor.run(["cat", path], all_lines=True, encoding="utf-8").lines()]

    report.equal("coroutines read lines", asyncio.run(read()), [line.decode() for line in LINES])
    copy = os.path.join(folder, "copy")
    task = executor.run(["cat", path], all_lines=True, output_file=copy)
    report.equal("lines are read while they go to a file", list(task.lines()), LINES)
    with open(copy, "rb") as file:
        report.equal("which has all", file.read(), LISTING)
    task = executor.run(["seq", "200000"], all_lines=True, text=True)
    report.fact("many lines come in order", all(line == str(i) for i, line in enumerate(task.lines(), 1)))
    task = executor.run(["sh", "-c", "head -c 300000 /dev/zero; echo; echo end"], all_lines=True)
    report.equal("a long line comes as one", [len(line) for line in task.lines()], [300000, 3])
    task = executor.run(shell("echo one; echo no >&2; exit 3"), all_lines=True, text=True)
    lines, error = [], None
    try:
        lines.extend(task.lines())
    except ferry.CommandError as raised_at_end:
        error = raised_at_end
    report.fact("a failure is raised at the end of the lines", error is not None and error.stderr == "no\n", [lines, repr(error)])
    task = executor.run(["seq", "1000000"], all_lines=True)
    report.equal("who waits for the end needs not read", task.result(LONG).returncode, 0)
    report.equal("and may read later", sum(1 for line in task.lines()), 1000000)
    task = executor.run(["yes"], all_lines=True)
    for line in task.lines():
        break
    task.cancel()
    report.equal("a loop may be left", type(raised(lambda: task.result(LONG))), ferry.CommandCancelled)
    with ferry.Executor(workers=1) as other:
        task = other.run(["yes"], all_lines=True)
        for line in task.lines():
            break
    error = raised(lambda: task.result(LONG))
    report.fact("the end of the executor ends a program whose reader has left", type(error) is ferry.Error
                and "reader" in str(error), [repr(error)])
    error = raised(lambda: executor.run(["true"]).lines())
    report.fact("what has no lines says so", type(error) is ferry.Error and "all_lines" in str(error), [repr(error)])


def test_surroundings(report, executor, folder):
    executor.run(["true"]).result(LONG)
    before = os.getcwd(), os.umask(0o27)
    os.environ["FERRY_TEST_LATER"] = "no"
    os.environ["LATER"] = "yes"
    try:
        os.chdir(folder)
        task = executor.run(shell("echo $LATER; pwd -P; umask"), text=True)
    finally:
        os.chdir(before[0])
        os.umask(before[1])
        del os.environ["LATER"]
    report.equal("what a program has of the application is that of the submission", task.result(LONG).stdout,
                 "yes\n%s\n0027\n" % os.path.realpath(folder))


def test_names(report, executor, folder):
    bytes_ = os.fsencode(folder) + b"/caf\xe9"
    done = executor.run(shell("echo half > \"$0\"; exit 1") + [bytes_], output_files=[bytes_], check=True)
    report.equal("output files need not be text", type(raised(lambda: done.result(LONG))), ferry.CommandError)
    report.fact("and are removed", not os.path.exists(bytes_))


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
        report.equal("all are cancelled", type(raised(lambda: waiting.result(LONG))), ferry.CommandCancelled)
        late = executor.run(["sh", "-c", "echo late"])
    report.fact("the end of the block waits for programs", late.done() and late.result().stdout == b"late\n")
    report.equal("behind it none begins", type(raised(lambda: executor.run(["true"]))), ferry.Error)
    other = ferry.Executor()
    other.shutdown()
    report.equal("nor the first one", type(raised(lambda: other.run(["true"]))), ferry.errors.ExecutorEnded)
    try:
        with ferry.Executor() as executor:
            task = executor.run(["sleep", "1000"])
            raise KeyError
    except KeyError:
        report.equal("an exception in the block cancels them", type(raised(lambda: task.result(LONG))), ferry.CommandCancelled)


def test_paused_executors(report):
    with ferry.Executor(workers=1) as executor:
        executor.set_paused(True)
        waiting = [executor.submit(functions.double, 2), executor.run(["echo", "a"], text=True)]
        report.equal("a paused executor begins nothing", type(raised(lambda: waiting[1].result(0.2))), ferry.CommandTimeout)
        executor.set_paused(False)
        report.equal("and goes on", [waiting[0].result(LONG), waiting[1].result(LONG).stdout], [4, "a\n"])
        running = executor.run(["sleep", "0.1"])
        look_until(lambda: running.running())
        executor.set_paused(True, running=True)
        report.fact("what runs may be paused as well", running.is_paused or running.done())
        executor.set_paused(False)
        report.equal("and goes on, too", running.result(LONG).returncode, 0)


def run_and_interrupt(run, folder):
    """Has a program begin, and Ctrl-C come while this thread waits for it. Returns what was raised, and its process."""
    gate = os.path.join(folder, "interrupt")
    os.mkfifo(gate)
    pids = []

    def interrupt():
        with open(gate, encoding="ascii") as file:
            pids.append(int(file.read()))
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        found = run(["sh", "-c", 'echo $$ > "$1"; exec sleep 1000', "sh", gate])
    except KeyboardInterrupt as error:
        found = error
    thread.join()
    os.unlink(gate)
    return type(found), pids[0]


def test_interrupts(report, executor, folder):
    found, pid = run_and_interrupt(ferry.run, folder)
    report.equal("Ctrl-C ends ferry.run()", found, KeyboardInterrupt)
    report.equal("and its program, which nobody else could", type(raised(lambda: os.kill(pid, 0))), ProcessLookupError)
    tasks = []

    def wait(args):
        tasks.append(executor.run(args))
        return tasks[0].result()

    found, pid = run_and_interrupt(wait, folder)
    report.equal("it ends the wait for a task, which goes on", (found, tasks[0].done(), os.kill(pid, 0)), (KeyboardInterrupt, False, None))
    tasks[0].cancel()
    report.equal("until it is cancelled", type(raised(lambda: tasks[0].result(LONG))), ferry.CommandCancelled)


def test_commands(report):
    with tempfile.TemporaryDirectory() as folder, ferry.Executor(workers=2) as executor:
        test_beside_subprocess(report, executor, folder)
        test_two_names(report, executor, folder)
        test_errors(report, executor)
        test_cancelled(report, executor, folder)
        test_late_handlers(report, executor, folder)
        test_end_of_application(report, folder)
        test_tasks(report, executor, folder)
        test_lines(report, executor, folder)
        test_surroundings(report, executor, folder)
        test_names(report, executor, folder)
        test_progress(report, executor, folder)
        test_interrupts(report, executor, folder)
    test_executors(report)
    test_paused_executors(report)


def test_steps(report, executor, folder):
    text, scratch = executor.submit(functions.pack, folder).result(LONG)
    report.equal("a function runs one program after the other", text, "one\ntwo\n")
    report.fact("what they have on the way is gone", not os.path.exists(scratch))
    found = raised(lambda: executor.submit(functions.fail_in_step).result(LONG))
    report.equal("what a program has failed with is what the function raises",
                 (type(found), found.returncode, found.stdout, found.stderr, str(found)),
                 (ferry.CommandError, 3, "out\n", "no good\n", "'sh' ended with status 3: no good"))
    found = raised(lambda: executor.submit(functions.run_step, ["no-such-program"]).result(LONG))
    report.equal("a program that is missing", (type(found), found.filename), (FileNotFoundError, "no-such-program"))
    found = executor.submit(functions.run_step, ["sh", "-c", "exit 4"], check=False).result(LONG)
    report.equal("a status that is asked for", (type(found), found.returncode), (subprocess.CompletedProcess, 4))
    found = raised(lambda: executor.submit(functions.run_step, ["sleep", "1000"], timeout=0.1).result(LONG))
    report.fact("a program has a limit of its own", isinstance(found, subprocess.TimeoutExpired))
    found = raised(lambda: executor.submit(functions.run_step, ["true"], all_lines=True).result(LONG))
    report.equal("lines are of programs that are tasks", type(found), TypeError)


def test_deaths(report, executor, folder):
    out = os.path.join(folder, "out")
    with open(out, "w", encoding="ascii") as file:
        file.write("old")
    found = raised(lambda: executor.submit(functions.die_in_step, folder).result(LONG))
    report.equal("a function that dies says which file may be incomplete",
                 (type(found), found.signal, str(found).partition(".")[2]),
                 (ferry.WorkerLost, 9, " Until then, 'out' may be incomplete"))
    task = executor.submit(functions.run_step, ["sh", "-c", "echo half > out; echo > begun; sleep 1000"], cwd=folder,
                           output_files=["out"])
    while not os.path.exists(os.path.join(folder, "begun")):
        threading.Event().wait(0.01)
    task.cancel()
    os.unlink(os.path.join(folder, "begun"))
    report.equal("so does one that is cancelled", str(raised(lambda: task.result(LONG))).partition(";")[2],
                 " submit a new one to run it again; 'out' may be damaged, since it was written in place and not finished")
    found = raised(lambda: executor.run(["sh", "-c", "echo half > out; kill -9 $PPID; sleep 1000"], cwd=folder,
                                        output_files=["out"]).result(LONG))
    report.equal("so does a program whose worker dies, in the library's words", (type(found), found.signal, str(found)),
                 (ferry.WorkerLost, 9, "'sh' was ended together with the process that runs it (signal 9, Killed), and is not "
                                       "done; run it again. Until then, 'out' may be incomplete"))


def test_progress_of_steps(report, executor, folder):
    task = ferry.Task(functions.step_by_step, folder)
    seen = []
    heard = threading.Event()
    task.connect("notify::fraction", lambda task, _property: (seen.append(task.get_fraction()), heard.set()))
    executor.submit(task)
    while not any(abs(fraction - 0.4) < 1e-6 for fraction in list(seen)):
        heard.wait(0.1)
        heard.clear()
    report.fact("the parts of two programs are one bar", True)
    open(os.path.join(folder, "go"), "w").close()
    task.result(LONG)
    report.equal("that never goes back", seen, sorted(seen))


def test_cancel(report, executor, folder):
    task = ferry.Task(functions.tidy_up, folder)
    task.props.cancel_grace = LONG * 1000000
    begun = os.path.join(folder, "begun")
    executor.submit(task)
    while not os.path.exists(begun):
        threading.Event().wait(0.01)
    task.cancel()
    report.equal("a cancel ends the program and the function", type(raised(lambda: task.result(LONG))),
                 ferry.CancelledError)
    report.fact("and what cleans up runs after it", os.path.exists(os.path.join(folder, "tidied")))


def test_here(report):
    report.equal("without a task, a program just runs", ferry.run(["echo", "here"], text=True).stdout, "here\n")
    report.fact("and there is a folder", os.path.isdir(ferry.scratch_folder()))
    with ferry.part(0.5):
        pass


def test_questions(report, executor):
    asked = []

    def answer(task, question):
        asked.append(question)
        task.answer("yes\n")

    task = ferry.Command(["sh", "-c", "printf 'Sure? '; read answer; echo $answer"], text=True, interactive=True)
    task.connect("asks", answer)
    report.equal("a program that asks is answered", executor.submit(task).result(LONG).stdout, "Sure? yes\n")
    report.equal("what it asks is known", asked, ["Sure?"])
    task = ferry.Task(functions.ask_in_step)
    task.props.interactive = True
    task.connect("asks", answer)
    report.equal("also one that a function runs", executor.submit(task).result(LONG), "yes\n")
    report.equal("an answer after the end", type(raised(lambda: task.answer("late\n"))), ferry.Error)


def test_steps_and_questions(report):
    with tempfile.TemporaryDirectory() as folder, ferry.Executor(workers=1) as executor:
        os.environ["XDG_CACHE_HOME"] = folder
        test_steps(report, executor, folder)
        test_deaths(report, executor, folder)
        test_progress_of_steps(report, executor, folder)
        test_cancel(report, executor, folder)
        test_here(report)
        test_questions(report, executor)


def body(report):
    test_commands(report)
    test_steps_and_questions(report)


if __name__ == "__main__":
    tap.main(body)
