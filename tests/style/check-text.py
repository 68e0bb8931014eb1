#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lengths, licence lines, texts that do not belong, and what is left out of where it belongs: check-text.py TOP"""

import os
import re
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build-aux"))
import file_list
import sources
import tap

# A longer file says in its first comment why it is one.
FILE_LIMIT = 1500
REASON = "It is one file since "
FUNCTION_LIMIT = 60
SENTENCE_LIMIT = 320

# Written in two parts, so that this file does not hold them.
LEFT_OPEN = r"\b(?:X{3}|TO" + r"DO|FIX" + r"ME)\b"
# A program that a test has in a string may wait for a file, as the shell does there.
UNSURE_NUMBER = r"g_ascii_string_to_(?:un)?signed"
# A comparison with what says how often a task may be begun, and until when. With 0, whether there is such a thing.
RULED = r"\b(?:(?:n_)?(?:attempts|deaths|retries|death_limit|expiry|queue_timeout)|(?<=[.>])deadline)\b"
RULE = RULED + r"\s*(?:<=|>=|[<>](?!=))(?!\s*0\b)|(?<![-<>])[<>]=?\s*(?:\w+(?:->|\.))*" + RULED
SLEEP = r"(?<!time\.)\b(?:g_usleep|usleep|nanosleep|clock_nanosleep|thrd_sleep|sleep)[ \t]*\("

# Of pages, and what no prose begins with: a table, a heading, a tag, code.
COLUMNS = 120
NO_PROSE = r"\s*([|#<`>]|$)|    "

# A command of the project, and what runs them: for each commit, and what there is no time for then.
COMMAND = r"(\./run \w+|(?:demo-app|tests/\w+)/(?:run[\w-]*|mutate\.py))"
SERVERS = (".ci/run", ".ci/nightly")

# The pages that say what Ferry does, and not how fast it is, and what a figure of speed is.
FIGURELESS = (r"README\.md$", r"CHANGELOG\.md$", r"docs/(?!architecture|engine|protocol|benchmarks|decisions|cluster).*\.md$")
FIGURE = r"(?<![\d.])\d[\d.,]* (?:million|µs|ns|[MGk]B/s|M/s|(?:messages|calls|tasks)/s)(?!\w)"

# The page on which each of these names has a line. A member of an enumeration begins its line.
TROUBLE = "docs/when-something-goes-wrong.md"
EXPLAINED = r"(?<=\n  )FERRY_(?:ERROR|CLOSE_REASON|COUNTER)_\w+(?=,\n)"

LICENSED = (r".*\.(c|h|in|py|sh|pml|supp|css|ui|xml|desktop)$", r"(.*/)?meson\.build$", r"meson_options\.txt$",
            r"\.(clang-format|editorconfig|gitignore)$", r"(.*/)?run(-\w+)?$", r"\.ci/nightly$", r"packaging/[\w-]+$")


def long_files(tree):
    complaints = []
    for name, text in sources.select(tree, r".*\.(c|h|py|js|vala|pml)$").items():
        count = text.count("\n")
        comments = re.findall(r"/\*.*?\*/", text, re.DOTALL)[1:2]
        if count > FILE_LIMIT and not any(REASON in comment for comment in comments):
            complaints.append("%s has %d lines, and does not say “%s…” in its first comment" % (name, count, REASON))
    return complaints


def long_functions(tree):
    """A function goes from a brace in the first column to the next one that closes there."""
    complaints = []
    for name, text in sources.select(tree, r".*\.c$").items():
        start = None
        for number, line in enumerate(text.splitlines(), 1):
            if line.startswith("{"):
                start = number
            elif line.startswith("}") and start is not None:
                if number - start > FUNCTION_LIMIT:
                    complaints.append("%s:%d: a function of %d lines; %d are allowed"
                                      % (name, start, number - start, FUNCTION_LIMIT))
                start = None
    return complaints


def unlicensed(tree):
    complaints = []
    for name, text in sources.select(tree, *LICENSED).items():
        head = "\n".join(text.splitlines()[:6])
        for tag in ("SPDX-" + "FileCopyrightText: ", "SPDX-" + "License-Identifier: "):
            if text.strip() and tag not in head:
                complaints.append("%s: no %s" % (name, tag.strip(": ")))
    return complaints


