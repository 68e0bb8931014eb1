#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the package for Python has for users of other packages, only those load: check-package.py TOP"""

import ast
import sys

import sources
import tap

PACKAGE = "bindings/python/ferry"


def imported(text, folder):
    """The names of modules, from the package's, that a file of this folder imports."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = folder[:len(folder) - node.level + 1] if node.level else []
            parts = parts + (node.module.split(".") if node.module else [])
            # What is imported from a package may be a module of it.
            yield from (".".join([*parts, alias.name]) for alias in node.names)


def strange_imports(tree):
    files = sources.select(tree, PACKAGE + r"/.*\.py$")
    parts = {name.split("/")[3] for name in files if name.count("/") > 3}
    complaints = []
    for name, text in files.items():
        own = name.split("/")[2:-1]
        for module in imported(text, own):
            names = module.split(".")
            if names[0] == "ferry" and len(names) > 1 and names[1] in parts and names[1:2] != own[1:]:
                complaints.append("%s imports %s" % (name, module))
    return complaints


def body(report):
    tree = sources.read_tree(sys.argv[1])
    files = sources.select(tree, PACKAGE + "/")
    report.equal("there are these parts", sorted(name.split("/")[3] for name in files if name.endswith("/__init__.py")
                                                 and name.count("/") > 3), ["parallel", "pool", "traits"])
    report.none("nothing else imports a part", strange_imports(tree))
    for text in ("from . import pool", "from .pool import Pool", "import ferry.pool", "from ferry import pool",
                 "def f():\n    import ferry.pool as p"):
        files = {PACKAGE + "/_a.py": text, PACKAGE + "/pool/__init__.py": ""}
        report.equal("%r would be seen" % text, len(strange_imports(files)), 1)
    files = {PACKAGE + "/pool/__init__.py": "from ..traits import Event\nfrom .. import _pool\nfrom . import _a\n",
             PACKAGE + "/traits/__init__.py": ""}
    report.equal("and what a part imports of another", strange_imports(files),
                 [PACKAGE + "/pool/__init__.py imports ferry.traits.Event"])


tap.main(body)
