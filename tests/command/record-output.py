#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Records what a program prints for tests/command/test-progress-corpus.c, with how far it was in truth.

    ./record-output.py corpus/dd-german.txt error -e LC_ALL=de_DE.UTF-8 -- dd if=/dev/zero of=x bs=1M count=900 status=progress

The stream is output, error or terminal. The truth is the time: at which byte which part of it had passed. With -n the
program has no progress of the whole. With --anew 2 TEXT each part of it begins with TEXT: there is a bar in the first one,
and none once it has said something of the second. --as names the command that the test gives to the reader, where it is another one.
Look at the recording before you keep it, and let the program go at an even pace (a limit of its rate), so that time is
truth.
"""

import argparse
import fcntl
import os
import pty
import shlex
import struct
import subprocess
import termios
import time

MOMENTS = (0.1, 0.25, 0.5, 0.75, 0.9)

# After so many reads a part has said something.
SAYINGS = 4


def start(arguments):
    environment = {**os.environ, **dict(pair.split("=", 1) for pair in arguments.e)}
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if arguments.stream == "terminal":
        ours, theirs = pty.openpty()
        settings = termios.tcgetattr(theirs)
        settings[1] &= ~termios.OPOST
        termios.tcsetattr(theirs, termios.TCSANOW, settings)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        streams = {"stdout": theirs, "stderr": theirs}
    else:
        ours, theirs = os.pipe()
        streams["stdout" if arguments.stream == "output" else "stderr"] = theirs
    process = subprocess.Popen(arguments.argv, stdin=subprocess.DEVNULL, env=environment, **streams)
    os.close(theirs)
    return process, ours


def read(fd):
    begin, size = time.monotonic(), 0
    chunks, times = [], []
    while True:
        try:
            chunk = os.read(fd, 65536)
        except OSError:  # the other end of a terminal is closed
            chunk = b""
        if not chunk:
            return b"".join(chunks), times, time.monotonic() - begin
        size += len(chunk)
        chunks.append(chunk)
        times.append((size, time.monotonic() - begin))


def find_places_without(data, times, number, text):
    begin = -1
    for _ in range(number):
        begin = data.index(text.encode(), begin + 1)
    later = [size for size, _at in times if size > begin][SAYINGS:]
    return " ".join("%d:back" % later[int(moment * (len(later) - 1))] for moment in MOMENTS)


def find_truth(times, duration):
    truth = []
    for moment in MOMENTS:
        before = [(size, at / duration) for size, at in times if at <= moment * duration]
        if before and before[-1] not in truth:
            truth.append(before[-1])
    return " ".join("%d:%.2f" % pair for pair in truth)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("path")
    parser.add_argument("stream", choices=("output", "error", "terminal"))
    parser.add_argument("-n", action="store_true")
    parser.add_argument("--anew", nargs=2)
    parser.add_argument("-e", action="append", default=[])
    parser.add_argument("--as", dest="named")
    parser.add_argument("--behind", default="")
    parser.add_argument("argv", nargs="+")
    arguments = parser.parse_args()
    process, fd = start(arguments)
    data, times, duration = read(fd)
    process.wait()
    if arguments.n:
        truth = "none"
    elif arguments.anew:
        truth = find_places_without(data, times, int(arguments.anew[0]), arguments.anew[1])
    else:
        truth = find_truth(times, duration)
    with open(arguments.path, "wb") as file:
        file.write(("source: recorded %s\n" % " ".join(arguments.e)).replace(" \n", "\n").encode())
        file.write(("command: %s\n" % (arguments.named or shlex.join(arguments.argv).replace("\n", " "))).encode())
        file.write(("stream: %s\n" % arguments.stream).encode())
        if arguments.behind:
            file.write(("behind: %s\n" % arguments.behind).encode())
        file.write(("truth: %s\n\n" % truth).encode())
        file.write(data)
    print("%s: status %d, %.1f s, %d bytes" % (arguments.path, process.returncode, duration, len(data)))


main()
