# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What workers do in the tests of the package."""

import asyncio
import atexit
import ctypes
import dataclasses
import errno
import hashlib
import itertools
import logging
import multiprocessing
import os
import random
import sys
import tempfile
import threading
import time
import warnings
import weakref

import ferry


class OwnError(Exception):
    """An exception that carries more than a message."""

    def __init__(self, message, number):
        super().__init__(message, number)
        self.number = number


class OddError(Exception):
    """An exception that cannot be made from its arguments."""

    def __init__(self, first, second):
        super().__init__("odd")


class CodeError(Exception):
    """Its constructor would take the message for the code."""

    def __init__(self, code, *, kind="code"):
        super().__init__("%s %s" % (kind, code))
        self.code = code


class KeywordError(Exception):
    def __init__(self, *, why):
        super().__init__()
        self.why = why


class SlotError(Exception):
    __slots__ = ("place",)

    def __init__(self, place, _other):
        super().__init__("slot %d" % place)
        self.place = place


@dataclasses.dataclass(frozen=True)
class FrozenError(Exception):
    number: int


class SystemFault(OSError):
    def __init__(self, number, text, _path, _more):
        super().__init__(number, text)


def double(number):
    return 2 * number


def keywords(*args, **kwargs):
    return args, kwargs


def fail():
    raise OwnError("not so", 7)


def fail_frozen(number):
    raise FrozenError(number)


def process_name():
    return multiprocessing.current_process().name


def fail_oddly():
    raise OddError(1, 2)


def fail_with_code():
    raise CodeError(404)


def fail_with_code_for(number):
    raise CodeError(number)


def fail_with_keyword():
    raise KeywordError(why="no")


def fail_with_slot():
    raise SlotError(3, None)


def fail_of_system():
    raise SystemFault(errno.ENOENT, "gone", "/nowhere", None)


def fail_in_a_class_of_its_own():
    class HiddenError(Exception):
        pass

    raise HiddenError("hidden")


def leave_by_exception():
    sys.exit("bye")


def press_ctrl_c():
    raise KeyboardInterrupt


def crash():
    ctypes.string_at(0)


def sum_for_ever():
    """Without a look at signals."""
    return sum(range(10**15))


def look_for_ever():
    while True:
        time.sleep(0.001)


async def sleep_in_coroutine():
    await asyncio.sleep(1000)


def leave():
    os._exit(7)


def give_a_lock():
    return threading.Lock()


def miss_file():
    with open("/nothing/at/all", encoding="utf-8") as file:
        return file.read()


def rename_nothing():
    os.rename("/nothing/a", "/nothing/b")


def fail_in_words():
    raise ValueError("the words of it")


def miss_key():
    return {}["key"]


def give_a_lock_at_three(number):
    return threading.Lock() if number == 3 else number


def spin_behind_first(number):
    while number > 0:
        pass
    return number


def recurse():
    return recurse()


def want_too_much():
    return bytearray(1 << 50)


def import_nothing():
    import nothing_of_that_name


def draw():
    return random.random(), os.getpid()


def paths():
    return sys.path, os.environ.get("PYTHONPATH"), os.environ.get("FERRY_PYTHON_PATHS")


def change(array):
    array[0] = 5
    return array


def give_bytes(size):
    return bytes(size)


def be_large_from_2000_on(number):
    return bytes(1 << 20 if number >= 2000 else 0)


def give_late(size):
    return bytes(size - 1) + b"\7"


def give_pair(size):
    return size, bytes(size)


def first_of(value):
    return value[0]


def give_bytearray(size):
    return bytearray(size)


def give_many_bytes(size):
    return [bytes(size) for _ in range(3)]


def echo(value):
    return value


def echo_all(values):
    yield from values


kept = []


def keep(value):
    kept.append(value)


def digest(value):
    return hashlib.sha256(value).hexdigest()


def digest_kept():
    return list(map(digest, kept))


def count_memories():
    """How many descriptors of memory without a name this process has."""
    return sum("memfd" in os.readlink("/proc/self/fd/" + name) for name in os.listdir("/proc/self/fd")
               if os.path.lexists("/proc/self/fd/" + name))


def begin():
    ferry.report(0.5, "begun")


def take_back(path):
    ferry.report(0.5, "first part")
    with open(path) as fifo:
        fifo.read()
    ferry.report(None, "second part")
    ferry.report(0.75, "second part")
    with open(path) as fifo:
        fifo.read()


