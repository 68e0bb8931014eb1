#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each text of a folder has a translation in each language, and no two mnemonics of a page clash:

check-translations.py TOP FOLDER [BUILT]

FOLDER is that of the sources in TOP. Its folder po has the translations. BUILT is what was built of it, a program or a
library, which finds those of its build.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import speaking
import tap

KEYWORDS = ["--keyword=_", "--keyword=N_", "--keyword=NC_:1c,2", "--keyword=ngettext:1,2",
            "--keyword=ferry_gtk_ngettext:1,2"]
TEXT = re.compile(r'\b(_|N_|NC_|ngettext|ferry_gtk_ngettext) \("|translatable="yes"')


def run(*arguments, **options):
    return subprocess.run(arguments, check=True, capture_output=True, text=True, **options).stdout


def listed(top, folder, name):
    with open(os.path.join(top, folder, "po", name), encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def files_with_texts(top, folder):
    """Files that have something to translate, by what the programs that gather texts look for."""
    found = []
    for place, _, names in os.walk(os.path.join(top, folder)):
        for name in names:
            path = os.path.join(place, name)
            if name.endswith((".c", ".ui")):
                with open(path, encoding="utf-8") as file:
                    text = file.read()
                if TEXT.search(text):
                    found.append(os.path.relpath(path, top))
    return sorted(found)


def unmarked(top, folder):
    """Texts of templates that are not marked for translation."""
    complaints = []
    for name in files_with_texts(top, folder):
        if not name.endswith(".ui"):
            continue
        for element in xml.etree.ElementTree.parse(os.path.join(top, name)).getroot().iter("property"):
            if (element.get("name") in ("label", "title", "tooltip-text", "sentence", "trial")
                    and re.search(r"[A-Za-z]{2}", element.text or "") and element.get("translatable") != "yes"):
                complaints.append("%s: '%s' is not translatable" % (name, element.text))
    return complaints


def texts(path, *options):
    """What msgattrib leaves of a catalogue, as a list of texts."""
    left = run("msgattrib", "--no-obsolete", "--no-wrap", *options, path)
    return [text for text in re.findall(r'^msgid "(.+)"$', left, re.MULTILINE)]


def untranslated(top, folder, language, template, place):
    merged = os.path.join(place, language + ".po")
    source = os.path.join(top, folder, "po", language + ".po")
    run("msgmerge", "--quiet", "--no-fuzzy-matching", "-o", merged, source, template)
    run("msgfmt", "--check", "-o", os.devnull, source)
    return texts(merged, "--untranslated") + texts(merged, "--only-fuzzy")


def translations(top, folder, language):
    """Text -> translation, of texts on one line."""
    with open(os.path.join(top, folder, "po", language + ".po"), encoding="utf-8") as file:
        return dict(re.findall(r'^msgid "(.+)"\nmsgstr "(.+)"$', file.read(), re.MULTILINE))


def mnemonic(text):
    match = re.search(r"_(\w)", text)
    return match and match[1].lower()


def groups(root):
    """The mnemonics that are there together: those of a menu, or of a template outside of its menus and popovers."""
    apart = [element for element in root.iter() if element.tag == "menu" or element.get("class") == "GtkPopover"]
    inside = {child for element in apart for child in element.iter()}
    yield [element for element in root.iter() if element not in inside]
    for element in apart:
        yield list(element.iter())


def mnemonics(elements, words):
    return [(mnemonic(words.get(element.text, element.text)), element.text) for element in elements
            if element.tag in ("property", "attribute") and element.get("name") == "label"
            and re.search(r"_\w", element.text or "")]


def clashes(top, folder, words):
    """Letters that a page has twice."""
    load = lambda name: xml.etree.ElementTree.parse(os.path.join(top, name)).getroot()
    complaints = []
    for name in files_with_texts(top, folder):
        if not name.endswith(".ui"):
            continue
        for group in groups(load(name)):
            taken = {}
            for letter, text in mnemonics(group, words):
                if letter in taken:
                    complaints.append("%s: '%s' and '%s' have '%s'" % (name, taken[letter], text, letter))
                taken[letter] = text
    return complaints


# How each of them is had to say something.
SPEAK = {
    "demo-app": ["--help"],
    "router/gtk": ["-c", "import ctypes, locale, sys; locale.setlocale(locale.LC_ALL, '');"
                         "say = ctypes.CDLL(sys.argv[1]).ferry_format_time_left; say.argtypes = [ctypes.c_int64];"
                         "say.restype = ctypes.c_char_p; print(say(2000000).decode())"],
}


def say(folder, built, language):
    """What the program or library prints in a language."""
    with speaking.speaking(language) as variables:
        command = [sys.executable, *SPEAK[folder], built] if ".so" in built else [built, *SPEAK[folder]]
        return run(*command, env={**os.environ, **variables})


def body(report):
    top, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    files = files_with_texts(top, folder)
    report.none("texts of templates are translatable", unmarked(top, folder))
    report.none("no two mnemonics of a page clash", clashes(top, folder, {}))
    report.none("each file with texts is in the list of them", set(listed(top, folder, "POTFILES")) ^ set(files))
    for language in listed(top, folder, "LINGUAS"):
        report.none("no two mnemonics of a page clash in %s" % language,
                    clashes(top, folder, translations(top, folder, language)))
        if not all(shutil.which(tool) for tool in ("xgettext", "msgmerge", "msgattrib", "msgfmt")):
            continue
        with tempfile.TemporaryDirectory() as place:
            template = os.path.join(place, "texts.pot")
            run("xgettext", "--from-code=UTF-8", *KEYWORDS, "-o", template, *files, cwd=top)
            report.none("each text has a translation: %s" % language,
                        untranslated(top, folder, language, template, place))
        for built in map(os.path.abspath, sys.argv[3:] if speaking.LOCALE else []):
            text = say(folder, built, language)
            report.fact("a build finds its translations: %s" % language, text != say(folder, built, "en"), [text])


tap.main(body)
