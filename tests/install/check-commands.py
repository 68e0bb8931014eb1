#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the README, the pages and './run help' tell a reader to type, works: check-commands.py TOP [run]

With "run", all of it is run without a display, in a copy of TOP whose build folder './run demo' has made. That takes a
quarter of an hour, so '.ci/nightly' does it. Without, each command is only known to be run there.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

import commands
import tap

# What is typed in place of a command that is a form, or would take hours. {place} is a folder, {example} and {program}
# are each example.
INSTEAD = {
    "demo-app/run-cluster [HOSTS]": ["demo-app/run-cluster 2"],
    "tests/bench/publish.py [FILE]": ["tests/bench/publish.py {place}/bench.txt"],
    "tests/bench/publish.py build-release/bench.txt": ["tests/bench/publish.py {place}/bench.txt"],
    "./run demo [ARGUMENT...]": ["./run demo --page=robust", "./run demo --help"],
    "./run example NAME": ["./run example {example}"],
    "./run example [NAME [ARGUMENT...]]": ["./run example sandbox {top}/docs/demo.png"],
    "./run example [NAME]": ["./run example"],
    "./run files [WORD...]": ["./run files queue/ damage"],
    "./run python PROGRAM": ["./run python {program}"],
    "./run python [ARGUMENT...]": ["./run python -c 'import ferry.gtk'"],
    "./run tests": ["./run tests --suite base"],
    "./run tests --all": ["./run tests --all --suite base"],
    "./run tests --for FILE [...]": ["./run tests --for router/wire/ferry-depth.c --for lane/ferry-cell.c"],
    "./run tests [ARGUMENT...]": ["./run tests desktop-file"],
    "FERRY_GALLERY=FOLDER ./run tests gtk-gallery": ["FERRY_GALLERY={place} ./run tests gtk-gallery"],
    "FERRY_SOAK_SECONDS=36000 ./run tests process-soak -t 0": ["FERRY_SOAK_SECONDS=36 ./run tests process-soak -t 0"],
}

# What another part of the night runs, or nobody.
ELSEWHERE = {
    "./run bench": "bench", "./run bench --quick": "bench", "./run bench [NAME...]": "bench",
    "./run bench package": "bench", "./run bench rows": "bench",
    "./run bench [--quick|--smoke] [NAME...]": "bench",
    "tests/fuzz/run": "fuzz", "tests/fuzz/run [SECONDS [FUZZER...]]": "fuzz",
    "tests/mutate/mutate.py 20": "mutate", "tests/mutate/mutate.py 200 7": "mutate",
    "tests/mutate/mutate.py [N [SEED [FILE...]]]": "mutate",
    ".ci/nightly": "this is a part of it", ".ci/nightly [PART...]": "this is a part of it",
    ".ci/run": "each commit",
    "tests/sanitize/run": "sanitize", "tests/sanitize/run [ARGUMENT...]": "sanitize",
    "FERRY_TEST_LARGE_MODELS=1 ./run tests --suite model": "models",
    "WAYLAND_DISPLAY=ferry GDK_BACKEND=wayland ./run demo": "it needs a Weston that runs",
}

# What examples in Python are given, and those without a window.
ARGUMENTS = {"sandbox.py": "docs/demo.png", "search.py": "Ferry docs", "task-list.py": "README.md"}
WINDOWLESS = {"cancel.py", "hello_worker.py", "map.py", "messages.py", "object.py", "retry.py", "stream.py", "survive.py"}

# The first command has so many lines, with those of the demo's results.
MOST_LINES = 60
SOME_SECONDS = 7200


def is_form(command):
    return bool(re.search(r"[][|]|\.\.\.|(?<!=)\b[A-Z]{2,}\b(?!_|=)", command))


