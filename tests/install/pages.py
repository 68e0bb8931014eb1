# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that a page shows, taken out of it, built and run as the page says.

A block of code whose first line is a comment with a file's name, such as app.c, is that file. A block of a console has
command lines, each behind a dollar sign, with what they print below: cc builds against the installed library, all else
is run and its output compared. What ends with an ampersand runs until the end of its block, and so long a variable is
exported. A server is at port 4222 on the page, and here at a port that nobody else has. A program that opens a window
has a comment behind it, such as

    $ ./app     # the window says: Done.

It runs until a label of its window has these words, and then its windows are closed, which ends it.
"""

import os
import re
import shlex
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "examples"))
import scenes  # pylint: disable=wrong-import-position

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE_NAME = re.compile(r"(?:/\* ([\w-]+\.c) \*/|# ([\w-]+\.py)|// ([\w-]+\.(?:js|vala)))\n")
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
EXPORT = re.compile(r"export (\w+)=(\S+)")
WINDOW = re.compile(r"(.*\S) +# the window says: (.*)")


def program_files(text):
    """File name -> contents."""
    files = {}
    for _, block in BLOCK.findall(text):
        match = FILE_NAME.match(block)
        if match:
            files[match[1] or match[2] or match[3]] = block
    return files


def sessions(text):
    """For each console block its (command, what is below it)."""
    return [COMMAND.findall(block) for language, block in BLOCK.findall(text) if language == "console"]


def unused(files, text):
    """Files that no console block names: nobody would see whether they work."""
    used = " ".join(command for session in sessions(text) for command, _ in session)
    return [name for name in sorted(files) if name not in used.split()]


def unknown_names(text, known):
    """Functions, constants and types that a page's prose names and that are not among what is known. Whether its code
    has only such is for the compiler to say. A name that the page gives a value is a variable of the environment."""
    names = set(re.findall(r"\b(?:ferry_\w+(?=\(| \()|FERRY_\w+|Ferry[A-Z]\w*)", BLOCK.sub("", text)))
    variables = set(re.findall(r"\b(FERRY_\w+)=", text))
    return ["there is no %s" % name for name in sorted(names - variables) if name not in known]


def count_lines(code):
    return len([line for line in code.splitlines() if line.strip()])


def wrong_counts(text):
    """Headings that end with “: N lines”, where the program below has another number of them."""
    return ["%d lines, and not %s, are below “%s”" % (count_lines(block), number, heading)
            for heading, number, block in re.findall(r"^#+ ([^\n]*: (\d+) lines)\n(?:(?!#|```)[^\n]*\n)*```\w+\n(.*?)^```$", text,
                                                     re.DOTALL | re.MULTILINE)
            if count_lines(block) != int(number)]


def write(files, folder):
    for name, contents in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(contents)


def without_noise(output):
    """LeakSanitizer mentions a thread that ends while it looks, in the midst of a line. An application of GTK says that
    there is no session bus, which is no fault of the page."""
    output = re.sub(r"==\d+==Unable to get registers from thread \d+\.\n", "", output)
    return re.sub(r"\n\([\w-]+:\d+\): Gtk-WARNING \*\*: .*: Unable to acquire session bus: .*\n", "", output)


def find_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def run_window(report, installed, command, words):
    """A sanitizer must be the first library of a program, and the watcher is preloaded, so it is not built then."""
    if not os.path.exists(installed.watcher):
        report.skip(command + " opens a window", "there is no watcher in this build")
        return
    name, *arguments = shlex.split(command)
    program = scenes.Program(installed.watcher, installed.root, None, os.path.basename(name), *arguments,
                             environment=installed.environment)
    lines = program.wait("label " + re.escape(words))
    for line in lines:
        if line.startswith("window "):
            program.do("close " + line[len("window "):])
    report.equal("%s opens a window that says “%s”, and ends with it" % (command, words), program.finish(), (0, "", ""))


def run_session(report, installed, session):
    """Builds and runs as one console block says."""
    beside = [shlex.split(command)[0] for command, _ in session if command.endswith(" &")]
    missing = [program for program in beside if not installed.has(program)]
    if missing:
        report.skip("a console block", "there is no program '%s'; install it to run this" % missing[0])
        return
    port = find_port()
    environment = dict(installed.environment)
    try:
        run_commands(report, installed, [(command.replace("4222", port), expected) for command, expected in session])
    finally:
        installed.end_all()
        installed.environment = environment


def run_commands(report, installed, session):
    compiler = " ".join([os.environ.get("CC", "cc"), "-Wall -Werror", *installed.sanitizers])
    others = any(command.endswith(" &") for command, _ in session)
    for command, expected in session:
        window, export = WINDOW.fullmatch(command), EXPORT.fullmatch(command)
        if command.startswith("cc "):
            installed.run("sh", "-ec", compiler + command[len("cc"):])
            report.fact("this builds: " + command, True)
        elif window:
            run_window(report, installed, window[1], window[2])
        elif command.startswith("python3 "):
            # tests/python/check-page.py does, with the Python that has the package.
            report.skip(command, "it is of the package for Python")
        elif export:
            installed.environment[export[1]] = export[2]
        elif command.endswith(" &"):
            installed.start(*shlex.split(command[:-len(" &")]))
        else:
            # What a program says meanwhile depends on how quick the others are.
            stderr = subprocess.DEVNULL if others else subprocess.STDOUT
            report.equal("%s prints what the page says" % command,
                         without_noise(installed.run("sh", "-ec", command, stderr=stderr)), expected)
