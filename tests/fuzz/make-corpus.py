#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the corpus again, or another one. What docs/protocol.md says is written here once more, without Ferry's code."""

import argparse
import os
import struct

from packets import CORPUS as PACKETS, UP_RING, VERSION, hand, header, packet, welcome
from variants import pack

DROP, BYTES, VARIANT, TYPE, LARGE, PIECE, ABANDON, STOP, GRANT, FINISH, CANCEL, BUFFER = range(12)
HAND = 13
NO_CELL = 0xffffffff


def record(kind, payload=b"", connection_id=1, number=0):
    padding = b"\0" * (-len(payload) % 8)
    return struct.pack("=IHHQ", len(payload), kind, number, connection_id) + payload + padding


def large(size, kind=BYTES, number=0):
    return struct.pack("=QHHI", size, kind, number, 0)


def handed(number, n, connection_id=1):
    return record(HAND, struct.pack("=QII", number, n, 0), connection_id)


def grant(index, name, connection_id):
    return record(GRANT, struct.pack("=IIII", index, len(name), NO_CELL, 0) + name, connection_id)


def cell(sequence, kind, payload, type_string=b"", begun=0, size=None):
    header = struct.pack("=IHH", len(payload) if size is None else size, kind, len(type_string))
    return bytes([sequence, begun]) + header + type_string + b"\0" * (-len(type_string) % 8) + payload


def order(kind, number=0, connection_id=1, payload=0, length=0):
    return struct.pack("=BBBBI", kind, number, connection_id, payload, length)


def buffer_order(kind, buffer=0, number=0, connection_id=1, pages=1, rest=0, size=1, later=False, place=None):
    place = pages * 4 if place is None else place
    return struct.pack("=BBBBBBH", kind, number, connection_id | (128 if later else 0), buffer, place, rest, size)


def moved(position, reads=True, share=0, absolute=False, arms=False):
    return bytes([share << 3 | arms << 2 | absolute << 1 | reads]) + struct.pack("=Q", position % 2**64)


def variant(kind, value=None, body=b""):
    return counted(kind.encode()) + (pack(kind, value) if value is not None else body)


def call(kind, xid, number=0, name=b"", type_string=b"", body=b"", flags=0, window=0):
    head = struct.pack("=QqBBHHH", xid, number, kind, flags, len(name), len(type_string), window) + name + type_string
    message = head + b"\0" * (-len(head) % 8) + body
    return struct.pack("<H", len(message)) + message


REQUEST, ANSWER, ERROR, REFUSE, ITEM, WINDOW, CALL_CANCEL, CALL_PIECE = range(1, 9)
# An error as a GVariant (sissas): domain, code, message, trace, no notes; then the ends of the strings, from the last.
FAILURE = b"(sissas)", b"g-io-error-quark\0\0\0\0" + struct.pack("=i", 12) + b"full\0in\0" + b"\x20\x1d\x11"


STANDING = 2**64 - 1


def says(kind, type_string=b"", body=b"", number=0, name=b""):
    """A message of a channel, as an order."""
    return b"m" + call(kind, STANDING, number, name, type_string, body)


def message(number):
    return says(ITEM, b"t", struct.pack("=Q", number))


def marked(mark, type_string=b"u", body=b"1234"):
    return says(ITEM, b"(yv)", bytes([mark]) + bytes(7) + body + b"\0" + type_string)


def room(n):
    return says(WINDOW, number=n)


def item(name, type_string=b"u", body=b"1234"):
    return b"\0" + call(ITEM, 1, 0, name, type_string, body)


def chunk_done(took, type_string=b"x"):
    return b"\0" + call(ANSWER, 1, 0, b"", type_string, struct.pack("=q", took))


def frame(payload, size=None):
    return struct.pack("<I", len(payload) if size is None else size) + payload


def greeting(version=2, mark=0x01020304, magic=b"FERRYSTM"):
    return magic + struct.pack("<I", version) + struct.pack("=I", mark)


def progress(fraction, amount=0, total=0, unit=b"", text=b"", unit_length=None, text_length=None):
    return struct.pack("=QdQQHHI", 7, fraction, amount, total, len(unit) if unit_length is None else unit_length,
                       len(text) if text_length is None else text_length, 0) + unit + text


def start(flags=0, attributes=b"attributes", environment=(b"A=b\0", b"C=d\0")):
    return header(3) + struct.pack("=Q", 1) + pack("(uayayaymaay)", (flags, attributes, b"name\0", b"/\0", environment))


def start_answer(kind, *numbers, text=b""):
    return header(kind) + struct.pack("=Q", 1) + pack("(uuuay)", (*numbers, text + b"\0"))


def counted(data):
    return struct.pack("<H", len(data)) + data


OPEN, DATA, ACK, PING, PONG, BYE = range(1, 7)
WHOLE, FIRST, NEXT = range(3)


def of_session(kind, body=b"", number=0, ack=0, receiver=1, sender=5, version=2, magic=b"FRYS"):
    """A packet of a session that is one of a row of orders. The receiver 1 is the session that is tried."""
    return b"p" + counted(magic + struct.pack("<BBHQQQQ", version, kind, 0, sender, receiver, number, ack) + body)


def opening(mark=0x01020304, packets=8, window=4096, largest=5000, **rest):
    return of_session(OPEN, struct.pack("=I", mark) + struct.pack("<IQQ", packets, window, largest), **rest)


def chunk(kind, content, size=None):
    return aligned(struct.pack("<II", len(content) if size is None else size, kind) + content)


def in_fragments(*parts):
    contents = [struct.pack("<Q", sum(map(len, parts))) + parts[0], *parts[1:]]
    return [chunk(NEXT if i else FIRST, content) for i, content in enumerate(contents)]


def one_way(n):
    """A request that a session carries."""
    return call(REQUEST, n, 0, b"m", b"ay", b"x" * n, flags=1)[2:]


CALL_STEP, GET, SET, DELETE, GET_ITEM, SET_ITEM, DELETE_ITEM, CONTAINS, LENGTH, PASS, SUPER, ROWS = range(12)
ONE_WAY, STREAM, AS_PROXY, WINDOW_OF_3 = 1, 2, 4, 0x32
NODE, LIST, DICTIONARY, NOBODY, OTHER_GENERATION, GIVEN = range(6)


def then(*orders):
    """Orders with a settling behind each."""
    return b"".join(order + b"\0" for order in orders)


def step(kind, name="", argument=None):
    return (kind, name, argument)


def aligned(data):
    return data + b"\0" * (-len(data) % 8)


def string(data):
    return aligned(data + b"\0") if data else b""


def sizes_and_parts(value, types=None):
    """Of a value that is packed: how many bytes it has, and its type; then type and value as they are there."""
    if value is None:
        return 0, 0, b""
    kind, body = (types or value[0]).encode(), pack(*value)
    return len(body), len(kind), string(kind) + aligned(body)


def pack_step(kind, name, argument):
    size, type_length, parts = sizes_and_parts(argument)
    name = name.encode()
    return struct.pack("=QIHBB", size, type_length, len(name), kind, 0) + string(name) + parts


def view(root, *steps, flags=0):
    return b"V" + bytes([root, flags, len(steps)]) + counted(b"".join(pack_step(*one) for one in steps))