def unexplained(tree):
    """./run files has a line for each, and a reader looks there first. A header may be in that of its .c file."""
    for name in file_list.select(tree):
        sentence = file_list.first_sentence(name, tree[name])
        if sentence is None:
            yield "%s does not begin with a comment whose first sentence says what it is for" % name
        elif len(sentence) > SENTENCE_LIMIT:
            yield "%s: a first sentence of %d letters, and it is a line of a list" % (name, len(sentence))


def left_open(tree):
    return ["%s:%d: %s" % (name, line, word) for name, text in sources.select(tree, r"(?!COPYING|LICENSES/)").items()
            for line, word in sources.lines_with(text, LEFT_OPEN)]


def unsure_numbers(tree):
    """What GLib refuses now and then, where another thread reads its first number."""
    return ["%s:%d: %s; call ferry_parse_number()" % (name, line, word)
            for name, text in sources.select(tree, r"(router|command-worker)/.*\.[ch]$").items()
            for line, word in sources.lines_with(sources.without_comments(text), UNSURE_NUMBER)]


def own_rules(tree):
    """Who decides what may happen to a task asks for it."""
    return ["%s:%d: '%s'; ask pool/ferry-task-rules.c" % (name, line, word)
            for name, text in sources.select(tree, r"router/(?:pool|task|queue|cluster)/(?!ferry-task-rules|ferry-server-access).*\.c$").items()
            for line, word in sources.lines_with(sources.without_comments(text), RULE)]


def sleeps(tree):
    """Tests wait for facts, not for time; benchmarks may pace themselves."""
    return ["%s:%d: a test that sleeps" % (name, line)
            for name, text in sources.select(tree, r"tests/(?!bench/).*\.[ch]$").items()
            for line, _ in sources.lines_with(sources.without_comments(text), SLEEP)]


def unknown_names(tree):
    """What a page for users of other systems names. Its programs may be of another language, and so not ask for it."""
    known = {"FerryClassic", *re.findall(r"\w+", "".join(sources.select(tree, r"router/.*(?<!-private)\.h$").values()))}
    return ["%s:%d: there is no %s" % (name, line, word)
            for name, text in sources.select(tree, r"docs/migrating/.*\.md$").items()
            for line, word in sources.lines_with(text, r"\b(?:ferry_\w+(?=\()|FERRY_\w+|Ferry[A-Z]\w*)") if word not in known]


def missing_files(tree):
    """Files that pages and comments name, and what pages name with its folder. A name of a file may lack its first folders;
    words in capitals stand for any word."""
    present = {name[start:] for name in tree for start in [0] + [match.end() for match in re.finditer("/", name)]}
    present |= {name[:match.start()] for name in tree for match in re.finditer("/", name)}
    complaints = []
    for name, text in sources.select(tree, r"docs/.*\.md$", r"README.md", r"HACKING.md", r".*\.[ch]$").items():
        if name.endswith(".md"):
            found = sources.lines_with(text, r"(?<=`)(?:[\w./-]+\.(?:c|h|py|md|pml|build)|(?:%s)/[\w./-]+?)(?=/?`)|(?<=\]\()[\w./-]+\.md"
                                       % "|".join(sources.FOLDERS))
        else:
            found = [(text.count("\n", 0, comment.start()) + line, word)
                     for comment in re.finditer(r"/\*.*?\*/", text, re.DOTALL)
                     for line, word in sources.lines_with(comment.group(), r"\b[\w-]+[\w/-]*\.(?:c|h|py|md|pml)\b")]
        complaints += ["%s:%d: there is no file %s" % (name, line, word) for line, word in found
                       if not re.search("[A-Z]{2}", word) and not word.endswith(sources.BINARY) and re.sub(r"^(\.\.?/)+", "", word) not in present]
    return complaints


def untidy(tree):
    complaints = []
    for name, text in sources.select(tree, r".*\.(c|h|py|sh|pml|md|in)$", r"(.*/)?meson\.build$", r"(.*/)?run(-\w+)?$", r"\.ci/nightly$").items():
        if text and not text.endswith("\n"):
            complaints.append("%s: no line end at the end" % name)
        complaints += ["%s:%d: blanks at the end of the line" % (name, line)
                       for line, _ in sources.lines_with(text, r"[ \t]+\n")]
        complaints += ["%s:%d: a tab" % (name, line) for line, _ in sources.lines_with(text, r"\t")]
    return complaints


