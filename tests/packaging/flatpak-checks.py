#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""In a Flatpak: what there is of workers and sandboxes. It prints a line for each, which check-flatpak.py compares.

With "hang", it says which processes there are, and goes on until somebody ends it.
"""

import os
import signal
import subprocess
import sys

import gi

gi.require_version("Ferry", "1")
from gi.repository import Ferry, GLib

import ferry

LAYERS = Ferry.SandboxStrength


def square(number):
    return number * number


def crash():
    os.kill(os.getpid(), signal.SIGSEGV)


def was_forked(fork):
    """The parent of a forked worker is the fork server."""
    with ferry.Executor(1, fork=fork) as executor:
        return executor.submit(os.getppid).result() != os.getpid()


def hang():
    print("hangs %d" % os.getpid(), flush=True)
    signal.pause()


def read(_job, path):
    return GLib.Variant("s", GLib.file_get_contents(path.get_string())[1].decode())


def failure(call):
    try:
        return "no error, but %r" % (call(),)
    except (ferry.Error, GLib.Error) as error:
        return str(error.message if isinstance(error, GLib.Error) else error)


def run_in_sandbox(sandbox, path):
    launcher = Ferry.Launcher(argv=[sys.executable, os.path.abspath(__file__)], sandbox=sandbox)
    executor = Ferry.Executor.new(Ferry.Pool.new(Ferry.Router.get_default(), launcher))
    return executor.submit("read", GLib.Variant("s", path)).wait(-1).get_string()


def check_workers():
    with ferry.Executor(2) as executor:
        print("result:", list(executor.map(square, range(5))))
        print("crash:", failure(executor.submit(crash).result))
        print("command:", executor.run(["echo", "hello"], text=True).result().stdout.strip())
        print("confined:", failure(executor.run(["echo", "hello"], confined=True).result))
    print("forked: %s, %s" % (was_forked(True), was_forked(False)))


def check_sandbox():
    strength = Ferry.Sandbox.get_strength()
    print("strength:", Ferry.Sandbox.describe_strength(strength))
    print("path:", run_in_sandbox(Ferry.Sandbox(system_paths=True, read_only_paths=["/app/manifest.json"]),
                                  "/app/manifest.json")[:1])
    print("secret:", failure(lambda: run_in_sandbox(Ferry.Sandbox(system_paths=True), "/etc/passwd")))
    all_layers = Ferry.Sandbox(system_paths=True, required_layers=strength | LAYERS.NAMESPACES)
    print("required:", failure(lambda: run_in_sandbox(all_layers, "/etc/passwd")))


def check_system():
    """What Ferry goes by: a user namespace, which bubblewrap begins with."""
    status = subprocess.run(["bwrap", "--ro-bind", "/", "/", "true"], stderr=subprocess.DEVNULL, check=False).returncode
    print("namespaces:", "allowed" if status == 0 else "forbidden")


if __name__ == "__main__":
    Ferry.function_register("read", "s", "s", read)
    Ferry.Worker.main(sys.argv)
    if sys.argv[1:] == ["hang"]:
        with ferry.Executor(2) as hanging:
            hanging.submit(hang).result()
    check_workers()
    Ferry.Router.get_default().start()
    check_sandbox()
    check_system()