def follow(root, properties, signals, changes=False, flags=WINDOW_OF_3):
    return b"F" + bytes([root, flags | (AS_PROXY if changes else 0)]) + counted(
        pack("(asasb)", (properties, signals, changes)))


def release(root, n):
    return b"R" + bytes([root, ONE_WAY | n << 2])


def of_method(name, kind, value, xid=200, flags=0):
    return b"m" + call(REQUEST, xid, 0, b"ferry." + name, kind.encode(), pack(kind, value), flags)


def nested(depth):
    value = ("i", 5)
    for _ in range(depth):
        value = ("v", value)
    return value


DESCRIPTION = "(sa(sss)a(ssu)a(ss))"
FEED_ITEM = "(a(stv)a(sv)ta(tttt)t)"


def said(order, which, kind, value):
    return order + bytes([which]) + counted(pack(kind, value))


def gives(value=None, generation=0, number=0, name="", interface="", which=0):
    size, type_length, parts = sizes_and_parts(value)
    name, interface = name.encode(), interface.encode()
    head = struct.pack("=QQQIHH", generation, number, size, type_length, len(name), len(interface))
    return b"v" + bytes([which]) + counted(head + string(name) + string(interface) + parts)


def rows(revision, length, *values):
    return gives(("(ttav)", (revision, length, [("i", value) for value in values])))


def tells(which, properties=(), signals=(), missed=0, changes=(), length=0):
    return said(b"f", which, FEED_ITEM, (properties, signals, missed, changes, length))


def describes(name="fuzz.Node", methods=(), members=(), signals=()):
    return said(b"d", 0, DESCRIPTION, (name, methods, members, signals))


SELF, MAKE = step(CALL_STEP, "self"), step(CALL_STEP, "make")

SMALL = (record(BYTES, b"hello") + record(TYPE, b"(ts)", 2, 1) + record(VARIANT, b"12345678hello\0", 2, 1)
         + record(BYTES, b"", 2) + record(STOP) + record(STOP, b"", 2))
PIECES = (record(LARGE, large(33000)) + record(PIECE, b"x" * 32752) + record(BYTES, b"between", 2)
          + record(PIECE, b"y" * 248) + record(STOP))

FACTS, SERVE, RUN, PROGRESS, LOG, NUMBER, ORDER = range(7)


FACTS_TYPE = "(usssasubsasb(tuuutttt))"


def facts(version=1, name="alpha", instance="0af", functions=("a", "b"), workers=2, ferry="0.1.0", draining=False, program="1.4",
          labels=("gpu",), asking=False, figures=(1, 2, 3, 4, 5, 6, 7, 8)):
    return bytes([FACTS]) + pack(FACTS_TYPE, (version, ferry, name, instance, functions, workers, draining, program, labels,
                                              asking, figures))


def run(attempt=1, name="work 1", function="work", kind=0, settings=(("idempotent", ("b", 1)),), arguments=None, types=None):
    size, type_length, parts = sizes_and_parts(arguments, types)
    settings_size, _, settings_parts = sizes_and_parts(("a{sv}", settings) if settings else None)
    name, function = name.encode(), function.encode()
    head = struct.pack("=QQIIIHHBB6x", 7, size, settings_size, attempt, type_length, len(name), len(function), kind, 0)
    return bytes([RUN]) + head + string(name) + string(function) + settings_parts + parts


def run_progress(fraction=0.5, amount=1, total=2, unit="parts", text="half"):
    head = struct.pack("=QdQQHHI", 0, fraction, amount, total, len(unit), len(text), 0)
    return bytes([PROGRESS]) + head + (unit + text).encode()


def run_message(kind, types, value):
    return bytes([kind]) + pack(types, value)


def away_task(version=3, kind=0, function="sum", name="Sum", times=(1, 2), needs=("gpu", "nvme.1"),
              settings=(("retries", ("u", 7)), ("deadline", ("x", 4)), ("idempotent", ("b", 1))), arguments=("(su)", ("a", 1))):
    return b"\0" + pack("(uussxxuuua{sv}asmv)", (version, kind, function, name, *times, 8, 7, 9, settings, needs, arguments))


def away_old_task(times=(1, 2, 3, 4, 5, 6)):
    return b"\0" + pack("(uussxxxxxxuuubbasmv)", (2, 0, "sum", "Sum", *times, 7, 8, 9, True, False, ("gpu",), ("(su)", ("a", 1))))


def away_begun(by="h", host="alpha", instance="one", version=3):
    return b"\1" + pack("(uyssu)", (version, ord(by), host, instance, 3))


def away_end(host="alpha", result=None, error=None, version=3):
    return b"\2" + pack("(usumvm(sissas))", (version, host, 2, result, error))


def bus_message(subject, content):
    return subject.encode("latin-1") + b"\0" + content


def presence(subject="ferry.app.present.alpha.0af", **rest):
    return bus_message(subject, facts(**rest)[1:] + b"\0" + FACTS_TYPE.encode())


