# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each example shows, and what a person does with it: the window is looked at through watcher.c, which is preloaded
into the program as anybody builds it."""

import base64
import fcntl
import glob
import gzip
import hashlib
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib

# Only ends a hang.
SOME_SECONDS = 600
# After which it is told what a program that does not end is at.
LONG_SECONDS = 60
# Of runs of which half crash, so many are never all alike.
MANY_RUNS = 100
# Two programs for each.
MANY_PICTURES = 100


def members_of(session):
    """A process, and those of the session that it has begun, if any."""
    members = []
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            if pid > 1 and session in (pid, os.getsid(pid)):
                members.append(pid)
        except ProcessLookupError:
            pass
    return members


class Program:
    """A program with a window, and what is to be seen in it."""

    def __init__(self, watcher, folder, interpreter, name, *arguments, environment=os.environ, in_session=False):
        """Without an interpreter, the program is in the folder. in_session: it begins a session, with all that it starts."""
        self.name = name
        self.socket, there = socket.socketpair()
        self.socket.settimeout(SOME_SECONDS)
        # Over a session bus, a program would find another test's, and leave the window to that one.
        environment = dict(environment, LD_PRELOAD=os.path.abspath(watcher), FERRY_WATCHER=str(there.fileno()), GTK_A11Y="test",
                           FERRY_ATTACH_TIMEOUT="600", DBUS_SESSION_BUS_ADDRESS="disabled:")
        command = [interpreter, name + ".py"] if interpreter else [os.path.join(".", name)]
        self.process = subprocess.Popen([*command, *arguments], cwd=folder, env=environment,
                                        pass_fds=[there.fileno()], start_new_session=in_session, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        there.close()
        self.answers = self.socket.makefile("r", encoding="utf-8")

    def ask(self, order):
        """The lines of the answer, of which the last one says how it went; none from a program that has ended."""
        lines = []
        try:
            self.socket.sendall((order + "\n").encode())
            while not lines or lines[-1] not in ("done", "there is nothing of that"):
                line = self.answers.readline()
                if not line:
                    return []
                lines.append(line.rstrip("\n"))
        except (BrokenPipeError, ConnectionResetError):
            return []
        return lines

    def look(self):
        return self.ask("look")[:-1]

    def do(self, order):
        if self.ask(order) != ["done"]:
            raise AssertionError("%s: %s: there is nothing of that in %r" % (self.name, order, self.look()))

    def click_when_it_answers(self, button):
        """Buttons of a task that has just ended do nothing for a moment."""
        self.wait_until(lambda _: self.ask("click " + button) == ["done"])

    def wait_until(self, holds):
        """Looks until a condition holds of the lines, and returns them."""
        end = time.monotonic() + SOME_SECONDS
        while True:
            lines = self.look()
            if not lines:
                raise AssertionError("%s ended: %r" % (self.name, self.finish()))
            if holds(lines):
                return lines
            if time.monotonic() > end:
                raise AssertionError("%s still shows %r" % (self.name, lines))

    def wait(self, *patterns):
        """Looks until each pattern matches a line, and returns the lines."""
        return self.wait_until(lambda lines: all(any(re.fullmatch(pattern, line) for line in lines)
                                                 for pattern in patterns))

    def send_signal(self, number):
        """Without whatever it has started."""
        self.process.send_signal(number)

    def describe(self):
        """What is to be seen of it, if it looks, and each process of its session: its command, its state, and where it waits."""
        self.socket.settimeout(LONG_SECONDS)
        try:
            lines = self.look()
        except OSError as error:
            lines = [str(error)]
        for pid in members_of(self.process.pid):
            for name in ("cmdline", "stat", "wchan", "syscall", "stack"):
                for path in sorted(glob.glob("/proc/%d/task/*/%s" % (pid, name))):
                    try:
                        with open(path, encoding="utf-8") as file:
                            lines.append("%s: %s" % (path, file.read().replace("\0", " ").strip()))
                    except OSError as error:
                        lines.append("%s: %s" % (path, error.strerror))
        return lines

    def finish(self):
        """The exit status, and what was printed."""
        try:
            output, errors = self.process.communicate(timeout=LONG_SECONDS)
        except subprocess.TimeoutExpired:
            print("%s does not end:" % self.name, *self.describe(), sep="\n", file=sys.stderr, flush=True)
            output, errors = self.process.communicate(timeout=SOME_SECONDS)
        self.socket.close()
        return self.process.returncode, output, errors


def write_png(path, side, colour):
    """A square of one colour."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(colour) * side) * side
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
                   + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def hello(report, start, folder):
    program = start("hello")
    program.wait("label Pi is 3.141593.", r"bar 1\.00", "insensitive button Cancel")
    report.fact("the window has the result", True)
    program.do("close Pi")
    report.equal("it ends with its window", program.finish(), (0, "", ""))
    program = start("hello")
    lines = program.wait(r"bar 0\.\d*[1-9]", "button Cancel")
    report.fact("the window has a title, and says what happens",
                {"window Pi", "label A worker process computes pi."} < set(lines), lines)
    program.do("click Cancel")
    program.wait("label You cancelled it.", "insensitive button Cancel")
    report.fact("the button cancels", True)
    program.do("close Pi")
    report.equal("the second one, too", program.finish(), (0, "", ""))


def pipe(report, start, folder):
    program = start("pipe")
    program.wait("label The worker has finished.", r"bar 1\.00", "label 17984 primes up to 200000")
    program.do("close Pipe")
    report.equal("it ends with its window", program.finish(), (0, "", ""))


