#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs of the pages do what the pages say: check-page.py PAGE...

A program begins with a comment that is its name. What a console prints below a command is compared. Windows are opened
where there is a display: their buttons are pressed, and their rows are read.
"""

import importlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

import gi
import tap

MOST_LINES = 40
GRACE = 600


def blocks(page, language):
    return re.findall(r"^```%s\n(.*?)^```$" % language, page, re.MULTILINE | re.DOTALL)


def programs(page):
    return {match[1]: text for text in blocks(page, "python") if (match := re.match(r"# (\S+\.py)\n", text))}


def foreign_programs(page):
    return {match[1]: text for language in ("c", "js") for text in blocks(page, language)
            if (match := re.match(r"(?:/\* |// )(\S+\.(?:c|js))", text))}


def commands(page):
    """(command, output) of each command whose output the page has, and of those that build a program or write a file."""
    return [(match[1], match[2]) for text in blocks(page, "console")
            for match in re.finditer(r"^\$ ([^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", text, re.MULTILINE)
            if match[2] or match[1].startswith("cc ") or " > " in match[1]]


def has_queue():
    try:
        gi.require_version("FerryQueue", "1")
    except ValueError:
        return False
    return True


def length(text):
    return len([line for line in text.splitlines() if line.strip() and not line.startswith("#")])


def write_files(folder, page):
    for name, text in {**programs(page), **foreign_programs(page)}.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    os.mkdir(os.path.join(folder, "words"))
    for word in ("one", "two"):
        with open(os.path.join(folder, "words", word), "w", encoding="ascii") as file:
            file.write(word)


def widgets(parent, *kinds):
    found = [parent] if isinstance(parent, kinds) else []
    child = parent.get_first_child()
    while child:
        found += widgets(child, *kinds)
        child = child.get_next_sibling()
    return found


def find_toolkit(report):
    """GLib and Gtk, where there is a display."""
    gi.require_version("Gtk", "4.0")
    from gi.repository import Gdk, GLib, Gtk
    if Gdk.Display.get_default() is None:
        report.skip("the window", "there is no display")
        return None, None
    return GLib, Gtk


def use_window(report, folder):
    """A file that is summed up, one that is not there, and one that has no end, which is cancelled."""
    GLib, Gtk = find_toolkit(report)
    if Gtk is None:
        return
    sys.path.insert(0, folder)
    window = importlib.import_module("window")
    row_type = importlib.import_module("gi.repository.FerryGtk").TaskRow
    paths = whole, missing, endless = [os.path.join(folder, name) for name in ("words/one", "nothing", "endless")]
    os.mkfifo(endless)
    sys.argv[1:] = paths
    application = Gtk.Application(application_id="org.example.Window")
    application.connect("activate", window.activate)
    texts = dict.fromkeys(paths, "")

    def look():
        top = application.get_active_window()
        for row in widgets(top, row_type) if top else ():
            path, *others = [line.props.label if isinstance(line, Gtk.Label) else line.props.text
                             for line in widgets(row, Gtk.Label, Gtk.Inscription)]
            texts[path] = " ".join(others)
            if path == endless and "Done" in texts[whole] and "Failed" in texts[missing]:
                next(button for button in widgets(row, Gtk.Button) if button.get_action_name() == "task.cancel").emit("clicked")
        if "Cancelled" in texts[endless]:
            application.quit()
            return False
        return True

    GLib.timeout_add(10, look)
    GLib.timeout_add_seconds(GRACE, application.quit)
    application.run()
    report.fact("the window shows a sum", "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed" in texts[whole], texts)
    report.fact("what cannot be read", "No such file" in texts[missing], texts)
    report.fact("and what was cancelled", "Cancelled" in texts[endless], texts)


def check_page(report, name):
    with open(name, encoding="utf-8") as file:
        page = file.read()
    report.none("the programs of %s are short" % os.path.basename(name),
                ["%s has %d lines" % (program, length(text)) for program, text in programs(page).items()
                 if length(text) > MOST_LINES])
    report.fact("commands are found", len(commands(page)) > 0)
    with tempfile.TemporaryDirectory() as folder:
        write_files(folder, page)
        for command, output in commands(page):
            if any("ferry.Queue" in text and name in command for name, text in programs(page).items()) and not has_queue():
                report.skip(command, "the library of queues was not built")
                continue
            if shutil.which(command.split()[0]) is None and not command.startswith("./"):
                report.skip(command, "it is not installed")
                continue
            done = subprocess.run(command, shell=True, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  check=False, timeout=GRACE)
            report.equal(command, done.stderr + done.stdout, output)
        if "window.py" in programs(page):
            use_window(report, folder)


def body(report):
    # "python3" is the one that runs this.
    os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
    for name in sys.argv[1:]:
        check_page(report, name)


if __name__ == "__main__":
    tap.main(body)
