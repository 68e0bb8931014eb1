#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What programs of earlier releases see of the libraries is still there, and what would not be is named: check-abi.py TOP

packaging/abi says so of the tree, and of an installed copy whose libraries or headers are changed as a careless commit
would change them, after a clone has kept what they have now. See '.ci/nightly'.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

# The libraries export it for each other, so it becomes public by a header that has it.
INNER = "ferry_executor_keep_task"

# What a change of a header, or of a library, is called, what it is, and what names it.
CHANGES = (
    ("a function that is gone", "task/ferry-executor.h", r"\bferry_executor_cancel_all\b", "ferry_executor_gone",
     "ferry_executor_cancel_all"),
    ("a function with another argument", "task/ferry-task.h", r"ferry_task_cancel \(FerryTask \*self\)",
     "ferry_task_cancel (FerryTask *self, int reason)", "ferry_task_cancel"),
    ("a struct with another member", "object/ferry-object-server.h", r"  void \(\*clean_up\)",
     "  gpointer reserved;\n  void (*clean_up)", "FerryObjectServerFuncs"),
    ("a class with another function", "task/ferry-task.h", r"  void \(\*yielded\)", "  gpointer early;\n  void (*yielded)",
     "FerryTaskClass"),
)


def ask(top, *arguments):
    """Whether packaging/abi is content, and what it says."""
    done = subprocess.run([os.path.join(top, "packaging", "abi"), *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode == 0, done.stdout


def edit(path, pattern, replacement):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    changed, count = re.subn(pattern, lambda match: replacement, text, count=1)
    assert count == 1, "%s has no %s" % (path, pattern)
    with open(path, "w", encoding="utf-8") as file:
        file.write(changed)


def check_changes(report, top, root):
    headers = os.path.join(root, "usr", "include", "ferry-1")
    for name, header, pattern, replacement, named in CHANGES:
        path = os.path.join(headers, header)
        shutil.copy(path, path + ".kept")
        edit(path, pattern, replacement)
        content, said = ask(top, root)
        report.fact("%s is named" % name, not content and named in said, [said])
        os.replace(path + ".kept", path)


def check_library(report, top, root):
    """A library without a function that the headers still have."""
    library = os.path.join(root, "usr", "lib", "libferry-gtk-1.so")
    real = os.path.realpath(library)
    with open(real, "rb") as file:
        content = file.read()
    # Another name of the same length, as the symbol is found by what the table of names has.
    with open(real, "wb") as file:
        file.write(content.replace(b"\0ferry_task_list_new\0", b"\0ferry_task_list_old\0"))
    content_with, said = ask(top, root)
    report.fact("a library without a function is named", not content_with and "libferry_gtk_1__ferry_task_list_new" in said,
                [said])
    with open(real, "wb") as file:
        file.write(content)


def body(report):
    top = os.path.abspath(sys.argv[1])
    content, said = ask(top)
    report.fact("no program of a release misses anything", content, [said])
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "root")
        subprocess.run(["meson", "install", "-C", os.path.join(top, "build-abi"), "--no-rebuild", "--quiet", "--destdir",
                        root], check=True, stdout=subprocess.DEVNULL)
        clone = os.path.join(folder, "clone")
        subprocess.run(["git", "clone", "--quiet", top, clone], check=True)
        for kept in glob.glob(os.path.join(clone, "packaging", "abi-*.xz")):
            os.remove(kept)
        content, said = ask(clone, root)
        report.fact("before a release there is nothing to miss", content and "No release is kept yet" in said, [said])
        content, said = ask(clone, "released", root)
        report.fact("what is not kept is not released", not content and "packaging/abi keep" in said, [said])
        content, said = ask(clone, "keep", root)
        report.fact("it is kept", content, [said])
        content, said = ask(clone, "released", root)
        report.fact("what is kept may be released", content and "misses nothing" in said, [said])
        top = clone
        check_changes(report, top, root)
        check_library(report, top, root)
        edit(os.path.join(root, "usr", "include", "ferry-1", "task", "ferry-executor.h"), r"G_END_DECLS\n",
             "void %s (void);\n\nG_END_DECLS\n" % INNER)
        content, said = ask(top, root)
        report.fact("what is new is fine", content, [said])
        content, said = ask(top, "released", root)
        report.fact("and is to be kept with a release", not content and INNER in said and "packaging/abi keep" in said, [said])


tap.main(body)
