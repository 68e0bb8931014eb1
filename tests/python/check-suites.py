#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tests of others, run with Ferry in place of what they test: check-suites.py PAGE SUITE [PATTERN]

A suite is a module of the folder suites. Where the tests are not installed, or pytest is not, it is skipped. The page has
each test that fails, with the reason; one that is not there fails this program, and so does one of the page that passes.
What a test needs of a private name is no pass: such a test is on the page, too.
"""

import contextlib
import importlib
import os
import re
import signal
import sys

import tap

# A slow machine is no fault.
PATIENCE = int(os.environ.get("FERRY_SUITE_PATIENCE", "600"))
KINDS = {"private": "private name", "differs": "differs", "lacks": "lacks", "theirs": "theirs"}


class Row:
    """A row of the page: tests of a suite that fail, and why. A star is any text."""

    def __init__(self, cells):
        self.suite, tests, self.kind, self.reason = cells
        self.runs = "not run" not in self.reason
        self._names = [re.compile(re.escape(name.strip("`")).replace(r"\*", ".*")) for name in re.findall("`[^`]+`", tests)]

    def has(self, name):
        return any(pattern.fullmatch(name) for pattern in self._names)


def read_page(path, suite):
    with open(path, encoding="utf-8") as page:
        rows = [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in page if line.startswith("| ")]
    return [Row(row) for row in rows if len(row) == 4 and row[2] in KINDS and row[0] == suite]


class Plugin:
    """Gathers what becomes of each test."""

    def __init__(self, shim, rows, pattern):
        self.shim = shim
        self.rows = rows
        self.pattern = pattern
        self._calls = 0
        self.outcomes = {}
        # Behind what pytest captures.
        self._log = os.fdopen(os.dup(2), "w", encoding="utf-8")

    def row_of(self, name):
        return next((row for row in self.rows if row.has(name)), None)

    def pytest_collection_modifyitems(self, items):
        kept = []
        for item in items:
            name = name_of(item.nodeid)
            row = self.row_of(name)
            if self.pattern not in name:
                continue
            if row is not None and not row.runs:
                self.outcomes[name] = "not run", ""
                continue
            kept.append(item)
        items[:] = kept

    def pytest_runtest_logstart(self, nodeid):
        # What hangs is the last one.
        print(name_of(nodeid), file=self._log, flush=True)
        signal.alarm(PATIENCE)
        self._calls = getattr(self.shim, "calls", -1)

    def pytest_runtest_logfinish(self, nodeid):
        if self._calls == getattr(self.shim, "calls", None):
            self.outcomes[name_of(nodeid)] = "skipped", "Ferry makes no call in it"
        print("  " + self.outcomes.get(name_of(nodeid), ("lost",))[0], file=self._log, flush=True)

    def pytest_runtest_logreport(self, report):
        name = name_of(report.nodeid)
        if report.failed:
            self.outcomes[name] = "failed", report.longreprtext
        elif report.skipped:
            self.outcomes[name] = "skipped", report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        elif report.when == "call":
            self.outcomes[name] = "passed", ""

    def pytest_collectreport(self, report):
        if report.failed:
            self.outcomes["collection of " + report.nodeid] = "failed", report.longreprtext


def name_of(nodeid):
    """Such as module.Class.test."""
    path, *names = nodeid.split("::")
    return ".".join([os.path.basename(path).removesuffix(".py"), *names])


def give_up(*_):
    raise TimeoutError("The test has taken %d seconds" % PATIENCE)


def run(plugin):
    import pytest  # noqa: PLC0415 (it need not be installed)
    arguments = plugin.shim.prepare()
    signal.signal(signal.SIGALRM, give_up)
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        pytest.main(["-p", "no:cacheprovider", "-p", "no:threadexception", "-p", "no:unraisableexception", "--capture=fd",
                     *arguments], plugins=[plugin])
    signal.alarm(0)


def tell(report, suite, plugin):
    counts = dict.fromkeys(["passed", *KINDS, "unlisted", "skipped"], 0)
    for name, (outcome, text) in plugin.outcomes.items():
        row = plugin.row_of(name)
        if outcome == "skipped":
            counts["skipped"] += 1
            report.skip(name, " ".join(text.split()))
        elif row is None:
            counts["passed" if outcome == "passed" else "unlisted"] += 1
            report.none(name, [] if outcome == "passed" else [text])
        elif outcome == "passed" and row.kind != "private":
            report.fact(name, False, ["it passes, and the page says that it fails: " + row.reason])
        else:
            counts[row.kind] += 1
            report.skip(name, "%s: %s" % (KINDS[row.kind], row.reason))
    print("# %s %s: %d tests: %s" % (suite, plugin.shim.VERSION, len(plugin.outcomes),
                                     ", ".join("%d %s" % (count, name) for name, count in counts.items())), flush=True)


def body(report):
    page, suite, *pattern = sys.argv[1:]
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "suites"))
    # For the sources of what does not install its tests, also in the programs that these start.
    sources = os.path.join(os.environ.get("FERRY_SUITES", "/nowhere"), suite.replace("_", "-"))
    sys.path.append(sources)
    os.environ["PYTHONPATH"] = os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), sources])
    try:
        plugin = Plugin(importlib.import_module("with_" + suite), read_page(page, suite), *pattern or [""])
        run(plugin)
    except (ImportError, FileNotFoundError) as error:
        # What Ferry itself lacks is no reason to skip.
        if (getattr(error, "name", None) or "").partition(".")[0] == "ferry":
            raise
        report.skip("the tests of " + suite, "they are not installed: %s" % error)
        return
    tell(report, suite, plugin)
    report.fact("there are tests of " + suite, plugin.outcomes)


if __name__ == "__main__":
    tap.main(body)
