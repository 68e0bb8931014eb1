#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several short scripts of this folder, one after the other in one interpreter, since each start of one takes longer than
some of them: check-together.py SCRIPT...
"""

import importlib.util
import os
import sys

import tap


def load(path):
    """The script as a module, under the name by which pickle finds what it defines."""
    name = os.path.splitext(os.path.basename(path))[0].replace("-", "_")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def body(report):
    for path in sys.argv[1:]:
        load(path).body(report)


if __name__ == "__main__":
    tap.main(body)
