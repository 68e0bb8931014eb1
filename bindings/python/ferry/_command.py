# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.Command: a program that runs as a task, as subprocess.run() runs one."""

import codecs
import collections
import errno
import io
import locale
import numbers
import os
import re
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload

from . import _job, _text
from ._command_errors import CommandCancelled, CommandError, CommandTimeout
from ._home import End, Event, Values
from ._library import Ferry, GLib, is_cancel, is_error
from ._outcome import give
from ._stream import Yielding, close_later_if_left
from .errors import Cancelled, CancelledError, Error, WorkerLost

Text = TypeVar("Text", str, bytes)
Argument = str | bytes | os.PathLike[str] | os.PathLike[bytes]

SPAWN_ERROR = GLib.quark_to_string(GLib.spawn_error_quark())
EXIT_ERROR = GLib.quark_to_string(GLib.spawn_exit_error_quark())

# Properties of Ferry.Command that are names of files.
FILES = {"directory", "input_file", "output_file", "progress_program"}
FILE_LISTS = {"output_files", "readable_folders", "writable_folders"}

READERS = {value.value_nick: value for value in Ferry.CommandProgress.__enum_values__.values()}

# subprocess has no limit either.
NO_LIMIT = (1 << 64) - 1

# More arguments than this go to the library as one value, which is much faster.
MANY = 64

# How many reads of a pipe's content a program is ahead of who reads its lines.
AHEAD = 16

# What subprocess can do and a worker cannot, with the values that ask for nothing of it, and the reason.
NO_DESCRIPTORS = "the program is started by another process, and has the three standard streams; give it files by their names"
REFUSED: dict[str, tuple[tuple[Any, ...], str]] = {
    "shell": ((False,), "there is no shell; run [\"sh\", \"-c\", script, \"sh\", *names], with the names as \"$1\" in the script"),
    "executable": ((None,), "the program is the first of the arguments"),
    "pass_fds": (((), []), NO_DESCRIPTORS),
    "close_fds": ((True,), NO_DESCRIPTORS),
    "preexec_fn": ((None,), "the program is started by another process, which has none of this one's functions; use cwd, env, "
                   "umask and polite, or a program such as setpriv or prlimit in front"),
    "start_new_session": ((False,), "each program has a session of its own already, which ends as a whole; what is to go on runs "
                          "behind setsid"),
    "restore_signals": ((True, False), ""),
    "process_group": ((None, -1), "each program has a session of its own, which ends as a whole"),
    "user": ((None,), "the program runs as this user; put setpriv, sudo or pkexec in front"),
    "group": ((None,), "the program runs as this user; put setpriv, sudo or pkexec in front"),
    "extra_groups": ((None,), "the program runs as this user; put setpriv, sudo or pkexec in front"),
    "bufsize": ((-1, 0, 1), "what it writes is read at once"),
    "pipesize": ((-1,), "a pipe that is full is made larger"),
    "startupinfo": ((None,), "it is of another system"),
    "creationflags": ((0,), "it is of another system"),
}


# What Popen has, and what a task has in its place.
OTHERWISE = {
    "wait": "result() waits, for at most so many seconds",
    "poll": "done() says whether it is done, and result() how",
    "communicate": "result() waits, and has stdout and stderr",
    "kill": "cancel() ends the program, and all that it has started",
    "terminate": "cancel() ends the program, and all that it has started",
    "send_signal": "cancel() ends the program; keep subprocess for one that needs other signals",
    "pid": "another process starts the program; keep subprocess for one whose process you need",
    "returncode": "result() has it, or what that raises",
    "stdin": "answer() writes to it, with interactive=True",
    "stdout": "lines() reads it, with all_lines=True, or result() has it",
    "stderr": "result() has it, or what that raises",
}


def _check_environment(env: Mapping[Any, Any]) -> list[bytes]:
    """As subprocess checks it."""
    variables = []
    for key, value in env.items():
        name = os.fsencode(key)
        if b"=" in name:
            raise ValueError("illegal environment variable name")
        variables.append(name + b"=" + os.fsencode(value))
    return variables


def _refuse(keywords: dict[str, Any]) -> None:
    """Takes what is subprocess's and changes nothing from the keywords, or says why it cannot be had."""
    for name, (harmless, reason) in REFUSED.items():
        if name in keywords and keywords.pop(name) not in harmless:
            raise TypeError("A program that is a task cannot have '%s': %s" % (name, reason))


