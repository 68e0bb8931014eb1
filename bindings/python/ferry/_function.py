# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""@ferry.function and Executor.call(): functions with a name and types, which programs in any language call and offer."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from . import _job
from ._library import Ferry, GLib
from ._names import OWN
from ._task import Task

F = TypeVar("F", bound=Callable[..., Any])


class Function(NamedTuple):
    call: Callable[..., Any]
    takes: tuple[str, ...]
    gives: tuple[str, ...]


# Those of the modules that this process has imported, by their names.
functions: dict[str, Function] = {}


def split(signature: str) -> tuple[str, ...]:
    """The complete types of a signature, one after the other."""
    found: list[str] = []
    begin = 0
    for end in range(1, len(signature) + 1):
        if GLib.VariantType.string_is_valid(signature[begin:end]):
            found.append(signature[begin:end])
            begin = end
    if begin < len(signature):
        raise ValueError("'%s' is no signature; write types of GVariant one after the other, such as \"su\"" % signature)
    return tuple(found)


def type_of(types: tuple[str, ...]) -> str:
    """The type of all: one as it is, several as a tuple, none as the empty text."""
    return types[0] if len(types) == 1 else "(%s)" % "".join(types) if types else ""


def pack(types: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    if len(values) != len(types):
        raise TypeError("The signature is of %d values, and there are %d" % (len(types), len(values)))
    if not types:
        return None
    return GLib.Variant(type_of(types), values[0] if len(types) == 1 else values)


def function(takes: str, gives: str = "", *, name: str | None = None) -> Callable[[F], F]:
    """A decorator of a function that programs in any language call, by its name, with values of these types.

    The types are those of GVariant, one after the other: `@ferry.function("su", "x")` takes a text and a number.
    """
    types = split(takes), split(gives)

    def register(call: F) -> F:
        functions[name or call.__name__] = Function(call, *types)
        return call

    return register


def call_here(found: Function, arguments: Any) -> Any:
    """In a worker: calls it with what a message has."""
    values = () if not found.takes else (arguments,) if len(found.takes) == 1 else \
        tuple(arguments.get_child_value(i) for i in range(arguments.n_children()))
    value = _job.finish(found.call(*[Ferry.from_variant(value) for value in values]))
    if value is None or isinstance(value, GLib.Variant):
        return value
    return pack(found.gives, (value,) if len(found.gives) == 1 else tuple(value))


class FunctionTask(Task[Any]):
    """A call of a function by its name."""

    __gtype_name__ = "FerryPythonFunctionTask"

    _has_types = True

    def __init__(self, name: str, arguments: Any) -> None:
        Ferry.Task.__init__(self, function=name, kind=Ferry.TaskKind.CALL, arguments=arguments, name=name)
        self._begin(name)

    def do_message(self, kind: str, value: Any) -> None:
        if self._takes_pickles or not kind.startswith(OWN):
            Task.do_message(self, kind, value)

    def _find_outcome(self) -> tuple[Any, Exception | None]:
        try:
            return Ferry.from_variant(self.get_result()), None
        except GLib.Error as error:
            return None, self._translate(error)


def make_task(name: str, args: tuple[Any, ...], signature: str | None) -> FunctionTask:
    types = split(signature) if signature is not None else functions[name].takes if name in functions else None
    if types is not None:
        arguments = pack(types, args)
    else:
        arguments = Ferry.to_variant(args[0] if len(args) == 1 else args) if args else None
    return FunctionTask(name, arguments)
