#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that functions of the package ferry run, and programs that ask: check-steps.py"""

import os
import subprocess
import tempfile
import threading

import functions
import tap

import ferry

LONG = 600


def raised(function):
    try:
        return function()
    except Exception as error:
        return error


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


def test_progress(report, executor, folder):
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


def body(report):
    with tempfile.TemporaryDirectory() as folder, ferry.Executor(workers=1) as executor:
        os.environ["XDG_CACHE_HOME"] = folder
        test_steps(report, executor, folder)
        test_deaths(report, executor, folder)
        test_progress(report, executor, folder)
        test_cancel(report, executor, folder)
        test_here(report)
        test_questions(report, executor)


if __name__ == "__main__":
    tap.main(body)