def ragged(tree):
    """Lines of a page's prose: no longer than COLUMNS, a word's end more or less, and none that ends far before."""
    complaints = []
    for name, text in sources.select(tree, r"docs/.*\.md$", r"(README|HACKING|CHANGELOG)\.md$").items():
        lines = re.sub(r"(?ms)^```.*?^```$", lambda block: "\n" * block.group().count("\n"), text).split("\n")
        for number, (line, following) in enumerate(zip(lines, lines[1:] + [""]), 1):
            if re.match(NO_PROSE, line):
                continue
            if len(line) > COLUMNS + 5:
                complaints.append("%s:%d: a line of %d columns" % (name, number, len(line)))
            if not re.match(NO_PROSE + r"|\s*([-*]|\d+\.) ", following) \
                    and len(line) + 1 + len(following.split()[0]) <= COLUMNS - 40:
                complaints.append("%s:%d: a line that ends in the middle" % (name, number))
    return complaints


def unlisted_fuzzers(tree):
    """tests/fuzz/run finds them by their entry; the suite replays those that its meson.build lists."""
    listed = re.findall(r"'([a-z-]+)'", tree.get("tests/fuzz/meson.build", ""))
    fuzzers = {re.sub(r".*fuzz-(.*)\.c$", r"\1", name): text
               for name, text in sources.select(tree, r"tests/fuzz/fuzz-.*\.c$").items()}
    return ["tests/fuzz/meson.build does not list “%s”" % name for name, text in fuzzers.items()
            if re.search(r"^LLVMFuzzerTestOneInput", text, re.MULTILINE) and name not in listed]


def fancy_texts(tree):
    """Strings of the library: in the C locale, what is no ASCII is printed as a question mark."""
    return ["%s:%d: no ASCII in %s; write '...' for quotes" % (name, line, word)
            for name, text in sources.select(tree, r"router/.*\.(c|h|in)$").items()
            for line, word in sources.lines_with(sources.without_comments(text), r'"(?:\\.|[^"\\\n])*"')
            if not word.isascii()]


def scattered_figures(tree):
    """Figures of speed stand once, on docs/benchmarks.md, where one run fills them in."""
    return ["%s:%d: the figure %s; docs/benchmarks.md is the page for it" % (name, line, figure)
            for name, text in sources.select(tree, *FIGURELESS).items() for line, figure in sources.lines_with(text, FIGURE)]


def unexplained_names(tree):
    """Names of errors, reasons and counters that users meet, and that the page for that does not have."""
    page = tree.get(TROUBLE, "")
    return ["%s:%d: %s does not explain %s" % (name, line, TROUBLE, member)
            for name, text in sources.select(tree, r"router/.*(?<!-private)\.h$").items()
            for line, member in sources.lines_with(sources.without_comments(text), EXPLAINED)
            if "`%s`" % member not in page]


def unrun_commands(tree):
    """Commands that HACKING.md lists: what only a developer runs breaks without a notice."""
    listed = re.findall(r"^\| `" + COMMAND, tree.get("HACKING.md", ""), re.MULTILINE)
    runs = re.findall(COMMAND, "".join(tree.get(server, "") for server in SERVERS))
    return ["neither of %s runs “%s”" % (" and ".join(SERVERS), name) for name in sorted(set(listed) - set(runs))]


def public_functions(tree):
    names = set()
    for text in sources.select(tree, r"router/.*(?<!-private)\.h$").values():
        for declared, declaration in re.findall(r"\bFERRY_AVAILABLE_IN_\w+\s+(?:G_DECLARE_\w+\s*\(\s*\w+\s*,\s*(\w+)|([^;(]*)\()",
                                                sources.without_comments(text)):
            names.add(declared + "_get_type" if declared else declaration.split()[-1].lstrip("*"))
    return names


def functions(text):
    """(line, whether it is static, name, parameters, body) of each function of a C file."""
    for match in re.finditer(r"^(?P<type>[^\n]*)\n(?P<name>\w+) \((?P<parameters>[^{};]*)\)\n\{\n(?P<body>.*?)^\}", text,
                             re.MULTILINE | re.DOTALL):
        yield (text.count("\n", 0, match.start("body")) + 1, "static" in match["type"].split(), match["name"],
               re.findall(r"(\w+)(?:\[\])?\s*(?:,|$)", match["parameters"]), match["body"])