def _split(line: str) -> list[str]:
    """What somebody means who gives a line in place of a list."""
    try:
        words = shlex.split(line)
    except ValueError:
        words = []
    return words if words and not set("|&;<>()$`*?[~\n") & set(line) else ["sh", "-c", line]


def _check_stream(name: str, value: Any, allowed: tuple[int, ...], file: str) -> None:
    if value is not None and value not in allowed:
        raise TypeError("%s=%r is of this process, which does not start the program; %s" % (name, value, file))


def _check_once(properties: dict[str, Any], name: str, keyword: str, value: Any) -> None:
    """A property, or the keyword of subprocess.run() that says the same, but not both."""
    if value is not None and properties.get(name) is not None:
        raise ValueError("%s and %s arguments may not both be used." % (keyword, name))


def _use_once(properties: dict[str, Any], name: str, keyword: str, value: Any) -> None:
    """Sets the property that a keyword of subprocess.run() is."""
    _check_once(properties, name, keyword, value)
    if value is not None:
        properties[name] = value


def _is_text(text: bool | None, universal_newlines: bool | None, encoding: str | None, errors: str | None) -> bool:
    if text is not None and universal_newlines is not None and bool(text) != bool(universal_newlines):
        raise subprocess.SubprocessError("Cannot disambiguate when both text and universal_newlines are supplied but "
                                         "different. Pass one or the other.")
    return bool(text or universal_newlines or encoding or errors)


def _encode(given: Any, encoding: str | None, errors: str | None) -> bytes:
    if isinstance(given, str):
        return given.encode(encoding or locale.getencoding(), errors or "strict")
    return bytes(memoryview(given))


def _make(args: list[str], progress: Any, properties: dict[str, Any]) -> Any:
    """The command of the library."""
    command = Ferry.Command.new(args)
    if isinstance(progress, re.Pattern):
        _use_once(properties, "progress_pattern", "progress", progress.pattern)
        progress = "pattern"
    if isinstance(progress, str):
        if progress not in READERS:
            raise ValueError("There is no reader '%s' of progress; choose one of %s" % (progress, ", ".join(READERS)))
        progress = READERS[progress]
    for name, value in properties.items():
        if value is None:
            continue
        if name in FILES:
            value = os.fsdecode(value)
        elif name == "success_statuses":
            value = GLib.Variant("ai", list(value))
        if name == "argv" or not hasattr(command.props, name):
            raise TypeError("A command has no keyword '%s', and nor has subprocess.run(); docs/commands.md has a table of "
                            "those that there are" % name)
        command.set_property(name.replace("_", "-"), value)
    if progress is not None:
        command.props.progress = progress
    return command


def _add(arguments: Any, added: dict[str, Any]) -> Any:
    """The arguments of a command, and more."""
    options = GLib.VariantDict.new(arguments)
    for name, value in added.items():
        options.insert_value(name, value)
    return options.end()


class _Lines(Values[Text]):
    """The lines of a program's output, as they come. They are without their ends."""

    def __init__(self, task: "Command[Text]", decoder: Any) -> None:
        self._task: Any = task
        self._home = None
        self._decoder = decoder
        self._lines: collections.deque[Any] = collections.deque()
        # Of the line that has not ended.
        self._begun: list[Any] = []
        self._is_at_end = False

    def _cut(self, piece: Any) -> None:
        feed, back = ("\n", "\r") if self._decoder is not None else (b"\n", b"\r")
        lines = piece.split(feed)
        if len(lines) > 1:
            lines[0] = piece[:0].join([*self._begun, lines[0]])
            self._begun = []
            last = lines.pop()
            self._lines.extend([line[:-1] if line.endswith(back) else line for line in lines])
            lines = [last]
        if lines[0]:
            self._begun.append(lines[0])

    def _end(self) -> None:
        if self._decoder is not None:
            self._cut(self._decoder.decode(b"", True))
        if self._begun:
            self._lines.append(self._begun[0][:0].join(self._begun))
            self._begun = []
        self._is_at_end = True

    def _poll(self) -> Event | None:
        self._task._check_submitted()
        self._home = self._task._home
        if self._is_stopped():
            # With the end, it is known what the program has come to.
            return None if self._task.done() else cast(Event, self._task._ended)
        while not self._lines and not self._is_at_end:
            event: Event | None = self._task._poll_value()
            if event is not None:
                return event
            if self._task._values:
                data = self._task._take_value()
                self._cut(data if self._decoder is None else self._decoder.decode(data))
            else:
                self._end()
        return None

    def _is_stopped(self) -> bool:
        """Whether the task was cancelled before all lines were taken."""
        return self._task._is_stopped and not (self._task._was_read and not self._lines and not self._begun)

    def _take(self) -> Text:
        if self._is_stopped():
            self._task.result()
            # The program had ended before.
            self._lines.clear()
            raise self._task._stopped()
        if self._lines:
            return cast(Text, self._lines.popleft())
        # Raises what has become of the program.
        self._task.result()
        raise End

    def __del__(self) -> None:
        # One of a task that was not made has none.
        if "_task" in self.__dict__:
            close_later_if_left([self.__dict__.pop("_task")])


