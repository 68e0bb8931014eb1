# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""Cancel: you can end whatever runs, wherever it is, and it may clean up.
The first function never calls Ferry. The second one crashes, which costs its own task, and the third one goes on.
The result of a task raises what became of it.
"""

import ctypes

import ferry


def work_for_ever():
    ferry.report(0.5, "at work")
    while True:
        pass


def crash():
    ctypes.string_at(0)


def main():
    with ferry.Executor(workers=1) as executor:
        task = ferry.Task(work_for_ever)
        task.connect("notify::text", lambda task, _: task.cancel())
        for task in (executor.submit(task), executor.submit(crash), executor.submit(pow, 2, 10)):
            try:
                print(task.result())
            except ferry.CancelledError:
                print("cancelled")
            except ferry.WorkerLost as error:
                print("lost, by signal", error.signal)


if __name__ == "__main__":
    main()
