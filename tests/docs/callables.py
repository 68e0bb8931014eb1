# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a library offers by its introspection data, and which of it has been called.

A callable has a key: a pair of its class, or "-", and its name. Signals have the name "::name", virtual methods "do_name",
and callbacks are of the class "callback".
"""

import keyword
import os
import xml.etree.ElementTree as ElementTree

from gi.repository import GLib

CORE = "{http://www.gtk.org/introspection/core/1.0}"
GLIB = "{http://www.gtk.org/introspection/glib/1.0}"
# Methods of each object, which a method of a class would hide.
OF_OBJECTS = {"bind_property", "connect", "disconnect", "emit", "get_property", "notify", "set_property"}
# These do not come back where they do what they are for.
NEVER_BACK = {("-", "channel_exit"), ("Worker", "main"), ("Worker", "exit")}
CONTAINERS = ("class", "record", "interface", "enumeration", "bitfield", "union")


class Callable:
    def __init__(self, owner, element, name):
        self.key = (owner, name)
        self.kind = element.tag.split("}")[-1]
        self.name = element.get("name")
        self.introspectable = element.get("introspectable") != "0" and element.get("moved-to") is None
        self.moved = element.get("moved-to") is not None
        self.shadowed = element.get("shadowed-by") is not None
        self.shadows = element.get("shadows")


def read(path):
    """Key -> callable, of each callable in the file."""
    found = {}

    def add(owner, element, name):
        if element.get("moved-to") is None:
            found[(owner, name)] = Callable(owner, element, name)

    for element in ElementTree.parse(path).getroot().find(CORE + "namespace"):
        kind = element.tag.split("}")[-1]
        if kind == "function":
            add("-", element, element.get("name"))
        elif kind == "callback":
            add("callback", element, element.get("name"))
        elif kind in CONTAINERS and element.get(GLIB + "is-gtype-struct-for") is None:
            add_members(element, add)
    return found


def add_members(container, add):
    owner = container.get("name")
    for element in container:
        if element.tag in (CORE + "function", CORE + "method", CORE + "constructor"):
            add(owner, element, element.get("name"))
        elif element.tag == CORE + "virtual-method":
            add(owner, element, "do_" + element.get("name"))
        elif element.tag == GLIB + "signal":
            add(owner, element, "::" + element.get("name"))
        elif element.tag == CORE + "field" and element.find(CORE + "callback") is not None:
            add(owner, element, "." + element.get("name"))


class Recorder:
    """Notes what is called and returns, also in the processes that it is told of by FERRY_TEST_RECORD."""

    def __init__(self, path):
        self.path = path
        self.noted = set()
        # Whether an error that is raised is what is wanted.
        self.errors_count = False

    def note(self, owner, name):
        if (owner, name) not in self.noted:
            self.noted.add((owner, name))
            with open(self.path, "a") as file:
                file.write("%s %s\n" % (owner, name))

    def read(self):
        with open(self.path) as file:
            return {tuple(line.split()) for line in file}

    def wrapped(self, owner, name, function):
        def call(*arguments, **named):
            if (owner, name) in NEVER_BACK:
                self.note(owner, name)
            try:
                result = function(*arguments, **named)
            except GLib.Error:
                if self.errors_count:
                    self.note(owner, name)
                raise
            self.note(owner, name)
            return result
        return call

    def heard(self, name, function):
        """The same for a callback of that type, a signal or a virtual method."""
        owner, _, rest = name.rpartition(".")
        return self.wrapped(owner or "callback", rest, function)

    def wrap(self, module, found):
        """Puts itself in front of each method and function of the module."""
        for (owner, name), one in found.items():
            if one.kind in ("method", "constructor", "function") and one.introspectable and not one.shadowed:
                holder = module if owner == "-" else getattr(module, owner)
                attribute = one.shadows or name
                attribute += "_" if keyword.iskeyword(attribute) else ""
                call = self.wrapped(owner, name, getattr(holder, attribute))
                setattr(holder, attribute, call if owner == "-" or one.kind == "method" else staticmethod(call))


def prepare(module, path):
    """Has what is called in the module noted. Returns what there is to call, and the recorder."""
    found = read(path)
    recorder = Recorder(os.environ["FERRY_TEST_RECORD"])
    recorder.wrap(module, found)
    return found, recorder


def collisions(path):
    """Names that a class gives to more than one of its properties, signals and methods: such as languages tell apart by name."""
    found = []
    for container in ElementTree.parse(path).getroot().iter(CORE + "class"):
        names = {}
        for kind in (CORE + "property", GLIB + "signal", CORE + "method"):
            for element in container.findall(kind):
                names.setdefault(element.get("name").replace("-", "_"), []).append(kind.split("}")[-1])
        found += ["%s.%s is a %s" % (container.get("name"), name, " and a ".join(kinds))
                  for name, kinds in sorted(names.items()) if len(kinds) > 1]
        found += ["%s.%s hides what each object has" % (container.get("name"), name) for name in sorted(OF_OBJECTS & names.keys())]
    return found


def read_table(path):
    with open(path) as file:
        lines = [line.rstrip("\n").split(" | ", 3) for line in file if line.strip() and not line.startswith("#")]
    return {(one[0].strip(), one[1].strip()): (one[2].strip(), one[3].strip()) for one in lines}


def compare(report, found, table, called):
    def names(keys):
        return ["%s %s" % key for key in sorted(keys)]

    works = {key for key, (state, _) in table.items() if state == "works"}
    only = {key for key, (state, _) in table.items() if state == "C only"}
    report.none("each callable is in the table", names(found.keys() - table.keys()))
    report.none("each line of the table is a callable", names(table.keys() - found.keys()))
    report.none("what works was called", names((works & found.keys()) - called))
    report.none("what was called is said to work", names((called & found.keys()) - works))
    report.none("nothing is untried", names(key for key, (state, _) in table.items() if state not in ("works", "C only")))
    report.none("what is for C only says what there is instead", names(key for key in only if not table[key][1]))
    hidden = {key for key, one in found.items() if not one.introspectable}
    report.none("what the bindings do not have is for C only", names(hidden - only))
    print("# %d work, %d are for C only" % (len(works), len(only)))