def first_argument(text):
    """What lies before the first comma, or the closing bracket, that is in no further bracket."""
    depth = 0
    for end, letter in enumerate(text):
        if depth == 0 and letter in ",)":
            return text[:end]
        depth += (letter == "(") - (letter == ")")
    return text


def inside_of(expression, parameters, public):
    """What an expression names that only this library knows."""
    calls = re.findall(r"\b([a-z_]\w*) \(", expression)
    names = re.findall(r"(?<!\.)\b([a-z_]\w*)\b(?! \()", re.sub(r"->\s*\w+", "", expression))
    return (re.findall(r"->\s*\w+", expression)
            + [name for name in calls if name.startswith("ferry_") and name not in public]
            + [name for name in calls if not re.match(r"ferry_|g_|mem|str|sizeof", name)]
            + [name for name in names if name not in parameters and name not in public and name != "sizeof"])


def inside_names(tree):
    """A critical of a public function says what the program did, and names nothing that only this library knows."""
    public = public_functions(tree)
    complaints = []
    for file, text in sources.select(tree, r"router/.*\.c$").items():
        for line, is_static, name, parameters, body in functions(sources.without_comments(text)):
            for match in re.finditer(r"\b(g|ferry)_return(_val)?_if_fail \(", body):
                place = "%s:%d" % (file, line + body.count("\n", 0, match.start()))
                found = inside_of(first_argument(body[match.end():]), parameters, public)
                if is_static or (match[1] == "ferry" and name not in public):
                    complaints.append("%s: a critical that would name “%s”, which is not public" % (place, name))
                elif match[1] == "g" and name in public and found:
                    complaints.append("%s: a critical that would name “%s”; use ferry_return_if_fail()" % (place, found[0]))
    return complaints


def sample_function(lines):
    return {"router/lane/a.c": "void\na (void)\n{\n" + "  b ();\n" * lines + "}\n"}


