# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Attributes that a program observes: those of the package traits where it is installed, and else these few.

So an object of ferry.traits is a HasTraits, which other HasTraits observe, and a program without traits observes it too.
"""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

__all__ = ["ChangeEvent", "Enum", "Event", "Observed", "Property"]


class ChangeEvent(NamedTuple):
    """What a handler of observe() is given."""

    object: Any
    name: str
    old: Any
    new: Any


class Observed:
    """What is observed by observe() and on_trait_change(), attribute by attribute."""

    def __init__(self, **traits: Any) -> None:
        for name, value in traits.items():
            setattr(self, name, value)

    def _observe(self, name: str, handler: Any, call: Callable[[ChangeEvent], Any], remove: bool) -> None:
        handlers: dict[tuple[str, Any], Any] = self.__dict__.setdefault("_handlers", {})
        if remove:
            del handlers[name, handler]
        else:
            handlers[name, handler] = call

    def observe(self, handler: Callable[[ChangeEvent], Any], expression: str, *, remove: bool = False,
                dispatch: str = "same") -> None:
        """Has handler called with an event for each change of the attribute of this name."""
        self._observe(expression, handler, handler, remove)

    def on_trait_change(self, handler: Callable[[Any], Any], name: str, remove: bool = False,
                        dispatch: str = "same") -> None:
        """Has handler called with each new value of the attribute of this name."""
        self._observe(name, handler, lambda event: handler(event.new), remove)

    def trait_property_changed(self, name: str, old: Any, new: Any = None) -> None:
        """Tells the handlers of an attribute."""
        handlers: dict[tuple[str, Any], Any] = self.__dict__.get("_handlers", {})
        for (observed, _), call in list(handlers.items()):
            if observed == name:
                try:
                    call(ChangeEvent(self, name, old, new))
                except Exception:
                    # It is no business of the other handlers, nor of the loop.
                    sys.excepthook(*sys.exc_info())


class Event:
    """An attribute that has no value. What it is set to is told."""

    def __init__(self, *_: Any) -> None:
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        raise AttributeError("'%s' is an event, which has no value; observe it" % self._name)

    def __set__(self, instance: Any, value: Any) -> None:
        instance.trait_property_changed(self._name, None, value)


def Enum(*values: Any) -> Any:
    return values


Property = property

if not TYPE_CHECKING:
    try:
        from traits.api import Enum, Event, HasTraits as Observed, Property  # noqa: F811
    except ImportError:
        pass
