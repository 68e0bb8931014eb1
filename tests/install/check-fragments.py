#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The code in C on pages of docs/ that is no whole program compiles: check-fragments.py BUILD PAGE...

A fragment with a function at its left margin is taken as it is. Any other one is the body of a function, whose parameters
are those of VARIABLES that the fragment names and does not declare.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile

import pages
import tap

PACKAGES = ["ferry-gtk-1", "ferry-cluster-1", "ferry-queue-1", "libadwaita-1"]

# What programs around the fragments have. A page with a fragment that needs more adds it here.
FRAME = """
#include <fcntl.h>
#include <unistd.h>
#include <adwaita.h>
#include <ferry-cluster.h>
#include <ferry-gtk.h>
#include <ferry-objects.h>
#include <ferry-queue.h>

#define WORKER "/usr/libexec/words/words-worker"
#define EXAMPLE_COUNTER(object) ((struct { gint64 value; } *) (object))

typedef struct { guint32 frame; guint64 time; double done; } Progress;

void serve (FerryTransport *transport);
void show_progress (const Progress *progress);
void attached_cb (GObject *source, GAsyncResult *result, gpointer data);
void found_cb (GObject *source, GAsyncResult *result, gpointer data);
"""

VARIABLES = {
    "address": "const char *", "application": "GtkApplication *", "box": "GtkWidget *", "buffer": "GtkTextBuffer *",
    "button": "GtkWidget *", "bytes": "GBytes *",
    "cluster": "FerryCluster *", "command": "FerryCommand *", "data": "gpointer ", "entry": "GString *",
    "executor": "FerryExecutor *", "exporter": "FerryExporter *", "fd": "int ", "finds": "GtkStringList *",
    "frame": "guint32 ", "handle": "int ",
    "header": "GtkWidget *", "interface": "FerryInterface *",
    "job": "FerryJob *", "label": "GtkWidget *", "launcher": "FerryLauncher *", "lines": "const char *const *", "list": "GtkWidget *",
    "listener": "FerryListener *", "log": "GObject *", "map": "FerryMap *", "overlay": "GtkWidget *", "path": "const char *",
    "progress": "Progress ", "proxy": "FerryProxy *", "queue": "gpointer ", "replica": "GObject *", "router": "FerryRouter *", "scale": "GtkWidget *",
    "sender": "FerrySender *", "size": "gsize ", "steps": "GVariant *", "task": "FerryTask *", "transport": "FerryTransport *",
    "type": "const GVariantType *", "window": "GtkWidget *", "worker": "FerryWorker *",
}


def fragments(text):
    """(The line where it begins, the code) of each block that is no whole file."""
    return [(text.count("\n", 0, match.start(2)) + 1, match[2]) for match in pages.BLOCK.finditer(text)
            if match[1] == "c" and not pages.FILE_NAME.match(match[2])]


def parameters(code):
    """Those that it uses, the error as the caller's or its own."""
    for name, kind in {**VARIABLES, "error": "GError *" if "&error" in code else "GError **"}.items():
        used = re.search(r'(?<![\w"])%s(?![\w"])' % name, re.sub(r"/\*.*?\*/", "", code))
        if used and not re.search(r"^ *(?:g_autoptr \(\w+\) |(?:const )?\w+ \*?)%s =" % name, code, re.MULTILINE):
            yield kind + name


def in_frame(page, line, code):
    if not code.startswith("static "):
        name = re.sub(r"\W", "_", "%s_%d" % (page, line))
        code = "GVariant *%s (%s) {\n#line %d \"%s\"\n%sreturn NULL; }\n" % (
            name, ", ".join(parameters(code)) or "void", line, page, code)
    return "#line %d \"%s\"\n%s" % (line, page, code)


def complaints(build, texts):
    """Of all pages at once, since GTK's headers take longer than all that uses them."""
    found = "".join(in_frame(page, line, code) for page, text in texts.items() for line, code in fragments(text))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "fragments.c")
        with open(path, "w", encoding="utf-8") as file:
            file.write(FRAME + found)
        environment = dict(os.environ, PKG_CONFIG_PATH=os.path.join(build, "meson-uninstalled"))
        flags = subprocess.run(["pkg-config", "--cflags", *PACKAGES], env=environment, stdout=subprocess.PIPE, text=True,
                               check=True).stdout
        done = subprocess.run([*shlex.split(os.environ["CC"]), "-fsyntax-only", "-Werror", *shlex.split(flags), path],
                              stderr=subprocess.PIPE, text=True, check=False)
    return [line for line in done.stderr.splitlines() if "error:" in line] or done.returncode * [done.stderr]


WRONG = {
    "a function that there is not": "ferry_task_cancle (task);",
    "a wrong type": "ferry_task_cancel (path);",
    "an argument too many": "ferry_task_cancel (task, 0);",
    "a variable that no page has": "wrong = 1;",
}


def body(report):
    build, *names = sys.argv[1:]
    found = complaints(build, {what: "Text.\n\n```c\n%s\n```\n" % code for what, code in WRONG.items()})
    for what in WRONG:
        report.fact("would be seen: " + what, any(line.startswith(what + ":4:") for line in found), found)
    texts = {}
    for name in names:
        with open(name, encoding="utf-8") as file:
            texts[os.path.basename(name)] = file.read()
        report.fact("%s has fragments" % os.path.basename(name), fragments(texts[os.path.basename(name)]))
    report.none("all of them compile", complaints(build, texts))


tap.main(body)
