#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Folders are layers: check-layers.py TOP"""

import posixpath
import re
import sys

import sources
import tap

from layers import BESIDE, CORE, LAYERS, WINGS

# What a layer knows nothing of: headers of the system by their beginning, and words.
MAIN_LOOPS = (("gio/", "glib-object.h", "gobject/", "gtk/", "adwaita.h"),
              r"\b(GObject|GMainContext|GMainLoop|GSource|g_object_\w+|g_main_\w+|g_source_\w+|g_idle_\w+|g_timeout_\w+)\b")
# Folders, and files of others.
STRANGERS = {
    "lane": MAIN_LOOPS, "link": MAIN_LOOPS,
    "engine/ferry-fork-server-link": MAIN_LOOPS, "engine/ferry-shared-queue": MAIN_LOOPS,
    "wire/ferry-fork-server-packet": MAIN_LOOPS, "wire/ferry-guardian-protocol": MAIN_LOOPS,
    "wire/ferry-handshake": MAIN_LOOPS, "wire/ferry-lane-layout": MAIN_LOOPS,
}
# Libraries that use no more of the first one than an application does, and programs.
AS_APPLICATIONS = ("classic", "gtk")
PROGRAMS = ("command-worker", "demo-app")
# But for these. What forks may start no thread, so it has a carrier of its own, and its classes wait as channels do. And a
# task that somebody looks at stays in the executor's list, and a row says which files it has harmed, which no application
# has to say. What the inspector shows has no public form. The worker of commands has a file of the library as its own.
INSIDE = {("classic", "conversation/ferry-channel-private.h"), ("classic", "task/ferry-iterate-private.h"),
          ("gtk", "task/ferry-executor-private.h"), ("gtk", "inspect/ferry-inspection-private.h"),
          ("command-worker", "base/ferry-tree-private.h")}
INSIDERS = r"router/classic/ferry-(channel-fork|polled-transport)(-private)?\.[ch]$"
# Of objects in other processes, the end that asks knows nothing of the end that answers.
ASKING = r"router/object/ferry-(list-\w+|proxy|proxy-\w+|replica|subscription)(-private)?\.[ch]$"
ANSWERING = r"object/ferry-(evaluation|exported|exporter|object-server|paced-sender|subscriber)(-private)?\.h$"
STRANGERS_EVERYWHERE = ("gtk/", "gdk/", "gsk/", "adwaita.h")


def upward_includes(tree):
    complaints = []
    for name, text in sources.select(tree, r"router/\w+/.*\.[ch]$").items():
        own = name.split("/")[1]
        if own not in LAYERS:
            complaints.append("%s: %s is no layer" % (name, own))
            continue
        for line, _, target in sources.includes(text):
            layer = next((part for part in target.split("/")[:-1] if part in LAYERS), None)
            if layer and LAYERS.index(layer) > LAYERS.index(own):
                complaints.append("%s:%d: %s is above %s" % (name, line, target, own))
    return complaints


def core_knows_more(tree):
    """The core neither includes what comes after it nor calls it, also where a header of the core declares that."""
    after = WINGS + BESIDE
    homes = {}
    for name, text in sources.select(tree, r"router/(%s)/.*\.c$" % "|".join(after)).items():
        found = re.findall(r"^(?!static)[^\n]*\n(ferry_\w+) \(", sources.without_comments(text), re.MULTILINE)
        homes.update({function: name for function in found})
    complaints = []
    for name, text in sources.select(tree, r"router/(%s)/.*\.[ch]$" % "|".join(CORE)).items():
        complaints += ["%s:%d: the core does not know %s" % (name, line, target)
                       for line, _, target in sources.includes(text) if target.split("/")[0] in after]
        if name.endswith(".c"):
            code = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', sources.without_comments(text))
            complaints += ["%s:%d: the core does not know %s of %s" % (name, line, word, homes[word])
                           for line, word in sources.lines_with(code, r"\bferry_\w+") if word in homes]
    return complaints


