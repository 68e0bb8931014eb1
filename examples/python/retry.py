# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""Retry: a task runs again when its worker is lost, here because its function ends its own process.
How often, and after which pause, are properties of the task, which you set before you submit it.
The second run finds what the first one left behind, and goes well.
"""

import os
import tempfile

import ferry


def work(path):
    if not os.path.exists(path):
        with open(path, "w", encoding="utf-8"):
            os._exit(1)
    return "done"


def main():
    with tempfile.TemporaryDirectory() as folder, ferry.Executor(workers=1) as executor:
        task = ferry.Task(work, os.path.join(folder, "left"))
        task.props.retries = 1
        task.props.retry_pause = 100_000  # microseconds
        print(executor.submit(task).result())


if __name__ == "__main__":
    main()
