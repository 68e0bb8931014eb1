#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each file that names the version names that of meson.build, and each date of it is the same:
check-versions.py TOP [released]

With 'released', each has a date, which is not in the future, as packaging/release wants it.
"""

import datetime
import email.utils
import re
import sys

import sources
import tap

BUILD = "meson.build"
VERSION = r"(?m)^  version: '(\d+\.\d+\.\d+)',$"

# Where each file names the version. What a pattern does not find is a complaint, if there is such a file.
PLACES = {
    "CHANGELOG.md": r"(?m)\A# Changes\n\n## (\S+?)(?: \(|,)",
    "bindings/python/ferry/_place.py": r'(?m)^VERSION = "(.*)"$',
    "data/org.ferryproject.Demo.metainfo.xml.in": r'<release version="(.*?)"',
    "debian/changelog": r"\Aferry \((.*?)(?:-[^-)]*)?\)",
    "ferry.doap": r"<revision>(.*?)</revision>",
}
OPTIONAL = ("debian/changelog",)

DAY = r"(\d{4}-\d\d-\d\d)"
DATES = {
    "CHANGELOG.md": r"\A# Changes\n\n## \S+ \(%s\)" % DAY,
    "data/org.ferryproject.Demo.metainfo.xml.in": r'<release version="[^"]*".* date="%s"' % DAY,
    "debian/changelog": r"\A[^\0]*?\n -- .*?>  (.*)\n",
    "ferry.doap": r"<created>%s</created>" % DAY,
}

PAGE = r"(README\.md|docs/.*\.md)$"
# What a page tells git to fetch.
REVISION = r'(?m)^revision = (.*)$|"(?:tag|commit)": "(.*?)"'
RELEASED = r"(?m)^## (\S+) \(%s\)" % DAY
FILE_OF_VERSION = r"\bferry-\d+\.\d+\.\d+[\w.-]*"
SONAME = r"(?m)^soversion = '(.*)'$"
PACKAGED_SONAME = r"(?m)^lib[\w-]+\.so\.(\d+) "
SYMBOL = r"(?m)^ (\S+@\S+) (\d[^-\s]*)"


def numbers(version):
    return tuple(int(number) for number in re.findall(r"\d+", version))


def wrong_versions(tree):
    version = re.search(VERSION, tree[BUILD])[1]
    complaints = []
    for name, pattern in PLACES.items():
        match = re.search(pattern, tree.get(name, ""))
        if match and match[1] != version:
            complaints.append("%s names version %s, and %s %s" % (name, match[1], BUILD, version))
        elif not match and (name not in OPTIONAL or name == "debian/changelog" and name in tree):
            complaints.append("%s names no version" % name)
    return complaints


def day(text):
    """The day of a date: a plain one, or as in a letter."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return email.utils.parsedate_to_datetime(text).date()


def dates(tree):
    found = {name: re.search(pattern, tree.get(name, "")) for name, pattern in DATES.items()}
    return {name: day(match[1]) for name, match in found.items() if match}


def wrong_dates(tree):
    """The other files have a date always, which means something when the list of changes has one."""
    found = dates(tree)
    released = found.get("CHANGELOG.md")
    return ["%s says %s, and CHANGELOG.md %s" % (name, date, released)
            for name, date in found.items() if released not in (None, date)]


def unreleased(tree, today):
    """What keeps a tree from being a release today."""
    found = dates(tree)
    complaints = ["%s has no date" % name for name in DATES if name in tree and name not in found]
    complaints += ["%s has a date in the future, %s" % (name, date) for name, date in found.items() if date > today]
    if re.match(r"ferry \(.*?\) UNRELEASED;", tree.get("debian/changelog", "")):
        complaints.append("debian/changelog is for no distribution: UNRELEASED")
    if 'type="development"' in tree["data/org.ferryproject.Demo.metainfo.xml.in"]:
        complaints.append("the demo's metainfo says that this is no release, but one of its development")
    return complaints


def wrong_pages(tree):
    """What a reader types works with each version, and what git is to fetch is the last release: a commit cannot have its own
    name in it, and its tag may be there before it."""
    pages = sources.select(tree, PAGE)
    last = re.search(RELEASED, tree["CHANGELOG.md"])[1]
    return (["%s: '%s' is not the last release, %s" % (name, "".join(revision), last) for name, text in pages.items()
             for revision in re.findall(REVISION, text) if "".join(revision) != last]
            + ["%s: %s is there in one version only" % (name, file) for name, text in pages.items()
               for file in re.findall(FILE_OF_VERSION, text)])


def wrong_sonames(tree):
    """All libraries change theirs together, and the packages are named by it."""
    builds = sources.select(tree, r"meson\.build$")
    packages = sources.select(tree, r"debian/.*\.symbols$")
    found = {(name, soname) for pattern, files in ((SONAME, builds), (PACKAGED_SONAME, packages))
             for name, text in files.items() for soname in re.findall(pattern, text)}
    if len({soname for _, soname in found}) == 1:
        return []
    return ["not one soname: %s" % ", ".join("%s in %s" % (soname, name) for name, soname in sorted(found))]