def report_for_ever():
    number = 0
    while True:
        number += 1
        ferry.report(0.5, str(number))


def spin():
    begin()
    while True:
        pass


async def double_later(number):
    await asyncio.sleep(0.001)
    return 2 * number


async def fail_later():
    await asyncio.sleep(0.001)
    fail()


async def sleep_later():
    begin()
    await asyncio.sleep(1000)


async def count_later(number):
    for i in range(number):
        yield i


def sleep():
    begin()
    time.sleep(1000)


def end_in_own_way():
    begin()
    try:
        while True:
            pass
    except ferry.Cancelled:
        return ferry.cancelled()


def commit(folder):
    """Does what stays, although it is cancelled meanwhile: not before there is a file "go"."""
    ferry.commit()
    begin()
    while not os.path.exists(os.path.join(folder, "go")):
        time.sleep(0.01)
    ferry.commit()
    return ferry.cancelled()


def commit_late():
    begin()
    try:
        while True:
            time.sleep(0.01)
    except ferry.Cancelled:
        ferry.commit()
    return "committed"


def be_deaf():
    while True:
        try:
            begin()
            while True:
                time.sleep(1000)
        except BaseException:
            pass


def notice():
    logging.getLogger("functions.quiet").debug("nobody wants %s", "this")
    logging.getLogger("functions").warning("there are %d", 3)
    try:
        raise OwnError("not so", 7)
    except OwnError:
        logging.getLogger("functions").exception("it failed")
    warnings.warn("it is old", stacklevel=1)


WORDS = []


def set_word(word):
    WORDS.append(word)


def get_word():
    return WORDS.pop()


def track(number):
    return sum(ferry.track(range(number), text="counting"))


def ask_nothing():
    return ferry.cancelled()


def count(number):
    for i in range(number):
        yield i
    return "the end"


def count_up():
    yield from itertools.count()


def yield_and_linger(path):
    """Takes its time to end, until there is a file."""
    try:
        yield 0
        time.sleep(1000)
    finally:
        while not os.path.exists(path):
            time.sleep(0.01)


def count_and_fail(number):
    yield from range(number)
    raise OwnError("far enough", number)


def count_and_miss(number):
    yield from range(number)
    raise IndexError(number)


def miss_at_three(number):
    if number == 3:
        raise IndexError(number)
    return number


def count_for_ever(path):
    """The file has how far it has come."""
    number = 0
    with open(path, "wb", buffering=0) as file:
        while True:
            file.seek(0)
            file.write(b"%10d" % number)
            yield number
            number += 1


def stop_at_three(number):
    if number == 3:
        raise StopIteration(number)
    return number


async def double_later(number):
    if number == 3:
        raise OwnError("three", 3)
    return 2 * number


def fail_at_three(number):
    if number == 3:
        raise OwnError("three", 3)
    return -number


def crash_at_three(number):
    if number == 3:
        os._exit(7)
    return -number


def submit_more():
    with ferry.Executor(workers=1) as executor:
        return executor.submit(double, 21).result()


def get_process(*_):
    return os.getpid()


class Finalizer:
    """It is busy when it is finalized."""

    def __del__(self):
        sum(0 for _ in range(3000000))


def finalize_and_spin():
    finalizer = Finalizer()
    begin()
    del finalizer
    while True:
        pass


HALF_WAY = """from .part import value
double = 2 * part.value
import time
import ferry
open(%r, "w").close()
while not ferry.cancelled():
    pass
end = time.monotonic() + 0.05
while time.monotonic() < end:
    ferry.cancelled()
"""


def import_for_long(folder):
    """A package whose import goes on for a while after the task was cancelled. A file says that it has come half-way."""
    if folder not in sys.path:
        sys.path.insert(0, folder)
        os.mkdir(os.path.join(folder, "halfway"))
        for name, text in (("__init__", HALF_WAY % os.path.join(folder, "begun")), ("part", "value = 21\n")):
            with open(os.path.join(folder, "halfway", name + ".py"), "w") as file:
                file.write(text)
    import halfway
    return halfway.double, os.getpid()


def count_sleeps(name):
    """How often the thread of that name in this process went to sleep."""
    for thread in os.listdir("/proc/self/task"):
        with open("/proc/self/task/%s/status" % thread, encoding="utf-8") as file:
            text = file.read()
        if text.split()[1] == name:
            return int(text.split("\nvoluntary_ctxt_switches:")[1].split()[0])
    raise LookupError("No thread is called %s" % name)


