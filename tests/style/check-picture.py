#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The picture of README shows the demo as it is: what is written on it is what the programs say.

check-picture.py TOP

./run picture writes docs/demo.txt beside docs/demo.png, with a line for each text on the window. Each is a text of a
catalogue, or made of such texts, numbers and names.
"""

import os
import re
import sys

import tap

CATALOGUES = ["demo-app/po/de.po", "router/gtk/po/de.po"]
JOINED = " \N{MIDDLE DOT} "
NUMBER = re.compile(r"[0-9][0-9.,:]*(\N{NO-BREAK SPACE}?[kMGT]?B)?|[0-9.,]+ (million|billion|s)|[0-9]+ %")
AMOUNT = re.compile(r"[0-9][0-9.,]*(?: million| billion)? (.+)")
PLACE = re.compile(r"%(?:\d+\$)?[-0-9.]*l?[sduf]|%%")


def catalogue(text):
    """The texts that a catalogue has in the language of the sources."""
    texts = []
    for strings in re.findall(r'^msgid(?:_plural)? ((?:".*"\n)+)', text, re.MULTILINE):
        found = "".join(re.findall(r'"(.*)"', strings)).replace('\\n', "\n").replace('\\"', '"')
        texts.append(found.replace("_", ""))
    return [text for text in texts if text]


def pattern(text):
    """What a text looks like once its places are filled."""
    parts = [re.escape(part) for part in PLACE.split(text)]
    places = ["%" if place == "%%" else "(.+?)" for place in PLACE.findall(text)]
    return re.compile("".join(part + place for part, place in zip(parts, places + [""])))


def is_said(line, patterns):
    if NUMBER.fullmatch(line):
        return True
    amount = AMOUNT.fullmatch(line)
    if amount and is_said(amount[1], patterns):
        return True
    if JOINED in line:
        return all(is_said(part, patterns) for part in line.split(JOINED))
    for looks in patterns:
        match = looks.fullmatch(line)
        if match and all(group != line and is_said(group, patterns) for group in match.groups()):
            return True
    return False


def unsaid(words, texts):
    patterns = [pattern(text) for text in texts]
    return [line for line in words.splitlines() if not is_said(line, patterns)]


def body(report):
    top = sys.argv[1]
    texts = []
    for name in CATALOGUES:
        with open(os.path.join(top, name), encoding="utf-8") as file:
            texts += catalogue(file.read())
    sample = catalogue('msgid ""\n"%s of "\n"%s"\n\nmsgid "_Done"\n\nmsgid "files"\n\nmsgid "%s %s"\n')
    report.fact("an old word is noticed", unsaid("Done\n3 of 5 files\nFinished\n", sample) == ["Finished"],
                unsaid("Done\n3 of 5 files\nFinished\n", sample))
    with open(os.path.join(top, "docs/demo.txt"), encoding="utf-8") as file:
        words = file.read()
    report.fact("there are words", len(words.splitlines()) > 10, [words])
    report.none("the words on the picture of README are those of the programs; else take it anew with ./run picture",
                unsaid(words, texts))


tap.main(body)
