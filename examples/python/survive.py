# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""Survive: tasks in a file are there when the program starts again, here after it was killed in the midst of them.
What was done is not done again, since each task has a key: the log has one line for each word.
A function that may be called again says so, as nobody knows how far it had come.
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import ferry

WORDS = ["one", "two", "three", "four"]


def count(word, log):
    with open(log, "a", encoding="utf-8") as file:
        file.write(word + "\n")
    return len(word)


def run(folder, is_killed):
    log = os.path.join(folder, "log")
    with ferry.Queue(os.path.join(folder, "queue.db")) as queue:
        first = queue.submit(count, WORDS[0], log, key=WORDS[0])
        print("the first one has", first.result(), flush=True)
        if is_killed:
            os.kill(os.getpid(), signal.SIGKILL)
        for word in WORDS:
            queue.submit(count, word, log, key=word, idempotent=True)
        print([(queue.key_of(task), task.result()) for task in queue])
    print(sorted(pathlib.Path(log).read_text(encoding="utf-8").split()))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run(sys.argv[1], is_killed=True)
    with tempfile.TemporaryDirectory() as place:
        subprocess.run([sys.executable, __file__, place], check=False)
        run(place, is_killed=False)
