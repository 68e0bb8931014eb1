# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""In a worker: what is changed in modules of others, as soon as something imports them."""

import sys
import threading
from collections.abc import Callable
from typing import Any

# What changes a module, by the module's name.
_changes: dict[str, Callable[[Any], None]] = {}


class _Loader:
    """What loads a module, and then has it changed."""

    def __init__(self, loader: Any, change: Callable[[Any], None]) -> None:
        self._loader = loader
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: Any) -> Any:
        create = getattr(self._loader, "create_module", None)
        return None if create is None else create(spec)

    def exec_module(self, module: Any) -> None:
        if hasattr(self._loader, "exec_module"):
            self._loader.exec_module(module)
        else:
            # That of PyGObject, before 3.44. What it finds in the module's place it takes for the module.
            del sys.modules[module.__name__]
            self._loader.load_module(module.__name__)
        self._change(module)


class _Finder:
    """Finds what others find. It is asked first."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        change = _changes.get(name)
        if change is None:
            return None
        finders: list[Any] = [finder for finder in sys.meta_path if finder is not self]
        for finder in finders:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                spec.loader = _Loader(spec.loader, change)
                return spec
        return None


_finder: Any = _Finder()


def when_imported(name: str, change: Callable[[Any], None]) -> None:
    """Has a module changed, now or when it is imported."""
    if name in sys.modules:
        change(sys.modules[name])
        return
    _changes[name] = change
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


class _Opening(threading.local):
    is_under_way = False


class _Tracker:
    """What a process's own memory is registered with, for Python before 3.13. Memory of another process is not."""

    def __init__(self, tracker: Any) -> None:
        self._tracker = tracker
        self.opening = _Opening()
        self._own: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tracker, name)

    def register(self, name: str, kind: str) -> None:
        if not self.opening.is_under_way:
            self._own.add(name)
            self._tracker.register(name, kind)

    def unregister(self, name: str, kind: str) -> None:
        if name in self._own:
            self._own.discard(name)
            self._tracker.unregister(name, kind)


def track_own_memory(shared_memory: Any) -> None:
    """Has multiprocessing.shared_memory register only what this process creates. The tracker would destroy what it has
    opened, which others still use, when this process ends.
    """
    class_ = shared_memory.SharedMemory
    original = class_.__init__
    tracks = sys.version_info >= (3, 13)
    tracker = shared_memory.resource_tracker if tracks else _Tracker(shared_memory.resource_tracker)

    def __init__(self: Any, name: str | None = None, create: bool = False, size: int = 0, **more: Any) -> None:
        if tracks:
            original(self, name, create, size, **{"track": create, **more})
            return
        tracker.opening.is_under_way = not create
        try:
            original(self, name, create, size, **more)
        finally:
            tracker.opening.is_under_way = False

    class_.__init__ = __init__
    shared_memory.resource_tracker = tracker