CHECKS = {
    "a long file says why it is one": (long_files, [
        {"router/lane/a.c": "\n" * (FILE_LIMIT + 1)},
        {"router/lane/a.c": "/* Licence. */\n/* A ring. */\n/* %sit is. */" % REASON + "\n" * (FILE_LIMIT + 1)},
    ]),
    "no function is too long": (long_functions, [sample_function(FUNCTION_LIMIT)]),
    "each file names its licence and its authors": (unlicensed, [
        {"router/lane/a.c": "int a;\n"},
        {"tests/meson.build": "# SPDX-License-Identifier: MIT\n"},
    ]),
    "each file of the library says what it is for": (lambda tree: list(unexplained(tree)), [
        {"router/lane/a.c": "/* SPDX */\n\n#include \"config.h\"\n\n/* What a() does. */\n"},
        {"router/lane/a.c": "/* SPDX */\n\n/* No sentence */\n"},
        {"router/lane/a.c": "/* SPDX */\n\n/* %s. */\n" % ("A ring" * SENTENCE_LIMIT)},
        {"router/lane/a.h": "/* SPDX */\n\n#pragma once\n\n/**\n * FerryA:\n *\n * A ring.\n */\n", "router/lane/b.c": "/* B. */\n"},
        {"command-worker/a.h": "/* SPDX */\n\n#pragma once\n"},
        {"bindings/python/ferry/_a.py": "# SPDX\nimport os\n"},
    ]),
    "nothing is left open": (left_open, [{"README.md": "so far\nTO" + "DO: more\n"}]),
    "no number is refused that is one": (unsure_numbers, [
        {"router/lane/a.c": "  if (g_ascii_string_to_unsigned (a, 10, 0, 1, &n, NULL))\n"},
        {"command-worker/a.c": "  g_ascii_string_to_signed (a, 10, 0, 1, &n, NULL);\n"},
    ]),
    "rules of tasks are in one file": (own_rules, [
        {"router/pool/ferry-run.c": "  if (run->n_deaths <= run->settings->retries)\n"},
        {"router/queue/a.c": "  return expiry > now;\n"},
        {"router/cluster/a.c": "  return now >= order->about.settings.deadline;\n"},
    ]),
    "no test sleeps": (sleeps, [
        {"tests/lane/test-a.c": "  g_usleep (1000);\n"},
        {"tests/workers/a.c": "  sleep(1);\n"},
    ]),
    "each name for users of other systems is there": (unknown_names, [
        {"docs/migrating/a.md": "See `ferry_a_b()`.\n", "router/lane/a.h": "void ferry_a (A *self);\n"},
        {"docs/migrating/a.md": "See `FerryA:b`.\n", "router/lane/a-private.h": "FerryA *a;\n"},
    ]),
    "each file that a page or a comment names is there": (missing_files, [
        {"docs/a.md": "See `lane/b.c`.\n", "router/lane/a.c": ""},
        {"docs/a.md": "See [b](b.md).\n"},
        {"HACKING.md": "| look at | `tests/a/b` |\n", "tests/a/bc": ""},
        {"router/lane/a.c": "/* docs/b.md has the protocol. */\n"},
    ]),
    "no blanks at ends of lines, no tabs": (untidy, [
        {"router/lane/a.c": "int a; \n"},
        {"router/lane/a.c": "int a;"},
        {"README.md": "\ta\n"},
    ]),
    "lines of pages are filled": (ragged, [
        {"README.md": "a word " * 18 + "\n"},
        {"docs/a.md": "To close\na pipe, close it.\n"},
        {"docs/a.md": "- To close\n  a pipe, close it.\n"},
    ]),
    "no critical names what the program does not know": (inside_names, [
        {"router/lane/a.c": "static void\na (int b)\n{\n  g_return_if_fail (b > 0);\n}\n"},
        {"router/lane/a.c": "void\nferry_a (A *self)\n{\n  g_return_if_fail (!self->frozen);\n}\n",
         "router/lane/a.h": "FERRY_AVAILABLE_IN_0_1\nvoid ferry_a (A *self);\n"},
        {"router/lane/a.c": "void\nferry_a (A *self)\n{\n  g_return_if_fail (ferry_b (self));\n}\n",
         "router/lane/a.h": "FERRY_AVAILABLE_IN_0_1\nvoid ferry_a (A *self);\n"},
        {"router/lane/a.c": "void\nferry_a (A *self)\n{\n  gboolean b = TRUE;\n\n  g_return_if_fail (b);\n}\n",
         "router/lane/a.h": "FERRY_AVAILABLE_IN_0_1\nvoid ferry_a (A *self);\n"},
        {"router/lane/a.c": "void\nferry_a (int b)\n{\n  ferry_return_if_fail (b > 0, \"%d\", b);\n}\n"},
    ]),
    "each fuzzer is in the suite": (unlisted_fuzzers, [
        {"tests/fuzz/fuzz-a.c": "int\nLLVMFuzzerTestOneInput (const guint8 *data, gsize size)\n",
         "tests/fuzz/meson.build": "fuzzers = ['b']\n"},
    ]),
    "the library's texts are ASCII": (fancy_texts, [
        {"router/lane/a.c": "/* A. */\n  g_warning (\"No \u201c%s\u201d\", name);\n"},
        {"router/lane/a.h": "#define CUT \"\u2026\"\n"},
    ]),
    "no page but that of the benchmarks has figures of speed": (scattered_figures, [
        {"README.md": "It takes 36 µs.\n"},
        {"docs/overview.md": "| Ferry | 65.7 million |\n"},
        {"CHANGELOG.md": "- It runs 1,760 tasks/s.\n"},
    ]),
    "each name that users meet is explained": (unexplained_names, [
        {"router/lane/a.h": "typedef enum\n{\n  FERRY_ERROR_A,\n} FerryError;\n", TROUBLE: "`FERRY_ERROR_AB`\n"},
        {"router/lane/a.h": "typedef enum\n{\n  FERRY_COUNTER_A,\n} FerryCounter;\n"},
    ]),
    "a server runs each command": (unrun_commands, [
        {"HACKING.md": "| `tests/fuzz/run [SECONDS]` | searches |\n", ".ci/run": "./run tests\n"},
        {"HACKING.md": "| `./run docs` | the reference |\n", "run": "help ()\n{\n./run docs\n}\n"},
    ]),
}

