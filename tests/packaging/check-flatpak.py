#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ferry in Flatpaks, which packaging/flatpak makes: check-flatpak.py TOP

The demo and the converter do in their windows what a person does there, as do a list in Python and flatpak-checks.py. This takes minutes, so no
suite has it: see '.ci/nightly'.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "examples"))
import scenes

DEMO, CHECKS, CONVERTER = "org.ferryproject.Demo", "org.ferryproject.Checks", "org.example.Converter"
# Only ends a hang.
SOME_SECONDS = 600
# What flatpak itself says of a bus that is slow; programs in it have a name there. And GDK, on Wayland, of a portal that a
# bare machine has not.
OF_FLATPAK = r"\n(\*\* \(process:\d+\): WARNING \*\*: |\(\S+:\d+\): Gdk-WARNING \*\*: .*: Failed to read portal settings: ).*\n"


def why_not():
    """What this machine lacks, or None."""
    for program in ("flatpak", "flatpak-builder", "bwrap", "dbus-run-session"):
        if shutil.which(program) is None:
            return "there is no %s" % program
    if subprocess.run(["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        return "this system gives no user namespaces"
    return None if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") else "there is no display"


def build_watcher(top, folder):
    """What looks at windows, without the rest of the tests."""
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "gtk4", "gmodule-2.0"], stdout=subprocess.PIPE, text=True,
                           check=True).stdout.split()
    watcher = os.path.join(folder, "libferry-watcher.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-D_GNU_SOURCE", os.path.join(top, "tests/examples/watcher.c"), "-o", watcher,
                    *flags], check=True)
    return watcher


class Program(scenes.Program):
    """A program with a window, in a Flatpak."""

    def __init__(self, machine, command, script, **options):
        super().__init__(machine.watcher, machine.folder, None, script, environment=machine.environment, **options)
        self.machine, self.command = machine, command

    def send_signal(self, number):
        """To the program itself: Flatpak waits for what it has started."""
        _, pid = self.machine.find(*self.command)
        os.kill(pid, number)

    def finish(self):
        status, output, errors = super().finish()
        # A shell and bubblewrap say so of a signal.
        return (128 - status if status > 128 else status), output, re.sub(OF_FLATPAK, "", errors)


class Machine:
    """The installation of packaging/flatpak, and a home for what runs out of it."""

    def __init__(self, top, folder):
        self.watcher = build_watcher(top, folder)
        self.folder = folder
        work = os.path.join(top, "build-packages", "flatpak")
        # By this, the processes of one run are known.
        self.mark = str(uuid.uuid4())
        self.environment = dict(os.environ, HOME=folder, FERRY_CHECK=self.mark, FERRY_ATTACH_TIMEOUT=str(SOME_SECONDS),
                                FLATPAK_USER_DIR=os.path.join(work, "installation"), GSK_RENDERER="cairo",
                                FLATPAK_SYSTEM_DIR=os.path.join(work, "system"))

    def command(self, application, *options):
        return ["flatpak", "run", "--user", *options, application]

    def run(self, application):
        return subprocess.run(self.command(application), env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SOME_SECONDS, check=False)

    def start(self, application, name, *command, options=(), in_session=False):
        """A command with a window: the watcher is loaded in the sandbox, which shows it its folder.

        Flatpak wants the bus of a session, which the programs of scenes.py are kept from.
        """
        script = os.path.join(self.folder, name)
        flatpak = self.command(application, "--command=" + command[0], "--filesystem=" + self.folder,
                               "--env=LD_PRELOAD=" + self.watcher, *options)
        with open(script, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nDBUS_SESSION_BUS_ADDRESS=%s exec %s\n"
                       % (shlex.quote(os.environ["DBUS_SESSION_BUS_ADDRESS"]), shlex.join([*flatpak, *command[1:]])))
        os.chmod(script, 0o755)
        return Program(self, command, name, in_session=in_session)

    def find(self, *command):
        """The process namespace of a command, and its number outside, or nothing."""
        for pid in processes():
            try:
                with open("/proc/%s/environ" % pid, "rb") as environ, open("/proc/%s/cmdline" % pid, "rb") as line:
                    if ("FERRY_CHECK=" + self.mark in environ.read().decode(errors="replace").split("\0")
                            and line.read().decode(errors="replace").split("\0")[:-1] == list(command)):
                        return namespace(pid), int(pid)
            except OSError:
                pass  # it has ended
        return None, None


