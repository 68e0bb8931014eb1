# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The folders of the library, from the lowest up: a file includes nothing of a folder above its own."""

# Whole without the folders after it.
CORE = ("base", "wire", "lane", "link", "engine", "route", "process", "call", "job", "pool", "task",
        "inspect")
WINGS = ("command", "conversation", "object")
# Each a library of its own.
BESIDE = ("classic", "cluster", "queue", "gtk")
LAYERS = CORE + WINGS + BESIDE
