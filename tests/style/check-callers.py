#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers decide: a public function is called by a program, or it is promised, or it is private: check-callers.py TOP

A caller is the demo, an example, a widget, the hosts, the queue, the worker of commands, the Python package, or a whole
program on a page. Tests are none. What is promised, whoever calls it, stands in promised.txt with a test that shows it;
each other exception stands in uncalled.txt with its reason.
"""

import collections
import re
import sys

import pythoncalls
import sources
import tap

# How many exceptions there are. The number is only lowered: a new function comes with what calls it.
EXCEPTIONS = 14

CALLERS = r"(demo-app|examples|router/gtk|router/cluster|router/queue|command-worker|bindings)/"
# The libraries beside the first one. What one calls of its own is no caller.
BESIDE = ("router/gtk/", "router/cluster/", "router/queue/")
HEADERS, SOURCES = r"router/(?!classic/).*(?<!-private)\.h$", r"router/(?!classic/).*\.c$"
# What an object in C cannot be without, and the second half of what is called.
ALWAYS = ("_get_type", "_quark", "_ref", "_unref", "_copy", "_free", "_finish")
DECLARATION = re.compile(r"FERRY_(?:[A-Z]+_)?AVAILABLE_IN_\w+\s+(?:G_GNUC_\w+\s+)?(?!G_DECLARE)([^;]*?)\b(ferry_\w+) \(")
PROMISED, UNCALLED = "tests/style/promised.txt", "tests/style/uncalled.txt"
SYSTEMS = {"CallPipe", "Mux/DeMux", "pprocess", "remoteobj", "traits-futures"}


def library_of(name):
    return next((folder for folder in BESIDE if name.startswith(folder)), "")


class Function:
    """A public function, and what it is to a binding: a method of a class, or of none (“”)."""

    def __init__(self, home, name, result, classes):
        self.home = home
        prefix = next((each for each in classes if name.startswith(each + "_")), "ferry")
        self.owner = classes.get(prefix, "")
        self.method = name[len(prefix) + 1:]
        returned = re.match(r"Ferry(\w+) \*$", result.strip())
        self.result = returned[1] if returned else None


def read_classes(headers):
    """ferry_task_group -> TaskGroup, the longest first."""
    found = {}
    for text in headers:
        found.update((words, name) for name, words in re.findall(r"G_DECLARE_\w+ \(Ferry(\w+),\s*(ferry_\w+),", text))
        for words in re.findall(r"\b(ferry_\w+)_get_type \(", text):
            found.setdefault(words, "".join(map(str.title, words.split("_")[1:])))
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def read_renames(tree):
    """What bindings have in the place of another: ferry_function_register_full -> ferry_function_register."""
    return dict(pair for text in sources.select(tree, SOURCES).values()
                for pair in re.findall(r"^ \* (ferry_\w+): \(rename-to (ferry_\w+)\)", text, re.MULTILINE))


def read_functions(tree):
    """Name -> function, of each public one."""
    found = {}
    headers = {name: sources.without_comments(text) for name, text in sources.select(tree, HEADERS).items()}
    for library in ("", *BESIDE):
        own = [text for name, text in headers.items() if library_of(name) == library]
        classes = read_classes(own)
        found.update((name, Function(library, name, result, classes)) for text in own for result, name in DECLARATION.findall(text))
    for new, old in read_renames(tree).items():
        if new in found and old in found:
            found[new].method, found[old].method = found[old].method, None
    return found


def is_exempt(name, function, renamed, properties):
    """properties: pairs of a class and a property."""
    accessor = re.match(r"(?:get|set|dup|is)_(\w+)$", function.method or "")
    return name.endswith(ALWAYS) or name in renamed or (
        accessor is not None and (function.owner, accessor[1].replace("_", "-")) in properties)


def programs_on_pages(tree, language):
    return [block for text in sources.select(tree, r"(docs/.*|README)\.md$").values()
            for block in re.findall(r"^```%s\n(.*?)^```" % language, text, re.DOTALL | re.MULTILINE)]


def called_in_c(tree, functions):
    texts = [(library_of(name), text) for name, text in sources.select(tree, CALLERS + r".*\.[ch]$").items()]
    texts += [("page", block) for block in programs_on_pages(tree, "c") if re.search(r"^main \(", block, re.MULTILINE)]
    return {word for home, text in texts for word in re.findall(r"\bferry_\w+", sources.without_comments(text))
            if word in functions and (not home or functions[word].home != home)}


def called_in_python(tree, functions):
    names = collections.defaultdict(set)
    for name, function in functions.items():
        if function.method is not None:
            names[(function.owner, function.method)].add(name)
    returns = {pair: functions[name].result for pair, all_names in names.items() for name in all_names if functions[name].result}
    programs = [sources.select(tree, r"bindings/python/.*\.py$")]
    programs += [{name: text} for name, text in sources.select(tree, r"examples/.*\.py$").items()]
    programs += [{"a page": block} for block in programs_on_pages(tree, "python") if "gi.repository" in block]
    return {name for modules in programs for pair in pythoncalls.Program(modules, set(names), returns).called()
            for name in names[pair]}


def called_beside(tree, functions):
    """By JavaScript and Vala on pages, where a variable is called as its class is."""
    pairs = {(words.split(".")[-1].lower(), method) for block in programs_on_pages(tree, "(?:js|vala)")
             for words, method in re.findall(r"\b([\w.]+)\.(\w+)", block)}
    return {name for name, function in functions.items() if (function.owner.lower(), function.method) in pairs}


def read_rows(tree, name):
    return [[cell.strip() for cell in line.split(" | ")] for line in tree.get(name, "").splitlines()
            if line and not line.startswith("#")]


def uncalled(tree):
    """The public functions that are neither exempt nor called."""
    functions, renamed = read_functions(tree), read_renames(tree)
    properties = {pair for text in sources.select(tree, SOURCES).values()
                  for pair in re.findall(r"^ +\* Ferry(\w+):([a-z-]+):", text, re.MULTILINE)}
    called = called_in_c(tree, functions) | called_in_python(tree, functions) | called_beside(tree, functions)
    return [name for name, function in sorted(functions.items())
            if name not in called and not is_exempt(name, function, renamed, properties)]


def unknown_to_all(tree):
    known = {row[2] for row in read_rows(tree, PROMISED) if len(row) == 4} | {row[0] for row in read_rows(tree, UNCALLED)}
    return ["%s has no caller: call it in an example or a page's program, or make it private" % name
            for name in uncalled(tree) if name not in known]


def broken_promises(tree):
    functions = read_functions(tree)
    for row in read_rows(tree, PROMISED):
        if len(row) != 4 or row[0] not in SYSTEMS or not row[1]:
            yield "%s: no row of a system, a feature, a function and a test: %s" % (PROMISED, " | ".join(row))
        elif row[2] not in functions:
            yield "%s: %s promises %s, which is not public" % (PROMISED, row[0], row[2])
        elif not row[3].startswith("tests/") or row[3] not in tree or not re.search(r"\b%s\b" % row[2], sources.without_comments(tree[row[3]])):
            yield "%s: there is no %s that calls %s" % (PROMISED, row[3], row[2])


def stale_exceptions(tree):
    left, promised = uncalled(tree), {row[2] for row in read_rows(tree, PROMISED) if len(row) == 4}
    for row in read_rows(tree, UNCALLED):
        if len(row) != 2 or not row[1]:
            yield "%s: no row of a function and its reason: %s" % (UNCALLED, " | ".join(row))
        elif row[0] not in left or row[0] in promised:
            yield "%s: %s is called, promised, exempt or not public: remove its row" % (UNCALLED, row[0])


def count_of_exceptions(tree, expected=None):
    count, expected = len(read_rows(tree, UNCALLED)), EXCEPTIONS if expected is None else expected
    if count > expected:
        yield "%s has %d rows, and may have %d: a function that nobody calls does not become public" % (UNCALLED, count, expected)
    elif count < expected:
        yield "%s has %d rows: lower EXCEPTIONS to that" % (UNCALLED, count)


HEADER = """FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryMux, ferry_mux, FERRY, MUX, GObject)

