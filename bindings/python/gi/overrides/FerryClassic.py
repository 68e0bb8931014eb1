# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What makes the older systems' classes, `gi.repository.FerryClassic`, a library of Python."""

from gi.module import get_introspection_module
from gi.overrides import override
from gi.repository import Ferry

FerryClassic = get_introspection_module("FerryClassic")

__all__ = ["Dictionary"]


class Dictionary(FerryClassic.Dictionary):
    """It is used as a dictionary of Python is."""

    def __getitem__(self, key):
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return Ferry.from_variant(value)

    def __setitem__(self, key, value):
        self.set(key, Ferry.to_variant(value))

    def __delitem__(self, key):
        if not self.remove(key):
            raise KeyError(key)

    def __contains__(self, key):
        return self.contains(key)

    def __len__(self):
        return self.get_length()

    def __iter__(self):
        return iter(self.get_keys())

    def __bool__(self):
        return True


Dictionary = override(Dictionary)
