#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each file is for, by the first sentence of its first comment: file_list.py TOP [WORD...]
                                                                        file_list.py --page TOP OUTPUT DEPENDENCIES

With words, such as 'engine' or 'kill', the files that have words that begin so, all of them, in their name or sentence; where
few have, also those whose whole text says them most. A header is in the line of the file that it belongs to: ferry-pool.c,
ferry-pool.h and ferry-pool-private.h have one. With '--page', a page of the reference; DEPENDENCIES is a file that tells make
which files were read.
"""

import os
import re
import signal
import sys

FOLDERS = ("router", "command-worker", "demo-app", "bindings/python", "examples")
N_MOST = 5
C, VALA = r"/\*(?! SPDX|\*)(.*?)\*/", r"// (.*?)\n(?!//)"
COMMENT = {".c": C, ".h": C, ".py": r'"""(.*?)"""', ".vala": VALA, ".metadata": VALA}


def first_sentence(name, text):
    """Of the comment behind its licence. None where there is none."""
    lead = r"(?:#![^\n]*\n|(?:#|//) SPDX[^\n]*\n|/\* SPDX.*?\*/|#pragma once|\s)*"
    comment = re.match(lead + COMMENT[os.path.splitext(name)[1]], text, re.DOTALL)
    if not comment:
        return None
    paragraph = re.split(r"\n(?: \*)?[ \t]*\n", comment[1])[0]
    words = " ".join(re.sub(r"^(?: \*|//)", "", line).strip() for line in paragraph.splitlines()).strip()
    sentence = re.match(r".+?[.?!](?= |$)", words)
    return sentence and sentence[0]


def main_file(name, names):
    """The file in whose line a header is: that of its name, or itself."""
    source = re.sub(r"(-private)?\.h$", ".c", name)
    return source if source in names else name


def select(names):
    """The names, relative to the top, that have a line, in the order of the list."""
    wanted = {name for name in names if name.startswith(tuple(folder + "/" for folder in FOLDERS))
              and os.path.splitext(name)[1] in COMMENT and "/pch/" not in name}
    return sorted(name for name in wanted if main_file(name, wanted) == name)


def read_files(top):
    """Name -> text, of all files that have a line."""
    found = [os.path.relpath(os.path.join(folder, name), top) for part in FOLDERS
             for folder, _, names in os.walk(os.path.join(top, part)) for name in names]
    files = {}
    for name in select(found):
        with open(os.path.join(top, name), encoding="utf-8") as file:
            files[name] = file.read()
    return files


def line(name, text):
    return "%s: %s" % (name, first_sentence(name, text))


def beginning(word):
    """As a pattern, what all forms of a word begin with: 'retry' finds 'retries', and 'limits' finds 'limit'."""
    stem = re.sub(r"(?<=[^s])s$", "", word.lower())
    return re.sub(r"(?<=..)(?:y|ie)$", "(?:y|ie)", re.escape(stem))


def count(text, words):
    """How often a text has the word of them that it has least: words that begin so."""
    return min(len(re.findall(r"(?<![a-z0-9])" + beginning(word), text.lower())) for word in words)


def lines(files, words):
    """The text of the list, of the files that have all of the words in their name or sentence."""
    return [line(name, text) for name, text in files.items() if not words or count(line(name, text), words)]


def most(files, words):
    """The lines of the files whose text has all of the words, those that have them most."""
    counts = {name: count(text, words) for name, text in files.items()}
    return [line(name, files[name]) for name in sorted(counts, key=counts.get, reverse=True)[:N_MOST] if counts[name]]


def page(files):
    yield "Title: Files\n\n# Files\n"
    yield "What each file is for, as it says itself. `./run files WORD...` has the lines with those words.\n"
    folder = None
    for entry in lines(files, []):
        name, sentence = entry.split(": ", 1)
        if os.path.dirname(name) != folder:
            folder = os.path.dirname(name)
            yield "\n## %s\n\n| file | |\n| --- | --- |" % folder
        # What stands in code already has no signs of Markdown.
        parts = [part if index % 2 else re.sub(r"([|<*_\[])", r"\\\1", part) for index, part in enumerate(sentence.split("`"))]
        yield "| `%s` | %s |" % (os.path.basename(name), "`".join(parts))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--page":
        top, output, dependencies = sys.argv[2:]
        files = read_files(top)
        with open(output, "w", encoding="utf-8") as file:
            file.write("\n".join(page(files)) + "\n")
        with open(dependencies, "w", encoding="utf-8") as file:
            file.write("%s: %s\n" % (output, " ".join(os.path.join(top, name) for name in files)))
        return
    # Who pipes the list into 'head' has seen enough.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    files, words = read_files(sys.argv[1]), sys.argv[2:]
    found = lines(files, words)
    others = [each for each in most(files, words) if each not in found] if len(found) < N_MOST else []
    if not found and not others:
        sys.exit("No file says '%s'." % " ".join(words))
    if found:
        print("\n".join(found))
    if others:
        print("%s speak of it most:\n%s" % ("Of the others, these" if found else "In its name or first sentence none has this; these",
                                           "\n".join(others)))


if __name__ == "__main__":
    main()