def cancel(report, start, folder):
    program = start("cancel")
    lines = program.wait(r"label \d+ of 5000 files")
    report.equal("there are two tasks, each with its button", lines.count("button Cancel"), 2)
    program.do("click Cancel")
    program.wait("label Cancelled", r"label \d+ of 5000 files")
    program.do("click Cancel")
    program.wait("label Cancelling…")
    lines = program.wait_until(lambda lines: lines.count("label Cancelled") == 2)
    report.equal("both are cancelled, and cannot be once more", lines.count("insensitive button Cancel"), 2)
    program.do("close Cancel")
    report.equal("it ends with its window", program.finish()[:2], (0, ""))


def task_list(report, start, folder):
    def running(lines):
        # All may have ended before the first look.
        if not any(line.startswith("bar") for line in lines):
            program.do("click New Task")
        return any(re.fullmatch(r"bar 0\.\d*[1-9]", line) for line in lines)

    program = start("list")
    program.wait_until(running)
    program.wait("label Copy 40 files", "label Done", "label 40 files")
    program.wait("label Failed", "label (OSError: )?The disk has no room for file 100")
    report.fact("rows say how far a task is, and how it ended", True)
    program.do("click New Task")
    program.wait("label Copy 200 files")
    report.fact("a new task has a row", True)
    program.do("close Tasks")
    report.equal("it ends with its window", program.finish(), (0, "", ""))


def map_files(report, start, folder):
    for number, colour in enumerate(((255, 0, 0), (0, 255, 0), (0, 0, 255))):
        write_png(os.path.join(folder, "%d.png" % number), 50 * (number + 1), colour)
    broken = os.path.join(folder, "broken.png")
    with open(broken, "w", encoding="utf-8") as file:
        file.write("no picture")
    names = [os.path.join(folder, "%d.png" % number) for number in range(3)]
    program = start("map", *names, broken)
    lines = program.wait(r"bar 1\.00", r"image broken\.png: .+")
    report.equal("the pictures are there, in order and small",
                 [line for line in lines if line.startswith("picture")], ["picture 96 x 96"] * 3)
    program.do("close Map")
    report.equal("it ends with its window", program.finish(), (0, "", ""))
    endless = os.path.join(folder, "endless.png")
    os.mkfifo(endless)
    program = start("map", endless, *names)
    lines = program.wait_until(lambda lines: lines.count("picture 96 x 96") == 3)
    report.fact("a picture that has no end holds up no other one", "image endless.png" in lines, lines)
    program.do("close Map")
    report.equal("and not the end of the window", program.finish(), (0, "", ""))
    program = start("map")
    program.wait("label Name pictures: .*")
    program.do("close Map")
    report.equal("without pictures it says what to do", program.finish(), (0, "", ""))


def retry(report, start, folder):
    program = start("retry")
    ends = {}
    for _ in range(MANY_RUNS):
        lines = program.wait("button (Retry|Retry Anyway|Run Again)")
        ends["button Run Again" not in lines] = lines
        if len(ends) == 2:
            break
        program.do(next("click " + line[len("button "):] for line in lines if line.startswith("button ")))
    report.fact("some run goes well", "label It went well." in ends.get(False, []), ends.get(False, []))
    report.fact("some run crashes, and the window says how",
                any(line.startswith("label It crashed: ") for line in ends.get(True, [])), ends.get(True, []))
    program.do("close Crash and Retry")
    report.equal("it ends with its window", program.finish()[:2], (0, ""))


def group(report, start, folder):
    program = start("group")
    program.do("click New Search")
    program.wait("label [123] run, [012] wait, 0 were cancelled", "window Search", r"bar 0\.\d*[1-9]", "label Documents")
    program.do("close Search")
    program.wait("label 0 run, 0 wait, 3 were cancelled")
    program.do("close Group")
    report.equal("closing a window cancels its tasks", program.finish(), (0, "", ""))


def guard(report, start, folder):
    path = os.path.join(folder, "words")
    with open(path, "wb") as file:
        file.write(b"many words " * 100000)
    program = start("guard", path)
    program.wait("label words", "label Done")
    with gzip.open(path + ".gz") as file:
        report.equal("the file is compressed, and saved", file.read(), b"many words " * 100000)
    program.do("close Compress")
    report.equal("where nothing runs, the window closes at once", program.finish(), (0, "", ""))
    # So many bytes, which take no room, are not compressed before the task is stopped.
    long = os.path.join(folder, "long")
    with open(long, "wb") as file:
        file.truncate(1 << 34)
    program = start("guard", long)
    program.wait("label long", r"bar 0\.\d*[1-9]")
    program.do("close Compress")
    lines = program.wait("button _?Stop")
    report.fact("while a task runs, it asks", "window Compress" in lines, lines)
    program.do("click " + next(line[len("button "):] for line in lines if line.endswith("Stop")))
    report.equal("who says so stops it, and the window closes", program.finish(), (0, "", ""))
    report.equal("what was stopped leaves nothing behind", sorted(os.listdir(folder)), ["long", "words", "words.gz"])


def conversation(report, start, folder):
    program = start("conversation")
    program.wait("entry .*")
    # A busy machine answers nothing in time, and an answer that waits for that of a hard question never comes in time.
    for _ in range(MANY_RUNS):
        program.do("type 1000000000039")
        program.do("type 91")
        if "label 91: 7" in program.wait("label 91: .*"):
            break
    report.fact("an easy question does not wait for a hard one", "label 91: 7" in program.look(), program.look())
    program.wait("label 1000000000039: There was no answer in 3 seconds.")
    for words in ("abc", "1", "7 and more"):
        said = program.look().count("label A whole number is wanted, of 2 or more.")
        program.do("type " + words)
        lines = program.wait_until(lambda lines: lines.count("label A whole number is wanted, of 2 or more.") > said)
    report.fact("what is no number is not asked for, and the window says so", not any("label 0" in line for line in lines), lines)
    program.do("close Smallest Divisor")
    report.equal("it ends with its window", program.finish(), (0, "", ""))


