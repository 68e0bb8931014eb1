#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How workers of the package ferry start: ahead of the first task, with the settings that they have then, and with next to
nothing imported.
"""

import importlib
import os
import sys
import tempfile

import start_functions
import tap

import ferry

# What a worker has no use for, but where a function has.
HEAVY = {"asyncio", "ctypes", "gi", "inspect", "json", "subprocess", "ferry._library", "ferry._pipe"}

# Makes an executor, and ends without having used it: with "before", before what workers are copied from can have begun.
UNUSED = """
import os
import sys
import ferry
import start_functions

if __name__ == "__main__":
    executor = ferry.Executor(workers=2)
    if sys.argv[1] == "begun":
        start_functions.wait_for(lambda: start_functions.find_servers(os.getpid()))
        print(len(start_functions.find_servers(os.getpid())), flush=True)
    if sys.argv[2] == "shut":
        executor.shutdown()
    elif sys.argv[2] == "killed":
        os.kill(os.getpid(), 9)
"""


# Those of executors that other scripts have made in this program.
others: set[int] = set()


def find_servers():
    return [process for process in start_functions.find_servers(os.getpid()) if process not in others]


def test_ahead(report):
    with ferry.Executor(workers=1) as executor:
        found = start_functions.wait_for(lambda: find_servers())
        report.equal("what workers are copied from begins before there is a task", len(found), 1)
        report.equal("and no worker does", executor.pool.props.n_workers, 0)
        parent, modules = executor.submit(start_functions.look).result()
        report.equal("a worker is a copy of it", [parent], found)
        report.equal("which has imported nothing of what few functions use", modules & HEAVY, set())
        report.equal("and imports it where a function does", executor.submit(start_functions.use_library).result(), "half")
        report.equal("one such process is enough", find_servers(), found)
    report.equal("it ends with the executor", start_functions.wait_for(lambda: not find_servers()), True)
    context = importlib.import_module("gi.repository.GLib").MainContext.default()
    with ferry.Executor(workers=1, context=context):
        report.equal("nor does it wait for the program's main loop to run", len(start_functions.wait_for(lambda: find_servers())), 1)
    start_functions.wait_for(lambda: not find_servers())
    for options in ({"fork": False}, {"program": ["true"]}):
        with ferry.Executor(workers=1, **options) as executor:
            executor._home.call(lambda: None)
            report.equal("there is none for %s" % options, find_servers(), [])


def get_library():
    """What this program does not import for its workers, as few programs do."""
    return importlib.import_module("gi.repository.Ferry")


def begun():
    """An executor, and the process that its workers are copied from. That of the one before may still be ending."""
    start_functions.wait_for(lambda: not find_servers())
    executor = ferry.Executor(workers=1)
    return executor, start_functions.wait_for(lambda: find_servers())


def test_settings(report):
    executor, found = begun()
    with executor:
        executor.pool.props.launcher.setenv("FERRY_TEST_SETTING", "set")
        report.equal("a variable that is set after that is a worker's", executor.submit(os.getenv, "FERRY_TEST_SETTING").result(), "set")
        now = find_servers()
        report.fact("which is a copy of another one", len(set(now) - set(found)) == 1, [repr((found, now))])
        report.fact("and the first one ends", start_functions.wait_for(lambda: found[0] not in find_servers()))
    executor, found = begun()
    with executor:
        executor.pool.props.min_workers = 1
        report.equal("the least number of workers is set after that", start_functions.wait_for(lambda: executor.pool.props.n_workers), 1)
        report.equal("and they are copies of the same", executor.submit(start_functions.look).result()[0], found[0])
    executor, found = begun()
    with executor:
        executor.pool.props.use_fork_server = False
        report.fact("or that they are no copies", executor.submit(start_functions.look).result()[0] == os.getpid())
    executor, found = begun()
    with executor:
        executor.pool.props.launcher.set_limit(get_library().Limit.OPEN_FILES, 99)
        report.equal("a limit is set after that", executor.submit(start_functions.find_limit).result(), 99)


def test_sandbox(report):
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    Ferry = get_library()
    executor, _ = begun()
    with executor, tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file")
        sandbox = Ferry.Sandbox(system_paths=True, policy=Ferry.SandboxPolicy.PREFERRED,
                                read_only_paths=[top, *os.environ["LD_LIBRARY_PATH"].split(":")])
        executor.pool.props.launcher.props.sandbox = sandbox
        confined = executor.submit(start_functions.is_refused, path).result()
        if "Landlock" not in Ferry.Sandbox.describe_strength(Ferry.Sandbox.get_strength()):
            report.skip("a sandbox that is set after that confines the first worker", "this machine has none for files")
        else:
            report.fact("a sandbox that is set after that confines the first worker", confined)


def test_broken(report):
    """What begins ahead and cannot is told by the first task, and by nothing else."""
    with ferry.Executor(workers=1, modules=["there_is_no_such_module"]) as executor:
        start_functions.wait_for(lambda: find_servers())
        report.equal("a module that is missing fails no function that does without it", executor.submit(abs, -1).result(), 1)
    executor = ferry.Executor(workers=1)
    executor.shutdown()
    executor._home.call(lambda: None)
    report.fact("an executor that ended at once begins nothing later",
                start_functions.wait_for(lambda: not find_servers()))


def test_unused(report, folder):
    path = os.path.join(folder, "unused.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(UNUSED)
    subprocess = importlib.import_module("subprocess")
    here = os.path.dirname(os.path.abspath(__file__))
    for before in ("begun", "before"):
        for end in ("shut", "left", "killed"):
            mark = "%d-%s-%s" % (os.getpid(), before, end)
            done = subprocess.run([sys.executable, path, before, end], capture_output=True, text=True,
                                  env={**os.environ, "FERRY_TEST_MARK": mark,
                                       "PYTHONPATH": here + os.pathsep + os.environ.get("PYTHONPATH", "")}, check=False)
            said = done.returncode, done.stdout, done.stderr
            report.equal("a program whose executor is not used ends: %s, %s" % (before, end), said,
                         (-9 if end == "killed" else 0, "1\n" if before == "begun" else "", ""))
            report.fact("and leaves no process: %s, %s" % (before, end),
                        start_functions.wait_for(lambda mark=mark: not start_functions.find_marked(mark)))


def body(report):
    others.update(start_functions.find_servers(os.getpid()))
    test_ahead(report)
    test_settings(report)
    test_sandbox(report)
    test_broken(report)
    with tempfile.TemporaryDirectory() as folder:
        test_unused(report, folder)


if __name__ == "__main__":
    tap.main(body)
