#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an installation does about the loader's cache, and what it says: check-loader-cache.py SCRIPT

Here ldconfig is a program that notes how it was called, and id one that says who is asking. So nothing of this machine
is touched, whoever runs this.
"""

import os
import subprocess
import sys
import tempfile

import tap
from installed import SOME_SECONDS

FOLDER = "/opt/boats/lib"
FILE = "libferry-1.so"

# Notes its arguments. With -p, lists what there is in the cache.
LDCONFIG = """\
#!/bin/sh
echo "ldconfig $*" >>"$NOTES"
[ "$*" != -p ] || printf '%s' "$CACHE"
exit "$STATUS"
"""

ID = "#!/bin/sh\necho %s\n"


def write_program(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o755)


class Outcome:
    """What the script did. user (None for who runs this): a number."""

    def __init__(self, script, user, cache=FILE, status=0):
        with tempfile.TemporaryDirectory() as root:
            notes = os.path.join(root, "notes")
            write_program(root, "ldconfig", LDCONFIG)
            if user is not None:
                write_program(root, "id", ID % user)
            done = subprocess.run([script, FOLDER, FILE], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=SOME_SECONDS, check=False,
                                  env=dict(os.environ, PATH=root + os.pathsep + os.environ["PATH"], NOTES=notes,
                                           CACHE="\t%s.0 (libc6) => /somewhere/%s.0\n" % (cache, cache),
                                           STATUS=str(status)))
            self.status = done.returncode
            self.said = done.stdout
            self.calls = []
            if os.path.exists(notes):
                with open(notes, encoding="utf-8") as file:
                    self.calls = file.read().splitlines()

    def says(self, *words):
        """What of these it did not say."""
        return ["it does not say %r: %r" % (word, self.said) for word in words if word not in self.said]


def body(report):
    script = sys.argv[1]

    user = Outcome(script, 1000)
    report.equal("a user who is not root does not call ldconfig", user.calls, [])
    report.none("a user who is not root is told what to do",
                user.says("only root", "run 'ldconfig' as root", "LD_LIBRARY_PATH to " + FOLDER, FILE))

    root = Outcome(script, 0)
    report.equal("root has the cache updated, and sees whether the library is in it", root.calls,
                 ["ldconfig ", "ldconfig -p"])
    report.equal("root is told nothing where programs find the library", root.said, "")

    elsewhere = Outcome(script, 0, cache="libother.so")
    report.none("root is told of a folder that the loader does not search",
                elsewhere.says("does not search " + FOLDER, "/etc/ld.so.conf.d", "LD_LIBRARY_PATH to " + FOLDER))

    broken = Outcome(script, 0, status=1)
    report.none("root is told that ldconfig has failed", broken.says("not updated", "LD_LIBRARY_PATH to " + FOLDER))
    report.equal("nothing of this is a failure of the installation",
                 [outcome.status for outcome in (user, root, elsewhere, broken)], [0, 0, 0, 0])

    own = Outcome(script, None)
    report.equal("who runs this calls ldconfig only as root", bool(own.calls), os.geteuid() == 0)


tap.main(body)
