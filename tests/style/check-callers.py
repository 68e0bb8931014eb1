#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers decide: a public function is called by a program, or it is promised, or it is private: check-callers.py TOP

A caller is the demo, an example, a widget, the hosts, the queue, the worker of commands, the Python package, or a whole
program on a page. Tests are none. What is promised, whoever calls it, stands in promised.txt with a test that shows it.
There is no other exception.
"""

import collections
import os
import re
import sys

import pythoncalls
import sources
import tap

CALLERS = r"(demo-app|examples|router/gtk|router/cluster|router/queue|command-worker|bindings)/"
# The libraries beside the first one. What one calls of its own is no caller.
BESIDE = ("router/classic/", "router/gtk/", "router/cluster/", "router/queue/")
HEADERS, SOURCES = r"router/.*(?<!-private)\.h$", r"router/.*\.c$"
# What an object in C cannot be without.
ALWAYS = ("get_type", "ref", "unref")
DECLARATION = re.compile(
    r"FERRY_(?:[A-Z]+_)?AVAILABLE_IN_\w+\s+(?:G_GNUC_\w+\s+)?(?!G_DECLARE)([^;]*?)\b(ferry_\w+) \(([^;]*)\)[^;]*;")
HANDLER = re.compile(r"typedef [^;()]*\(\*(Ferry\w+)\)\s*\(([^;]*)\);")
PROMISED = "tests/style/promised.txt"
# How many rows it has: older systems get no new features.
PROMISES = 152
SYSTEMS = {"CallPipe", "Mux/DeMux", "pprocess", "remoteobj", "traits-futures"}


def library_of(name):
    return next((folder for folder in BESIDE if name.startswith(folder)), "")


class Function:
    """A public function, and what it is to a binding: a method of a class, or of none (“”)."""

    def __init__(self, home, name, result, arguments, classes):
        self.home = home
        prefix = next((each for each in classes if name.startswith(each + "_")), "ferry")
        self.owner = classes.get(prefix, "")
        self.method = name[len(prefix) + 1:]
        returned = re.match(r"Ferry(\w+) \*$", result.strip())
        self.result = returned[1] if returned else None
        self.arguments = arguments


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
        found.update((name, Function(library, name, result, arguments, classes))
                     for text in own for result, name, arguments in DECLARATION.findall(text))
    for new, old in read_renames(tree).items():
        if new in found and old in found:
            found[new].method, found[old].method = found[old].method, None
    return found


def read_handlers(tree, functions):
    """(Demux, add_handler) -> the classes of what it calls its argument with: Invocation first."""
    kinds = {name: [pointed[1] if (pointed := re.match(r"\s*Ferry(\w+) \*", argument)) else None for argument in arguments.split(",")]
             for text in sources.select(tree, HEADERS).values() for name, arguments in HANDLER.findall(text)}
    return {(function.owner, function.method): kinds[word] for function in functions.values()
            for word in re.findall(r"\bFerry\w+", function.arguments) if word in kinds}


def is_exempt(name, function, functions, renamed, properties):
    """properties: pairs of a class and a property."""
    # The second half of a call is called where the first one is, which has to have a caller itself.
    if name.endswith("_finish") and name.removesuffix("_finish") + "_async" in functions:
        return True
    accessor = re.match(r"(?:get|set|dup|is)_(\w+)$", function.method or "")
    return function.method in ALWAYS or name.endswith("_quark") or name in renamed or (
        accessor is not None and (function.owner, accessor[1].replace("_", "-")) in properties)


def programs_on_pages(tree, language):
    return [block for text in sources.select(tree, r"(docs/.*|README)\.md$").values()
            for block in re.findall(r"^```%s\n(.*?)^```" % language, text, re.DOTALL | re.MULTILINE)]


def known_to_meson(tree):
    return {word for text in sources.select(tree, r"(.*/)?meson\.build$").values() for word in re.findall(r"[\w-]+", text)}


def is_built(known, name):
    """Tests are known by their subject. A header is in what includes it."""
    word = os.path.basename(name).removesuffix(".c")
    return name.endswith(".h") or word in known or word.removeprefix("test-") in known


def called_in_c(tree, functions):
    known = known_to_meson(tree)
    texts = [(library_of(name), text) for name, text in sources.select(tree, CALLERS + r".*\.[ch]$").items()
             if is_built(known, name)]
    texts += [("page", block) for block in programs_on_pages(tree, "c") if re.search(r"^main \(", block, re.MULTILINE)]
    return {word for home, text in texts for word in re.findall(r"\bferry_\w+", sources.code(text))
            if word in functions and (not home or functions[word].home != home)}


def called_in_python(tree, functions):
    names = collections.defaultdict(set)
    for name, function in functions.items():
        if function.method is not None:
            names[(function.owner, function.method)].add(name)
    returns = {pair: functions[name].result for pair, all_names in names.items() for name in all_names if functions[name].result}
    handlers = read_handlers(tree, functions)
    programs = [sources.select(tree, r"bindings/python/.*\.py$")]
    programs += [{name: text} for name, text in sources.select(tree, r"examples/.*\.py$").items()]
    programs += [{"a page": block} for block in programs_on_pages(tree, "python") if "gi.repository" in block]
    return {name for modules in programs for pair in pythoncalls.Program(modules, set(names), returns, handlers).called()
            for name in names[pair]}


def uncalled(tree):
    """The public functions that are neither exempt nor called."""
    functions, renamed = read_functions(tree), read_renames(tree)
    properties = {pair for text in sources.select(tree, SOURCES).values()
                  for pair in re.findall(r"^ +\* Ferry(\w+):([a-z-]+):", text, re.MULTILINE) if '"%s"' % pair[1] in text}
    called = called_in_c(tree, functions) | called_in_python(tree, functions)
    return [name for name, function in sorted(functions.items())
            if name not in called and not is_exempt(name, function, functions, renamed, properties)]


def unknown_to_all(tree):
    known = {row[2] for row in sources.rows(tree, PROMISED) if len(row) == 4}
    return ["%s has no caller: call it in an example or a page's program, or make it private" % name
            for name in uncalled(tree) if name not in known]


def calls(tree, known, name, test):
    return test in tree and is_built(known, test) and re.search(r"\b%s\b" % name, sources.code(tree[test]))


def count(tree, expected):
    n = len(sources.rows(tree, PROMISED))
    if n != expected:
        yield "%s has %d rows, and PROMISES is %d: %s" % (PROMISED, n, expected, "lower it to that" if n < expected
                                                          else "call what is new in an example, or make it private")


def broken_promises(tree):
    functions, known = read_functions(tree), known_to_meson(tree)
    for row in sources.rows(tree, PROMISED):
        if len(row) != 4 or row[0] not in SYSTEMS or not row[1]:
            yield "%s: no row of a system, a feature, a function and a test: %s" % (PROMISED, " | ".join(row))
        elif row[2] not in functions:
            yield "%s: %s promises %s, which is not public" % (PROMISED, row[0], row[2])
        elif not re.fullmatch(r"tests/[a-z]+/[\w-]+\.c", row[3]) or not calls(tree, known, *row[2:]):
            yield "%s: there is no %s that calls %s" % (PROMISED, row[3], row[2])


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
           "router/a/ferry-mux.c": '  /**\n   * FerryMux:stopped:\n   */\n  ("stopped");\n',
           "meson.build": "'demo.c', 'ask.c', 'test-mux', 'ferry-list.c'\n",
           "router/gtk/ferry-row.h": "FERRY_GTK_AVAILABLE_IN_0_1\nGtkWidget *ferry_row_new (void);\n"}
EXAMPLE = {"examples/ask.c": "ferry_mux_new (transport);\nferry_row_new ();\n"}
PYTHON = "from gi.repository import Ferry\nmux = Ferry.Mux.new(None)\n%s\n"
PROMISE = "Mux/DeMux | its stop | ferry_mux_stop | tests/a/test-mux.c\n"
TEST = {"tests/a/test-mux.c": "ferry_mux_stop (mux);\n"}

INNOCENT = {
    **LIBRARY, **EXAMPLE, **TEST, PROMISED: "# system | feature | function | test\n" + PROMISE,
    "docs/page.md": "```c\nint\nmain (void)\n{\n  ferry_mux_ask_async (mux, cb, NULL);\n}\n```\n",
}
CALLED_IN_PYTHON = {**LIBRARY, **EXAMPLE, "bindings/python/a.py": PYTHON % "mux.ask_async(None)\nlater(mux.stop)"}
ALSO_IN_PYTHON = [{**CALLED_IN_PYTHON, "bindings/python/a.py": PYTHON % text} for text in (
    "class A(Ferry.Mux):\n    def b(self):\n        super().stop()\n        self.ask_async()",
    "class A:\n    def __init__(self, inner):\n        self.inner = inner\nA(mux).inner.stop()\nmux.ask_async(None)",
    "def made(one):\n    return one\nmade(mux).stop()\nmux.ask_async(None, lambda one, result: one.stop())")]

CHECKS = {
    "each public function has a caller, or is promised": (unknown_to_all, [
        {**INNOCENT, "docs/page.md": ""},
        {**INNOCENT, PROMISED: ""},
        # A test is no caller, nor is a comment, a fragment, or the library itself.
        {**INNOCENT, "docs/page.md": "", **TEST, "tests/a/test-mux.c": "ferry_mux_stop (mux); ferry_mux_ask_async (mux, cb, NULL);\n"},
        *[{**INNOCENT, "docs/page.md": "", "demo-app/" + name: text} for name, text in (
            ("demo.c", "/* See ferry_mux_ask_async(). */\n"),
            ("demo.c", 'say ("ferry_mux_ask_async ()");\n'),
            ("demo.c", "#if 0\nferry_mux_ask_async (mux, cb, NULL);\n#endif\n"),
            ("of-no-program.c", "ferry_mux_ask_async (mux, cb, NULL);\n"))],
        # What only looks like a thing that each object has, and a property that there is not.
        {**INNOCENT, "router/a/ferry-b.h": "FERRY_AVAILABLE_IN_0_1\nvoid ferry_mux_look_unref (FerryMux *self);\n"},
        {**INNOCENT, "router/a/ferry-mux.c": "  /**\n   * FerryMux:stopped:\n   */\n"},
        {**INNOCENT, "docs/page.md": "```c\nferry_mux_ask_async (mux, cb, NULL);\n```\n"},
        {**INNOCENT, "examples/ask.c": "ferry_mux_new (transport);\n", "router/gtk/ferry-list.c": "ferry_row_new ();\n"},
        # The second half of nothing, and what a class of the older systems' library has.
        {**INNOCENT, "router/a/ferry-b.h": "FERRY_AVAILABLE_IN_0_1\nvoid ferry_mux_open_finish (FerryMux *self);\n"},
        {**INNOCENT, "router/classic/ferry-b.h": "FERRY_CLASSIC_AVAILABLE_IN_0_1\nvoid ferry_view_call (FerryView *self);\n"},
        # In Python, the same word of something else, of an object of another class, and of nobody knows what.
        *[{**CALLED_IN_PYTHON, "bindings/python/a.py": PYTHON % text} for text in (
            "mux.ask_async(None)\nserver.stop()",
            "class Mux:\n    def stop(self):\n        mux.ask_async(None)\n        self.stop()",
            "class A(Ferry.Mux):\n    def b(self):\n        self.ask_async()\nclass B:\n    def b(self):\n        self.stop()",
            "class A(Ferry.Mux):\n    def stop(self):\n        self.ask_async()\nA().stop()",
            "def f(mux):\n    mux.stop()\nmux.ask_async(None)",
            "def f(mux):\n    mux.stop()\nmux.ask_async(None)\nf(other)")],
    ]),
    "each promise names a public function, and a test that calls it": (lambda tree: list(broken_promises(tree)), [
        {**INNOCENT, "tests/a/test-mux.c": "/* ferry_mux_stop () */\n"},
        {**INNOCENT, "tests/a/test-mux.c": 'g_test_message ("ferry_mux_stop ()");\n'},
        {**INNOCENT, "meson.build": "'ask.c'\n"},
        {**INNOCENT, PROMISED: PROMISE.replace("tests/a/test-mux.c", PROMISED)},
        {**INNOCENT, PROMISED: PROMISE.replace("test-mux", "test-other")},
        {**INNOCENT, "router/a/a.c": "ferry_mux_stop (mux);", PROMISED: PROMISE.replace("tests/a/test-mux", "router/a/a")},
        {**INNOCENT, PROMISED: PROMISE.replace("mux_stop", "mux_look")},
        {**INNOCENT, PROMISED: PROMISE.replace("Mux/DeMux", "Whatever")},
        {**INNOCENT, PROMISED: "ferry_mux_stop\n"},
    ]),
}


def body(report):
    tree = sources.read_tree(sys.argv[1])
    for name, (check, bad_samples) in CHECKS.items():
        report.fact("would be seen: " + name, all(check(sample) for sample in bad_samples) and not check(INNOCENT))
        report.none(name, check(tree))
    report.fact("would be seen: a promise more, and one less",
                list(count(INNOCENT, 0)) and list(count(INNOCENT, 2)) and not list(count(INNOCENT, 1)))
    report.none("promises are as many as there were", list(count(tree, PROMISES)))
    report.none("Python's calls are seen", sum(map(unknown_to_all, [CALLED_IN_PYTHON, *ALSO_IN_PYTHON]), []))


tap.main(body)
