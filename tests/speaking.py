# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Has a program speak a language on a system that has no locale of it."""

import contextlib
import os
import tempfile

# The locale that each system has.
LOCALE = next(filter(os.path.isdir, ("/usr/lib/locale/C.utf8", "/usr/lib/locale/C.UTF-8")), None)


@contextlib.contextmanager
def speaking(language):
    """The variables of the environment for programs that start meanwhile. Newer versions of glibc translate nothing from a
    locale that is named C, so that one is taken under another name."""
    with tempfile.TemporaryDirectory() as place:
        os.symlink(LOCALE, os.path.join(place, "en.utf8"))
        yield {"LOCPATH": place, "LC_ALL": "en.UTF-8", "LANGUAGE": language}
