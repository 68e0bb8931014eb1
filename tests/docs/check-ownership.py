#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the introspection data says of ownership is what each language has right: check-ownership.py GIR...

A constructor gives its caller a reference, or a floating one: Vala takes one for its own whatever the data says. What a
callback is called with may be kept: GJS copies no boxed value for a callback, so one that somebody keeps is memory that
was freed."""

import sys
import xml.etree.ElementTree as ElementTree

import tap

CORE = "{http://www.gtk.org/introspection/core/1.0}"
C = "{http://www.gtk.org/introspection/c/1.0}"
GLIB = "{http://www.gtk.org/introspection/glib/1.0}"

NAMESPACE = '<repository %s><namespace name="Test">%%s</namespace></repository>' % " ".join(
    'xmlns%s="%s"' % (prefix, name.strip("{}")) for prefix, name in (("", CORE), (":c", C), (":glib", GLIB)))
GUARD = ('<class name="Guard" parent="GObject.Object"><constructor name="new" c:identifier="guard_new">'
         '<return-value transfer-ownership="%s"/></constructor></class>')
KEPT = ('<record name="Call" glib:get-type="call_get_type"/><callback name="Handler"><parameters>'
        '<parameter name="call"><type name="%s"/></parameter></parameters></callback>')


def floats(name, parents):
    """Whether a class is of those whose objects begin as floating ones. All of other namespaces that we derive from are
    GObject's, or widgets."""
    while name in parents:
        name = parents[name]
    return name != "GObject.Object"


def wrong_constructors(root):
    space = root.find(CORE + "namespace")
    parents = {owner.get("name"): owner.get("parent") for owner in space.findall(CORE + "class")}
    for owner in space:
        for constructor in owner.findall(CORE + "constructor"):
            transfer = constructor.find(CORE + "return-value").get("transfer-ownership")
            is_floating = owner.tag == CORE + "class" and floats(owner.get("name"), parents)
            if transfer != ("none" if is_floating else "full"):
                yield "%s: (transfer %s)" % (constructor.get(C + "identifier"), transfer)


def borrowed_boxes(root):
    space = root.find(CORE + "namespace")
    boxes = {record.get("name") for record in space.findall(CORE + "record") if record.get(GLIB + "get-type")}
    for callback in space.iter(CORE + "callback"):
        if callback.get("introspectable") == "0":
            continue
        for parameter in callback.iter(CORE + "parameter"):
            kind = parameter.find(CORE + "type")
            if kind is not None and kind.get("name") in boxes:
                yield "%s: %s" % (callback.get("name"), parameter.get("name"))


def sample(text):
    return ElementTree.fromstring(NAMESPACE % text)


def body(report):
    report.fact("a constructor that keeps its object would be seen", list(wrong_constructors(sample(GUARD % "none"))))
    report.none("one that gives it is nothing to complain of", list(wrong_constructors(sample(GUARD % "full"))))
    report.fact("a boxed value for a callback would be seen", list(borrowed_boxes(sample(KEPT % "Call"))))
    report.none("an object is nothing to complain of", list(borrowed_boxes(sample(KEPT % "Object"))))
    for path in sys.argv[1:]:
        root = ElementTree.parse(path).getroot()
        name = root.find(CORE + "namespace").get("name")
        report.none("each constructor of %s gives a reference" % name, list(wrong_constructors(root)))
        report.none("each callback of %s gets what may be kept" % name, list(borrowed_boxes(root)))


tap.main(body)
