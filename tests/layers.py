# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The folders of the library, from the lowest up: a file includes nothing of a folder above its own."""

LAYERS = ("base", "lane", "link", "route", "spawn", "sandbox", "worker", "call", "task", "channel", "object", "classic",
          "cluster", "gtk")
