#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library offers no more than a programmer can know, and shows what it offers: check-offer.py TOP

A public function is one that a public header declares; the functions that macros declare, such as those of types, are
not counted. It is shown when README.md, a page of docs/ or the demo names it. A function that says a type or a domain of
errors has a macro in its place.
"""

import re
import sys

import sources
import tap

# How many public functions there may be: in all libraries together, and in the header that a GTK programmer reads.
# CHANGELOG.md states both numbers, so a rise is a change that users are told of. The aims are 430 and 300.
MOST_FUNCTIONS = 426
MOST_IN_FERRY_H = 175
# How many public functions may be shown nowhere. The aim is 0; the number only falls.
MOST_UNSHOWN = 0

UMBRELLA = "router/ferry.h"
PUBLIC = r"router/\w+/(?!.*-private\.h$).*\.h$"
SHOWN = (r"README\.md$", r"docs/.*\.md$", r"examples/.*\.c$", r"demo-app/.*\.[ch]$")
MACRO_STANDS_FOR = r"ferry_\w+_(get_type|quark)$"
DECLARATION = re.compile(r"\bFERRY_AVAILABLE_IN_\d+_\d+\s+(?!G_DECLARE)[^;()]*?\b(ferry_\w+)\s*\(")


def functions_of(text):
    """What a header declares."""
    return DECLARATION.findall(sources.without_comments(text))


def public_functions(tree):
    """Function -> its header, of all libraries."""
    return {name: header for header, text in sources.select(tree, PUBLIC).items() for name in functions_of(text)}


def functions_in_umbrella(tree):
    """The functions of the headers that ferry.h names; other headers that applications include are left out."""
    named = {"router/" + target for _, _, target in sources.includes(tree.get(UMBRELLA, ""))}
    return sorted(name for name, header in public_functions(tree).items() if header in named)


def unshown(tree):
    shown = set(re.findall(r"\bferry_\w+", "\n".join(sources.select(tree, *SHOWN).values())))
    return sorted("%s: %s is in no page and not in the demo" % (header, name)
                  for name, header in public_functions(tree).items()
                  if name not in shown and not re.match(MACRO_STANDS_FOR, name))


def too_many(found, limit, what):
    return ["%d %s; %d are allowed" % (len(found), what, limit)] if len(found) > limit else []


def untold(tree):
    """The sentence of CHANGELOG.md that states the limits."""
    sentence = ("The library has at most %d public functions, %d of them in `<ferry.h>`."
                % (MOST_FUNCTIONS, MOST_IN_FERRY_H))
    words = " ".join(tree.get("CHANGELOG.md", "").split())
    return [] if sentence in words else ["CHANGELOG.md does not say: " + sentence]


SAMPLE = {
    "router/ferry.h": '#include "base/ferry-error.h"\n#include "route/ferry-a.h"\n',
    "router/ferry-more.h": '#include "ferry.h"\n#include "object/ferry-b.h"\n',
    "router/base/ferry-error.h": "",
    "router/route/ferry-a.h": "FERRY_AVAILABLE_IN_0_1\nG_DECLARE_FINAL_TYPE (FerryA, ferry_a, FERRY, A, GObject)\n\n"
                              "FERRY_AVAILABLE_IN_0_1\nFerryA *ferry_a_new (void) G_GNUC_WARN_UNUSED_RESULT;\n"
                              "/* FERRY_AVAILABLE_IN_0_1 void ferry_a_old (void); */\nvoid ferry_a_inside (void);\n",
    "router/route/ferry-a-private.h": "FERRY_AVAILABLE_IN_0_1\nvoid ferry_a_help (void);\n",
    "router/object/ferry-b.h": "FERRY_AVAILABLE_IN_0_1\nGType ferry_b_get_type (void) G_GNUC_CONST;\n"
                               "FERRY_AVAILABLE_IN_0_1\ngboolean ferry_b_call (FerryB *self,\n"
                               "                       GError **error);\n",
    "router/route/ferry-a.c": "ferry_b_call (b, NULL);\n",
    "README.md": "`ferry_a_new()` makes one.\n",
    "docs/a.md": "ferry_b_call_async ()\n",
    "CHANGELOG.md": "- ferry_b_call()\n",
}


def test_the_checks(report):
    report.equal("public functions are read", public_functions(SAMPLE),
                 {"ferry_a_new": "router/route/ferry-a.h", "ferry_b_get_type": "router/object/ferry-b.h",
                  "ferry_b_call": "router/object/ferry-b.h"})
    report.equal("those of the main header are told apart", functions_in_umbrella(SAMPLE), ["ferry_a_new"])
    report.fact("would be seen: too many functions", too_many("abc", 2, "letters") and not too_many("abc", 3, "letters"))
    report.equal("would be seen: a function that is shown nowhere", unshown(SAMPLE),
                 ["router/object/ferry-b.h: ferry_b_call is in no page and not in the demo"])
    report.none("a page and the demo show a function",
                unshown({**SAMPLE, "docs/a.md": "ferry_b_call ()\n"})
                + unshown({**SAMPLE, "demo-app/a.c": "  ferry_b_call (b, NULL);\n"}))
    report.fact("would be seen: limits that the changes do not tell", untold(SAMPLE))


def body(report):
    test_the_checks(report)
    tree = sources.read_tree(sys.argv[1])
    everything = sorted(public_functions(tree))
    main = functions_in_umbrella(tree)
    hidden = unshown(tree)
    print("# %d public functions, %d of them in <ferry.h>, %d shown nowhere" % (len(everything), len(main), len(hidden)))
    for complaint in hidden:
        print("# " + complaint)
    report.fact("public functions are found", len(everything) > len(main) > 0)
    report.none("there are no more public functions than allowed", too_many(everything, MOST_FUNCTIONS, "public functions"))
    report.none("<ferry.h> has no more functions than allowed", too_many(main, MOST_IN_FERRY_H, "functions in <ferry.h>"))
    report.none("a page, an example or the demo shows each public function",
                too_many(hidden, MOST_UNSHOWN, "functions are shown nowhere") and hidden)
    report.none("the changes tell how many functions there may be", untold(tree))


tap.main(body)
