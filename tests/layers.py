# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The folders of the library, from the lowest up: a file includes nothing of a folder above its own."""

LAYERS = ("base", "wire", "lane", "link", "engine", "route", "process", "call", "task", "conversation", "object", "classic",
          "cluster", "gtk")