def remote_object(report, start, folder):
    def level(lines):
        return next((float(line.split()[-1]) for line in lines if line.startswith("scale")), -1)

    program = start("object")
    program.wait_until(lambda lines: 0 < level(lines) < 99)
    report.fact("what the worker sets moves the slider", True)
    program.do("slide 20")
    program.wait_until(lambda lines: level(lines) < 19)

    def heated(lines):
        if level(lines) < 20:
            program.do("slide 90")
        return 20 <= level(lines) < 89

    program.wait_until(heated)
    report.fact("what the slider sets, the worker goes on with", True)
    program.do("close Kettle")
    report.equal("it ends with its window", program.finish(), (0, "", ""))


def sandbox(report, start, folder):
    path = os.path.join(folder, "picture.png")
    write_png(path, 100, (200, 100, 0))
    program = start("sandbox", path)
    program.wait("picture 320 x 320", "label .*/etc/passwd.*[Pp]ermission denied.*")
    report.fact("the picture is shown, and the file is refused", True)
    program.do("close Sandbox")
    report.equal("it ends with its window", program.finish(), (0, "", ""))
    program = start("sandbox")
    program.wait(r"label Name a picture: .*sandbox\S* PICTURE")
    program.do("close Sandbox")
    report.equal("without a picture it says what to do", program.finish(), (0, "", ""))
    program = start("sandbox", os.path.join(folder, "none.png"))
    program.wait("label .*none.png.*No such file or directory")
    program.do("close Sandbox")
    report.equal("what is not there is said in the window", program.finish(), (0, "", ""))


def pictures(report, start, folder):
    program = start("pictures")
    program.wait("picture 400 x 400")
    shots = [os.path.join(folder, name) for name in ("one.png", "other.png")]
    # There is none of a window that is about to be painted.
    program.wait_until(lambda _: program.ask("shoot " + shots[0]) == ["done"])
    program.wait_until(lambda _: program.ask("shoot " + shots[1]) == ["done"] and not same(*shots))
    report.fact("the picture moves", True)
    program.do("close Pictures")
    report.equal("it ends with its window", program.finish(), (0, "", ""))


def button(report, start, folder):
    program = start("button")
    program.wait("window Words", "button Export")
    program.do("click Export")
    program.wait_until(lambda _: program.ask("open") == ["done"])
    lines = program.wait("label Export", "label (.* of )?34 letters.*")
    report.fact("the button is there with a task, and has its row", True, lines)
    program.wait("label Done", "label 34 letters")
    report.fact("the task ends", True)
    program.do("close Words")
    report.equal("it ends with its window", program.finish(), (0, "", ""))


def adwaita(report, start, folder):
    program = start("adwaita")
    program.wait("window Bakery", "label No Bread", "button Bake")
    report.fact("while there is nothing, a page says what to do", True)
    program.do("click Bake")
    program.wait("label Bake bread", r"bar 0\.\d*[1-9]")
    report.fact("a task has a row", True)
    program.do("act win.pause-all")
    program.wait("label Paused")
    program.do("act win.pause-all")
    program.wait_until(lambda lines: "label Paused" not in lines)
    report.fact("an action of the window pauses all, and lets all go on", True)
    program.do("click task.cancel")
    program.wait("label Cancelled")
    program.click_when_it_answers("task.remove")
    program.wait("label No Bread", "label 1 task removed")
    program.do("click _Undo")
    lines = program.wait_until(lambda lines: "label Cancelled" in lines and "label 1 task removed" not in lines)
    report.fact("a toast puts back what was removed, and goes", True, lines)
    program.do("click Bake")
    program.do("click Bake")
    program.wait("label Crashed|label It crashed")
    program.click_when_it_answers("task.show-error")
    lines = program.wait("label It crashed", "button _Run Again")
    report.fact("a dialog says what has happened, and offers to run it again", True, lines)
    program.do("click _Run Again")
    program.wait_until(lambda lines: "button _Run Again" not in lines)
    program.wait("label .*ended this task again.*")
    program.click_when_it_answers("task.show-error")
    lines = program.wait("label It crashed again", "button _Run Anyway")
    report.fact("one that crashes again is run only if somebody insists", True, lines)
    program.do("click _Run Anyway")
    program.wait_until(lambda lines: "button _Run Anyway" not in lines)
    program.do("act task.cancel-all")
    program.wait_until(lambda lines: not any(line.startswith("bar") for line in lines))
    program.do("close Bakery")
    report.equal("it ends with its window", program.finish()[:2], (0, ""))


def values(report, start, folder):
    names = ["needle-%d" % number for number in range(3)]
    for number, name in enumerate(names):
        os.makedirs(os.path.join(folder, "sub%d" % number))
        with open(os.path.join(folder, "sub%d" % number, name), "w", encoding="utf-8"):
            pass
    program = start("values", folder)
    program.wait("window Search", "label " + re.escape(folder))
    program.do("type needle")
    lines = program.wait("label That is all.")
    report.equal("what a worker finds is in the list", sorted(line.split("/")[-1] for line in lines if "needle-" in line), names)
    program.do("type needle-2")
    lines = program.wait_until(lambda lines: "label That is all." in lines and sum("needle-" in line for line in lines) == 1)
    report.fact("a new search begins anew", True, lines)
    program.do("close Search")
    report.equal("it ends with its window", program.finish(), (0, "", ""))
    program = start("values", "/")
    program.do("type e")
    program.wait("label /.*")
    program.do("close Search")
    report.equal("a window that is closed ends its search", program.finish()[:2], (0, ""))


