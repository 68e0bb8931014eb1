# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""GVariant in serialised form, as make-corpus.py puts it into values."""

SIZES = {"y": 1, "b": 1, "i": 4, "u": 4, "x": 8, "t": 8}


def split_types(types):
    """The types that stand one behind another."""
    parts = []
    while types:
        end = 0
        while types[end] in "am":
            end += 1
        if types[end] in "({":
            depth = 1
            while depth > 0:
                end += 1
                depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(types[end], 0)
        parts.append(types[:end + 1])
        types = types[end + 1:]
    return parts


def alignment(kind):
    if kind[0] in "am":
        return alignment(kind[1:])
    if kind[0] in "({":
        return max([1] + [alignment(part) for part in split_types(kind[1:-1])])
    return 8 if kind == "v" else SIZES.get(kind, 1)


def is_fixed(kind):
    return kind in SIZES or (kind[0] == "(" and all(is_fixed(part) for part in split_types(kind[1:-1])))


def pad(data, kind):
    return data + b"\0" * (-len(data) % alignment(kind))


def offsets(data, ends):
    size = 1
    while len(data) + size * len(ends) >= 256 ** size:
        size *= 2
    return data + b"".join(end.to_bytes(size, "little") for end in ends)


def pack_tuple(kind, value):
    parts = split_types(kind[1:-1])
    data, ends = b"", []
    for number, (part, item) in enumerate(zip(parts, value)):
        data = pad(data, part) + pack(part, item)
        if not is_fixed(part) and number < len(parts) - 1:
            ends.insert(0, len(data))
    return pad(data, kind) or b"\0" if is_fixed(kind) else offsets(data, ends)


def pack_array(kind, value):
    data, ends = b"", []
    for item in value:
        data = pad(data, kind) + pack(kind, item)
        ends.append(len(data))
    return data if is_fixed(kind) or not ends else offsets(data, ends)


def pack(kind, value):
    """A value as GVariant has it; that of a "v" is its type and its value."""
    if kind in SIZES:
        return int(value).to_bytes(SIZES[kind], "little", signed=value < 0)
    if kind == "s":
        return value.encode() + b"\0"
    if kind == "v":
        return pack(*value) + b"\0" + value[0].encode()
    if kind[0] == "m":
        return b"" if value is None else pack(kind[1:], value) + (b"" if is_fixed(kind[1:]) else b"\0")
    return pack_array(kind[1:], value) if kind[0] == "a" else pack_tuple(kind, value)