INNOCENT = {
    "HACKING.md": "| `./run tests --suite lane` | one suite |\n| `tests/fuzz/run [N]` | searches |\n| `.ci/nightly` | more |\n"
                  "| `.ci/run` | all |\n| `lane/` | rings: `a.c`, `b.c`, `c.c` |\n",
    ".ci/nightly": "# SPDX-FileCopyrightText: A\n# SPDX-License-Identifier: B\n\n    fuzz) tests/fuzz/run ;;\n",
    "README.md": "Handlers run for 4 ms at a time, and a million messages may wait.\n",
    "docs/a.md": "# A\nTo close:\n\n- a pipe\n- and all\n\n```c\n" + 130 * "c" + "\na\n```\n\n| " + 130 * "c" + " |\n\n    a\n    b\n",
    "docs/benchmarks.md": "| a | 2.1, 13.5, 3.6 µs |\n| b | 91.7 M/s |\n",
    TROUBLE: "| `FERRY_ERROR_A` | |\n",
    "router/lane/a.h": "/* SPDX-FileCopyrightText: A\n * SPDX-License-Identifier: B */\n\ntypedef enum\n{\n  FERRY_ERROR_A,\n} A;\n",
    ".ci/run": "# SPDX-FileCopyrightText: A\n# SPDX-License-Identifier: B\n\n./run tests\n",
    "router/lane/a.c": "/* SPDX-FileCopyrightText: A\n * SPDX-License-Identifier: B */\n\n/* Rest. */\n\nint asleep (void);\n",
    "docs/migrating/a.md": "`ferry_c()` fails with `FERRY_ERROR_A`.\n",
    "tests/lane/test-a.c": "/* SPDX-FileCopyrightText: A\n * SPDX-License-Identifier: B */\n\n"
                           + 'a = "/ring/%s/%s", b = "wraps", c = "/ring/ends";\n',
    "tests/bench/a.c": "/* SPDX-FileCopyrightText: A\n * SPDX-License-Identifier: B */\n\n  usleep (1);\n",
    "router/lane/b.c": "/* SPDX-FileCopyrightText: A\n * SPDX-License-Identifier: B */\n\n/* Length, \"\u201cb\u201d\". */\n"
                       + sample_function(FUNCTION_LIMIT - 1)["router/lane/a.c"],
    "router/lane/c.c": "/* SPDX-FileCopyrightText: A\n * SPDX-License-Identifier: B */\n\n/* Criticals. */\n\n"
                       "gboolean\nferry_c (C *self,\n         const char *name)\n{\n"
                       "  g_return_val_if_fail (FERRY_IS_C (self) && strlen (name) < MOST, FALSE);\n"
                       "  ferry_return_val_if_fail (!self->frozen, FALSE, \"it is frozen\");\n"
                       "  return TRUE;\n}\n\nvoid\nferry_d (C *self)\n{\n  g_return_if_fail (self->b);\n}\n",
    "router/lane/c.h": "/* SPDX-FileCopyrightText: A\n * SPDX-License-Identifier: B */\n\n"
                       "FERRY_AVAILABLE_IN_0_1\ngboolean ferry_c (C *self, const char *name);\n",
    "tests/fuzz/fuzz-a.c": "/* SPDX-FileCopyrightText: A\n * SPDX-License-Identifier: B */\n\n"
                           "int\nLLVMFuzzerTestOneInput (const guint8 *data, gsize size)\n",
    "tests/fuzz/fuzz-scene.c": "/* SPDX-FileCopyrightText: A\n * SPDX-License-Identifier: B */\n",
    "tests/fuzz/meson.build": "# SPDX-FileCopyrightText: A\n# SPDX-License-Identifier: B\n\nfuzzers = ['a']\n",
}


LISTED = {"router/a.c": "/* Attempts and retries. */\n", "router/b.c": "/* Trials. */\n\n/* A retry, and a retry of it. */\n",
          "router/c.c": "/* The limit of a pace. */\n"}


def test_the_list_of_files(report):
    def found(*words):
        return [each.split(":")[0] for each in file_list.lines(LISTED, words)]

    report.equal("a file is found by its first sentence, whatever the form of the word",
                 [found("retry"), found("Retries", "attempt"), found("limits"), found("pace", "limit"), found("tri"), found("trip")],
                 [["router/a.c"], ["router/a.c"], ["router/c.c"], ["router/c.c"], ["router/b.c"], []])
    report.equal("others are found by their text, the one that has most first",
                 [each.split(":")[0] for each in file_list.most(LISTED, ["retries"])], ["router/b.c", "router/a.c"])


def body(report):
    test_the_list_of_files(report)
    tree = sources.read_tree(sys.argv[1])
    for name, (check, bad_samples) in CHECKS.items():
        report.fact("would be seen: " + name, all(check(sample) for sample in bad_samples) and not check(INNOCENT))
        report.none(name, check(tree))


tap.main(body)
