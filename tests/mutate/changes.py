# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The small changes that a mutation run tries in C text: one operator, one added number or one returned truth each."""

import re

# Each change is a pattern and what stands in its place. clang-format puts blanks around binary operators, so the patterns
# rely on them. Arrows, pointers and templates of macros have none.
CHANGES = (
    (r" == ", " != "),
    (r" != ", " == "),
    (r" < ", " <= "),
    (r" <= ", " < "),
    (r" > ", " >= "),
    (r" >= ", " > "),
    (r" && ", " || "),
    (r" \|\| ", " && "),
    (r" &&$", " ||"),
    (r" \|\|$", " &&"),
    (r" \+ 1\b(?![.\w])", ""),
    (r" - 1\b(?![.\w])", ""),
    (r"(?<=[\w)\]]) \+ (?!1\b)", " - "),
    (r"(?<=[\w)\]]) \+= ", " -= "),
    (r"\breturn TRUE;", "return FALSE;"),
    (r"\breturn FALSE;", "return TRUE;"),
    (r"(?<=[ (])!(?=[\w(])", ""),
)

# What these lines say is checked by the compiler, or only ends a program that is wrong already.
LEFT_OUT = re.compile(r"\b(?:G_STATIC_ASSERT|_Static_assert|g_assert\w*)\b")


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def code_of(text):
    """The text with blanks in place of comments, strings, characters and lines of the preprocessor."""
    text = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.DOTALL)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", blank, text, flags=re.MULTILINE)


class Change:
    """One change of one file."""

    def __init__(self, path, text, start, end, replacement):
        self.path = path
        self.start = start
        self.end = end
        self.replacement = replacement
        self.line = text.count("\n", 0, start) + 1
        names = re.findall(r"^(\w+) \(", text[:start], flags=re.MULTILINE)
        self.place = "%s %s" % (path, names[-1] if names else "-")
        first = text.rfind("\n", 0, start) + 1
        last = text.find("\n", start)
        self.before = text[first:last].strip()
        self.after = (text[first:start] + replacement + text[end:last]).strip()

    def apply(self, text):
        return text[:self.start] + self.replacement + text[self.end:]

    def __str__(self):
        return "%s:%d: %s -> %s" % (self.path, self.line, self.before, self.after)


def changes_of(path, text):
    """All changes that the patterns find in a file, in its order."""
    code = code_of(text)
    found = []
    for pattern, replacement in CHANGES:
        for match in re.finditer(pattern, code, flags=re.MULTILINE):
            change = Change(path, text, match.start(), match.end(), replacement)
            if not LEFT_OUT.search(change.before):
                found.append(change)
    return sorted(found, key=lambda change: (change.start, change.replacement))
