#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the version header: generate-version-header.py VERSION TEMPLATE OUTPUT"""

import sys


def availability(major, minor):
    """One FERRY_AVAILABLE_IN_X_Y macro for each minor version up to the present one."""
    lines = []
    for number in range(1 if major == 0 else 0, minor + 1):
        lines += [
            "/* What came with version %d.%d; being so marked is also what exports a function. */" % (major, number),
            "#define FERRY_AVAILABLE_IN_%d_%d FERRY_EXPORT extern" % (major, number),
        ]
    return "\n".join(lines)


def main():
    version, template, output = sys.argv[1:]
    major, minor, micro = (int(part) for part in version.split("."))
    values = {
        "@MAJOR@": str(major),
        "@MINOR@": str(minor),
        "@MICRO@": str(micro),
        "@VERSION@": version,
        "@AVAILABILITY@": availability(major, minor),
    }
    with open(template, encoding="utf-8") as file:
        text = file.read()
    for name, value in values.items():
        text = text.replace(name, value)
    with open(output, "w", encoding="utf-8") as file:
        file.write(text)


main()
