# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""Messages: two functions send what they find, as they find it, over one pipe.
One of them is killed. What it had sent arrives all the same.
The messages end when no task has the sender any more.
"""

import os
import signal

import ferry


def find_squares(sender, numbers):
    for number in numbers:
        if number == 7:
            os.kill(os.getpid(), signal.SIGKILL)
        sender.send((number, number * number))


def main():
    with ferry.Executor(workers=2) as executor:
        sender, receiver = executor.pipe()
        tasks = [executor.submit(find_squares, sender, numbers) for numbers in (range(3), range(5, 10))]
        for number, square in sorted(receiver):
            print(number, square)
        for task in tasks:
            print("lost" if task.exception() else "done")


if __name__ == "__main__":
    main()
