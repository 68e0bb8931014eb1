#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The reference is complete and its links lead somewhere: check-reference.py GIR CONFIG GI-DOCGEN generate ARGUMENT...

The arguments are those that the build makes the reference with; here it goes to a folder of its own.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse

import tap

PAGES = ("architecture.html", "benchmarks.html", "protocol.html", "index.html", "class.Router.html")
LINK = re.compile(r'<(?:a|link|script|img)\b[^>]*?\b(?:href|src)="([^"]*)"')


def run(*command):
    """What a command complained of, or nothing when it succeeded."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
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


def read_pages(folder):
    pages = {}
    for path in glob.glob(os.path.join(folder, "*.html")):
        with open(path, encoding="utf-8") as file:
            pages[os.path.basename(path)] = file.read()
    return pages


def body(report):
    gir, config, *generate = sys.argv[1:]
    report.fact("would be seen: a link that leads nowhere",
                dead_links({"a.html": '<a class="b" href="c.html#d">c</a>'}, lambda _: False)
                and not dead_links({"a.html": '<a href="#d">d</a><a href="https://e/f.html">f</a>'}, lambda _: False))
    report.none("everything public is documented",
                run(generate[0], "check", "--quiet", "--fatal-warnings", "--config", config, gir))
    with tempfile.TemporaryDirectory() as folder:
        report.none("the reference is made without a warning", run(*generate, "--output-dir", folder, gir))
        pages = read_pages(folder)
        report.none("it has the pages of docs/ beside those of the types", [page for page in PAGES if page not in pages])
        report.none("its links lead somewhere",
                    dead_links(pages, lambda path: os.path.exists(os.path.join(folder, path))))


tap.main(body)
