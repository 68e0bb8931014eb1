# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""Object: it lives in a worker, and the application calls its methods and follows its property.
The property tells each change, and its latest value is here without asking the worker.
What a method raises is raised when you ask for its result.
"""

import ferry


@ferry.export
class Counter:
    value: int = 0

    def add(self, amount):
        if amount < 0:
            raise ValueError("it only counts up")
        self.value += amount
        return self.value


def main():
    with ferry.Executor() as executor, executor.create(Counter) as counter:
        counter.connect("notify::value", lambda counter, _: print("it has", counter.value))
        print("it gives", counter.add(3).result())
        try:
            counter.add(-1).result()
        except ValueError as error:
            print(error)


if __name__ == "__main__":
    main()