def shared_paths(tree):
    """What a library's package has, and that of another soname would have in the same place."""
    soname = re.search(SONAME, tree[BUILD])[1]
    return ["%s: %s lacks the soname" % (name, path)
            for name, text in sources.select(tree, r"debian/lib.*-%s\.install$" % soname).items() for path in text.split()
            if not re.search(r"\.so\.%s\*$|-%s(/|\.mo$)" % (soname, soname), path)]


def newer_symbols(tree):
    """A symbol that a package has only since a version that is not out."""
    version = re.search(VERSION, tree[BUILD])[1]
    return ["%s: %s is of version %s" % (name, symbol, since)
            for name, text in sources.select(tree, r"debian/.*\.symbols$").items()
            for symbol, since in re.findall(SYMBOL, text) if numbers(since) > numbers(version)]


def complaints_about(tree, today):
    return (wrong_versions(tree) + wrong_dates(tree) + wrong_pages(tree) + unreleased(tree, today) + wrong_sonames(tree)
            + shared_paths(tree) + newer_symbols(tree))


def sample(**changes):
    """A tree that is released, but for what is changed: the name of a file, and text instead of other text."""
    tree = {
        BUILD: "project('ferry', 'c',\n  version: '0.2.0',\nsoversion = '0'\n",
        "CHANGELOG.md": "# Changes\n\n## 0.2.0 (2026-11-27)\n\n## 0.1.0 (2026-01-01)\n",
        "bindings/python/ferry/_place.py": 'VERSION = "0.2.0"\n',
        "data/org.ferryproject.Demo.metainfo.xml.in": '<release version="0.2.0" date="2026-11-27"/>\n',
        "debian/changelog": "ferry (0.2.0-1) unstable; urgency=medium\n\n  * A.\n\n"
                            " -- A <a@example.org>  Fri, 27 Nov 2026 12:00:00 +0000\n",
        "debian/libferry-1-0.install": "usr/lib/*/libferry-1.so.0*\nusr/lib/*/ferry-1-0/ferry-guardian\n",
        "debian/libferry-1-0.symbols": "libferry-1.so.0 libferry-1-0 #MINVER#\n ferry_a@Base 0.1.0\n",
        "docs/installing.md": "```ini\nrevision = 0.2.0\n```\n`pip install ferry-*.whl`\n",
        "ferry.doap": "<Version><revision>0.2.0</revision><created>2026-11-27</created></Version>\n",
    }
    for name, (old, new) in changes.items():
        name = next(known for known in tree if name in known)
        assert old in tree[name], name
        tree[name] = tree[name].replace(old, new, 1)
    return tree


def check_samples(report):
    today = datetime.date(2026, 11, 27)
    report.none("a tree that is released", complaints_about(sample(), today))
    report.none("but for a date, it is one between two releases",
                wrong_versions(sample(CHANGELOG=(" (2026-11-27)", ", not released yet"))))
    for kind, changes in (
            ("another version in a file", {"CHANGELOG": ("0.2.0", "0.3.0"), "installing": ("0.2.0", "0.3.0")}),
            ("another version in a package", {"changelog": ("0.2.0-1", "0.1.0-1")}),
            ("no version", {"_place": ("VERSION", "OTHER")}),
            ("another date", {"doap": ("2026-11-27", "2026-11-26")}),
            ("another date in a package", {"changelog": ("27 Nov", "26 Nov")}),
            ("no date", {"CHANGELOG": (" (2026-11-27)", ", not released yet"), "installing": ("0.2.0", "0.1.0")}),
            ("a version of a development", {"metainfo": (' date', ' type="development" date')}),
            ("a tag of an earlier release", {"installing": ("= 0.2.0", "= 0.1.0")}),
            ("a commit in place of a release", {"installing": ("= 0.2.0", "= " + "0a" * 20)}),
            ("a file of one version", {"installing": ("ferry-*", "ferry-0.2.0-cp311")}),
            ("a package for nobody", {"changelog": ("unstable", "UNRELEASED")}),
            ("another soname", {"symbols": ("libferry-1.so.0", "libferry-1.so.1")}),
            ("a program that two sonames have", {"0.install": ("ferry-1-0/", "ferry-1/")}),
            ("a symbol of a later version", {"symbols": ("Base 0.1.0", "Base 0.10.0")})):
        report.equal("would be seen: %s" % kind, len(complaints_about(sample(**changes), today)), 1)
    report.equal("would be seen: dates of tomorrow",
                 len(complaints_about(sample(), today - datetime.timedelta(days=1))), 4)


def body(report):
    check_samples(report)
    tree = sources.read_tree(sys.argv[1])
    report.none("all files name one version", wrong_versions(tree))
    report.none("and one date", wrong_dates(tree))
    report.none("pages name no file of one version, and have git fetch the last release", wrong_pages(tree))
    report.none("all libraries have one soname", wrong_sonames(tree))
    report.none("what a library's package has is nowhere where another soname has it", shared_paths(tree))
    report.none("no symbol is of a later version", newer_symbols(tree))
    if sys.argv[2:] == ["released"]:
        report.none("this may be released today", unreleased(tree, datetime.date.today()))


tap.main(body)
