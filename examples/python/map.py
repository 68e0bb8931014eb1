# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""Map: one function, many items.
Results come in their order. Items go in chunks, which by themselves are as large as some milliseconds of work.
An item that fails costs itself: it raises where its result would stand, and the loop goes on behind it.
"""

import ferry


def find_factor(number):
    if number < 2:
        raise ValueError("%d has none" % number)
    return next((factor for factor in range(2, number) if number % factor == 0), number)


def main():
    with ferry.Executor() as executor:
        factors = executor.map(find_factor, [91, 1, 97])
        while True:
            try:
                print(next(factors))
            except ValueError as error:
                print(error)
            except StopIteration:
                break


if __name__ == "__main__":
    main()
