# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What workers do with memory that they share with the application."""

import os
from multiprocessing import resource_tracker, shared_memory

import ferry

KEPT = []


def keep(value):
    KEPT.append(value)


def read_kept():
    return bytes(KEPT[-1])


def read(memory):
    return bytes(memory), memory.readonly, memory.format, memory.shape


def write(memory, place, value):
    memory[place] = value


def sum_up(array):
    return float(array.sum()), array.flags.writeable, array.dtype.str, array.shape


def find_place(memory):
    """The process, and which memory it reads, by its line in the table of the system."""
    return os.getpid(), len(memory), list_memory()


def list_memory():
    """The numbers of the files in memory that are mapped here for shared content."""
    with open("/proc/self/maps", encoding="utf-8") as file:
        return sorted(line.split()[4] for line in file if "memfd:ferry (deleted)" in line)


def open_memory(name):
    memory = shared_memory.SharedMemory(name)
    memory.buf[0] += 1
    KEPT.append(memory)
    return resource_tracker._resource_tracker._fd


def unlink_memory(name):
    memory = shared_memory.SharedMemory(name)
    memory.close()
    memory.unlink()
    return resource_tracker._resource_tracker._fd


def create_memory():
    memory = shared_memory.SharedMemory(create=True, size=10)
    name = memory.name
    memory.close()
    is_tracked = resource_tracker._resource_tracker._fd is not None
    memory.unlink()
    return name, is_tracked


@ferry.export
class Reader:
    def read(self, memory):
        return bytes(memory)