def pack(folder):
    scratch = ferry.scratch_folder()
    ferry.run(["sh", "-c", "echo one > between"], cwd=scratch)
    return ferry.run(["sh", "-c", "cat between; echo two"], cwd=scratch, text=True).stdout, scratch


def fail_in_step():
    ferry.run(["sh", "-c", "echo out; echo no good >&2; exit 3"], text=True)


def run_step(args, **keywords):
    return ferry.run(args, **keywords)


def die_in_step(folder):
    """Dies as a program of it writes in place."""
    ferry.run(["sh", "-c", "echo half > out; kill -9 %d; sleep 1000" % os.getpid()], cwd=folder, output_files=["out"])


def step_by_step(folder):
    with ferry.part(0.5):
        ferry.run(["sh", "-c", "echo '80%'; until test -e go; do sleep 0.01; done"], cwd=folder, progress="percent")
    with ferry.part(0.5):
        ferry.run(["echo", "50%"], progress="percent")


def tidy_up(folder):
    try:
        # A shell, or a handler of Python, that is told to end in the moment before it waits, waits.
        ferry.run([sys.executable, "-c", "import signal, time; signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
                   "open('begun', 'w'); time.sleep(1000)"], cwd=folder)
    finally:
        ferry.run(["sh", "-c", "echo > tidied"], cwd=folder, cleans_up=True)


def ask_in_step():
    return ferry.run(["sh", "-c", "printf 'Really: ' >&2; read answer; echo $answer"], text=True, interactive=True).stdout


def fail_with(text, kind=ValueError):
    raise kind("cannot read %s" % text)


def fail_hidden_with(text):
    class HiddenError(Exception):
        pass

    raise HiddenError(text)


def report_text(text):
    ferry.report(0.5, text)
    return list(ferry.track([1], text=text, unit=text))


def yield_and_fail(text):
    yield text
    raise ValueError(text)


def say_last_words(text):
    os.write(2, os.fsencode(text) + b"\n")
    os._exit(3)


def pass_time(path):
    """Says in a file that it has begun."""
    with open(path, "a", encoding="utf-8") as file:
        file.write("%d\n" % os.getpid())
    time.sleep(1000)


def nap(_):
    time.sleep(0.01)


def spin_at_three(number):
    while number == 3:
        pass
    return number


def sleep_at_three(number):
    if number == 3:
        time.sleep(1000)
    return number


def raise_cancelled(kind):
    raise kind("of a future of its own")


def spin_until(path):
    """Until there is the file, or nobody waits for it."""
    until = time.monotonic() + 600
    while not os.path.exists(path) and time.monotonic() < until:
        time.sleep(0.001)
    return "seen"


def draw_of_numpy():
    import numpy

    return float(numpy.random.uniform()), os.getpid()


# Of a library that a program has written, which seeds by the hook of Python.
OWN_SEED = [0]
os.register_at_fork(after_in_child=lambda: OWN_SEED.__setitem__(0, os.getpid()))


def get_own_seed():
    return OWN_SEED[0], os.getpid()


def draw_once(_):
    # Other workers have a part in it.
    time.sleep(0.01)
    return draw()


def draw_of_numpy_once(_):
    time.sleep(0.01)
    return draw_of_numpy()


def get_own_seed_once(_):
    time.sleep(0.01)
    return get_own_seed()


def find_threads():
    return {name: value for name, value in os.environ.items() if name.endswith("_NUM_THREADS")}


def count_threads_of_numpy():
    import numpy

    before = len(os.listdir("/proc/self/task"))
    numpy.ones((300, 300)) @ numpy.ones((300, 300))
    return len(os.listdir("/proc/self/task")) - before


def mark(folder, name):
    with open(os.path.join(folder, "%s-%d" % (name, os.getpid())), "w", encoding="utf-8"):
        pass


class Finalized:
    pass


def leave_ends(folder):
    """What is to be done at the end of the process."""
    finalized = Finalized()
    WORDS.append((finalized, tempfile.TemporaryDirectory(dir=folder, prefix="temporary-")))
    atexit.register(mark, folder, "atexit")
    weakref.finalize(finalized, mark, folder, "finalize")
    sys.stdout.write("without a line's end")
    return os.getpid()


def leave_long_end():
    atexit.register(time.sleep, 1000)
    return os.getpid()