def processes():
    return filter(str.isdigit, os.listdir("/proc"))


def namespace(pid):
    """That of a process, or None when it has ended."""
    try:
        return os.readlink("/proc/%s/ns/pid" % pid)
    except OSError:
        return None


def list_in(wanted):
    """What runs in a namespace. It does not end with the application: Flatpak waits there for all that is left."""
    return [pid for pid in processes() if namespace(pid) == wanted]


def check_page(report, top, manifest):
    """The module that docs/installing.md shows is the one of the checks, which has to name more options."""
    with open(os.path.join(top, "docs", "installing.md"), encoding="utf-8") as page, open(manifest, encoding="utf-8") as file:
        shown = json.loads(re.search(r"^```json\n(.*?)^```$", page.read(), re.DOTALL | re.MULTILINE)[1])
        module = json.load(file)["modules"][0]
    report.fact("the module of the page is built here", shown["buildsystem"] == module["buildsystem"]
                and set(shown["config-opts"]) <= set(module["config-opts"]), [shown, module])


def check_demo(report, machine, picture):
    program = machine.start(DEMO, "demo", "ferry-demo", "--size", "1000x700", "--workers", "2", "crash", "primes:3000000")
    program.wait("label Crashed", "label Done", "label 216,816 primes")
    report.fact("the demo has a result", True)
    program.click_when_it_answers("task.show-error")
    program.wait(r"label .*was killed by signal 11 \(Segmentation fault\).*")
    report.fact("it tells a crash with its signal", True)
    program.do("close A task that crashes")
    program.do("act command.enter")
    program.wait("label Run Any Program")
    # One that does not end before it is looked at, however fast the machine is.
    program.do("type dd if=/dev/zero of=/dev/null bs=1M count=1000000000 status=progress")
    program.wait("label dd .*", r"label .*B/s · .*")
    shot = "shoot " + os.path.join(machine.folder, "demo.png")
    program.wait_until(lambda _: program.ask(shot) == ["done"])
    shutil.copy(os.path.join(machine.folder, "demo.png"), picture)
    program.do("click task.pause")
    program.wait("label Paused")
    program.do("click task.pause")
    program.wait_until(lambda lines: "label Paused" not in lines)
    report.fact("a command is paused, and goes on", True)
    program.do("click task.cancel")
    program.wait("label Cancelled")
    report.fact("it is cancelled", True)
    program.do("close Ferry Demo")
    status, _, errors = program.finish()
    report.equal("it ends with its window, and has nothing to say but what the crashing worker said",
                 (status, errors.count("\n"), "Writing where nothing may be written" in errors), (0, 1, True))


def check_pictures(report, machine):
    program = machine.start(DEMO, "pictures", "ferry-demo", "--size", "1000x700", "--page", "pictures")
    program.wait("label 60 pictures, 1 failed", "picture without a name 160 x 106")
    report.fact("workers in a sandbox decode pictures", True)
    program.do("close Ferry Demo")
    report.equal("their window ends, too", program.finish(), (0, "", ""))


def check_list(report, machine):
    scenes.task_list(report, lambda name: machine.start(CHECKS, name, "python3", "/app/share/checks/list.py"), machine.folder)


def check_converter(report, machine, picture):
    """Its programs are those of the sandbox, and what they make is beside the originals."""
    def start(name, *arguments):
        return machine.start(CONVERTER, name, name, *arguments)

    videos, letters = (os.path.join(machine.folder, name) for name in ("videos", "letters"))
    os.mkdir(videos)
    scenes.converter(report, start, videos)
    os.mkdir(letters)
    scenes.write_png(os.path.join(letters, "picture.png"), 400, (0, 0, 255))
    with open(os.path.join(letters, "picture.png"), "ab") as file:
        file.write(bytes(3000))
    program = start("converter", letters, os.path.join(letters, "picture.png"))
    program.wait("window Password", "label Password for “letters.7z”:")
    program.do("type sesame")
    program.wait("label letters.7z has a password", r"label picture\.small\.png: .* smaller")
    report.fact("a folder is packed, and a picture is made smaller",
                scenes.opens("7zz", letters + ".7z", "sesame") and os.path.exists(os.path.join(letters, "picture.small.png")))
    shot = "shoot " + os.path.join(machine.folder, "converter.png")
    program.wait_until(lambda _: program.ask(shot) == ["done"])
    shutil.copy(os.path.join(machine.folder, "converter.png"), picture)
    program.do("close Converter")
    report.equal("the converter ends with its window", program.finish(), (0, "", ""))


