# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""@ferry.export: marks a class whose objects live in workers, and notes its properties.

A reference to such an object, in a message, is resolved here: to a proxy in the application, to the object in its worker.
"""

import functools
import inspect
import typing
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from ._library import GObject
from .errors import Error

C = TypeVar("C", bound=type)

# The attribute of a class that lists its properties: the name of each, its type, and whether it may be set.
PROPERTIES = "__ferry_properties__"

# In a worker: told of each change of a property, with the object and the names of the properties.
listener: Callable[[Any, tuple[str, ...]], None] | None = None

# In a process that has objects, or knows those of another one: from the token of both ends to what has a method find().
finders: "weakref.WeakValueDictionary[str, Any]" = weakref.WeakValueDictionary()


def _hints(class_: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(class_)
    except Exception:
        # A name in an annotation cannot be found. The properties remain, with values of any type.
        return dict.fromkeys(inspect.get_annotations(class_), Any)


def _returned(function: Any) -> Any:
    try:
        return typing.get_type_hints(function).get("return", Any)
    except Exception:
        return Any


def _find_properties(class_: type) -> dict[str, tuple[Any, bool]]:
    properties = {name: (kind, True) for name, kind in _hints(class_).items()
                  if typing.get_origin(kind) is not typing.ClassVar}
    for name, member in inspect.getmembers_static(class_):
        if isinstance(member, property):
            properties[name] = _returned(member.fget), member.fset is not None
        elif isinstance(member, functools.cached_property):
            properties.pop(name, None)
        elif isinstance(member, GObject.Property):
            properties[name] = member.type, bool(member.flags & GObject.ParamFlags.WRITABLE)
    inherited = GObject.Object if issubclass(class_, GObject.Object) else None
    return {name: found for name, found in properties.items() if name[0] != "_" and not hasattr(inherited, name)}


def export(class_: C) -> C:
    """A decorator of a class whose objects live in workers: see Executor.create().

    Its properties are what it annotates, and what it defines as a property, if the name does not begin with an
    underscore. Proxies have them as properties of their own, with the newest values. An object of the class that a
    method returns stays where it is, and the caller has a proxy of it.
    """
    properties = _find_properties(class_)
    setattr(class_, PROPERTIES, properties)
    computed = tuple(name for name, member in inspect.getmembers_static(class_)
                     if name in properties and isinstance(member, property))
    set_attribute: Any = class_.__setattr__

    @functools.wraps(set_attribute)
    def set_and_tell(self: Any, name: str, value: Any) -> None:
        set_attribute(self, name, value)
        if listener is not None:
            listener(self, (name, *computed) if name in properties else computed)

    class_.__setattr__ = set_and_tell  # type: ignore[assignment]
    return class_


def resolve(token: str, number: int, *known: Any) -> Any:
    """What a reference in a message stands for: a proxy in the application, and the object itself in its worker."""
    finder = finders.get(token)
    if finder is None:
        raise Error("The object lives in another worker, and only the application and that worker can use it; call it "
                    "in the application, and pass what it gives")
    return finder.find(number, *known)
