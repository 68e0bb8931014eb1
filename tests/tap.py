# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the test scripts share: facts are reported in the Test Anything Protocol, as GLib's test programs do."""

import __main__
import sys
import traceback

if sys.argv[1:] in (["--help"], ["-h"]) and __main__.__doc__:
    print(__main__.__doc__.strip())
    sys.exit(0)


class Report:
    """Collects facts and prints a line for each as it comes."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def fact(self, name, holds, complaints=()):
        """One fact; the complaints say why it does not hold. They go to standard error, which meson shows."""
        self.count += 1
        if not holds:
            self.failed += 1
            for complaint in complaints:
                print("%s: %s" % (name, complaint), file=sys.stderr)
        print("%s %d %s" % ("ok" if holds else "not ok", self.count, name), flush=True)

    def none(self, name, complaints):
        """The fact that there is nothing to complain of."""
        self.fact(name, not complaints, complaints)

    def equal(self, name, found, expected):
        same = found == expected
        self.fact(name, same, [] if same else ["expected: %r" % (expected,), "found:    %r" % (found,)])

    def skip(self, name, reason):
        self.count += 1
        print("ok %d %s # SKIP %s" % (self.count, name, reason), flush=True)

    def end(self):
        print("1..%d" % self.count, flush=True)
        sys.exit(1 if self.failed else 0)


def main(body):
    """Runs body (report) and ends the program; an exception is a fact that does not hold."""
    report = Report()
    try:
        body(report)
    except Exception:
        report.fact("no exception", False, [traceback.format_exc()])
    report.end()
