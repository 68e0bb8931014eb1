#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The references are complete and their links lead somewhere: check-reference.py GI-DOCGEN ARGUMENT... -- NAME GIR CONFIG...

The arguments are those that the build makes them with; here they go to a folder of their own, each below its name.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse

import tap

PAGES = ("architecture.html", "benchmarks.html", "concurrent-futures.html", "conversations.html", "decisions.html",
         "mux-demux.html", "objects.html", "overview.html", "pipes.html", "protocol.html",
         "twelve-steps.html", "index.html", "class.Router.html")
LINK = re.compile(r'<(?:a|link|script|img)\b[^>]*?\b(?:href|src)="([^"]*)"')


def run(*command):
    """What a command complained of, or nothing when it succeeded."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return [] if done.returncode == 0 else done.stdout.splitlines() or ["status %d" % done.returncode]


def dead_links(pages, exists):
    """Links of pages (name to text) to files of the reference that are not there."""
    complaints = []
    for name, text in sorted(pages.items()):
        for target in sorted(set(LINK.findall(text))):
            link = urllib.parse.urlparse(target)
            if not link.scheme and not link.netloc and link.path and not exists(urllib.parse.unquote(link.path)):
                complaints.append("%s: %s is not there" % (name, target))
    return complaints


def wrong_members(gir, others=""):
    """Members of enumerations and other constants that comments name. gi-docgen does not look them up, and makes a link
    to a member one to its type, whose name alone is then read; so they are written with a percent sign."""
    known = set(re.findall(r'c:(?:identifier|type)="(\w+)"', gir + others))
    named = set(re.findall(r"%(FERRY_\w+)", gir))
    linked = re.findall(r"\[(?:enum|error|flags)@\w+\.\w+\.\w+\]", gir)
    return (["there is no %s" % name for name in sorted(named - known)]
            + ["%s would be shown as its type" % link for link in linked])


def read_pages(folder):
    pages = {}
    for path in glob.glob(os.path.join(folder, "*.html")):
        with open(path, encoding="utf-8") as file:
            pages[os.path.basename(path)] = file.read()
    return pages


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def check(report, generate, folder, first, name, gir, config):
    """Returns the pages, by their names. The first library has what the others may name."""
    report.none("%s: the members that are named exist, and are shown" % name, wrong_members(read(gir), read(first)))
    program, *arguments = generate
    includes = arguments[arguments.index("--add-include-path"):][:2]
    report.none("%s: everything public is documented" % name,
                run(program, "check", "--quiet", "--fatal-warnings", *includes, "--config", config, gir))
    report.none("%s: the reference is made without a warning" % name,
                run(program, "generate", "--quiet", "--fatal-warnings", *arguments, "--config", config, "--output-dir",
                    os.path.join(folder, name), gir))
    return read_pages(os.path.join(folder, name))


def body(report):
    end = sys.argv.index("--")
    generate, libraries = sys.argv[1:end], sys.argv[end + 1:]
    report.fact("would be seen: a link that leads nowhere",
                dead_links({"a.html": '<a class="b" href="c.html#d">c</a>'}, lambda _: False)
                and not dead_links({"a.html": '<a href="#d">d</a><a href="https://e/f.html">f</a>'}, lambda _: False))
    good = '<member c:identifier="FERRY_A_B"/><doc>With %FERRY_A_B, see [enum@Ferry.A].</doc>'
    report.fact("would be seen: a member that is not there, or is not shown",
                wrong_members("<doc>%FERRY_A_C</doc>") and wrong_members("<doc>[enum@Ferry.A.B]</doc>")
                and not wrong_members(good))
    with tempfile.TemporaryDirectory() as folder:
        made = {name: check(report, generate, folder, libraries[1], name, gir, config)
                for name, gir, config in zip(libraries[::3], libraries[1::3], libraries[2::3])}
        report.none("ferry-1 has the pages of docs/ beside those of the types",
                    [page for page in PAGES if page not in made["ferry-1"]])
        for name, pages in made.items():
            report.none("%s: its links lead somewhere" % name,
                        dead_links(pages, lambda path: os.path.exists(os.path.join(folder, name, path))))


tap.main(body)
