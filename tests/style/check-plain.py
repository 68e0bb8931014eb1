#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Comments and pages are easy to read: check-plain.py TOP

A sentence has at most 25 words, and names its subject: a thing of the code, not one that is only asked for. Some
sentences are allowed to be longer, such as a list that would be no shorter in parts; the numbers below only fall.
"""

import re
import sys

import sources
import tap

LONGEST = 25
# Shorter ones are titles and labels.
SHORTEST = 4
# Of a thousand sentences of the library, the demo and the pages.
MOST_LONG = 8
# In these and in the tests.
MOST_HIDDEN = 50

# Written in parts, so that this file does not hold them.
HIDDEN = re.compile(r"\b(?:wh" + r"o|wh" + r"om|wh" + r"oever|wh" + r"ose|nobo" + r"dy|somebo" + r"dy|anybo" + r"dy|for ev"
                    + r"er)\b", re.IGNORECASE)
TOLD = (r"router/.*\.[ch]$", r"demo-app/.*\.[ch]$", r"docs/.*\.md$", r"README\.md$", r"HACKING\.md$")
TESTS = (r"tests/.*\.[ch]$",)


def parts(name, text):
    """The paragraphs, items of lists and parameters of a page, or of the comments of a C file."""
    if name.endswith(".md"):
        text = re.sub(r"```.*?```|<!--.*?-->", "\n\n", text, flags=re.DOTALL)
        blocks = [re.sub(r"^ *\|.*$", "", text, flags=re.MULTILINE)]
    else:
        blocks = [re.sub(r"^\s*\*? ?", "", block, flags=re.MULTILINE)
                  for block in re.findall(r"/\*(.*?)\*/", text, flags=re.DOTALL)]
    for block in blocks:
        yield from re.split(r"\n\s*\n|\n(?=\s*(?:@\w+:|@\.\.\.:|[-*] |\d+\. |Returns:))", block)


def sentences(name, text):
    for part in parts(name, text):
        yield from re.split(r"(?<=[.;:!?])\s+(?=[A-Z@%#`*\[])", " ".join(part.split()))


def words(sentence):
    return re.findall(r"[A-Za-z][\w'()-]*", sentence)


def all_sentences(tree, *places):
    return [(name, sentence) for name, text in sources.select(tree, *places).items()
            for sentence in sentences(name, text) if len(words(sentence)) >= SHORTEST]


def long_sentences(tree):
    return ["%s: %d words: %s" % (name, len(words(sentence)), sentence[:160])
            for name, sentence in all_sentences(tree, *TOLD) if len(words(sentence)) > LONGEST]


def hidden_subjects(tree):
    return ["%s: “%s”: %s" % (name, word, sentence[:160]) for name, sentence in all_sentences(tree, *TOLD, *TESTS)
            for word in HIDDEN.findall(sentence)]


def test_the_checks(report):
    long = " ".join(["word"] * (LONGEST + 1))
    report.fact("would be seen: a long sentence", long_sentences({"router/lane/a.c": "/* A ring.\n * %s. */\n" % long}))
    report.fact("would be seen: a long parameter", long_sentences({"router/lane/a.h": "/**\n * a:\n * @b: %s\n */\n" % long}))
    report.fact("would be seen: a long sentence of a page", long_sentences({"docs/a.md": "# A\n\n- b\n- %s.\n" % long}))
    report.fact("would be seen: a hidden subject",
                hidden_subjects({"tests/lane/test-a.c": "/* Nobo" + "dy reads what is written. */\n"}))
    report.none("parameters, items, code and tables are no part of a sentence", long_sentences({
        "router/lane/a.h": "/**\n * a:\n * @b: one two three four five six seven eight nine ten\n"
                           " * @c: one two three four five six seven eight nine ten\n"
                           " * - one two three four five six seven eight nine ten\n */\nint %s;\n" % long,
        "docs/a.md": "```\n%s\n```\n\n| %s |\n\n<!-- %s -->\n" % (long, long, long)}))


def body(report):
    test_the_checks(report)
    tree = sources.read_tree(sys.argv[1])
    n = len(all_sentences(tree, *TOLD))
    long = long_sentences(tree)
    hidden = hidden_subjects(tree)
    print("# %d sentences, %d of more than %d words; %d hidden subjects, with those of the tests"
          % (n, len(long), LONGEST, len(hidden)))
    report.fact("sentences are found", n > 0)
    report.none("no more sentences are long than allowed", long if len(long) * 1000 > MOST_LONG * n else [])
    report.none("no more subjects are hidden than allowed", hidden if len(hidden) > MOST_HIDDEN else [])


tap.main(body)
