#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the commands of ./run install and build, and what all commands say of themselves: check-run.py TOP

A copy of the script is run where one program is missing, and what would install and build it only writes down how it was
called.
"""

import glob
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import sys
import tempfile

import tap

STAND_INS = ("apt-get", "meson", "ninja", "sudo", "su")

# Meson makes a folder that ninja could build, but for the reference while its tool is missing. Ninja talks.
STAND_IN = """#!/bin/sh
name=${0##*/}
top=${0%/bin/*}
echo "$name $*" >>"$top/calls"
case "$name $*" in
  'meson setup --reconfigure '*) ;;
  'meson setup '*)
    mkdir -p "$top/build/meson-info"
    python3 -c 'import json, sys; print(json.dumps({"directories": {"source": sys.argv[1]}}))' "$top" \\
      >"$top/build/meson-info/meson-info.json"
    touch "$top/build/build.ninja"
    ;;
  'ninja '*' -n documentation')
    command -v gi-docgen >/dev/null || echo "ninja: error: unknown target 'documentation'"
    ;;
  'ninja '*' -n '*python*) echo '[3/3] Linking' ;;
  'ninja '*python*) echo '[1/3] Compiling' ;;
esac
"""


def copy_script(top, folder):
    os.mkdir(os.path.join(folder, "build-aux"))
    for name in ("run", os.path.join("build-aux", "commands.sh")):
        shutil.copy(os.path.join(top, name), os.path.join(folder, name))


def make_machine(folder, missing):
    """A folder of all programs but one."""
    for place in os.environ["PATH"].split(os.pathsep):
        for name in os.listdir(place) if os.path.isdir(place) else ():
            link = os.path.join(folder, name)
            if name not in (missing, *STAND_INS) and not os.path.lexists(link):
                os.symlink(os.path.join(place, name), link)
    for name in STAND_INS:
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(STAND_IN)
        os.chmod(os.path.join(folder, name), 0o755)


# More lines than a reader wants.
FAILING = """#!/bin/sh
seq 352
exit 1
"""

COMMANDS = ("run", ".ci/run", ".ci/nightly", "demo-app/run-cluster", "packaging/abi", "packaging/bare", "packaging/cross", "packaging/debian",
            "packaging/flatpak", "packaging/release", "packaging/wheel", "tests/bench/run-bench", "tests/fuzz/run", "tests/sanitize/run")
PYTHON_COMMANDS = ("tests/bench/publish.py", "tests/mutate/mutate.py")
# Where this runs on a server, the commands are told to build otherwise; and a display is one that they start themselves.
UNSET = ("CI", "DISPLAY", "FERRY_BENCHMARKS", "WAYLAND_DISPLAY")
DEMO_OPTION = re.compile(r'^ *\{"([\w-]+)", ', re.MULTILINE)

# What a machine without apt-get is told to type, by its /etc/os-release: one without libraries and without gi-docgen.
FEDORA = ("As root, install it by: dnf install 'pkgconfig(gio-unix-2.0)' 'pkgconfig(gtk4)' 'pkgconfig(libseccomp)' 'pkgconfig(libdw)' "
          "'pkgconfig(sqlite3)' 'pkgconfig(gobject-introspection-1.0)' /usr/bin/gi-docgen")
ELSEWHERE = {
    "ID=fedora": FEDORA,
    'ID="rocky"\nID_LIKE="rhel centos fedora"': FEDORA,
    'ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"': FEDORA.replace("dnf", "zypper"),
    "ID=arch": "As root, install it by: pacman -S --needed glib2-devel gtk4 libseccomp libelf sqlite3 gobject-introspection gi-docgen",
    "ID=alpine": "Use a container of another system, as Ferry needs glibc",
    "ID=unheard-of": "Install it the way your system does",
    None: "Install it the way your system does",
}


def environment_of(machine, **changes):
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    return {**kept, "PATH": machine, **changes}


def said(script, machine, *arguments, who=None, **changes):
    done = subprocess.run([script, *arguments], env=environment_of(machine, **changes), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=600,
                          **(who or {}))
    return done.stdout


def calls(folder):
    with open(os.path.join(folder, "calls"), encoding="utf-8") as file:
        return file.read().splitlines()


def calls_of_meson(folder):
    return [call for call in calls(folder) if call.startswith("meson ")]


def check_elsewhere(report, script, machine, folder):
    """The machine of a system without apt-get."""
    os.remove(os.path.join(machine, "apt-get"))
    release = os.path.join(folder, "os-release")
    for text, words in ELSEWHERE.items():
        if os.path.exists(release):
            os.remove(release)
        if text is not None:
            with open(release, "w", encoding="utf-8") as file:
                file.write(text + "\n")
        heard = said(script, machine, "docs", PKG_CONFIG_LIBDIR=folder, PKG_CONFIG_PATH="", FERRY_OS_RELEASE=release)
        report.fact("a system is told what to type: %s" % (text or "nothing").replace("\n", ", "),
                    heard.endswith("%s, then run this again.\n" % words), [heard])


def check_bare(report, script, machine, folder):
    """A machine that has neither apt-get nor anything to build with."""
    table = pathlib.Path(folder, "build-aux", "commands.sh").read_text("utf-8")
    basics = re.findall(r"(?m)^build +program +(\S+)", table)
    for name in basics:
        os.remove(os.path.join(machine, name))
    text = said(script, machine, "tests")
    report.none("a bare machine is told of each program that a build needs",
                [name for name in basics if "program %s" % name not in text])
    report.fact("python3 is one of them, and nothing comes after that",
                "python3" in basics and text.endswith(", then run this again.\n") and text.count("\n") == 1, [text])


def check_help(report, top):
    """A command that reads commands.sh begins with its help, and does nothing else then."""
    for name in COMMANDS:
        with open(os.path.join(top, name), encoding="utf-8") as file:
            comment = file.read().split("\n\n", 2)[1]
        helps = [said(os.path.join(top, name), os.environ["PATH"], option) for option in ("--help", "-h", "help")]
        report.equal("%s says what it is for" % name, helps, 3 * [re.sub("(?m)^# ?", "", comment) + "\n"])
    for name in PYTHON_COMMANDS:
        text = said(os.path.join(top, name), os.environ["PATH"], "--help")
        report.fact("%s says what it is for" % name, text.startswith("usage: %s " % os.path.basename(name)), [text])
    for path in sorted(glob.glob(os.path.join(top, "tests", "packaging", "check-*.py"))):
        text = said(sys.executable, os.environ["PATH"], path, "--help", PYTHONPATH="")
        report.fact("%s says what it is for" % os.path.basename(path),
                    text.splitlines()[0].endswith(": %s TOP" % os.path.basename(path)), [text])


def check_help_of_each(report, top, script, machine, folder):
    """Before anything is installed or built for it."""
    usage = said(script, machine, "help")
    names = sorted(set(re.findall(r"(?m)^\./run (\w+)", usage)))
    report.fact("there are commands", len(names) > 5, [usage])
    names.remove("help")
    for name in names:
        found = [said(script, machine, name, option) for option in ("--help", "-h")]
        own = found[0].startswith("./run %s" % name) and found[0] in usage and found[0].count("\n./run") < 2
        report.fact("./run %s --help has the lines of this command" % name, own and found[0] == found[1], found)
    report.fact("nothing is installed or built for that", not os.path.exists(os.path.join(folder, "calls")))
    options = DEMO_OPTION.findall(pathlib.Path(top, "demo-app/app/ferry-demo-application.c").read_text("utf-8"))
    text = said(script, machine, "demo", "--help")
    report.fact("the demo has options", len(options) > 3, options)
    report.none("the help of the demo has each of its options", [name for name in options if "--" + name not in text])


def hand_over(folder):
    """Root may write anywhere, and a folder of nobody's is none that an ordinary user made. Returns who is one."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    for path, folders, files in os.walk(folder):
        for name in (path, *(os.path.join(path, name) for name in (*folders, *files))):
            os.chown(name, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


# What all commands do before they build.
CONFIGURE = """#!/bin/sh
set -eu
top=${0%/*}
. "$top/build-aux/commands.sh"
configure build
"""


def check_places(report, top):
    """A folder that may not be written is found before anything is installed, and told in one sentence."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        machine, script, build, configure = (os.path.join(folder, name) for name in ("bin", "run", "build", "configure"))
        copy_script(top, folder)
        pathlib.Path(configure).write_text(CONFIGURE, "utf-8")
        os.chmod(configure, 0o755)
        os.mkdir(machine)
        make_machine(machine, "gi-docgen")
        first, deep = os.path.join(build, "a"), os.path.join(build, "a", "b", "c")
        os.makedirs(deep)
        pathlib.Path(deep, "file").touch()
        who = hand_over(folder)
        os.chmod(deep, 0o555)
        text = said(configure, machine, who=who, TMPDIR=folder)
        report.equal("a folder that cannot be removed is named, with the reason", text,
                     "{0} was configured for another place, or not to the end: starting it afresh.\n"
                     "configure: {0} cannot be removed: cannot remove '{1}/file': Permission denied. Have it removed, then "
                     "run this again.\n".format(build, deep))
        os.chmod(first, 0o555)
        text = said(script, machine, "docs", who=who, TMPDIR=folder)
        report.equal("a folder that somebody else has written to is named, with whose it is", text,
                     "run: {0} belongs to {2}: have the folder removed, such as by 'sudo rm -rf {1}', then run this again.\n"
                     .format(first, build, pwd.getpwuid(os.stat(first).st_uid).pw_name))
        os.chmod(folder, 0o555)
        for name in ("demo", "docs", "bench", "tests", "python"):
            report.equal("./run %s says that nothing may be written here" % name,
                         said(script, machine, name, who=who, TMPDIR=folder),
                         "run: {0} may not be written: copy it, such as by 'cp -R {0} ~/ferry', and run this there.\n"
                         .format(folder))
        for path in (folder, first, deep):
            os.chmod(path, 0o755)


def check_steps(report, script, machine, folder):
    """A step that fails prints its end, and leaves all of it in a file."""
    scratch, meson = os.path.join(folder, "logs"), pathlib.Path(machine, "meson")
    os.mkdir(scratch)
    usual = meson.read_text("utf-8")
    meson.write_text(FAILING, "utf-8")
    lines = said(script, machine, "python", "-c", "", TMPDIR=scratch).split("Configuring ")[1].splitlines()
    meson.write_text(usual, "utf-8")
    logs = glob.glob(os.path.join(scratch, "*"))
    report.equal("what fails prints its last lines", lines[1:-1], list(map(str, range(323, 353))))
    report.equal("and where all of them are", ["All 352 lines of it are in %s." % path for path in logs], lines[-1:])
    report.equal("and they are there", [len(pathlib.Path(path).read_text("utf-8").splitlines()) for path in logs], [352])


def check_closed_pipes(report, top, machine):
    """A reader that has seen enough, as 'head' has: who starts this may have told it to ignore the signal."""
    for command in (["help"], ["example"], ["tests", "--help"]):
        ending, writing = os.pipe()
        os.close(ending)
        done = subprocess.run([os.path.join(top, "run"), *command], env=environment_of(machine),
                              stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
                              timeout=600, restore_signals=False)
        os.close(writing)
        report.equal("./run %s does not complain of a closed pipe" % " ".join(command), done.stderr, "")


def check_left_early(report, script, machine, folder):
    """A command that has a display ends it when nobody reads on."""
    scratch = os.path.join(folder, "early")
    os.mkdir(scratch)
    with subprocess.Popen([script, "demo"], env=environment_of(machine, TMPDIR=scratch),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as process:
        seen = next((line for line in process.stdout if line.startswith("There is no display")), None)
        process.stdout.close()
        process.wait(timeout=600)
    report.fact("a demo that nobody reads on has a display", seen)
    report.equal("which ends with it, and so do its files", os.listdir(scratch), [])


def check_night(report, top, machine, folder):
    """A part of the night ends what it has started. It needs more programs than a machine has that only runs this."""
    for name in re.findall(r"(?m)^\w+ +program +(\S+)", pathlib.Path(folder, "build-aux", "commands.sh").read_text("utf-8")):
        if not os.path.lexists(os.path.join(machine, name)):
            os.symlink("/bin/true", os.path.join(machine, name))
    checks, scratch = pathlib.Path(folder, "tests", "packaging"), os.path.join(folder, "scratch")
    checks.mkdir(parents=True)
    checks.joinpath("check-display.py").write_text("import os; print('on', os.environ['DISPLAY'])", "utf-8")
    os.mkdir(scratch)
    shutil.copytree(os.path.join(top, ".ci"), os.path.join(folder, ".ci"))
    text = said(os.path.join(folder, ".ci", "nightly"), machine, "packages", TMPDIR=scratch)
    display = re.search("(?m)^on :([0-9]+)$", text)
    report.fact("a part of the night has a display", display and "passed: packages" in text, [text])
    report.fact("which ends with it", not os.path.exists("/tmp/.X11-unix/X%s" % display[1]))
    report.equal("and leaves no file", os.listdir(scratch), [])


def check_tests(report, script, machine, folder):
    """Which of them a command runs, on a machine that has all programs."""
    pathlib.Path(folder, "tests", "choose-tests.py").touch()
    for arguments, chosen in (([], "--no-suite nightly --no-suite monitor --no-suite model"), (["--all"], ""),
                              (["--suite", "model"], "--suite model"), (["lane-cell", "-t", "0"], "lane-cell -t 0")):
        said(script, machine, "tests", *arguments, TMPDIR=folder)
        report.equal(" ".join(["./run tests", *arguments, "runs what it says"]), calls_of_meson(folder)[-1].split(),
                     ["meson", "test", "-C", *(folder + "/build").split(), "--no-rebuild", "--print-errorlogs", "--num-processes",
                      str(3 * len(os.sched_getaffinity(0))), *chosen.split()])


def body(report):
    check_help(report, sys.argv[1])
    check_places(report, sys.argv[1])
    # JSON writes such a name in another way.
    with tempfile.TemporaryDirectory(prefix="a checkout of Zoë's ") as folder:
        machine, script = os.path.join(folder, "bin"), os.path.join(folder, "run")
        os.mkdir(machine)
        copy_script(sys.argv[1], folder)
        make_machine(machine, "gi-docgen")
        check_help_of_each(report, sys.argv[1], script, machine, folder)
        check_steps(report, script, machine, folder)
        check_closed_pipes(report, sys.argv[1], machine)
        text = said(script, machine, "docs")
        report.fact("the reference wants gi-docgen", "gi-docgen" in text, [text])
        # Only root installs without being asked, here for nothing.
        words = "meson-log.txt" if os.geteuid() == 0 else "lacks program gi-docgen"
        report.fact("where there is none, words say so", words in text, [text])
        text = said(script, machine, "python", "-c", "import os; print('it', 'runs on', os.environ['DISPLAY'])")
        report.fact("Python does not", "gi-docgen" not in text, [text])
        if not shutil.which("Xvfb"):
            report.skip("what has a display", "there is no Xvfb")
            return
        report.fact("it has a display", re.search("^it runs on :[0-9]+$", text, re.MULTILINE), [text])
        report.fact("a step is a line", "Building 3 parts" in text and "Compiling" not in text, [text])
        report.none("neither tests nor the demo are built for it",
                    [call for call in calls(folder) if re.match("ninja .*(all|demo|prereq)", call)])
        report.none("a folder is configured once", [call for call in calls(folder) if "reconfigure" in call])
        said(script, machine, "python", "-c", "")
        report.equal("and not again for the next command", calls_of_meson(folder),
                     ["meson setup %s/build %s" % (folder, folder)])
        os.symlink("/bin/true", os.path.join(machine, "gi-docgen"))
        said(script, machine, "docs")
        report.equal("a tool that came since is looked for again",
                     [call for call in calls(folder) if "reconfigure" in call],
                     ["meson setup --reconfigure %s/build %s" % (folder, folder)])
        said(script, machine, "docs")
        report.equal("once", len([call for call in calls(folder) if "reconfigure" in call]), 1)
        shutil.rmtree(os.path.join(folder, "build"))
        said(script, machine, "python", "-c", "", CI="1", FERRY_BENCHMARKS="disabled")
        report.equal("a server's build has no benchmarks, and lets no warning pass", calls_of_meson(folder)[-1],
                     "meson setup %s/build %s --werror -Dbenchmarks=disabled" % (folder, folder))
        check_left_early(report, script, machine, folder)
        os.remove(os.path.join(machine, "gi-docgen"))
        check_elsewhere(report, script, machine, folder)
        check_night(report, sys.argv[1], machine, folder)
        check_tests(report, script, machine, folder)
        check_bare(report, script, machine, folder)


tap.main(body)