def unqualified_includes(tree):
    """Includes within the library name the folder, so that the direction is visible."""
    complaints = []
    for name, text in sources.select(tree, r"router/\w+/.*\.[ch]$").items():
        for line, bracket, target in sources.includes(text):
            if bracket == '"' and "/" not in target and target not in ("config.h", "ferry-enums.h", "ferry-marshallers.h"):
                complaints.append("%s:%d: %s does not say its folder" % (name, line, target))
            if ".." in target.split("/"):
                complaints.append("%s:%d: %s climbs" % (name, line, target))
    return complaints


def strangers(tree):
    complaints = []
    for name, text in sources.select(tree, r"router/\w+/.*\.[ch]$").items():
        layer = name.split("/")[1]
        file = layer + "/" + re.sub(r"(-private)?\.[ch]$", "", posixpath.basename(name))
        headers, words = STRANGERS.get(file, STRANGERS.get(layer, ((), None)))
        if layer != "gtk":
            headers += STRANGERS_EVERYWHERE
        for line, _, target in sources.includes(text):
            if target.startswith(headers):
                complaints.append("%s:%d: %s is nothing that %s knows of" % (name, line, target, layer))
        if words:
            for line, word in sources.lines_with(sources.without_comments(text), words):
                complaints.append("%s:%d: %s is nothing that %s knows of" % (name, line, word, layer))
    return complaints


def asking_knows_answering(tree):
    return ["%s:%d: what asks does not know %s; ferry-local-proxy.c does" % (name, line, target)
            for name, text in sources.select(tree, ASKING).items() for line, _, target in sources.includes(text)
            if re.match(ANSWERING, target)]


def beyond_public(tree):
    """Some libraries are for applications, and are made as one: of the headers that applications include."""
    return ["%s:%d: %s is not for applications; include <ferry.h>" % (name, line, target)
            for own in AS_APPLICATIONS
            for name, text in sources.select(tree, r"router/%s/.*\.[ch]$" % own).items() if not re.match(INSIDERS, name)
            for line, _, target in sources.includes(text)
            if ((target.split("/")[0] in LAYERS and target.split("/")[0] != own) or target == "ferry-enums.h")
            and (own, target) not in INSIDE]


def program_includes(tree):
    """A program stands where any application stands: the headers that one includes, and files of its own."""
    complaints = []
    umbrellas = {posixpath.basename(name) for name in tree if posixpath.dirname(name) == "router"}
    for folder in PROGRAMS:
        own = {posixpath.relpath(name, folder) for name in tree if name.startswith(folder + "/")}
        for name, text in sources.select(tree, folder + r"/.*\.[ch]$").items():
            for line, bracket, target in sources.includes(text):
                if (folder, target) in INSIDE:
                    continue
                if bracket == '"' and target not in own and target != "config.h" and "resources" not in target:
                    complaints.append("%s:%d: %s is no file of this program" % (name, line, target))
                inside = target.split("/")[0] in LAYERS[:-1] or target.startswith("ferry-")
                if bracket == "<" and inside and target not in umbrellas:
                    complaints.append("%s:%d: %s is inside the library" % (name, line, target))
                if folder == "command-worker" and target.startswith(STRANGERS_EVERYWHERE):
                    complaints.append("%s:%d: %s is for windows" % (name, line, target))
    return complaints