def preferences(report, start, folder):
    program = start("preferences")
    program.wait("window Backup", "label Documents", "label No Tasks")
    program.do("click Back Up")
    program.wait(r"bar 0\.\d*[1-9]", "label .* of 300 files.*")
    program.do("click Back Up")
    lines = program.wait_until(lambda lines: sum("300 files" in line for line in lines) + lines.count("label Waits for its turn") >= 2)
    report.fact("two backups have a row each, below the folders", lines.count("label Documents") == 3, lines)
    program.do("close Backup")
    report.equal("it ends with its window", program.finish(), (0, "", ""))


def workers(report, start, folder):
    program = start("workers")
    lines = program.wait_until(lambda lines: sum("Count primes" in line for line in lines) >= 3)
    report.fact("three workers are listed with their tasks", True, lines)
    program.do("close Workers")
    report.equal("it ends with its window", program.finish()[:2], (0, ""))


def application(report, start, folder):
    path = os.path.join(folder, "words")
    with open(path, "wb") as file:
        file.write(b"many words")
    program = start("application", path)
    program.wait("window Checksums", "label words", "label " + hashlib.sha256(b"many words").hexdigest())
    report.fact("it has the sum of a file", True)
    program.do("close Checksums")
    report.equal("it ends with its window", program.finish(), (0, "", ""))


def run_ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", *arguments], check=True, timeout=SOME_SECONDS)


def converter(report, start, folder):
    if not shutil.which("ffmpeg"):
        report.skip("videos are converted", "ffmpeg is not installed")
        return
    short, long = (os.path.join(folder, name) for name in ("short.mp4", "long.mp4"))
    run_ffmpeg("-f", "lavfi", "-i", "testsrc=duration=1:size=160x120:rate=25", "-c:v", "mpeg4", short)
    run_ffmpeg("-stream_loop", "199", "-i", short, "-c", "copy", long)
    program = start("converter", short)
    program.wait("label short.mp4", "label Done")
    made = [name for name in os.listdir(folder) if name.endswith(".webm")]
    report.equal("a video is converted", [os.path.getsize(os.path.join(folder, name)) > 0 for name in made], [True])
    program.do("close Converter")
    report.equal("it ends with its window", program.finish(), (0, "", ""))
    program = start("converter", long)
    program.wait("label long.mp4", r"bar 0\.\d*[1-9]")
    report.fact("a bar says how far it is", True)
    program.do("click task.pause")
    program.wait("label Paused")
    program.do("click task.pause")
    program.wait_until(lambda lines: "label Paused" not in lines)
    report.fact("it is paused, and goes on", True)
    program.do("click task.cancel")
    program.wait("label Cancelled")
    report.equal("a cancel leaves nothing behind", sorted(os.listdir(folder)), sorted(["long.mp4", "short.mp4"] + made))
    program.do("close Converter")
    report.equal("the second one, too", program.finish(), (0, "", ""))
    program = start("converter", os.path.join(folder, "none.mp4"))
    program.wait("label Failed", ".*No such file.*")
    report.fact("a failure has the program's own words", True)
    program.do("close Converter")
    report.equal("the third one, too", program.finish(), (0, "", ""))


# Programs as they are installed somewhere: one that makes a picture smaller, unless it is slow or broken; one that makes
# it larger; and a packer, which keeps the words that it was started with, and is the real one where that is installed.
STAND_INS = {
    "pngquant": """case $5 in
  */slow.png) echo half > "$3"; exec sleep 100000 ;;
  */broken.png) echo "This is no picture" >&2; exit 2 ;;
  */full.png) printf 'System ERROR:\nerrno=28 : No space left on device\n' >&2; exit 2 ;;
esac
head -c 1000 "$5" > "$3"
""",
    "oxipng": """{ cat "$4"; echo more; } > "$2"
""",
    "7zz": """echo "$*" >> '{folder}/words'
[ -z '{packer}' ] || exec '{packer}' "$@"
for word; do case $word in *.7z) archive=$word ;; esac; done
printf 'Enter password:'
read -r password
echo "$password" > "$archive"
""",
}


def write_stand_ins(folder):
    """Returns the real packer, or nothing."""
    packer = shutil.which("7zz") or shutil.which("7z") or shutil.which("7za") or ""
    os.mkdir(folder)
    for name, script in STAND_INS.items():
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + script.replace("{folder}", folder).replace("{packer}", packer))
        os.chmod(path, 0o755)
    return packer


def opens(packer, archive, password):
    if packer:
        return subprocess.run([packer, "t", "-p" + password, archive], check=False, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=SOME_SECONDS).returncode == 0
    with open(archive, encoding="utf-8") as file:
        return file.read() == password + "\n"


def files_between(cache):
    """What one program has written for the next."""
    return [os.path.join(top, name) for top, _, names in os.walk(cache) for name in names if name.endswith(".png")]


