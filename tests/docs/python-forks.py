#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program of Python's own without threads, which forks itself: python-forks.py API-VERSION GIR"""

import sys

import gi

gi.require_version("Ferry", sys.argv[1])
gi.require_version("FerryClassic", sys.argv[1])
from gi.repository import Ferry, FerryClassic, GLib

import callables

# What the fork handler has appended, in each child once.
WORDS = []
LONG = 60 * 1000 * 1000


def converse(channel):
    """Each child sends a word, and exits with a status."""
    if channel.get_identifier() is None:
        channel.send(GLib.Variant("s", WORDS.pop()), -1, None)
        assert not WORDS
        FerryClassic.channel_exit(channel, 3)
    assert channel.receive(LONG, None)[1].unpack() == "word"
    assert channel.receive(LONG, None)[1] is None
    assert channel.wait(LONG).get_exit_status() == 3


def main():
    callables.prepare(FerryClassic, sys.argv[2])
    Ferry.Worker.add_fork_handler(lambda *_: WORDS.append("word"))
    converse(FerryClassic.channel_create())
    exchange = FerryClassic.Exchange.new(None, None)
    converse(exchange.create(LONG))


main()