def unknown(found):
    """Commands that are a form, and of which nothing says what is typed; and what is said of commands that no page has."""
    return (["%s, in %s" % (command, ", ".join(pages)) for command, pages in sorted(found.items())
             if is_form(command) and command not in INSTEAD and command not in ELSEWHERE]
            + ["nobody is told to type " + command for command in [*INSTEAD, *ELSEWHERE] if command not in found])


def typed(found, top, place):
    """All that is run, each once."""
    programs = [("examples/python/%s %s" % (name, ARGUMENTS.get(name, ""))).strip() for name in
                map(os.path.basename, sorted(glob.glob(os.path.join(top, "examples", "python", "*.py"))))]
    with open(os.path.join(top, "examples", "meson.build"), encoding="utf-8") as file:
        examples = re.findall(r"'([\w-]+)'", re.search(r"^examples = \[([^]]*)\]", file.read(), re.MULTILINE)[1])
    lines = []
    for command in sorted(set(found) - set(ELSEWHERE)):
        for line in INSTEAD.get(command, [command]):
            lines += [line.format(top=top, place=place, example=example, program=program)
                      for example in (examples if "{example}" in line else [""])
                      for program in (programs if "{program}" in line else [""])]
    return list(dict.fromkeys(lines))


def copy_tree(top, place):
    """The files of a clone, without what was built there."""
    shutil.copytree(top, place, ignore=lambda folder, names: [name for name in names if folder == top and (
        re.fullmatch(r"build(-(?!aux).*)?|\.git", name))])


def run(top, line):
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY", "PYTHONPATH")}
    return subprocess.run(["sh", "-c", line], cwd=top, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, timeout=SOME_SECONDS)


def check(report, top, line):
    done = run(top, line)
    pictures = re.findall(r"^Screenshot: (.*)$", done.stdout, re.MULTILINE)
    report.fact(line, done.returncode == 0, done.stdout.splitlines()[-40:])
    report.none("its pictures are there", [path for path in pictures if not os.path.exists(os.path.join(top, path))])
    words = line.split()
    if words[1:2] == ["python"] and line.count(".py") and os.path.basename(words[2]) not in WINDOWLESS:
        report.fact("its window has a picture", pictures, done.stdout.splitlines()[-40:])
    return done.stdout


def body(report):
    top = os.path.abspath(sys.argv[1])
    usage = subprocess.run([os.path.join(top, "run"), "help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = commands.in_tree(top, usage)
    report.equal("would be seen: commands of a page", sorted(commands.in_page(
        "a `./run a` b\n\n```sh\n./run b --c  # d\n```\n\n    E=f ./run g\n\n```console\n$ ./run h\ni\n```\n`tests/i/run [J]`\n")),
        ["./run a", "./run b --c", "./run h", "E=f ./run g", "tests/i/run [J]"])
    report.equal("would be seen: commands of the help", commands.in_help("./run a [B...]   c\n./run d\n  ./run\n"),
                 {"./run a [B...]", "./run d"})
    report.fact("would be seen: a form that nothing is typed for", "./run a NAME, in p" in unknown({"./run a NAME": ["p"]}))
    report.none("each command that a reader is told to type is run at night", unknown(found))
    if sys.argv[2:] != ["run"]:
        return
    with tempfile.TemporaryDirectory() as folder:
        copy, place = os.path.join(folder, "ferry"), os.path.join(folder, "place")
        copy_tree(top, copy)
        os.mkdir(place)
        shutil.copy(os.path.join(copy, "docs", "benchmarks.txt"), os.path.join(place, "bench.txt"))
        said = check(report, copy, "./run demo")
        report.fact("the first command has a line a step", len(said.splitlines()) <= MOST_LINES, said.splitlines()[-40:])
        # meson makes a folder for each test that it could build.
        built = glob.glob(os.path.join(copy, "build", "tests", "test-*"))
        report.none("it builds no test", list(filter(os.path.isfile, built)))
        for line in typed(found, copy, place):
            check(report, copy, line)


tap.main(body)
