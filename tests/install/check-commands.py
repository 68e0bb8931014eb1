#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the README, the pages and './run help' tell a reader to type, works: check-commands.py TOP [run | bare [SUITE...]]

With "run", all of it is run without a display, in a copy of TOP whose build folder './run demo' has made. That takes a
quarter of an hour, so '.ci/nightly' does it. With "bare", README, docs/installing.md and the help are typed where there is
nothing, on Debian 12 and 13 or the suites named, by 'packaging/bare': a machine for each command of ./run, and for each
section. Without, each command is only known to be run there.
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

# What is typed in place of a command that is a form, would take hours, or needs a file of the reader's. {place} is a folder,
# {example} and {program} are each example.
INSTEAD = {
    "demo-app/run-cluster [HOSTS]": ["demo-app/run-cluster 2"],
    "tests/bench/publish.py [FILE]": ["tests/bench/publish.py {place}/bench.txt"],
    "tests/bench/publish.py build-release/bench.txt": ["tests/bench/publish.py {place}/bench.txt"],
    "./run bench [--quick|--smoke] [NAME...]": ["./run bench --smoke"],
    "./run demo [ARGUMENT...]": ["./run demo --page=robust", "./run demo --help"],
    "./run example NAME": ["./run example {example}"],
    "./run example [NAME [ARGUMENT...]]": ["./run example sandbox $PWD/docs/demo.png"],
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
    "packaging/abi": "packages", "packaging/release [--quick]": "packages", "packaging/release name 0.2.0": "packages",
    "packaging/cross arm64": "bare", "packaging/cross i386": "bare", "packaging/debian": "bare", "packaging/flatpak": "bare",
    "packaging/wheel": "bare",
    "tests/fuzz/run": "fuzz", "tests/fuzz/run [SECONDS [FUZZER...]]": "fuzz",
    "tests/mutate/mutate.py 20": "mutate", "tests/mutate/mutate.py 200 7": "mutate",
    "tests/mutate/mutate.py [N [SEED [FILE...]]]": "mutate",
    ".ci/nightly": "this is a part of it", ".ci/nightly [PART...]": "this is a part of it",
    ".ci/run": "each commit",
    "tests/sanitize/run": "sanitize", "tests/sanitize/run [ARGUMENT...]": "sanitize",
    "FERRY_TEST_LARGE_MODELS=1 ./run tests --suite model": "models",
    "WAYLAND_DISPLAY=ferry GDK_BACKEND=wayland ./run demo": "it needs a Weston that runs",
}

# What a reader begins with, on a machine that has nothing, and what is typed there instead.
BEGINNINGS = ("README.md", "docs/installing.md", "./run help")
INSTEAD_ON_BARE = {
    "FOLDER/bin/python3 window.py": "FOLDER/bin/python3 -c 'import ferry.gtk'",
    "packaging/cross arm64": "packaging/cross arm64 lane-cell",
    "packaging/cross i386": "packaging/cross i386 lane-cell",
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
            lines += [line.format(place=place, example=example, program=program)
                      for example in (examples if "{example}" in line else [""])
                      for program in (programs if "{program}" in line else [""])]
    return list(dict.fromkeys(lines))


def typed_on_bare(found, top):
    """What is typed on a machine each. A section whose commands are a part of another one's has none."""
    machines = {}
    for line in typed({command: pages for command, pages in found.items()
                       if command.startswith("./run ") and set(pages) & set(BEGINNINGS)}, top, "/tmp"):
        machines.setdefault(line.split()[1], []).append(line)
    sections = []
    for page in BEGINNINGS[:2]:
        with open(os.path.join(top, page), encoding="utf-8") as file:
            sections += commands.in_sections(file.read())
    return [*machines.values(), *([INSTEAD_ON_BARE.get(line, line).replace("FOLDER", "/root/folder") for line in section]
                                  for section in sections if not any(set(section) < set(other) for other in sections))]


def check_bare(report, top, machines, suite):
    for lines in machines:
        done = subprocess.run([os.path.join(top, "packaging", "bare"), suite, *lines], stdin=subprocess.DEVNULL, check=False)
        report.fact("on a bare %s: %s" % (suite, "; ".join(lines)), done.returncode == 0)


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
    report.equal("would be seen: commands of a section", commands.in_sections(
        "a\n## B\n`packaging/a b` c\n```sh\n./run d\ne f  # g\n```\n```ini\n# h\n```\n### I\n```sh\nj\n```\n"),
        [["packaging/a b", "e f"], ["j"]])
    if sys.argv[2:3] == ["bare"]:
        for suite in sys.argv[3:] or ["bookworm", "trixie"]:
            check_bare(report, top, typed_on_bare(found, top), suite)
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