class Command(Yielding[subprocess.CompletedProcess[Text]]):
    """A program that runs as a task. `executor.run()` makes one and submits it.

    The keywords are those of subprocess.run(), and the properties of Ferry.Command, such as `output_files`. The output is
    always captured. `progress` is the name of a reader, such as "percent", or a pattern of `re` with named groups. `name` is
    what lists call the task. With check=False, a program that fails has a result as well. With all_lines=True, lines() has
    the output, and the result does not.
    """

    __gtype_name__ = "FerryPythonCommand"

    _is_program = True

    args: list[Any] | tuple[Any, ...]
    _is_text: bool
    _encoding: str | None
    _errors: str | None
    _timeout: float | None
    _checks: bool
    _yields: bool
    _drops_output: bool
    _drops_errors: bool

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

    def __init__(self, args: Iterable[Argument], *, stdin: int | None = None, input: Any = None, stdout: int | None = None,
                 stderr: int | None = None, capture_output: bool = False, cwd: Any = None, timeout: float | None = None,
                 check: bool = True, text: bool | None = None, encoding: str | None = None, errors: str | None = None,
                 env: Mapping[Any, Any] | None = None, universal_newlines: bool | None = None, umask: int = -1,
                 all_lines: bool = False, progress: Any = None, name: str | None = None, **properties: Any) -> None:
        _refuse(properties)
        if isinstance(args, (str, bytes, os.PathLike)):
            words = [os.fsdecode(args)] if isinstance(args, os.PathLike) else _split(os.fsdecode(args))
            raise TypeError("There is no shell: give the program and its arguments as a list, such as %r" % (words,))
        if timeout is not None and not isinstance(timeout, numbers.Real):
            raise TypeError("timeout=%r is no number of seconds" % (timeout,))
        self.args = args if isinstance(args, (list, tuple)) else list(args)
        self._is_text, self._encoding, self._errors = _is_text(text, universal_newlines, encoding, errors), encoding, errors
        self._timeout, self._checks = timeout, check
        _use_once(properties, "directory", "cwd", cwd)
        self._cwd = properties.get("directory")
        self._set_streams(stdin, input, stdout, stderr, capture_output, properties)
        self._cleans_up = bool(properties.get("cleans_up"))
        self._yields = all_lines
        # A file has the output, or lines() has.
        self._drops_output = self._drops_output or all_lines or properties.get("output_file") is not None
        self._prepare_values(AHEAD)
        properties.setdefault("output_limit", 0 if self._drops_output else NO_LIMIT)
        # As the system takes it.
        properties["umask"] = umask if umask < 0 else umask & 0o777
        if not check:
            properties.setdefault("success_statuses", range(256))
        added = {key.replace("_", "-"): _text.pack_names(properties.pop(key)) for key in FILE_LISTS & set(properties)
                 if properties[key] is not None}
        _use_once(properties, "environment", "env", None if env is None else _check_environment(env))
        variables = properties.pop("environment", None)
        if variables is not None:
            added["environment"] = _text.pack_names(variables)
        packed = _text.pack_names(self.args)
        if len(self.args) > MANY:
            added["argv"] = packed
        words = list(map(os.fsdecode, self.args[:MANY]))
        if all_lines:
            added["yield-output"] = GLib.Variant("b", True)
        self._prepare_command(_make(words, progress, properties), input, added, name)

    def _set_streams(self, stdin: Any, input: Any, stdout: Any, stderr: Any, capture_output: bool,
                     properties: dict[str, Any]) -> None:
        if capture_output and (stdout is not None or stderr is not None):
            raise ValueError("stdout and stderr arguments may not be used with capture_output.")
        if input is not None and stdin is not None:
            raise ValueError("stdin and input arguments may not both be used.")
        _check_stream("stdin", stdin, (subprocess.PIPE, subprocess.DEVNULL),
                      "set input or input_file, and for the output of another program run [\"sh\", \"-c\", \"a | b\"]")
        _check_stream("stdout", stdout, (subprocess.PIPE, subprocess.DEVNULL), "set output_file to the name of a file, and to append to one "
                      "run [\"sh\", \"-c\", 'exec \"$@\" >> log', \"sh\", *args]")
        _check_stream("stderr", stderr, (subprocess.PIPE, subprocess.DEVNULL, subprocess.STDOUT), "it is captured, "
                      "and for a file of its own run [\"sh\", \"-c\", 'exec \"$@\" 2> log', \"sh\", *args]")
        captured = True if capture_output else None
        for name, keyword, value in (("input_file", "stdin", stdin), ("output_file", "stdout", stdout),
                                     ("output_file", "capture_output", captured), ("merge_streams", "stderr", stderr),
                                     ("merge_streams", "capture_output", captured)):
            _check_once(properties, name, keyword, value)
        if stdin == subprocess.DEVNULL and properties.get("interactive"):
            raise ValueError("stdin=DEVNULL and interactive arguments may not both be used.")
        if stderr == subprocess.STDOUT:
            properties["merge_streams"] = True
        self._drops_output = stdout == subprocess.DEVNULL
        self._drops_errors = stderr == subprocess.DEVNULL or bool(properties.get("merge_streams"))

    def _prepare_command(self, command: Any, input: Any, added: dict[str, Any], name: str | None) -> None:
        bytes_ = None if input is None else GLib.Bytes.new(_encode(input, self._encoding, self._errors))
        command.props.input = bytes_
        try:
            made = Ferry.Task.new_for_command(command)
        except GLib.Error as error:
            raise Error(error.message) from None
        arguments = made.props.arguments
        if added:
            arguments = _add(arguments, added)
        Ferry.Task.__init__(self, function=made.props.function, arguments=arguments, name=_text.display(name) or made.get_name(),
                            kind=Ferry.TaskKind.ITERATION if self._yields else made.props.kind, window=AHEAD,
                            holds_window=self._yields, stoppable=made.props.stoppable, interactive=made.props.interactive,
                            cancel_grace=made.props.cancel_grace,
                            max_returned_descriptors=made.props.max_returned_descriptors)
        if arguments.lookup_value("input", GLib.VariantType("i")) is not None:
            self.add_bytes(bytes_)
        if self._timeout is not None:
            self.set_run_timeout(max(1, int(self._timeout * GLib.USEC_PER_SEC)))
        self._begin(self.get_name())

    def _run_in(self, job: Any) -> subprocess.CompletedProcess[Text]:
        """In a worker: runs it as a step of the function's job, and waits."""
        if self._yields:
            raise TypeError("A program that a function runs has no lines() and no all_lines; its output is in its result")
        try:
            _job.call_whole(Ferry.Job.run_task, job.gobject, self)
        except GLib.Error as error:
            if job.is_cancelled() and not self._cleans_up:
                raise Cancelled(error.message) from None
            if not self.get_done():
                raise Error(error.message) from None
        return cast("subprocess.CompletedProcess[Text]", give(*self._read()))

    def lines(self) -> "_Lines[Text]":
        """The lines of standard output, as they come, by `for` and by `async for`: with all_lines=True.

        Each is what was written up to a line feed, without that, or "\\r\\n". The program waits where the loop is slow, and is
        cancelled where a loop is left that alone has the task. What result() raises, is raised at the end.
        """
        if not self._yields:
            raise Error("The output of '%s' is in its result; set all_lines=True for a command whose lines are read"
                        % self._name)
        decoder = None
        if self._is_text:
            decoder = codecs.getincrementaldecoder(self._encoding or locale.getencoding())(self._errors or "strict")
        return _Lines(self, decoder)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in OTHERWISE:
                raise AttributeError("A task has no '%s': %s" % (name, OTHERWISE[name]))
            raise AttributeError("'%s' object has no attribute '%s'" % (type(self).__name__, name))

    def _decode(self, written: bytes, errors: str | None) -> Any:
        if not self._is_text:
            return written
        # As subprocess does it.
        return io.TextIOWrapper(io.BytesIO(written), encoding=self._encoding, errors=errors).read()

    def _late(self, timeout: float | None) -> Exception:
        # As Popen.wait() raises it.
        return CommandTimeout("'%s' is not done yet; wait longer, or cancel it" % self._name, self.args, timeout or 0)

    @property
    def progress(self) -> tuple[float, str | None]:
        """How far the program is, from 0 to 1, and what it said last, on any thread."""
        return (self.get_fraction(), self.get_text()) if self.done() else self._progress

    def _translate(self, error: Any) -> Exception:
        program = os.fsdecode(self.args[0])
        if error.domain == EXIT_ERROR:
            return self._failed(error, error.code)
        if is_error(error, Ferry.Error.TIMED_OUT) and self._timeout is not None:
            return CommandTimeout(error.message, self.args, self._timeout, *self._find_written(is_cut=True)[1:])
        if error.domain != SPAWN_ERROR:
            found = super()._translate(error)
            if isinstance(found, CancelledError):
                return CommandCancelled(error.message, self.args, *self._find_written(is_cut=True))
            if isinstance(found, WorkerLost):
                # The library's own sentence, which says of which files it is not known whether they are whole.
                return WorkerLost(error.message, found.exit_status, found.signal, found.last_lines, found.backtrace)
            return self._add_written(error, found)
        killed = re.search(r" was killed by signal (\d+)", error.message)
        if killed and error.code == GLib.SpawnError.FAILED:
            return self._failed(error, -int(killed[1]))
        if error.code == GLib.SpawnError.NOENT:
            return FileNotFoundError(errno.ENOENT, error.message, program)
        if error.code == GLib.SpawnError.ACCES:
            return PermissionError(errno.EACCES, error.message, program)
        if error.code == GLib.SpawnError.CHDIR:
            return self._unentered(error, os.fsdecode(self._cwd or "."))
        kinds = {GLib.SpawnError.NOEXEC: errno.ENOEXEC, GLib.SpawnError.TOO_BIG: errno.E2BIG}
        return OSError(kinds.get(error.code, errno.EIO), error.message, program)

    def _unentered(self, error: Any, folder: str) -> Exception:
        kind = errno.ENOENT if not os.path.exists(folder) else errno.EACCES if os.path.isdir(folder) else errno.ENOTDIR
        return OSError(kind, error.message, folder)

    def _find_written(self, is_cut: bool = False) -> tuple[int | None, Any, Any]:
        """Status and streams of a program that has not succeeded, or None where there are none. One that is cut may end in the
        middle of a character."""
        partial = self.get_property("partial-result")
        return (None, None, None) if partial is None else self._open(partial, is_cut)

    def _add_written(self, error: Any, found: Exception) -> Exception:
        """One that has not done what it was to do, whatever its status: it wrote too much, or not its file."""
        if type(found) is not Error or is_cancel(error):
            return found
        status, output, errors = self._find_written(is_cut=True)
        return found if status is None else CommandError(error.message, status, self.args, output, errors)

    def _failed(self, error: Any, status: int) -> Exception:
        return CommandError(error.message, status, self.args, *self._find_written()[1:])

    def _open(self, result: Any, is_cut: bool = False) -> tuple[int, Any, Any]:
        """What is in a result, as a CompletedProcess has it."""
        status, output, errors = [Ferry.from_variant(result.get_child_value(i)) for i in range(3)]
        handling = self._errors or ("replace" if is_cut else None)
        return (status, None if self._drops_output else self._decode(output, handling),
                None if self._drops_errors else self._decode(errors, handling))

    def _find_outcome(self) -> tuple[Any, Exception | None]:
        try:
            return subprocess.CompletedProcess(self.args, *self._open(self.get_result())), None
        except GLib.Error as error:
            return self._find_failure(error)
        except UnicodeDecodeError as error:
            return None, error

    def _find_failure(self, error: Any) -> tuple[Any, Exception | None]:
        try:
            found = self._translate(error)
        except UnicodeDecodeError as failure:
            return None, failure
        # check=False is of the end, and not of what is missing besides.
        if isinstance(found, CommandError) and not self._checks and error.domain in (EXIT_ERROR, SPAWN_ERROR):
            return subprocess.CompletedProcess(self.args, found.returncode, found.stdout, found.stderr), None
        return None, found