FERRY_AVAILABLE_IN_0_1
FerryMux *ferry_mux_new (FerryTransport *transport);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_mux_get_stopped (FerryMux *self);
FERRY_AVAILABLE_IN_0_1
void ferry_mux_stop (FerryMux *self);
FERRY_AVAILABLE_IN_0_1
void ferry_mux_ask_async (FerryMux *self, GAsyncReadyCallback callback, gpointer data);
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_mux_ask_finish (FerryMux *self, GAsyncResult *result);
"""
LIBRARY = {"router/a/ferry-mux.h": HEADER, "router/a/ferry-mux-private.h": "void ferry_mux_look (FerryMux *self);\n",
           "router/a/ferry-mux.c": "  /**\n   * FerryMux:stopped:\n   */\n",
           "router/gtk/ferry-row.h": "FERRY_GTK_AVAILABLE_IN_0_1\nGtkWidget *ferry_row_new (void);\n"}
EXAMPLE = {"examples/ask.c": "ferry_mux_new (transport);\nferry_row_new ();\n"}
PYTHON = "from gi.repository import Ferry\nmux = Ferry.Mux.new(None)\n%s\n"
PROMISE = "Mux/DeMux | its stop | ferry_mux_stop | tests/a/test-mux.c\n"
TEST = {"tests/a/test-mux.c": "ferry_mux_stop (mux);\n"}

INNOCENT = {
    **LIBRARY, **EXAMPLE, **TEST, PROMISED: "# system | feature | function | test\n" + PROMISE,
    "docs/page.md": "```js\nconst mux = new Ferry.Mux();\nmux.ask_async(null);\n```\n",
}
CALLED_IN_PYTHON = {**LIBRARY, **EXAMPLE, "bindings/python/a.py": PYTHON % "mux.ask_async(None)\nlater(mux.stop)"}

CHECKS = {
    "each public function has a caller, is promised, or is an exception": (unknown_to_all, [
        {**INNOCENT, "docs/page.md": ""},
        {**INNOCENT, PROMISED: ""},
        # A test is no caller, nor is a comment, a fragment, or the library itself.
        {**INNOCENT, "docs/page.md": "", **TEST, "tests/a/test-mux.c": "ferry_mux_stop (mux); ferry_mux_ask_async (mux, cb, NULL);\n"},
        {**INNOCENT, "docs/page.md": "", "demo-app/demo.c": "/* See ferry_mux_ask_async(). */\n"},
        {**INNOCENT, "docs/page.md": "```c\nferry_mux_ask_async (mux, cb, NULL);\n```\n"},
        {**INNOCENT, "examples/ask.c": "ferry_mux_new (transport);\n", "router/gtk/ferry-list.c": "ferry_row_new ();\n"},
        # In Python, the same word of something else.
        {**CALLED_IN_PYTHON, "bindings/python/a.py": PYTHON % "mux.ask_async(None)\nserver.stop()"},
    ]),
    "each promise names a public function, and a test that calls it": (lambda tree: list(broken_promises(tree)), [
        {**INNOCENT, "tests/a/test-mux.c": "/* ferry_mux_stop () */\n"},
        {**INNOCENT, PROMISED: PROMISE.replace("test-mux", "test-other")},
        {**INNOCENT, "router/a/a.c": "ferry_mux_stop (mux);", PROMISED: PROMISE.replace("tests/a/test-mux", "router/a/a")},
        {**INNOCENT, PROMISED: PROMISE.replace("mux_stop", "mux_look")},
        {**INNOCENT, PROMISED: PROMISE.replace("Mux/DeMux", "Whatever")},
        {**INNOCENT, PROMISED: "ferry_mux_stop\n"},
    ]),
    "each exception is one, and has its reason": (lambda tree: list(stale_exceptions(tree)), [
        {**INNOCENT, UNCALLED: "ferry_mux_new | it is called\n"},
        {**INNOCENT, UNCALLED: "ferry_mux_stop | it is promised\n"},
        {**INNOCENT, UNCALLED: "ferry_mux_get_stopped | it is exempt\n"},
        {**INNOCENT, UNCALLED: "ferry_mux_look | it is private\n"},
        {**INNOCENT, "docs/page.md": "", UNCALLED: "ferry_mux_ask_async\n"},
    ]),
}


def body(report):
    tree = sources.read_tree(sys.argv[1])
    for name, (check, bad_samples) in CHECKS.items():
        report.fact("would be seen: " + name, all(check(sample) for sample in bad_samples) and not check(INNOCENT))
        report.none(name, check(tree))
    report.none("Python's calls are seen", unknown_to_all(CALLED_IN_PYTHON))
    one = {UNCALLED: "# function | reason\nferry_mux_stop | none\n"}
    report.fact("would be seen: an exception more, and one less", list(count_of_exceptions(one, 0)) and
                list(count_of_exceptions(one, 2)) and not list(count_of_exceptions(one, 1)))
    report.none("the exceptions are as many as there were", list(count_of_exceptions(tree)))


tap.main(body)