def shrink_pictures(report, start, folder, cache):
    names = ("broken.png", "large.png", "slow.png", "small.png")
    for name in names:
        write_png(os.path.join(folder, name), 8, (255, 0, 0))
        with open(os.path.join(folder, name), "ab") as file:
            file.write(bytes(900 if name == "small.png" else 3000))
    program = start("converter", *(os.path.join(folder, name) for name in names))
    program.wait("label broken.png", "label Failed", "label .*This is no picture")
    report.fact("a failure has the program's own words", True)
    program.wait("label large.png", "label large.small.png: 1.0\xa0kB, .. % smaller", "label small.png", "label It is as small as it gets")
    report.equal("of two programs, the smaller result is kept", os.path.getsize(os.path.join(folder, "large.small.png")), 1000)
    program.wait_until(lambda lines: files_between(cache))
    program.wait_until(lambda lines: program.ask("click task.pause") == ["done"])
    program.wait("label Paused")
    program.do("click task.pause")
    report.fact("a program that says nothing on the way can be paused", True)
    program.do("act window.close")
    program.wait("button _Keep Running", "button _Quit")
    report.fact("while something runs, the window asks before it closes", True)
    program.do("click _Keep Running")
    program.do("click task.cancel")
    program.wait("label Cancelled")
    report.equal("nothing else is made, and nothing is left", sorted(os.listdir(folder)), sorted([*names, "large.small.png"]))
    program.do("close Converter")
    report.equal("it ends with its window", program.finish(), (0, "", ""))


def pack_folder(report, start, folder, packer, words):
    letters = os.path.join(folder, "Letters")
    os.mkdir(letters)
    with open(os.path.join(letters, "letter"), "w", encoding="utf-8") as file:
        file.write("Dear reader\n")
    program = start("converter")
    program.wait("label Drop Files Here")
    program.do("drop " + letters)
    program.wait("window Password", "label Password for “Letters.7z”:", "insensitive button _Pack")
    program.do("type open sesame")
    program.wait("label Letters.7z", "label Letters.7z has a password")
    report.fact("a folder that is dropped is packed with the password that the window asks for",
                opens(packer, letters + ".7z", "open sesame") and not opens(packer, letters + ".7z", "wrong"))
    with open(words, encoding="utf-8") as file:
        report.fact("the password is no argument of the packer", "sesame" not in file.read())
    program.do("close Converter")
    report.equal("it ends with its window, too", program.finish(), (0, "", ""))
    program = start("converter", letters, words)
    program.wait("window Password", "label Password for “Archive.7z”:")
    program.do("click _Cancel")
    program.wait("label Archive.7z", "label Cancelled")
    report.equal("without a password there is no archive", sorted(name for name in os.listdir(folder) if ".7z" in name),
                 ["Letters.7z"])
    program.do("close Converter")
    report.equal("so does this one", program.finish(), (0, "", ""))


def shrink_odd_names(report, start, folder):
    """What is there is not written over, and a name is any bytes."""
    names = [b"two words", b"caf\xe9", b"new\nline", b"-dash", b"100%s", b"star*?[a]", "\u4e2d".encode()]
    paths = [os.path.join(folder.encode(), name + b".png") for name in names]
    for path in paths:
        write_png(path, 8, (0, 255, 0))
        with open(path, "ab") as file:
            file.write(bytes(3000))
    taken = os.path.join(folder, "two words.small.png")
    with open(taken, "w", encoding="utf-8") as file:
        file.write("mine")
    program = start("converter", *paths)
    program.wait_until(lambda lines: all(any(name + end in line for line in lines) for name, end in [
        ("label two words", ".small 2.png: "), ("label caf\ufffd", ".small.png: "), ("label new line", ".small.png: "),
        ("label -dash", ".small.png: "), ("label 100%s", ".small.png: ")]) and not any(line.startswith("bar") for line in lines))
    program.do("close Converter")
    report.equal("it ends with odd names, too", program.finish(), (0, "", ""))
    made = [os.path.join(folder.encode(), name + b".small" + (b" 2" if name == names[0] else b"") + b".png") for name in names]
    report.none("files of any name are made smaller", [path for path in made if not os.path.exists(path)])
    with open(taken, encoding="utf-8") as file:
        report.equal("and no file is written over", file.read(), "mine")


# The smallest one: no program makes it any smaller.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAUDBAQEAwUEBAQFBQUGBwwIBwcHBw8LCwkMEQ8SEhEPERETFhwXExQaFRERGCEYGh0dHx8fExciJCIeJBwe"
    "Hx7/2wBDAQUFBQcGBw4ICA4eFBEUHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh7/wAARCAABAAEDASIAAhEB"
    "AxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAb/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFAEBAAAAAAAAAAAAAAAAAAAABv/EABQRAQAAAAAAAAAAAAAA"
    "AAAAAAD/2gAMAwEAAhEDEQA/AIcA2D3/2Q==")


def shrink_small_pictures(report, start, folder):
    """By the real programs: jpegoptim ends badly where it writes to its standard output what gets no smaller."""
    if not shutil.which("jpegoptim"):
        report.skip("a JPEG picture of a few bytes is as small as it gets", "jpegoptim is not installed")
        return
    sizes = {"small.jpg": 0, "smaller-small.jpg": 100, "large.JPG": 3000}
    for name, more in sizes.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(JPEG + bytes(more))
    program = start("converter", *(os.path.join(folder, name) for name in sizes))
    program.wait("label large.JPG", "label large.small.jpg: 286 bytes, 91 % smaller")
    program.wait("label small.jpg", "label It is as small as it gets")
    program.wait("label smaller-small.jpg", "label smaller-small.small.jpg: 286 bytes, 25 % smaller")
    report.equal("a JPEG picture of a few bytes is as small as it gets", sorted(os.listdir(folder)),
                 sorted([*sizes, "large.small.jpg", "smaller-small.small.jpg"]))
    program.do("close Converter")
    report.equal("it ends with small pictures, too", program.finish(), (0, "", ""))


