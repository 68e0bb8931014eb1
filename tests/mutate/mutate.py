#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changes the library at random places, one at a time, and tells which changes no test notices.

mutate.py [N [SEED [FILE...]]]

A copy of the project is changed and built in FOLDER, which is build-mutate. N changes are chosen, 20 unless told
otherwise, with SEED, among all of the library or of the files named. The copy's tests of the changed layer and of the
layers above it run until one fails.

A change whose object code is the same changes nothing, and another one is taken in its place. A change that the file
'unnoticeable' lists, with its reason, is not counted. What was noticed is kept in FOLDER, so that a run that was
interrupted goes on where it stood; what survived is tried again with the tests that changed since."""

import argparse
import collections
import concurrent.futures
import ctypes
import functools
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

import changes

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.append(os.path.join(TOP, "tests"))
import tested

from layers import LAYERS

SUITES_OF_ALL = ("faults", "fuzz")
COPIED = ("router", "tests", "demo-app", "data", "docs", "build-aux", "meson.build", "meson_options.txt", "README.md",
          "CHANGELOG.md", "HACKING.md", "COPYING", "run", ".clang-format")
PR_SET_CHILD_SUBREAPER = 36
# A test that takes this much longer than it did hangs. How long it takes is not known at first, in seconds.
PATIENCE = 10
SHORTEST_PATIENCE = 30
FIRST_PATIENCE = 1800

# How many tests are built and run at first.
FIRST_BATCH = 8

Test = collections.namedtuple("Test", "name command environment folder suites alone targets")


def say(text):
    print(text, flush=True)


class Unbuildable(Exception):
    """The change compiles, and does not link."""


class Copy:
    """The copy of the project: its files, its build and its tests."""

    def __init__(self, top, folder):
        self.source = os.path.join(folder, "source")
        self.build = os.path.join(folder, "build")
        self.bring_up_to_date(top)
        self.configure()
        self.objects = self.read_objects()
        self.tests = self.read_tests()
        self.make([])
        self.digests = {test.name: self.digest_of(test) for test in self.tests}

    def bring_up_to_date(self, top):
        """Writes only what differs, so that only that is built again."""
        kept = set()
        for entry in COPIED:
            for path in files_below(top, entry):
                kept.add(path)
                with open(os.path.join(top, path), "rb") as file:
                    write_if_different(os.path.join(self.source, path), file.read())
                shutil.copymode(os.path.join(top, path), os.path.join(self.source, path))
        for path in files_below(self.source, "."):
            if os.path.normpath(path) not in kept:
                os.unlink(os.path.join(self.source, path))

    def configure(self):
        if os.path.exists(os.path.join(self.build, "build.ninja")):
            return
        environment = dict(os.environ)
        # Hundreds of programs are linked for each change.
        if shutil.which("ld.lld"):
            environment["LDFLAGS"] = "-fuse-ld=lld"
        subprocess.run(["meson", "setup", self.build, self.source, "--buildtype=custom", "-Doptimization=1",
                        "-Ddebug=false", "-Dintrospection=disabled", "-Ddemo=disabled", "-Dmodel=disabled"], check=True, stdout=subprocess.DEVNULL, env=environment)

    def read_objects(self):
        with open(os.path.join(self.build, "compile_commands.json"), encoding="utf-8") as file:
            commands = json.load(file)
        return {os.path.normpath(os.path.join(command["directory"], command["file"])): command["output"]
                for command in commands if command["output"].startswith("router/")}

    def read_tests(self):
        text = subprocess.run(["meson", "introspect", self.build, "--tests", "--targets"], check=True,
                              stdout=subprocess.PIPE, text=True).stdout
        data = json.loads(text)
        outputs = {target["id"]: target["filename"] for target in data["targets"]}
        tests = []
        for test in data["tests"]:
            suites = [suite.rpartition(":")[2] for suite in test["suite"]]
            targets = [os.path.relpath(name, self.build) for one in test["depends"] for name in outputs[one]]
            tests.append(Test(test["name"], test["cmd"], test["env"], test["workdir"] or self.build, suites,
                              not test["is_parallel"], targets))
        return [test for test in tests if set(test.suites) & set(LAYERS + SUITES_OF_ALL)]

    @functools.lru_cache(maxsize=None)
    def names_for(self, path):
        return tested.names_for(self.source, self.build, [path])

    def make(self, targets):
        """Returns whether that could be built; the targets of all tests when none are named."""
        targets = targets or sorted({target for test in self.tests for target in test.targets})
        done = subprocess.run(["ninja", "-C", self.build, *targets], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        return done.returncode == 0

    def digest_of(self, test):
        """Of the programs that it consists of, as they are now."""
        return " ".join(digest(os.path.join(self.build, target)) for target in test.targets)

    def object_of(self, path):
        """The object file that a library or a program has of a source, as ninja calls it; None when it is not built."""
        return self.objects.get(os.path.join(self.source, path))

    def read(self, path):
        with open(os.path.join(self.source, path), encoding="utf-8") as file:
            return file.read()

    def write(self, path, text):
        with open(os.path.join(self.source, path), "w", encoding="utf-8") as file:
            file.write(text)


def files_below(top, entry):
    if os.path.isfile(os.path.join(top, entry)):
        return [entry]
    found = []
    for folder, folders, names in os.walk(os.path.join(top, entry)):
        folders[:] = [name for name in folders if name != "__pycache__"]
        found += [os.path.normpath(os.path.relpath(os.path.join(folder, name), top)) for name in names]
    return found


def write_if_different(path, data):
    if os.path.exists(path):
        with open(path, "rb") as file:
            if file.read() == data:
                return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def key_of(change, text):
    """A change of the same place in the same text has the same key."""
    parts = (change.path, str(change.start), change.replacement, text)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


# ---- running tests ----


class Run:
    """Some tests, several at a time, until one fails."""

    def __init__(self, logs, times):
        self.logs = logs
        self.times = times
        self.lock = threading.Lock()
        self.processes = set()
        self.failed = None

    def one(self, test):
        if self.failed is not None:
            return
        patience = max(SHORTEST_PATIENCE, PATIENCE * self.times.get(test.name, FIRST_PATIENCE / PATIENCE))
        began = time.monotonic()
        with self.lock:
            if self.failed is not None:
                return
            with open(os.path.join(self.logs, test.name), "wb") as log:
                process = subprocess.Popen(test.command, cwd=test.folder, env={**os.environ, **test.environment},
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
            self.processes.add(process)
        try:
            status = process.wait(patience)
        except subprocess.TimeoutExpired:
            status = "it hangs"
        with self.lock:
            self.processes.discard(process)
            if status not in (0, 77) and self.failed is None:
                self.failed = test.name if status != "it hangs" else test.name + ", which hangs"
                for other in self.processes:
                    kill_group(other)
            elif self.failed is None:
                self.times[test.name] = time.monotonic() - began
        if status == "it hangs":
            kill_group(process)
            process.wait()

    def all(self, tests):
        beside = [test for test in tests if not test.alone]
        # Most tests wait more than they work.
        with concurrent.futures.ThreadPoolExecutor(2 * os.cpu_count()) as threads:
            list(threads.map(self.one, beside))
        for test in tests:
            if test.alone:
                self.one(test)
        return self.failed


def kill_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def reap_orphans():
    """What a test that was killed left behind is ours, as this program is a subreaper."""
    text = subprocess.run(["ps", "-o", "pid=", "--ppid", str(os.getpid())], stdout=subprocess.PIPE, text=True,
                          check=False).stdout
    for pid in map(int, text.split()):
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass


def tests_for(copy, path, times):
    """Those of the layer and the ones above it; the ones that are for the file first, then the quick ones."""
    layer = path.split("/")[1]
    suites = set(LAYERS[LAYERS.index(layer):]) | set(SUITES_OF_ALL)
    names = copy.names_for(path)

    def order(test):
        return test.name not in names, times.get(test.name, 0)

    return sorted((test for test in copy.tests if set(test.suites) & suites), key=order)


# ---- changes ----


def read_unnoticeable(top):
    """Lines of 'path function | line before | line after | reason'; a reason goes on in lines that begin with blanks."""
    listed = set()
    with open(os.path.join(top, "tests/mutate/unnoticeable"), encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith(("#", " ")):
                listed.add(tuple(part.strip() for part in line.split(" | ", 3)[:3]))
    return listed


def choose(copy, seed, paths):
    """In an order that the seed gives, and in which a change keeps its place when code elsewhere changes."""
    found = []
    for path in sorted(paths or files_below(copy.source, "router")):
        if path.endswith(".c") and path.count("/") == 2:
            found += changes.changes_of(path, copy.read(path))

    def order(change):
        parts = (str(seed), change.place, change.before, change.after)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest(), change.start

    return sorted(found, key=order)


class Mutation:
    """A whole run: the changes, what became of each, and what earlier runs found."""

    def __init__(self, top, folder):
        self.kept_path = os.path.join(folder, "noticed.json")
        self.logs = os.path.join(folder, "logs")
        os.makedirs(self.logs, exist_ok=True)
        self.kept = {"times": {}, "noticed": {}, "passed": {}}
        if os.path.exists(self.kept_path):
            with open(self.kept_path, encoding="utf-8") as file:
                self.kept.update(json.load(file))
        self.unnoticeable = read_unnoticeable(top)
        self.copy = Copy(top, folder)
        self.counts = collections.Counter()
        self.survivors = []

    def keep(self):
        with open(self.kept_path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.kept, file)
        os.replace(self.kept_path + ".new", self.kept_path)

    def check_unchanged(self):
        """All tests pass before anything is changed, or no failure would mean anything."""
        missing = [test for test in self.copy.tests if test.name not in self.kept["times"]]
        failed = Run(self.logs, self.kept["times"]).all(missing)
        self.keep()
        if failed is not None:
            sys.exit("mutate: a test fails before anything is changed, and must be mended first: %s. What it printed is in "
                     "%s." % (failed, self.logs))

    def run_tests(self, change, passed):
        """Builds only what comes next, as most changes are noticed early. A test that passed with the same change, and is as
        it was, passes again. Returns the name of a test that failed, or None."""
        times = self.kept["times"]
        tests = tests_for(self.copy, change.path, times)
        tests = [test for test in tests if passed.get(test.name) != self.copy.digests[test.name]]
        size = FIRST_BATCH
        while tests:
            batch, tests = tests[:size], tests[size:]
            size *= 3
            if not tests:
                # What came here mostly survives, and ends when the longest test does.
                batch.sort(key=lambda test: -times.get(test.name, 0))
            if not self.copy.make(sorted({target for test in batch for target in test.targets})):
                raise Unbuildable
            failed = Run(self.logs, times).all(batch)
            if failed is not None:
                return failed
        return None

    def try_one(self, change):
        """Returns 'noticed by …', 'survived', or None where the change is none."""
        text = self.copy.read(change.path)
        key = key_of(change, text)
        if key in self.kept["noticed"]:
            return self.kept["noticed"][key]
        target = self.copy.object_of(change.path)
        if target is None:
            return None
        pristine = digest(os.path.join(self.copy.build, target))
        self.copy.write(change.path, change.apply(text))
        try:
            if not self.copy.make([target]) or digest(os.path.join(self.copy.build, target)) == pristine:
                return None
            failed = self.run_tests(change, self.kept["passed"].get(key, {}))
        except Unbuildable:
            return None
        finally:
            self.copy.write(change.path, text)
            self.copy.make([target])
            reap_orphans()
        if failed is None:
            self.kept["passed"][key] = self.copy.digests
            self.keep()
            return "survived"
        self.kept["noticed"][key] = "noticed by " + failed
        self.keep()
        return self.kept["noticed"][key]

    def run(self, number, seed, paths):
        for change in choose(self.copy, seed, paths):
            if self.counts["tried"] == number:
                break
            if (change.place, change.before, change.after) in self.unnoticeable:
                self.counts["listed"] += 1
                say("listed: %s" % change)
                continue
            outcome = self.try_one(change)
            if outcome is None:
                self.counts["none"] += 1
                continue
            self.counts["tried"] += 1
            self.counts["noticed"] += outcome != "survived"
            if outcome == "survived":
                self.survivors.append(change)
            say("%3d %s: %s" % (self.counts["tried"], outcome, change))

    def report(self):
        say("")
        for change in self.survivors:
            say("survived: %s" % change)
        tried = self.counts["tried"]
        say("%d changes, %d noticed (%d %%), %d survived; not counted: %d that change no code, %d listed"
            % (tried, self.counts["noticed"], 100 * self.counts["noticed"] // max(tried, 1), len(self.survivors),
               self.counts["none"], self.counts["listed"]))


def main():
    folder = os.path.join(TOP, "build-mutate")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("number", metavar="N", nargs="?", type=int, default=20)
    parser.add_argument("seed", metavar="SEED", nargs="?", type=int, default=random.SystemRandom().randrange(1000000))
    parser.add_argument("files", metavar="FILE", nargs="*")
    chosen = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.makedirs(folder, exist_ok=True)
    mutation = Mutation(TOP, folder)
    mutation.check_unchanged()
    say("%d changes, seed %d:" % (chosen.number, chosen.seed))
    mutation.run(chosen.number, chosen.seed, chosen.files)
    mutation.report()


main()
