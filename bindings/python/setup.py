# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""For a wheel: the module of C, where a compiler and the headers of the library and of PyGObject are found."""

import shlex
import subprocess

from setuptools import Extension, setup


def ask(option: str) -> list[str]:
    try:
        return shlex.split(subprocess.run(["pkg-config", option, "ferry-1", "pygobject-3.0"], check=True, stdout=subprocess.PIPE, text=True).stdout)
    except (OSError, subprocess.CalledProcessError):
        return []


libraries = ask("--libs")
modules = [Extension("_ferry", ["_ferry.c"], extra_compile_args=ask("--cflags"), extra_link_args=libraries,
                     py_limited_api=True, optional=True)] if libraries else []
setup(ext_modules=modules, options={"bdist_wheel": {"py_limited_api": "cp311"}} if modules else {})