def fail_in_words(report, start, folder):
    """A full disk, of which the program says only in its second line, and a folder that takes no files."""
    picture = os.path.join(folder, "full.png")
    write_png(picture, 8, (0, 255, 0))
    program = start("converter", picture)
    program.wait("label full.png", "label There is no room left on the disk")
    report.fact("a full disk is said in a user's words", True)
    program.do("close Converter")
    program.finish()
    closed = os.path.join(folder, "closed")
    os.mkdir(closed)
    video = os.path.join(closed, "film.mp4")
    with open(video, "wb") as file:
        file.write(bytes(100))
    os.chmod(closed, 0o555)
    if os.access(closed, os.W_OK):
        report.skip("a folder without rights is named", "this user may write everywhere")
    else:
        program = start("converter", video)
        program.wait("label film.mp4", "label Nothing can be written to the folder “%s”: Permission denied" % closed)
        report.fact("a folder without rights is named", True)
        program.do("close Converter")
        program.finish()
    os.chmod(closed, 0o755)


def keep_what_is_saved(report, start, folder):
    """Under the name of what is to be made: while that is made, and while it waits."""
    programs, films, gate, begun = (os.path.join(folder, name) for name in ("programs", "films", "gate", "begun"))
    write_waiting_ffmpeg(programs, folder)
    os.mkdir(films)
    names = [os.path.join(films, name) for name in ("runs", "waits", "free")]
    for name in names:
        with open(name + ".mp4", "w", encoding="utf-8"):
            pass
    path, os.environ["PATH"] = os.environ["PATH"], programs + ":" + os.environ["PATH"]
    program = start("converter", *(name + ".mp4" for name in names))
    program.wait("label runs.mp4", "label waits.mp4", "label free.mp4")
    program.wait_until(lambda lines: os.path.exists(begun))
    for name in names[:2]:
        with open(name + ".webm", "w", encoding="utf-8") as file:
            file.write("mine")
    with open(gate, "w", encoding="utf-8"):
        pass
    program.wait_until(lambda lines: lines.count("label Another file has taken its name; move it away, and try again") == 2 and
                       "label free.webm" in lines)
    os.environ["PATH"] = path
    for name in names[:2]:
        with open(name + ".webm", encoding="utf-8") as file:
            report.equal("what somebody saves while a file of that name %s stays, and the row says so" % os.path.basename(name),
                         file.read(), "mine")
    program.do("close Converter")
    report.equal("it ends with saved files, too", program.finish(), (0, "", ""))


def converter_files(report, start, folder):
    programs, files, cache = (os.path.join(folder, name) for name in ("programs", "files", "cache"))
    packer = write_stand_ins(programs)
    for path in (files, cache):
        os.mkdir(path)
    os.environ["XDG_CACHE_HOME"] = cache
    path, os.environ["PATH"] = os.environ["PATH"], programs
    program = start("converter")
    program.wait("label Drop Files Here", "label Install ffmpeg to convert videos. Install jpegoptim to make JPEG pictures smaller.")
    report.fact("it says what to do, and what is missing", True)
    program.do("act window.close")
    report.equal("it quits by a key", program.finish(), (0, "", ""))
    os.environ["PATH"] = programs + ":" + path
    shrink_pictures(report, start, files, cache)
    pack_folder(report, start, files, packer, os.path.join(programs, "words"))
    for scene in (shrink_odd_names, shrink_small_pictures, fail_in_words, keep_what_is_saved):
        place = os.path.join(folder, scene.__name__)
        os.mkdir(place)
        scene(report, start, place)
    report.equal("no file between two programs is left", files_between(cache), [])


def is_open(lines):
    """Whether a task waits, runs or is paused."""
    return any(re.fullmatch("label (Waits .*|Running|Paused|Cancelling|Not responding)", line) for line in lines)


def converter_nightly(report, start, folder):
    """As somebody who cannot decide: rows are paused, cancelled and tried again at random, and the window is closed."""
    programs, files, cache = (os.path.join(folder, name) for name in ("programs", "files", "cache"))
    write_stand_ins(programs)
    for path in (files, cache):
        os.mkdir(path)
    os.environ.update(XDG_CACHE_HOME=cache, PATH=programs + ":" + os.environ["PATH"])
    names = ["%d.png" % number for number in range(MANY_PICTURES)]
    for name in names:
        write_png(os.path.join(files, name), 8, (0, 0, 255))
        with open(os.path.join(files, name), "ab") as file:
            file.write(bytes(3000))
    seed = int.from_bytes(os.urandom(4), "big")
    print("# the seed is %d" % seed)
    chance = random.Random(seed)
    program = start("converter", *(os.path.join(files, name) for name in names))

    def look():
        """What is in sight; where nothing of that is open, it is cleared, so that what is below it comes up."""
        lines = program.look()
        while not is_open(lines) and any(re.fullmatch(r"label \d+\.png", line) for line in lines):
            program.do("act task.clear-finished")
            lines = program.look()
        return lines

    program.wait("label .*png")
    n_retried = 0
    lines = look()
    while is_open(lines):
        deed = chance.choice(["pause", "pause", "cancel", "retry"])
        n_retried += program.ask("click task." + deed) == ["done"] and deed == "retry"
        lines = look()
        # What was paused goes on, as nobody comes back to it.
        if "label Paused" in lines and chance.random() < 0.5:
            program.ask("click task.pause")
    program.do("close Converter")
    report.equal("it ends with its window", program.finish(), (0, "", ""))
    made = [name for name in os.listdir(files) if name not in names]
    report.fact("pictures were made", len(made) > 0)
    report.none("each is a picture, and whole", [name for name in made if not re.fullmatch(r"\d+\.small( \d)?\.png", name)
                                                or os.path.getsize(os.path.join(files, name)) != 1000])
    # One that is done makes another file, if it is run again.
    n_more = sum(" " in name for name in made)
    report.fact("none is made twice but by who has run it again", n_more <= n_retried, ["%d > %d" % (n_more, n_retried)])
    report.equal("no file between two programs is left", files_between(cache), [])