def check_queue(report, machine, make):
    """What the converter has to do outlives a quit, kills and an update of its Flatpak."""
    folder, home = os.path.join(machine.folder, "queue"), os.path.join(machine.folder, ".var", "app", CONVERTER)
    path = "--env=PATH=%s:/app/bin:/usr/bin" % os.path.join(folder, "programs")

    def start(name, *arguments, state=None, in_session=False):
        return machine.start(CONVERTER, name, name, *arguments, options=[path, "--env=RUN=" + os.environ["RUN"]], in_session=in_session)

    shutil.rmtree(home)
    os.mkdir(folder)
    scenes.converter_queue(report, start, folder, update=make, home=home)


def check_facts(report, machine):
    """What flatpak-checks.py prints, which is the same with each kernel but for parts of Landlock."""
    done = machine.run(CHECKS)
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    print("# in Flatpak: %s" % said.get("strength"), flush=True)
    report.equal("the checks end well", done.returncode, 0)
    report.equal("a map has its results", said.get("result"), "[0, 1, 4, 9, 16]")
    report.fact("a crash is told with its signal", "killed by signal 11" in said.get("crash", ""), [done.stdout])
    report.equal("the fork server forks workers, if they want it", said.get("forked"), "True, False")
    report.equal("a command runs", said.get("command"), "hello")
    report.equal("namespaces are forbidden here", said.get("namespaces"), "forbidden")
    layers = said.get("strength", "").split(", ")
    report.fact("the sandbox has all other layers, and says so",
                {"limits", "no new privileges", "Landlock"} < set(layers) and "namespaces" not in layers, layers)
    report.equal("a worker in it reads what it was granted", said.get("path"), "{")
    report.fact("and nothing else", "Permission denied" in said.get("secret", ""), [said.get("secret")])
    for name in ("required", "confined"):
        report.fact("an error names Flatpak: %s" % name, "Flatpak denies" in said.get(name, ""), [said.get(name)])


def check_killed(report, machine):
    command = [*machine.command(CHECKS), "hang"]
    with subprocess.Popen(command, env=machine.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True) as process:
        line = process.stdout.readline()
        inside, pid = machine.find("python3", "/app/bin/flatpak-checks", "hang")
        if pid is None:
            report.fact("a worker hangs", False, [line])
            return
        # Flatpak's first process in it, the application, its guardian, the fork server, and a worker.
        there = len(list_in(inside))
        report.fact("a worker hangs", "hangs" in line and there >= 5, [line, "%d processes" % there])
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + SOME_SECONDS
        while list_in(inside) and time.monotonic() < end:
            time.sleep(0.1)
    report.equal("an application that is killed leaves no process", list_in(inside), [])


def body(report):
    top = os.path.abspath(sys.argv[1])
    reason = why_not()
    if reason is not None:
        report.skip("Ferry in a Flatpak", reason)
        return
    manifests = [os.path.join(top, "data", DEMO + ".json"), os.path.join(top, "tests", "packaging", CHECKS + ".json"),
                 os.path.join(top, "examples", "converter", CONVERTER + ".json")]

    def make(*manifests):
        made = subprocess.run([os.path.join(top, "packaging", "flatpak"), *manifests], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        report.fact("the Flatpaks are made", made.returncode == 0, [made.stdout])
        return made.returncode == 0

    if not make(*manifests):
        return
    check_page(report, top, manifests[1])
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(top, folder)
        check_facts(report, machine)
        check_killed(report, machine)
        check_list(report, machine)
        check_demo(report, machine, os.path.join(top, "build-packages", "flatpak", "demo.png"))
        check_pictures(report, machine)
        check_converter(report, machine, os.path.join(top, "build-packages", "flatpak", "converter.png"))
        check_queue(report, machine, lambda: make(manifests[2]))


# A command of this project has no bus of a session where it has made its display.
if os.environ.get("DBUS_SESSION_BUS_ADDRESS", "disabled:") == "disabled:" and shutil.which("dbus-run-session"):
    os.execvp("dbus-run-session", ["dbus-run-session", "--", sys.executable, *sys.argv])
tap.main(body)