CHECKS = {
    "no include points up": (upward_includes, [
        {"router/lane/a.c": '#include "route/ferry-router.h"\n'},
        {"router/base/a.h": "  #  include <link/ferry-link-private.h>\n"},
        {"router/elsewhere/a.c": ""},
    ]),
    "the core knows neither the wings nor the libraries beside it": (core_knows_more, [
        {"router/task/a.c": '#include "conversation/ferry-mux.h"\n'},
        {"router/base/a-private.h": '#include "object/ferry-proxy.h"\n'},
        {"router/task/a.c": '#include "classic/ferry-process.h"\n'},
        {"router/call/a.c": "  ferry_mux_stop (mux);\n", "router/conversation/b.c": "void\nferry_mux_stop (FerryMux *self)\n{\n}\n"},
    ]),
    "includes name their folder": (unqualified_includes, [
        {"router/lane/a.c": '#include "ferry-ring-private.h"\n'},
        {"router/lane/a.c": '#include "../base/ferry-error.h"\n'},
    ]),
    "a layer uses nothing that it should not know of": (strangers, [
        {"router/lane/a.c": "#include <gio/gio.h>\n"},
        {"router/link/a.c": "#include <gio/gio.h>\n"},
        {"router/wire/ferry-handshake.c": "#include <gio/gio.h>\n"},
        {"router/engine/ferry-shared-queue-private.h": "GSource *source;\n"},
        {"router/lane/a.c": "  g_idle_add (wake, NULL);\n"},
        {"router/route/a.c": "#include <gtk/gtk.h>\n"},
    ]),
    "the end of objects that asks knows nothing of the one that answers": (asking_knows_answering, [
        {"router/object/ferry-proxy-call.c": '#include "object/ferry-evaluation-private.h"\n'},
        {"router/object/ferry-proxy.h": '#include "object/ferry-exporter.h"\n'},
    ]),
    "libraries for applications include public headers only": (beyond_public, [
        {"router/gtk/a.c": '#include "base/ferry-property-private.h"\n'},
        {"router/gtk/a.c": '#include "task/ferry-task.h"\n'},
        {"router/classic/a.c": '#include "task/ferry-task.h"\n'},
    ]),
    "programs include public headers only": (program_includes, [
        {"demo-app/a.c": '#include "link/ferry-link-private.h"\n'},
        {"demo-app/page/a.c": '#include "a.h"\n', "demo-app/page/a.h": ""},
        {"demo-app/a.c": "#include <route/ferry-router.h>\n"},
        {"demo-app/a.c": "#include <ferry-router.h>\n", "router/route/ferry-router.h": ""},
        {"command-worker/a.c": '#include "process/ferry-spawn-private.h"\n'},
        {"command-worker/a.c": "#include <gtk/gtk.h>\n"},
    ]),
}

INNOCENT = {
    "router/route/a.c": '#include "config.h"\n#include "lane/a.h"\n#include <gio/gio.h>\n/* g_idle_add () */\n',
    "router/call/a.h": "void ferry_b_end (void);\n",
    "router/call/a.c": '/* ferry_b_end() */\nferry_help ("use ferry_b_end()");\n',
    "router/object/b.c": '#include "call/a.h"\nvoid\nferry_b_end (void)\n{\n}\nstatic void\nferry_help (void)\n{\n}\n',
    "router/object/ferry-local-proxy.c": '#include "object/ferry-exporter-private.h"\n',
    "router/lane/a.h": '#include <glib.h>\n/* the GSource is elsewhere: #include "route/x.h" */\n',
    "router/gtk/a.c": '#include "config.h"\n#include "gtk/a.h"\n#include <ferry.h>\n#include <gtk/gtk.h>\n',
    "demo-app/page/demo.c": '#include "page/demo.h"\n#include <ferry-objects.h>\n#include <ferry.h>\n#include <gtk/gtk.h>\n',
    "router/ferry-objects.h": "",
    "command-worker/a.c": '#include "a.h"\n#include <ferry-objects.h>\n#include <gio/gio.h>\n',
    "command-worker/a.h": "",
    "demo-app/page/demo.h": "",
}


def body(report):
    tree = sources.read_tree(sys.argv[1])
    for name, (check, bad_samples) in CHECKS.items():
        report.fact("would be seen: " + name, all(check(sample) for sample in bad_samples) and not check(INNOCENT))
        report.none(name, check(tree))


tap.main(body)