# Makes a picture smaller once there is a file of its name in a folder, where it has another one when it has begun.
WAITING_STAND_IN = """name=${5##*/}
echo "$RUN" > "{gates}/at-$name"
while [ ! -e "{gates}/$name" ]; do sleep 0.05; done
echo "$5" >> "{gates}/begun"
head -c 500 "$5" > "$3"
sleep 0.1
head -c 1000 "$5" > "$3"
"""


def kill_session(program):
    """At once, as the end of a session that is not asked: with SIGKILL, and workers and programs among it."""
    for pid in members_of(program.process.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def take_picture(name):
    """Of the whole screen, if somebody wants to look at it."""
    folder = os.environ.get("FERRY_TEST_PICTURES")
    if folder and shutil.which("import"):
        subprocess.run(["import", "-window", "root", os.path.join(folder, name + ".png")], check=True)


def converter_queue(report, start, folder, update=None, home=None):
    """Ten pictures, of an application that is quit at the third, is killed at the fifth, and with its session at the seventh.

    update(), if there is one, replaces it by another version at the eighth, while it runs. home: of an application that has one
    of its own, in which it keeps files
    """
    programs, files, gates = (os.path.join(folder, name) for name in ("programs", "files", "gates"))
    cache, state = (os.path.join(home or folder, name) for name in ("cache", ".local/state"))
    write_stand_ins(programs)
    with open(os.path.join(programs, "pngquant"), "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n" + WAITING_STAND_IN.replace("{gates}", gates))
    for path in (files, gates):
        os.mkdir(path)
    os.makedirs(cache, exist_ok=True)
    os.environ.update(XDG_CACHE_HOME=cache, PATH=programs + ":" + os.environ["PATH"])
    names = ["%d.png" % number for number in range(10)]
    for name in names:
        write_png(os.path.join(files, name), 8, (0, 0, 255))
        with open(os.path.join(files, name), "ab") as file:
            file.write(bytes(3000))

    # The worker of another application has a place there, in which it writes.
    between = os.path.join(files, ".ferry-63")
    os.mkdir(between, 0o700)
    used = os.open(between, os.O_RDONLY)
    fcntl.flock(used, fcntl.LOCK_EX)

    def made():
        """Without what is between: while a program writes, there is a folder beside the file that it makes."""
        return sorted(name for name in os.listdir(files) if name not in names and not name.startswith(".ferry-"))

    def begin(*arguments):
        """Starts it once more. What programs of an earlier run leave behind, which end after it, is none of this one's."""
        os.environ["RUN"] = str(int(os.environ.get("RUN", "0")) + 1)
        return start("converter", *arguments, state=state, in_session=True)

    def is_begun(name):
        try:
            with open(os.path.join(gates, "at-" + name), encoding="utf-8") as file:
                return file.read() == os.environ["RUN"] + "\n"
        except FileNotFoundError:
            return False

    def waiting():
        """Those whose program has begun, and waits for its gate."""
        return [name for name in names if is_begun(name) and not os.path.exists(os.path.join(gates, name))]

    def open_gate(name):
        with open(os.path.join(gates, name), "w", encoding="utf-8"):
            pass

    def are_said(lines):
        """Whether each row in sight says so whose picture is made."""
        rows = [name for name in names if name.replace(".png", ".small.png") in made() and "label " + name in lines]
        return all(any(line.startswith("label %s.small.png: " % name[0]) for line in lines) for name in rows)

    def let_through(program, count):
        """Until there are so many results, and another picture is under way."""
        while len(made()) < count:
            program.wait_until(lambda lines: waiting() or len(made()) >= count)
            for name in waiting()[:count - len(made())]:
                open_gate(name)
                program.wait_until(lambda lines: name.replace(".png", ".small.png") in made())
        return program.wait_until(lambda lines: are_said(lines) and (waiting() or count == len(names)))

    def quit_and_keep(program, picture):
        program.do("act window.close")
        program.wait("label Quit, and go on next time.", r"label %d tasks are kept.*" % (len(names) - len(made())))
        take_picture(picture)
        program.do("click _Quit")
        report.equal("it asks whether to quit and go on next time, and quits without a failure", program.finish(), (0, "", ""))

    program = begin(*(os.path.join(files, name) for name in names))
    let_through(program, 2)
    quit_and_keep(program, "1-quit-at-the-third")
    report.equal("two are done, and of the others there is nothing", len(made()), 2)

    program = begin()
    lines = let_through(program, 2)
    report.none("nothing has failed or was cancelled", [line for line in lines if line in ("label Failed", "label Cancelled")])
    take_picture("2-started-again-after-the-quit")
    let_through(program, 4)
    take_picture("3-before-the-kill-at-the-fifth")
    # An application that stands still stores no end, and its worker puts the file in its place all the same. One more
    # kill would be the third for a picture that is under way, or about to be, at each: that one would wait for a person.
    placed = waiting()[0]
    program.send_signal(signal.SIGSTOP)
    open_gate(placed)
    end = time.monotonic() + SOME_SECONDS
    while placed.replace(".png", ".small.png") not in made() and time.monotonic() < end:
        time.sleep(0.05)
    program.send_signal(signal.SIGKILL)
    report.equal("it is killed at the fifth, once that is there and before that is stored", program.finish()[0], -signal.SIGKILL)

    os.remove(os.path.join(gates, placed))
    program = begin()
    program.wait_until(lambda lines: placed in waiting())
    report.fact("it goes on with the fifth, which is made again, as nobody knows that it is done", True)
    take_picture("4-started-again-after-the-kill")
    open_gate(placed)
    let_through(program, 6)
    take_picture("5-before-the-end-of-the-session")
    kill_session(program)
    report.equal("the session is killed at the seventh", program.finish()[0], -signal.SIGKILL)

    program = begin()
    let_through(program, 6)
    take_picture("6-started-again-after-the-session")
    if update:
        let_through(program, 7)
        update()
        let_through(program, 8)
        report.fact("it is updated at the eighth, which goes on", True)
        take_picture("7-updated-at-the-eighth")
        quit_and_keep(program, "8-quit-after-the-update")
        program = begin()
        lines = let_through(program, 8)
        report.none("nothing has failed of what the earlier version kept", [line for line in lines if line == "label Failed"])
        take_picture("9-started-again-after-the-update")
    let_through(program, 10)
    take_picture("10-all-done")
    program.do("close Converter")
    report.equal("it ends with its window", program.finish(), (0, "", ""))
    report.equal("what it keeps lies where its id says, and is nobody else's",
                 [(name, oct(os.stat(os.path.join(state, "org.example.Converter", name)).st_mode & 0o777))
                  for name in sorted(os.listdir(os.path.join(state, "org.example.Converter"))) if name.endswith(".db")],
                 [("others.db", "0o600"), ("videos.db", "0o600")])
    os.rmdir(between)
    os.close(used)
    report.equal("there are ten results, and none twice", sorted(set(os.listdir(files)) - set(names)), ["%d.small.png" % number for number in range(10)])
    report.none("each is whole", [name for name in made() if os.path.getsize(os.path.join(files, name)) != 1000])
    report.equal("no file between two programs is left", files_between(cache), [])
    with open(os.path.join(gates, "begun"), encoding="utf-8") as file:
        report.equal("no picture that was stored as done was made once more",
                     sorted(map(os.path.basename, file.read().split())), sorted(names + [placed]))


# Makes a video once there is a gate, where it has a file of another name when it has begun.
WAITING_FFMPEG = """for made; do :; done
touch "{folder}/begun"
while [ ! -e "{folder}/gate" ]; do sleep 0.05; done
echo whole > "$made"
"""


def write_waiting_ffmpeg(programs, folder):
    """That waits for a gate in the other folder."""
    os.mkdir(programs)
    with open(os.path.join(programs, "ffmpeg"), "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n" + WAITING_FFMPEG.replace("{folder}", folder))
    os.chmod(file.name, 0o755)


def converter_again(report, start, folder):
    """Two videos, of an application that is killed while the first one is converted, and is quit while it is again."""
    programs, films, state, gate, begun = (os.path.join(folder, name) for name in ("programs", "films", "state", "gate", "begun"))
    os.mkdir(films)
    write_waiting_ffmpeg(programs, folder)
    os.environ["PATH"] = programs + ":" + os.environ["PATH"]
    for name in ("one.mp4", "two.mp4"):
        with open(os.path.join(films, name), "w", encoding="utf-8"):
            pass
    program = start("converter", os.path.join(films, "one.mp4"), os.path.join(films, "two.mp4"), state=state)
    program.wait("label one.mp4", "label two.mp4")
    program.wait_until(lambda lines: os.path.exists(begun))
    program.process.kill()
    report.equal("it is killed under a video", program.finish()[0], -signal.SIGKILL)
    os.remove(begun)
    program = start("converter", state=state)
    program.wait("label one.mp4", "label two.mp4")
    program.wait_until(lambda lines: os.path.exists(begun))
    program.do("act window.close")
    program.wait("label Quit, and go on next time.", "label 2 tasks are kept.*")
    program.do("click _Quit")
    report.equal("it asks, and quits", program.finish(), (0, "", ""))
    report.equal("there is no half of a file", sorted(os.listdir(films)), ["one.mp4", "two.mp4"])
    with open(gate, "w", encoding="utf-8"):
        pass
    program = start("converter", state=state)
    program.wait_until(lambda lines: lines.count("label Done") == 2)
    report.equal("both are converted, once", sorted(os.listdir(films)), ["one.mp4", "one.mp4.webm", "two.mp4", "two.mp4.webm"])
    program.do("close Converter")
    report.equal("it ends with its window", program.finish(), (0, "", ""))


def same(one, other):
    with open(one, "rb") as first, open(other, "rb") as second:
        return first.read() == second.read()


SCENES = {
    "hello": hello, "cancel": cancel, "list": task_list, "button": button, "map": map_files, "retry": retry, "guard": guard,
    "values": values, "preferences": preferences, "workers": workers, "group": group, "pipe": pipe, "pictures": pictures, "conversation": conversation, "object": remote_object,
    "sandbox": sandbox, "application": application, "converter": converter, "converter-files": converter_files,
    "converter-queue": converter_queue, "converter-again": converter_again, "converter-nightly": converter_nightly, "adwaita": adwaita,
}


def play(report, watcher, programs, folder, name, interpreter=None, **options):
    """The scene of an example, whose program is in a folder; files that it needs are made in another one. Some scenes have options."""
    # What one has stored is there for another only where the scene says so.
    states = tempfile.TemporaryDirectory()

    def start(program, *arguments, state=None, **options):
        environment = dict(os.environ, XDG_STATE_HOME=state or os.path.join(states.name, str(len(started))))
        started.append(Program(watcher, programs, interpreter, program, *arguments, environment=environment, **options))
        return started[-1]

    started = []
    environment = dict(os.environ)
    try:
        SCENES[name](report, start, folder, **options)
    finally:
        for program in started:
            if program.process.poll() is None:
                program.process.kill()
                program.finish()
        os.environ.clear()
        os.environ.update(environment)
        states.cleanup()
