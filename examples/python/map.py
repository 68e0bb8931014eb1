# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: 0BSD
"""Map: one function, many items.
Results come in the order of the items. Items travel in chunks of some milliseconds of work.
An item that fails has its exception as its result; else it would be raised, and end the loop.
"""

import ferry


def find_factor(number):
    if number < 2:
        raise ValueError("%d has none" % number)
    return next((factor for factor in range(2, number) if number % factor == 0), number)


def main():
    with ferry.Executor() as executor:
        for factor in executor.map(find_factor, [91, 1, 97], return_exceptions=True):
            print(factor)


if __name__ == "__main__":
    main()
