# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.Command: a program that runs as a task, as subprocess.run() runs one."""

import errno
import io
import locale
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar, overload

from ._library import Ferry, GLib
from ._task import Task
from .errors import CommandError, Error

Text = TypeVar("Text", str, bytes)
Argument = str | bytes | os.PathLike[str] | os.PathLike[bytes]

SPAWN_ERROR = GLib.quark_to_string(GLib.spawn_error_quark())
EXIT_ERROR = GLib.quark_to_string(GLib.spawn_exit_error_quark())

# Properties of Ferry.Command that are names of files.
FILES = {"directory", "input_file", "output_file"}
FILE_LISTS = {"output_files", "readable_folders", "writable_folders"}

READERS = {value.value_nick: value for value in Ferry.CommandProgress.__enum_values__.values()}


def _encode(text: str | bytes, encoding: str | None, errors: str | None) -> bytes:
    return text if isinstance(text, bytes) else text.encode(encoding or locale.getencoding(), errors or "strict")


def _make(args: list[str], progress: Any, properties: dict[str, Any]) -> Any:
    """The command of the library."""
    command = Ferry.Command.new(args)
    if isinstance(progress, re.Pattern):
        properties["progress_pattern"], progress = progress.pattern, "pattern"
    if isinstance(progress, str):
        if progress not in READERS:
            raise ValueError("There is no reader '%s' of progress; choose one of %s" % (progress, ", ".join(READERS)))
        progress = READERS[progress]
    for name, value in properties.items():
        if value is None:
            continue
        if name in FILES:
            value = os.fsdecode(value)
        elif name in FILE_LISTS:
            value = [os.fsdecode(path) for path in value]
        elif name == "success_statuses":
            value = GLib.Variant("ai", list(value))
        if not hasattr(command.props, name):
            raise TypeError("A command has no keyword '%s'; its output is always captured, and input_file and output_file "
                            "name files" % name)
        command.set_property(name.replace("_", "-"), value)
    if progress is not None:
        command.props.progress = progress
    return command


class Command(Task[subprocess.CompletedProcess[Text]]):
    """A program that runs as a task. `executor.run()` makes one and submits it.

    text, input, cwd, env, encoding, errors, timeout and check are those of subprocess.run(), the other keywords the
    properties of Ferry.Command, such as `output_files`. `progress` is the name of a reader, such as "percent", or a pattern
    of `re` with named groups. `name` is what lists call the task. With check=False, a program that fails has a result as
    well.
    """

    __gtype_name__ = "FerryPythonCommand"

    @overload
    def __init__(self: "Command[str]", args: Iterable[Argument], *, text: Literal[True], **keywords: Any) -> None:
        ...

    @overload
    def __init__(self: "Command[str]", args: Iterable[Argument], *, encoding: str, **keywords: Any) -> None:
        ...

    @overload
    def __init__(self: "Command[bytes]", args: Iterable[Argument], *, text: Literal[False] = ..., encoding: None = ...,
                 **keywords: Any) -> None:
        ...

    def __init__(self, args: Iterable[Argument], *, text: bool = False, input: str | bytes | None = None,
                 cwd: Any = None, env: Mapping[str, str] | None = None, encoding: str | None = None,
                 errors: str | None = None, timeout: float | None = None, progress: Any = None, check: bool = True,
                 name: str | None = None, **properties: Any) -> None:
        if isinstance(args, (str, bytes)):
            raise TypeError("There is no shell: give the program and its arguments as a list, such as %r"
                            % (os.fsdecode(args).split(),))
        self.args = list(args)
        self._is_text, self._encoding, self._errors = text or bool(encoding or errors), encoding, errors
        self._cwd = cwd
        self._checks = check
        if not check:
            properties.setdefault("success_statuses", range(256))
        if env is not None:
            properties["environment"] = ["%s=%s" % pair for pair in env.items()]
        command = _make([os.fsdecode(word) for word in self.args], progress, {"directory": cwd, **properties})
        bytes_ = None if input is None else GLib.Bytes.new(_encode(input, encoding, errors))
        command.props.input = bytes_
        try:
            made = Ferry.Task.new_for_command(command)
        except GLib.Error as error:
            raise Error(error.message) from None
        Ferry.Task.__init__(self, function=made.props.function, kind=made.props.kind, arguments=made.props.arguments,
                            name=name or made.get_name(), stoppable=made.props.stoppable,
                            cancel_grace=made.props.cancel_grace)
        if made.props.arguments.lookup_value("input", GLib.VariantType("i")) is not None:
            self.add_bytes(bytes_)
        if timeout is not None:
            self.set_run_timeout(max(1, int(timeout * GLib.USEC_PER_SEC)))
        self._begin(self.get_name())

    def _decode(self, written: bytes) -> Any:
        if not self._is_text:
            return written
        # As subprocess does it.
        return io.TextIOWrapper(io.BytesIO(written), encoding=self._encoding, errors=self._errors).read()

    @property
    def progress(self) -> tuple[float, str | None]:
        """How far the program is, from 0 to 1, and what it said last, on any thread."""
        return (self.get_fraction(), self.get_text()) if self.done() else self._progress

    def _translate(self, error: Any) -> Exception:
        program = os.fsdecode(self.args[0])
        if error.domain == EXIT_ERROR:
            return self._failed(error, error.code)
        if error.domain != SPAWN_ERROR:
            return super()._translate(error)
        killed = re.search(r" was killed by signal (\d+)", error.message)
        if killed:
            return self._failed(error, -int(killed[1]))
        if error.code == GLib.SpawnError.NOENT:
            return FileNotFoundError(errno.ENOENT, error.message, program)
        if error.code == GLib.SpawnError.ACCES:
            return PermissionError(errno.EACCES, error.message, program)
        if error.code == GLib.SpawnError.CHDIR:
            return self._unentered(error, os.fsdecode(self._cwd))
        return OSError(errno.ENOEXEC if error.code == GLib.SpawnError.NOEXEC else errno.EIO, error.message, program)

    def _unentered(self, error: Any, folder: str) -> Exception:
        kind = errno.ENOENT if not os.path.exists(folder) else errno.EACCES if os.path.isdir(folder) else errno.ENOTDIR
        return OSError(kind, error.message, folder)

    def _failed(self, error: Any, status: int) -> Exception:
        # The trace begins with the worker.
        trace = re.sub(r"\Ain function '.*\n", "", Ferry.Error.get_trace(error) or "")
        return CommandError(error.message, status, [os.fsdecode(word) for word in self.args],
                            stderr=self._decode(os.fsencode(trace)))

    def _find_outcome(self) -> tuple[Any, Exception | None]:
        try:
            status, *written = [Ferry.from_variant(value) for value in self._result()]
            return subprocess.CompletedProcess(self.args, status, *map(self._decode, written)), None
        except GLib.Error as error:
            found = self._translate(error)
            if isinstance(found, CommandError) and not self._checks:
                return subprocess.CompletedProcess(self.args, found.returncode, self._decode(b""), found.stderr), None
            return None, found
        except UnicodeDecodeError as error:
            return None, error

    def _result(self) -> list[Any]:
        result = self.get_result()
        return [result.get_child_value(i) for i in range(result.n_children())]
