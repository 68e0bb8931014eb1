#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each callable of the older systems' classes is called from Python: check-python-classic.py API-VERSION GIR TABLE WORKER

TABLE is as that of check-callables.py, and WORKER is tests/workers/serving-worker.c. Skipped where Python has no bindings
(PyGObject).
"""

import os
import sys
import tempfile

import tap

try:
    import gi
    from gi.repository import GLib
except ImportError:
    gi = None


def raised_in(function, *arguments):
    """The error that it fails with."""
    try:
        function(*arguments)
    except GLib.Error as error:
        return error
    raise AssertionError("it did not fail")


def use_errors(report, classic):
    error = GLib.Error("no", "g-file-error-quark", 4)
    here, there = classic.ErrorList.new(), classic.ErrorList.new()
    here.add_filter(GLib.file_error_quark(), 4)
    report.fact("a list takes an error that passes its filter", here.add("work", error))
    report.equal("and has it", (here.get_first("work").props.error.message, [record.props.phase for record in here]),
                 ("no", ["work"]))
    report.fact("it crosses as a value", there.add_variant(here.to_variant()))
    report.equal("it is raised elsewhere", raised_in(there.raise_any, "work").message, "no")
    there.clear(None)
    report.fact("a list that was cleared raises nothing", there.raise_any(None))


def body(report):
    if gi is None:
        report.skip("classic", "there is no PyGObject")
        return
    import callables
    from gi.repository import FerryClassic

    gir, table = sys.argv[2:4]
    with tempfile.NamedTemporaryFile() as record:
        os.environ["FERRY_TEST_RECORD"] = record.name
        found, recorder = callables.prepare(FerryClassic, gir)
        use_errors(report, FerryClassic)
        report.none("no name of a class means two things", callables.collisions(gir))
        callables.compare(report, found, callables.read_table(table), recorder.read())


if gi is not None:
    for namespace in ("Ferry", "FerryClassic"):
        gi.require_version(namespace, sys.argv[1])
tap.main(body)
