#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each text of the demo has a translation in each language, and no two mnemonics of a page clash:

check-translations.py TOP
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import tap

KEYWORDS = ["--keyword=_", "--keyword=N_", "--keyword=ngettext:1,2"]


def run(*arguments, **options):
    return subprocess.run(arguments, check=True, capture_output=True, text=True, **options).stdout


def listed(top, name):
    with open(os.path.join(top, "demo-app", "po", name), encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def files_with_texts(top):
    """Files that have something to translate, by what the programs that gather texts look for."""
    found = []
    for folder, _, names in os.walk(os.path.join(top, "demo-app")):
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith((".c", ".ui")):
                with open(path, encoding="utf-8") as file:
                    text = file.read()
                if re.search(r'\b(_|N_|ngettext) \("', text) or 'translatable="yes"' in text:
                    found.append(os.path.relpath(path, top))
    return sorted(found)


def unmarked(top):
    """Texts of templates that are not marked for translation."""
    complaints = []
    for name in files_with_texts(top):
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


def untranslated(top, language, template, place):
    merged = os.path.join(place, language + ".po")
    source = os.path.join(top, "demo-app", "po", language + ".po")
    run("msgmerge", "--quiet", "--no-fuzzy-matching", "-o", merged, source, template)
    run("msgfmt", "--check", "-o", os.devnull, source)
    return texts(merged, "--untranslated") + texts(merged, "--only-fuzzy")


def translations(top, language):
    """Text -> translation, of texts on one line."""
    with open(os.path.join(top, "demo-app", "po", language + ".po"), encoding="utf-8") as file:
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


def clashes(top, words):
    """Letters that a page has twice, with those that all pages have."""
    load = lambda name: xml.etree.ElementTree.parse(os.path.join(top, name)).getroot()
    common = mnemonics(load("demo-app/app/ferry-demo-page.ui").iter(), words)
    complaints = []
    for name in files_with_texts(top):
        if not name.endswith(".ui"):
            continue
        for number, group in enumerate(groups(load(name))):
            own = mnemonics(group, words)
            taken = {}
            of_page = name.endswith("-page.ui") and not name.endswith("ferry-demo-page.ui") and number == 0
            for letter, text in own + (common if of_page else []):
                if letter in taken:
                    complaints.append("%s: '%s' and '%s' have '%s'" % (name, taken[letter], text, letter))
                taken[letter] = text
    return complaints


def body(report):
    top = os.path.abspath(sys.argv[1])
    report.none("texts of templates are translatable", unmarked(top))
    report.none("no two mnemonics of a page clash", clashes(top, {}))
    report.fact("each file with texts is in the list of them", listed(top, "POTFILES") == files_with_texts(top),
                sorted(set(listed(top, "POTFILES")) ^ set(files_with_texts(top))))
    for language in listed(top, "LINGUAS"):
        report.none("no two mnemonics of a page clash in %s" % language, clashes(top, translations(top, language)))
        if not all(shutil.which(tool) for tool in ("xgettext", "msgmerge", "msgattrib", "msgfmt")):
            continue
        with tempfile.TemporaryDirectory() as place:
            template = os.path.join(place, "demo.pot")
            run("xgettext", "--from-code=UTF-8", *KEYWORDS, "-o", template, "-f", "demo-app/po/POTFILES", cwd=top)
            report.none("each text has a translation: %s" % language, untranslated(top, language, template, place))


tap.main(body)
