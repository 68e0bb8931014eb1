# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which files a test is for, as the first comment below its licence says:

/* Tests: engine/ferry-monitor.c, lane/ferry-wake-private.h
 *
 * What the test shows. */

A file of the library is named with its layer, any other from the top of the project. A program of a folder of tests
says so, a fuzzer, and a model.
"""

import json
import os
import re
import subprocess
import sys

PROGRAM = r"tests/\w+/test-[^/]*\.c$"
FUZZER = r"tests/fuzz/fuzz-[^/]*\.c$"
MODEL = r"tests/model/[^/]*\.pml$"
ENTRY = re.compile(r"^LLVMFuzzerTestOneInput", re.MULTILINE)
HEAD = re.compile(r"/\* SPDX.*?\*/\n\n/\* Tests: (.*?)(?:\n \*\n| \*/)", re.DOTALL)


def is_test(name, text):
    """Whether the file has to say what it tests; name is relative to the top."""
    return bool(re.match(PROGRAM + "|" + MODEL, name) or re.match(FUZZER, name) and ENTRY.search(text))


def files_tested(text):
    """The names as the test gives them; none when it does not say."""
    head = HEAD.match(text)
    return re.split(r",\s+(?:\*\s+)?", head[1]) if head else []


def subject(name):
    """What a file and its headers have in common: 'router/lane/ferry-lane-private.h' and 'lane/ferry-lane.c' are one."""
    return re.sub(r"(?:-private)?\.[ch]$", "", re.sub(r"^(?:\./)?(?:router/)?", "", name))


def programs_for(top, file):
    """The source of each test that is for the file, which may lack its first folders, or that is the file."""
    def means(name):
        return ("/" + subject(name)).endswith("/" + subject(file))

    found = []
    for folder, _, names in os.walk(os.path.join(top, "tests")):
        for path in (os.path.join(folder, name) for name in names if name.endswith((".c", ".pml"))):
            with open(path, encoding="utf-8") as source:
                text = source.read()
            name = os.path.relpath(path, top)
            if is_test(name, text) and any(map(means, [name, *files_tested(text)])):
                found.append(path)
    return found


def names_for(top, build, files):
    """The names of the tests for the files. A test runs a program with such a source, or is given it, as a model is."""
    programs = set()
    for file in files:
        found = programs_for(top, file)
        if not found:
            sys.exit("No test is for %s: see 'Tests:' in the first comments of the programs in tests." % file)
        programs.update(found)
    known = json.loads(subprocess.run(["meson", "introspect", build, "--tests", "--targets"], check=True,
                                      stdout=subprocess.PIPE, text=True).stdout)
    made = {path for target in known["targets"] for path in target["filename"] for part in target["target_sources"]
            if target["type"] == "executable" and programs.intersection(part.get("sources", ()))}
    names = [test["name"] for test in known["tests"] if test["cmd"][0] in made or programs.intersection(test["cmd"])]
    if not names:
        sys.exit("This build has no test for %s." % ", ".join(files))
    return names
