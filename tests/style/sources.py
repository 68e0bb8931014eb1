# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How the style checks see the tree: as a dictionary from a file's name, relative to the top, to its text; and a library: as
what it exports."""

import functools
import os
import re
import subprocess

FOLDERS = (".ci", "LICENSES", "bindings", "build-aux", "command-worker", "data", "debian", "demo-app", "docs", "examples", "packaging",
           "router", "tests")
BINARY = (".png", ".ico", ".pyc", ".bin", ".xz")
TOOLCHAIN_SYMBOL = r"_(init|fini|edata|end|_bss_start)$|_*(odr_)?[atu]san|__ubsan"


def read_tree(top):
    """All text files of the project; build folders are not part of it."""
    tree = {}
    for folder, folders, names in os.walk(top):
        if folder == top:
            folders[:] = [name for name in folders if name in FOLDERS]
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            path = os.path.join(folder, name)
            if not name.endswith(BINARY) and not os.path.islink(path):
                with open(path, encoding="utf-8") as file:
                    tree[os.path.relpath(path, top)] = file.read()
    return tree


def select(tree, *patterns):
    """The names and texts whose name matches one of the patterns (regular expressions) from its beginning."""
    return {name: text for name, text in sorted(tree.items()) if any(re.match(pattern, name) for pattern in patterns)}


def rows(tree, name):
    """The cells of each line of a list, “a | b”; lines that begin with # say what it is."""
    return [[cell.strip() for cell in line.split(" | ")] for line in tree.get(name, "").splitlines()
            if line and not line.startswith("#")]


def without_comments(text):
    """C text whose comments are blanks, so that the numbers of lines stay. In a string or a character none begins."""
    return re.sub(r"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+')|/\*.*?\*/|//[^\n]*""",
                  lambda match: match[1] or re.sub(r"[^\n]", " ", match.group()), text, flags=re.DOTALL)


@functools.lru_cache(maxsize=None)
def code(text):
    """C text as the compiler sees it, with nothing in its strings: what is in a comment or behind '#if 0' calls nothing."""
    text = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', without_comments(text))
    return re.sub(r"^#if 0$.*?^#endif", "", text, flags=re.DOTALL | re.MULTILINE)


def includes(text):
    """(line, bracket, name) for each include directive."""
    pattern = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
    text = without_comments(text)
    return [(text.count("\n", 0, match.start()) + 1, match[1], match[2]) for match in pattern.finditer(text)]


def lines_with(text, pattern):
    """(line, what was found) for each match."""
    return [(text.count("\n", 0, match.start()) + 1, match.group()) for match in re.finditer(pattern, text)]


def exported(listing):
    """The names in what 'nm -D --defined-only' prints."""
    names = {line.split()[-1].split("@")[0] for line in listing.splitlines() if line.strip()}
    return {name for name in names if not re.match(TOOLCHAIN_SYMBOL, name)}


def exported_by(library):
    return exported(subprocess.run(["nm", "-D", "--defined-only", library], stdout=subprocess.PIPE, check=True,
                                   text=True).stdout)


def wanted_by(binary):
    """The names that it takes from libraries."""
    return exported(subprocess.run(["nm", "-D", "--undefined-only", binary], stdout=subprocess.PIPE, check=True, text=True).stdout)