CORPUS = {
    **PACKETS,
    "bus-message": {
        "facts": presence(),
        "facts-of-none": presence(functions=()),
        "number": bus_message("ferry.app.present.a.b", b"\1\0\0\0\0u"),
        "deep": bus_message("ferry.app.present.a.b", b"\0" + b"a" * 70 + b"u"),
        "not-normal": bus_message("ferry.app.present.a.b", b"\1\0\0u"),
        "nothing": bus_message("ferry.app.present.a.b", b""),
        "other": presence("ferry.other.present.alpha.0af"),
        "longest": presence("ferry.app.present." + "a" * 64 + "." + "b" * 64),
        "name-too-long": presence("ferry.app.present." + "a" * 65 + ".b"),
        "id-too-long": presence("ferry.app.present.a." + "b" * 65),
        "one-word": presence("ferry.app.present.alpha"),
        "three-words": presence("ferry.app.present.a.b.c"),
        "no-token": presence("ferry.app.present.a$.\xe4"),
        "empty": presence("ferry.app.present.."),
    },
    "drain": {
        "small": b"\0" + SMALL,
        "torn": b"\3" + SMALL,
        "pieces": b"\0" + PIECES,
        "torn-pieces": b"\376" + PIECES,
        "abandoned": b"\0" + record(LARGE, large(40000)) + record(PIECE, b"z" * 100) + record(ABANDON) + SMALL,
        "not-granted": b"\0" + record(BYTES, b"hello", 3),
        "cut-off": b"\0" + SMALL[:-8],
        "tail": b"\377" + SMALL + struct.pack("=Q", 131080),
    },
    "records": {
        "small": order(BYTES, length=100) + order(TYPE, 1, 2, 1) + order(VARIANT, 1, 2, 0, 40) + order(STOP),
        "round": order(BYTES, length=32752) * 12,
        "pieces": order(LARGE, payload=1, length=70000) + order(PIECE, length=32752) * 2 + order(PIECE, length=4496),
        "typed": order(TYPE, 1, 1, 0) + order(LARGE, payload=6, length=40000) + order(PIECE, length=30000)
                 + order(BYTES, 0, 2, 0, 9) + order(PIECE, length=10000),
        "abandoned": order(LARGE, payload=1, length=99999) + order(PIECE, length=9) + order(ABANDON),
        "grows": order(LARGE, payload=1, length=2500000) + order(PIECE, length=32752) * 76 + order(PIECE, length=10848),
        "types": b"".join(order(TYPE, (n + 1) % 256, 1, n % 4) for n in range(256)),
    },
    "buffers": {
        name + ("-trusted" if trusted else ""): bytes([trusted]) + orders
        for trusted in (0, 1) for name, orders in {
            "one": buffer_order(BUFFER, size=100),
            "many": b"".join(buffer_order(BUFFER, n, pages=1 + n % 50, size=50 * n + 1) for n in range(64)),
            "again": (buffer_order(BUFFER, 5) + buffer_order(DROP)) * 9 + buffer_order(BUFFER, 5) * 2,
            "at-once": b"".join(buffer_order(BUFFER, n, later=True, size=9000) for n in range(7)) + buffer_order(STOP, size=0),
            "in-pieces": buffer_order(LARGE, size=40000) + b"".join(
                buffer_order(BUFFER, n, connection_id=2, later=n < 4) for n in range(5)) + buffer_order(PIECE, size=32752),
            "messages": buffer_order(TYPE, 0, 1, size=0) + b"".join(
                buffer_order(LARGE, n, n % 2, rest=1 + n % 2 * 2, size=2048 + n) for n in range(9)),
            "message-of-a-size": buffer_order(LARGE, size=40000) + buffer_order(LARGE, 0, 1, size=3000, rest=7),
            "metadata": buffer_order(TYPE, 0, 1, size=0) + b"".join(
                buffer_order(BUFFER, n, 1, rest=n * 4, size=1 + n) for n in range(60)),
            "metadata-of-no-type": buffer_order(BUFFER, rest=9),
            "metadata-of-type-2": buffer_order(TYPE, 0, 1, size=1) + buffer_order(BUFFER, 0, 2, rest=9),
            "number": buffer_order(BUFFER, 64),
            "offset": buffer_order(BUFFER, place=5),
            "offset-of-words": buffer_order(BUFFER, place=0),
            "far-away": buffer_order(BUFFER, place=255, size=65535),
            "size-0": buffer_order(BUFFER, size=0),
            "largest": buffer_order(BUFFER, size=12800),
            "too-large": buffer_order(BUFFER, size=12801),
        }.items()
    },
    "lane": {
        "steps": b"".join(moved(4096, share=1) + moved(0, False, 2) for _ in range(40)),
        "full": moved(131072) + moved(0, share=31) + moved(0, False, 31) + moved(126976, False, 31),
        "backwards": moved(64, share=1) + moved(-8),
        "head-beyond": moved(0, False, 1) + moved(8192, False),
        "odd": moved(4),
        "around": moved(131072, share=31) * 20,
        "anywhere": moved(2**63, absolute=True),
        "armed": moved(8, arms=True, share=1) + moved(0, False, 1, arms=True) + moved(8, arms=True),
    },
    "variant": {
        "dictionary": variant("a{sv}", [("a", ("i", 5)), ("b", ("s", "text"))]),
        "row": variant("(ts)", (5, "hello")),
        "short": variant("(tsat)", body=b"12345678hello\0\x0e"),
        "nested": variant("v", nested(60)),
        "nested-too-deeply": variant("v", body=b"\0v" * 4000),
        "maybe": variant("amv", body=b"\1\0i\0\x04"),
        "strings": variant("as", body=b"one\0two\0\xff\xfe\0\x04\x08\x0b"),
        "offsets-that-overlap": variant("aas", body=b"\0" * 9 + b"\x09" * 40),
        "no-type": variant("a{vs}", body=b"text"),
        "objects": variant("(ogsb)", body=b"no path\0((\0text\0\7\x13\x0b\x08"),
        "units": variant("a()", body=b"\0" * 300),
    },
    "normal-form": {
        "record": variant("(utt)", (1, 2, 3)),
        "record-with-padding": variant("(utd)", body=b"\1\0\0\0\1\0\0\0" + b"\0" * 16),
        "mail": variant("(usa{sv})", (1, "someone", [("a", ("i", 5)), ("b", ("s", "text")), ("c", ("as", ["d", "e"]))])),
        "empty-arrays": variant("(asas)", body=b""),
        "boolean": variant("ab", body=b"\0\1\2"),
        "offsets-that-overlap": variant("aas", body=b"\0" * 9 + b"\x09" * 40),
        "wide-offsets": variant("as", body=b"one\0" + b"\4\0"),
        "unordered-tuple": variant("(svv)", body=b"\0" * 8 + b"\7\0y" + b"\0v" * 89 + b"\3\xff"),
        "maybe": variant("ammv", body=b"\1\0i\0\0\5"),
        "nested": variant("v", nested(60)),
        "objects": variant("(ogsb)", body=b"no path\0((\0text\0\7\x13\x0b\x08"),
        "units": variant("a()", body=b"\0" * 300),
        "type-in-a-variant": variant("v", body=b"\1\0" + b"(" * 70 + b"y" + b")" * 70),
        "deepest-type": variant("(" * 64 + "y" + ")" * 64, body=b"\1"),
        "deeper-type": variant("(" * 65 + "y" + ")" * 65, body=b"\1"),
        "type-of-128-levels": variant("(" * 128 + "y" + ")" * 128, body=b"\1"),
        "deepest": variant("v", nested(63)),
        "deeper": variant("v", nested(64)),
        "dictionaries": variant("a{sv}", [("a", ("a{sv}", [("b", ("av", [("i", 1), ("(sv)", ("c", ("s", "d")))]))]))]),
        "members": variant("(sivya(yv)mv)", ("text", 1, ("v", ("i", 5)), 2, [(1, ("s", "x"))], ("i", 5))),
        "many": variant("av", [nested(5)] * 60),
        "too-few-bytes": variant("(" + "v" * 500 + ")", body=b"\0v\3\4\5"),
        "chain-of-tuples": variant("a" + "(" * 60 + "v" + ")" * 60, body=b"\0v" * 40 + bytes(range(2, 82, 2))),
        "strings": variant("as", [f"photos/{i}.jpg" for i in range(40)]),
        "pairs": variant("a(si)", [("one", 1), ("two", 2), ("three", 3)]),
        "empty-tuples": variant("a(asas)", body=b"\0" * 40),
    },
    "cell": {
        "bytes": cell(1, BYTES, b"hello"),
        "variant": cell(2, VARIANT, b"12345678hello\0", b"(ts)"),
        "next-begun": cell(3, BYTES, b"hello", begun=1),
        "torn": cell(4, BYTES, b"hello", begun=2),
        "too-large": cell(1, BYTES, b"hello", size=4089),
        "no-type": cell(1, VARIANT, b"hello", b"a{vs}"),
        "stop": cell(1, STOP, b""),
    },
    "export": {
        "results": b"\0" + then(
            b"A\0", gives(("i", 5)), b"A\5", gives(("s", "text")), b"A\6", gives(("(tv)", (3, ("i", 6)))), b"A\0", gives(),
            b"A\0", b"A\0", b"A\0", b"e\1", b"E\1", b"e\0"),
        "references": b"\0" + then(
            *[b"A\0", gives(None, 7, 9, "", "fuzz.Node")] * 3, b"A\0", gives(None, 7, 10, "other", "fuzz.Node"), b"P\0",
            b"A\1", gives(None, 7, 9), b"A\0", gives(None, 8, 9), b"A\2", gives(None, 7, 11), b"A\0",
            gives(None, 7, 1, "node"), b"B", b"P\0", b"P\0", b" ", b"P\0"),
        "false-results": b"\0" + then(
            *[b"A\0"] * 8, gives(("i", 5), 7, 9), gives(None, 0, 9), gives(None, 7, 9, "n" * 256),
            gives(None, 7, 9, "", "i" * 256), gives(None, 2**64 - 1, 2**64 - 1), said(b"a", 0, "v", ("i", 1)),
            said(b"a", 0, "v", ("(ttt)", (1, 2, 3))), b"m" + call(ANSWER, 2)),
        "late": b"\0" + then(b"A\0", b"A\0", b"A\5", b"X", gives(None, 7, 9), gives(None, 7, 9), gives(("i", 1))),
        "listening": b"\1" + then(
            b"A\0", b"w\x1d", b"A\0", b"w\x1c", b"A\0", b"w\x21", b"A\7", describes(), b"w\1", b"A\0", b"e\0",
            b"w\x1d", *[b"w\x1c", b"w\x1d"] * 20),
        "descriptions": b"\0" + then(
            b"A\7", describes("fuzz.Node", [("make", "(i)", "(o)")], [("value", "i", 3), ("next", "", 1)],
                             [("told", "(i)")]), b"A\7", b"A\0", b"A\5"),
        "false-descriptions": b"\0" + then(
            b"A\7", describes(""), b"A\7", describes("n" * 256), b"A\7", describes(methods=[("a", "i", "()")]), b"A\7",
            describes(members=[("a", "i", 3), ("a", "i", 3)]), b"A\7", describes(members=[("a", "ii", 3)]), b"A\7",
            describes(members=[("a", "i", 4)]), b"A\7", describes(methods=[("", "()", "()")]), b"A\7",
            describes(methods=[("a", "((i)", "()")]), b"A\7", describes(signals=[("s", "")]), b"A\7",
            b"d\0" + counted(b"\xff" * 50)),
        "feeds": b"\0" + then(
            b"F\0", tells(0, [("value", 1, ("i", 5)), ("label", 1, ("s", "a"))], [("told", ("(i)", (1,)))], 3),
            tells(0, [("value", 2, ("i", 6))]), tells(0, [], [("told", ("i", 1)), ("", ("()", ()))], 2**64 - 1),
            b"F\1", b"F\0", tells(0, [(str(n), n, ("i", n)) for n in range(60)]), b"e\1", said(b"o", 0, "v", ("i", 1))),
        "replicas": b"\0" + then(
            b"R\0", tells(0, [("value", 1, ("i", 5))]), b"L\6", tells(0, [("value", 2, ("i", 7))]),
            gives(("(tv)", (3, ("i", 6)))), tells(0, [("value", 3, ("s", "text")), ("next", 1, ("i", 1))]),
            tells(0, [("value", 4, ("i", 101))]), b"L\7", b"e\1"),
        "lists": b"\0" + then(
            b"R\1", tells(0, changes=[(0, 0, 0, 0)], length=3), b"L\0", b"L\2", rows(0, 3, 10, 11, 12),
            tells(0, changes=[(1, 1, 1, 2)]), b"L\1", rows(1, 4, 10, 20, 21, 12), tells(0, changes=[(2, 0, 4, 0)]),
            tells(0, changes=[(3, 0, 0, 2**64 - 1)]), b"L\xff", rows(3, 2**64 - 1, *range(128))),
        "false-lists": b"\0" + then(
            b"R\1", tells(0, changes=[(0, 0, 0, 0)], length=3), tells(0, changes=[(1, 4, 0, 1)]), b"R\1",
            tells(0, changes=[(5, 0, 9, 0)], length=3), b"R\1", tells(0, length=2), b"L\1", rows(0, 2, 1), b"R\1",
            tells(0, length=2), b"L\1", gives(None, 7, 9), b"L\0", gives(("s", "text")), tells(0, changes=[(0, 0, 0, 0)])),
        "window": b"\0" + then(b"F\0", b"m" + call(ITEM, 2, 0, b"", b"i", b"1234") * 1,
                               *[b"m" + call(ITEM, 1, 0, b"", b"(bt)", pack("(bt)", (n % 2, 7))) for n in range(20)]),
        "malformed": b"\0" + then(b"A\0", b"v\0" + counted(b"\xff" * 40), b"F\0", b"f\0" + counted(b"\x90" * 60)),
    },
    "map": {
        "chunks": b"\3" + (item(b"\1") * 3 + chunk_done(50)) * 8,
        "automatic": b"\x08" + (item(b"\1") + chunk_done(50)) * 2 + (item(b"\1") * 4 + chunk_done(200)) * 8,
        "one-by-one": b"\x09" + (b"\0" + call(ANSWER, 1, 0, b"", b"u", b"1234")) * 24,
        "out-of-turn": b"\x0b" + (b"\x20" + call(ITEM, 1, 0, b"\1", b"u", b"1234")) * 3 + b"\x20" + call(ANSWER, 1) + b"\1",
        "answered-twice": b"\x09" + item(b"\1") + chunk_done(5) + item(b"\1") + chunk_done(5),
        "answered-and-failed": b"\x09" + item(b"\1") + b"\0" + call(ERROR, 1, 0, b"", *FAILURE),
        "too-few": b"\x0b" + item(b"\1") + chunk_done(50) + item(b"\1") * 2 + chunk_done(-1),
        "too-many": b"\x0b" + item(b"\1") * 5 + chunk_done(50),
        "none": b"\x0b" + chunk_done(50) * 3,
        "errors": b"\x0b" + item(b"\3", *FAILURE) + item(b"\3") + item(b"\3", b"", b"") + chunk_done(1),
        "nothings": b"\x1b" + item(b"\2", b"()", b"\0") + item(b"\2") + item(b"\1", b"", b"") + chunk_done(1),
        "types": b"\x1b" + item(b"\1", b"s", b"text\0") + item(b"\1") + item(b"\1", b"a{vs}", b"text") + chunk_done(0),
        "other-names": b"\x0b" + item(b"\4") + item(b"text") + item(b"\x1f", b"", b"") + chunk_done(1),
        "times": b"\0" + b"".join(item(b"\1") + chunk_done(n) for n in (2**63 - 1, -2**63, 0, -1, 1)),
        "time-of-no-type": b"\0" + (item(b"\1") + chunk_done(1, b"t")) * 3,
        "failed": b"\x0b" + item(b"\1") + b"\0" + call(ERROR, 1, 0, b"", *FAILURE),
        "lost": b"\x0b" + item(b"\1") + b"\1" + item(b"\1") * 3 + b"\1" + b"\x21" * 9,
        "too-large": b"\x0b" + item(b"\1") + b"\2" * 9,
        "cancelled": b"\3" + item(b"\1") + b"\3" + item(b"\1") + chunk_done(5),
    },
    "fork-server": {
        "started": packet(start_answer(4, 1234, 0, 0), 1),
        "executed": packet(start_answer(4, 1234, 0, 0, text=b"has threads"), 1),
        "failed": packet(start_answer(5, 0, 2, 0, text=b"broken")),
        "ended": packet(start_answer(6, 0, 1, 255)) + packet(start_answer(6, 0, 2, 9)),
        "descriptors": packet(start_answer(4, 1234, 0, 0), 3),
        "not-normal": packet(start_answer(5, 0, 2, 0)[:30]),
    },
    "orders": {
        "start": packet(start(), 1),
        "bare": packet(start(32, environment=None), 1),
        "streams": packet(start(7), 4),
        "short": packet(start()[:70], 1),
        "ended": packet(start_answer(6, 0, 1, 255)),
    },
    "welcome": {
        "good": b"\2" + welcome(),
        "arena": b"\3" + welcome(arena_units=2),
        "no-arena": b"\2" + welcome(arena_units=2),
        "depth": b"\2" + welcome(depth=8),
        "reserved": b"\2" + welcome(reserved=8192),
        "version": b"\2" + welcome(VERSION + 1),
        "capacity": b"\2" + welcome(VERSION, 131073),
        "cells": b"\2" + welcome(VERSION, 131072, 1, 64),
        "too-many-cells": b"\2" + welcome(VERSION, 131072, 1, 65),
        "too-few": b"\1" + welcome(),
        "too-many": b"\3" + welcome(),
        "short": b"\2" + welcome()[:40],
        "long": b"\2" + welcome() + b"\0",
    },
    "grants": {
        "two": grant(0, b"out", 17) + grant(1, b"progress", 18),
        "no-name": grant(0, b"", 17),
        "index": grant(1024, b"out", 17),
        "other-kind": record(TYPE, b"12345678"),
        "message-behind": grant(0, b"out", 17) + record(BYTES, b"12345678"),
        "cut-off": grant(0, b"progress", 17)[:-8],
        "too-long": struct.pack("=IHHQ", 0xffffffff, GRANT, 0, 17) + b"12345678",
        "tail": grant(0, b"out", 17) + b"\0" + struct.pack("=Q", 65544),
    },
    "calls": {
        "requests": call(REQUEST, 1, 0, b"answer", b"(si)", b"hello\0\0\0" + struct.pack("=i", 5) + b"\6")
                    + call(REQUEST, 2, 99, b"stream", flags=2, window=5) + call(REQUEST, 3, 0, b"drop", b"as")
                    + call(REQUEST, 4, 0, b"keep", b"v", b"\7\0\0\0\0i", flags=1),
        "answers": call(ANSWER, 1, 0, b"", b"u", b"1234") + call(ERROR, 2, 0, b"", *FAILURE)
                   + call(REFUSE, 3, 0, b"", *FAILURE) + call(ANSWER, 4) + call(ANSWER, 4) + call(ANSWER, 5),
        "items": call(ITEM, 2, 0, b"", b"s", b"one\0") + call(ITEM, 2, 0, b"page", b"s", b"two\0")
                 + call(ITEM, 4, 0, b"", b"a{sv}", b"") * 4,
        "windows": call(REQUEST, 9, 0, b"keep", flags=2) + call(WINDOW, 9, 1000000) + call(WINDOW, 9, 1),
        "cancels": call(CALL_CANCEL, 9, 1) + call(REQUEST, 9, 0, b"keep") + call(CALL_CANCEL, 9, 2),
        "twice": call(REQUEST, 9, 0, b"keep") * 2,
        "malformed-value": call(REQUEST, 1, 0, b"answer", b"(ii)", b"abc"),
        "short": call(REQUEST, 1, 0, b"answer", b"(si)")[:34],
    },
    "channel": {
        "messages": b"\0" + message(1) + message(2) + b"rr" + b"RR" + message(3) + message(4) + says(ANSWER) + b"rR",
        "acknowledged": b"\0" + marked(1) + marked(1) + b"rr" + b"R" + marked(1) + message(4) + b"r",
        "marked": b"\0" + marked(0, b"(yv)", b"\1" + bytes(7) + b"1234\0u") + marked(3) + marked(255) + b"rrr",
        "failures": b"\0" + marked(2, *FAILURE) + marked(2, b"i", b"1234") + b"rrr",
        "no-value": b"\0" + says(ITEM),
        "named": b"\0" + says(ITEM, b"u", b"1234", name=b"progress"),
        "windows": b"\0" + message(1) * 64 + b"r" * 32 + message(2) * 32 + b"r" * 64 + message(3) * 64,
        "window-full": b"\0" + message(1) * 65,
        "window-full-untaken": b"\0" + message(1) * 64 + b"r" * 31 + message(2),
        "sends": b"\0" + b"s" * 70 + b"SSS" + room(2) + b"s" + room(62) + b"e" * 9 + b"c" + b"s",
        "room-none": b"\0" + b"s" + room(0),
        "room-huge": b"\0" + b"s" + room(1000000),
        "room-for-more": b"\0" + b"ss" + room(3) + b"A" + room(999000) + b"s" * 70,
        "room-after-end": b"\0" + b"s" * 64 + b"Sc" + room(32) + room(32),
        "acknowledges": b"\0" + b"AAA" + room(2) + b"sA" + room(1) + room(9) + says(CALL_CANCEL, number=1),
        "acknowledges-before-the-end": b"\0" + b"sASAc" + room(2) + room(2),
        "raised": b"\0" + message(1) + says(ERROR, *FAILURE) + b"rrR",
        "refused": b"\0" + message(1) + says(REFUSE, *FAILURE) + b"rrR",
        "end-of-no-error": b"\0" + says(ERROR, b"s", b"bad\0") + b"r",
        "end-in-pieces": b"\0" + says(CALL_PIECE, b"", b"12", 4) + says(ANSWER, b"u", b"34", 4) + b"r",
        "end-twice": b"\0" + says(ANSWER) * 2,
        "behind-end": b"\0" + says(ANSWER) + message(1),
        "cancelled": b"\0" + b"RR" + b"x" + message(1) + b"s" * 64 + b"SA" + b"x" + room(64) + b"A" + b"x" + room(7),
        "no-room": b"\0" + b"bsSA" + marked(1) + b"rx" + b"f" + b" ",
        "no-room-to-give": b"\0" + b"b" + marked(1) * 64 + b"r" * 64 + b" ",
        "fails": b"\0" + b"Sf" + b"sSAe" + message(1) + b"r",
        "of-link": b"\1" + b"sc" + room(2) + message(1) + b"r",
        "of-link-dropped": b"\3" + b"bs",
        "dropped-before-it-could-give": b"\2" + b"b" + marked(1) + marked(1) + b"r" + says(ANSWER),
        "dropped-before-it-could-fail": b"\2" + b"bf",
        "dropped": b"\2" + b"bSSA" + marked(1) + message(2),
        "left": b"\0" + b"sA" + says(CALL_CANCEL, number=1) + b"sASc" + message(1) + b"r",
        "early": b"\4" + message(1) + marked(1) + says(ANSWER) + b"rrr",
        "early-full": b"\4" + message(1) * 64 + says(ERROR, *FAILURE) + b"r" * 65,
        "early-too-many": b"\4" + message(1) * 66,
        "early-beyond-the-window": b"\4" + message(1) * 65 + b"r",
        "early-left": b"\4" + says(CALL_CANCEL, number=1) + room(5) + b"As",
        "early-asked": b"\4" + says(REQUEST, name=b"ferry.channel") + b"s",
        "others": b"\0" + b"m" + call(REQUEST, 1, 0, b"square", b"u", b"1234") + b"m" + call(CALL_CANCEL, 1, 1)
                  + b"m" + call(WINDOW, 1, 5) + b"m" + call(ITEM, 1, 0, b"", b"s", b"one\0") + message(1),
        "asked": b"\0" + says(REQUEST, name=b"ferry.channel"),
    },
    "view": {
        "members": b"\0" + then(
            view(NODE, step(GET, "value")), view(NODE, step(SET, "value", ("i", 50))), view(NODE, step(DELETE, "value")),
            view(NODE, step(SET, "label", ("s", "text"))), view(NODE, step(CALL_STEP, "add", ("(i)", (3,)))),
            view(NODE, step(CALL_STEP, "echo", ("(v)", (("s", "text"),)))), view(NODE, step(GET, "next"), SELF)),
        "faults": b"\0" + then(
            view(NODE, step(GET, "secret")), view(NODE, step(SET, "value", ("i", 101))),
            view(NODE, step(SET, "next", ("i", 1))), view(NODE, step(SET, "value", ("s", "1"))),
            view(NODE, step(CALL_STEP, "add", ("(s)", ("x",)))), view(NODE, step(12, "value")), view(NODE, step(GET)),
            view(NODE, step(GET, "n" * 256)), view(NODE, step(SET, "value", ("i", 1)), SELF), view(NOBODY, SELF),
            view(OTHER_GENERATION, SELF), view(NODE, step(SUPER, "GObject"), step(CALL_STEP, "add", ("(i)", (3,)))),
            view(NODE, step(CALL_STEP, "stranger")), view(NODE, step(PASS, "nobody"))),
        "chains": b"\1" + then(
            view(NODE, *[SELF] * 64), view(NODE, *[SELF] * 65), view(NODE, MAKE, SELF, step(GET, "label")),
            view(NODE, MAKE, step(SUPER, ""), step(CALL_STEP, "add", ("(i)", (3,)))), view(NODE, step(PASS, "give"), SELF),
            view(NODE, step(CALL_STEP, "echo", ("(v)", (nested(60),))))),
        "references": b"\0" + then(
            view(NODE, MAKE), view(NODE, MAKE), view(GIVEN, SELF), view(GIVEN + 1, SELF), release(GIVEN, 1),
            release(GIVEN, 9), release(GIVEN, 1), view(GIVEN, SELF), view(NODE, MAKE, flags=ONE_WAY), release(NODE, 1),
            b"D" + bytes([GIVEN, 0])),
        "value-proxies": b"\0" + then(
            view(NODE, step(GET, "label"), flags=AS_PROXY), view(GIVEN, step(LENGTH)), view(GIVEN),
            view(GIVEN, step(GET, "label")), view(GIVEN, SELF), view(GIVEN, step(PASS, "give")), follow(GIVEN, ["*"], []),
            view(GIVEN, step(SUPER), SELF), b"D" + bytes([GIVEN, 0]), view(GIVEN, flags=AS_PROXY), release(GIVEN, 1)),
        "held": b"\0" + then(
            view(NODE, step(CALL_STEP, "hold"), SELF), view(NODE, SELF), view(NODE, SELF), b"x\1", b"x\2", b"S", b"l",
            view(NODE, SELF), b"t", view(NODE, step(PASS, "hold")), b"x\5"),
        "containers": b"\0" + then(
            b"c\2", b"c\4", view(LIST, step(LENGTH)), view(LIST, step(ROWS, "", ("(tu)", (0, 10)))),
            view(LIST, step(ROWS, "", ("(tu)", (2**64 - 1, 1024)))), view(LIST, step(ROWS, "", ("(tu)", (0, 2**32 - 1)))),
            view(LIST, step(GET_ITEM, "", ("u", 0)), SELF), view(LIST, step(SET_ITEM, "", ("(vv)", (("u", 0), ("i", 1))))),
            view(LIST, step(DELETE_ITEM, "", ("u", 0))), view(DICTIONARY, step(GET_ITEM, "", ("s", "key"))),
            view(DICTIONARY, step(SET_ITEM, "", ("(vv)", (("s", "b"), ("s", "c"))))),
            view(DICTIONARY, step(CONTAINS, "", ("s", "b"))), view(DICTIONARY, step(DELETE_ITEM, "", ("s", "b"))),
            view(DICTIONARY, step(LENGTH))),
        "feeds": b"\0" + then(
            follow(NODE, ["*"], ["told"]), follow(LIST, [], [], True), b"c\7", b"c\4", b"c\5", b"w\1\5", b"c\7", b"x\1",
            b"c\3", follow(DICTIONARY, ["*"], ["changed"]), follow(NODE, ["secret"], []), follow(NODE, [], [], True),
            follow(NODE, ["*"], [], flags=0), follow(NODE, ["*"], [], flags=ONE_WAY), b"b", b"c\7", b" "),
        "watches": b"\0" + then(b"W\x32", b"s", b"t", b"S", b"t", b"s", b"w\1\1", b"t", b"W\0", b"W\1", b"x\1"),
        "descriptions": b"\0" + then(*[b"D" + bytes([root, 0]) for root in range(6)]),
        "no-room": b"\0" + then(b"b", view(NODE, MAKE), view(NODE, SELF), b"W\x32", follow(NODE, ["*"], []), b"c\7", b" "),
        "other-types": b"\0" + then(*[of_method(name, kind, value, 200 + 10 * i + j, flags)
                                     for i, name in enumerate((b"View", b"Follow", b"Describe", b"Release", b"Watch"))
                                     for j, (kind, value, flags) in enumerate((
                                         ("s", "text", 0), ("(stt)", ("node", 0, 0), 1), ("(ttt)", (7, 1, 1), 0)))]),
        "malformed": b"\0" + then(b"V\0\0\1" + counted(b"\xff" * 40), b"F\0\x32" + counted(b"\x80" * 21),
                                  b"V\0\0\1" + counted(pack_step(*SELF)[:-1]), b"V\0\0\2" + counted(pack_step(*SELF)),
                                  b"V\0\0\1" + counted(pack_step(*SELF) * 2),
                                  b"V\0\0\1" + counted(struct.pack("=QIHBB", 2**64 - 1, 2**32 - 1, 0, 0, 0)),
                                  b"V\0\0\1" + counted(struct.pack("=QIHBB", 2**64 - 8, 1, 0, 2, 0) + string(b"i"))),
    },
    "transport": {
        "small": b"\0" + greeting() + b"".join(frame(b"m" * n) for n in range(1, 40)),
        "one-by-one": b"\1" + greeting() + frame(b"hello") + frame(b"12345678"),
        "calls": b"\7" + greeting() + frame(call(REQUEST, 1, 0, b"answer", b"s", b"hello\0")[2:]) * 3,
        "version": b"\0" + greeting(3),
        "byte-order": b"\0" + greeting(2, 0x04030201),
        "no-byte-order": b"\0" + greeting(2, 0),
        "magic": b"\0" + greeting(2, magic=b"HTTP/1.1"),
        "greeting-cut-off": b"\0" + greeting()[:11],
        "length-0": b"\0" + greeting() + frame(b"hello") + frame(b""),
        "length-lies": b"\3" + greeting() + frame(b"hello", 500) + frame(b"hello"),
        "length-huge": b"\0" + greeting() + frame(b"hello", 0xffffffff),
        "length-at-limit": b"\377" + greeting() + frame(b"x" * 300, 65536),
        "length-cut-off": b"\0" + greeting() + frame(b"hello") + b"\5\0",
    },
    "downlink": {
        "small": b"\0" + record(BYTES, b"hello") + record(BYTES, b"", 2) + record(STOP, b"", 2) + record(FINISH, b"", 0),
        "torn": b"\6" + record(BYTES, b"hello") * 20,
        "pieces": b"\0" + record(LARGE, large(33000)) + record(PIECE, b"x" * 32752) + record(PIECE, b"y" * 248)
                  + record(BYTES, b"behind"),
        "between": b"\0" + record(LARGE, large(33000)) + record(BYTES, b"between") + record(PIECE, b"x" * 32752),
        "grant": b"\0" + grant(0, b"out", 17) + record(BYTES, b"hello"),
        "cancels": b"\1" + record(CANCEL, b"", 5, 1) + record(CANCEL, b"", 6, 2),
        "cancel-with-payload": b"\1" + record(CANCEL, b"12345678", 5, 1),
        "variant": b"\0" + record(VARIANT, b"12345678", 1, 1),
        "tail": b"\377" + record(BYTES, b"hello") + struct.pack("=Q", 65544),
        "handed": b"\0" + handed(1, 1) + record(BYTES, b"hello") + record(BYTES, b"none") + handed(2, 2)
                  + record(LARGE, large(33000)) + record(PIECE, b"x" * 32752) + record(PIECE, b"y" * 248),
        "handed-to-another": b"\0" + handed(1, 1) + record(BYTES, b"hello", 2),
        "handed-twice": b"\0" + handed(1, 1) + handed(2, 2) + record(BYTES, b"hello"),
        "handed-out-of-order": b"\0" + handed(2, 2) + record(BYTES, b"hello"),
        "handed-less": b"\0" + handed(1, 2) + record(BYTES, b"hello"),
        "handed-without-a-packet": b"\0" + b"".join(handed(i, i) + record(BYTES, b"hello") for i in range(1, 6)),
    },
    "fd-batch": {
        "one": b"\1" + hand(1, 1),
        "four": b"\4" + hand(7, 4),
        "too-few": b"\1" + hand(1, 2),
        "none": b"\0" + hand(1, 0),
        "version": b"\1" + hand(1, 1, VERSION + 1),
        "kind": b"\1" + welcome(),
        "short": b"\1" + hand(1, 1)[:31],
        "long": b"\1" + hand(1, 1) + b"x",
    },
    "command": {
        "none": b"\x00\x00some text\n\x1b[31mred\x1b[0m\n",
        "percent": b"\x01\x15\r 12% a\r 34,5 % b\b\b\b\b\b\b\b\b 50% (60.0/100%)\n99%",
        "steps": b"\x02\x30[1/30] a\n[2/30] b\n(3 / 30)\nx: 4 of 30, 5 of 30\nz: 6/30\n2026/11/26\n",
        "number": b"\x03\x03" + b"1\n2\n50\n100\n131072\n",
        "number-of-total": b"\x04\xff" + b"1000\n1e8\n999999999999999999999999\n",
        "keys": b"\x05\x41us=5000000\nall=10\np=N/A\nfile=a\nprogress=continue\nus=6000000\nall=10\nprogress=end\n",
        "keys-of-tasks": b"\x06\x41l=50\nt=1\nn=2\nf=0.5\n",
        "json": b"\x07\x80" + b'{"f":0.5,"a":{"n":"5","all":10},"files":["/a","\\ud83d\\ude00"],"x":[[{}]]}\n{"f":1e-3\n',
        "phases": b"\x08\x20Load: 5 of 10 x\nLoad: 6 of 10\nSave: 1.5 MiB of 3\n",
        "left": b"\x09\x211/2 5:00\n2/2 3 MiB\nok\nok\n",
        "apt": b"\x0a\x40dlstatus:1:50.0:Retrieving\npmstatus:sl:20.0:Unpacking\n",
        "badblocks": b"\x0b\x40Testing with pattern 0xaa:  50.00% done\b\b\b\b\nReading and comparing:   0.00% done\n",
        "curl": b"\x0c\x40\r 66 19.0M   66 12.6M    0     0  8154k      0  0:00:02  0:00:01  0:00:01 8158k" * 2 + b"\n## 70.1%\n",
        "ffmpeg": b"\x0d\x42Duration: 00:01:00.02, x\nframe= 2 time=00:00:30.00 x\rout_time_us=31000000\nprogress=end\n",
        "git": b"\x0e\x40remote: Counting objects:   4% (1/24)\rReceiving objects:  50% (12/24), 1 MiB\r" * 2,
        "rsync": b"\x0f\x42\r         32.768   5%    0,00kB/s    0:00:00\r  3,000,000   9%  1.13MB/s    0:00:00 (xfr#1)\n",
        "wget": b"\x10\x40f   53%[====>   ]  10.28M  5.00MB/s    eta 2s\r  9216K ........ 62% 4.98M 1s\nLength: 20000000 (19M)\n",
        "zstd": b"\x11\x40" + b"\rRead:  7.0 MiB /  28.0 MiB ==> 22%\r" * 2,
    },
    "output": {
        "lines": b"\x00one\ntwo\n\nthree",
        "in-pieces": b"\x01" + b"a line of some length, which is cut into pieces\n" * 3,
        "long": b"\xff" + b"x" * 9000 + b"\nend\n",
        "no-text": b"\xff" + b"\xff\xfe\x80" * 2000,
        "zeros": b"\x00a\0b\n\0\n",
        "characters-that-are-cut": b"\xff" + b"x" * 4095 + "\u20ac".encode() * 1000,
        "half-a-character": b"\x00x\xe2\x82",
    },
    "progress": {
        "fraction": progress(0.5, text="größer".encode()),
        "amount": progress(0.25, 5, 20, b"bytes", b"reading"),
        "too-much": progress(2.0, 21, 20, b"bytes"),
        "no-number": progress(float("nan"), 5),
        "taken-back": progress(float("-inf"), 5, 20, text=b"more"),
        "invalid-text": progress(0.5, unit=b"\xff\xfe", text=b"\x80" * 1023),
        "zero-in-text": progress(0.5, text=b"a\0b"),
        "longest": progress(1.0, unit=b"u" * 63, text=b"t" * 1023),
        "unit-too-long": progress(1.0, unit=b"u" * 64),
        "lengths-lie": progress(1.0, text=b"text", text_length=5),
        "short": progress(1.0)[:39],
    },
    "session": {
        "messages": opening() + of_session(DATA, chunk(WHOLE, one_way(1)) + chunk(WHOLE, one_way(2)))
                    + of_session(DATA, chunk(WHOLE, one_way(3)), 1) + b"t",
        "opened-twice": opening(receiver=0) + opening() + opening() + b"s" + opening(sender=6, receiver=0),
        "opened-late": b"TT" + opening(receiver=0) + of_session(PING, struct.pack("<Q", 7)) + b"t",
        "fragments": opening() + b"".join(of_session(DATA, data, number) for number, data in
                                          enumerate(in_fragments(one_way(400)[:100], one_way(400)[100:300],
                                                                 one_way(400)[300:]))),
        "fragments-in-one": opening() + of_session(DATA, b"".join(in_fragments(one_way(90)[:50], one_way(90)[50:]))),
        "fragments-beyond": opening() + of_session(DATA, b"".join(in_fragments(b"one", b"two")) + chunk(NEXT, b"x")),
        "fragment-too-large": opening() + of_session(DATA, chunk(FIRST, struct.pack("<Q", 5001) + b"x")),
        "fragment-alone": opening() + of_session(DATA, chunk(NEXT, b"x")),
        "out-of-order": opening() + b"".join(of_session(DATA, chunk(WHOLE, one_way(n + 1)), n)
                                             for n in (3, 2, 5, 2, 0, 1, 4)) + b"tT",
        "asks": opening() + b"sss" + b"S" + of_session(ACK, struct.pack("<QIIQII", 0, 1, 0, 2, 2, 0)) + b"t"
                + of_session(ACK, struct.pack("<QII", 0, 1, 0), ack=0) + of_session(ACK, ack=4),
        "asks-for-more": opening() + b"s" + of_session(ACK, struct.pack("<QII", 0, 2, 0)),
        "acknowledges-more": opening() + b"s" + of_session(ACK, ack=2),
        "pings": opening() + b"TT" + of_session(PONG, struct.pack("<Q", 1)) + of_session(PONG, struct.pack("<Q", 3)),
        "goodbye": opening() + b"SS" + of_session(BYE, struct.pack("<II", 1, 0)),
        "goodbye-unknown": of_session(BYE, struct.pack("<II", 2, 0)),
        "window": opening() + of_session(DATA, chunk(WHOLE, one_way(1)), 8),
        "window-of-bytes": opening() + b"".join(of_session(DATA, chunk(WHOLE, b"x" * 2000), n) for n in (1, 2, 3)),
        "full": opening(packets=1) + b"sSSSsSrc",
        "cut": opening() + b"sS" + b"T" * 12,
        "limits": opening(packets=0) + opening(window=4095) + opening(largest=0) + opening(window=2**30 + 1),
        "byte-order": opening(mark=0x04030201),
        "version": opening(version=3),
        "magic": opening(magic=b"FRYX"),
        "other": opening() + of_session(ACK, receiver=2) + of_session(ACK, sender=4) + opening(sender=4, receiver=0),
        "chunk-lies": opening() + of_session(DATA, chunk(WHOLE, b"12345678", 9))
                      + of_session(DATA, chunk(WHOLE, b"12345678", 0xffffffff)) + of_session(DATA, chunk(4, b"x")),
        "numbers": opening() + of_session(ACK, number=2**64 - 1),
    },
    "away-message": {
        "task": away_task(),
        "task-without": away_task(arguments=None, times=(0, 0), settings=(), needs=()),
        "task-of-nothing": away_task(function=""),
        "task-of-a-kind": away_task(kind=9),
        "task-in-the-past": away_task(times=(0, -1)),
        "task-of-a-rest-in-the-past": away_task(settings=(("retry-pause", ("x", -6)),)),
        "task-with-a-setting-of-another-type": away_task(settings=(("retries", ("s", "three")),)),
        "task-with-a-setting-of-a-later-version": away_task(settings=(("later", ("s", "x")), ("stoppable", ("b", 1)))),
        "task-of-the-version-before": away_old_task(),
        "task-of-the-version-before-in-the-past": away_old_task((0, -1, 0, 0, 0, 0)),
        "task-that-needs-no-label": away_task(needs=("g pu",)),
        "task-that-needs-too-much": away_task(needs=[f"l{i}" for i in range(33)]),
        "task-earlier": away_task(version=1),
        "task-later": away_task(version=4),
        "task-too-deep": away_task(arguments=("v", ("v", ("v", ("u", 1))))),
        "task-cut": away_task()[:-3],
        "begun": away_begun(),
        "begun-by-the-application": away_begun("a", ""),
        "begun-and-cancelled": away_begun("c", ""),
        "begun-and-done": away_begun("d", ""),
        "begun-by-nobody-knows": away_begun("u", ""),
        "begun-and-asked": away_begun("q"),
        "cancelled-at-a-host": away_begun("c"),
        "begun-and-lost": away_begun(instance=""),
        "begun-by-no-host": away_begun("h", ""),
        "begun-by-an-unknown": away_begun("x"),
        "begun-by-no-token": away_begun(host="a.b"),
        "end": away_end(result=("s", "result")),
        "end-of-nothing": away_end(),
        "end-with-an-error": away_end(error=("ferry-error-quark", 3, "It failed", "in a\n", ("a note",))),
        "end-with-both": away_end(result=("u", 1), error=("g-io-error-quark", 0, "", "", ())),
        "end-of-no-host": away_end(host=""),
        "subject": b"\3end.0af.1-2",
        "subject-of-one": b"\3end.0af",
        "subject-of-three": b"\3end.0af.1.2",
    },
    "run-message": {
        "facts": facts(),
        "facts-in-disorder": facts(functions=("b", "a", "b", "c", "a")),
        "facts-of-none": facts(functions=()),
        "facts-of-no-name": facts(name="a.b"),
        "facts-of-no-function": facts(functions=("",)),
        "facts-of-no-workers": facts(workers=0),
        "facts-of-no-label": facts(labels=("g pu",)),
        "facts-of-no-version": facts(program="1 4"),
        "facts-of-many-labels": facts(labels=("l",) * 33),
        "facts-cut": facts()[:-4],
        "serve": run_message(SERVE, "(ussst)", (5, "0.1.0", "shop", "0af-0", 2**64 - 1)),
        "serve-later": run_message(SERVE, "(ussst)", (5, "0.2.0", "shop", "0af-0", 1)),
        "serve-of-no-client": run_message(SERVE, "(ussst)", (5, "0.1.0", "shop", "", 1)),
        "run": run(arguments=("(xs)", (-1, "word"))),
        "run-without": run(kind=3, settings=()),
        "run-never": run(attempt=0),
        "run-of-nothing": run(function=""),
        "run-in-the-past": run(settings=(("deadline", ("x", -1)),)),
        "run-of-a-kind": run(kind=4),
        "run-of-a-flag": run(settings=(("idempotent", ("u", 2)),)),
        "run-of-no-type": run(arguments=("u", 1), types="u?"),
        "run-too-deep": run(arguments=("u", 1), types="a" * 70 + "u"),
        "run-cut": run()[:40],
        "progress": run_progress(),
        "progress-taken-back": run_progress(float("-inf")),
        "progress-too-far": run_progress(2, 3, 2, "", ""),
        "progress-long": run_progress(0, 0, 0, "u" * 64, ""),
        "log": run_message(LOG, "(us)", (32, "a line\n\033[2J")),
        "log-fatal": run_message(LOG, "(us)", (6, "a line")),
        "number": run_message(NUMBER, "t", 9),
        "number-too-large": run_message(NUMBER, "t", 2**31),
        "order": run_message(ORDER, "at", (1, 1000)),
        "order-too-large": run_message(ORDER, "at", (1, 2**63)),
        "order-of-one": run_message(ORDER, "at", (1,)),
    },
}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default=os.path.join(here, "corpus"))
    folder = parser.parse_args().folder
    for fuzzer, files in CORPUS.items():
        os.makedirs(os.path.join(folder, fuzzer), exist_ok=True)
        for name, data in files.items():
            with open(os.path.join(folder, fuzzer, name + ".bin"), "wb") as file:
                file.write(data)


main()
