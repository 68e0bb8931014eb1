#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ferry.traits has the calls of traits-futures, with the package traits and without it: check-traits.py [with]"""

import asyncio
import importlib.util
import logging
import os
import queue
import subprocess
import sys
import tempfile
import threading
import weakref

if sys.argv[1:] != ["with"]:
    # Nothing finds it, then.
    sys.modules["traits"] = sys.modules["traits.api"] = None

import pipe_functions
import tap
import traits_functions
from gi.repository import GLib

import ferry.concurrent
import ferry.traits
from ferry.traits import (CANCELLED, CANCELLING, COMPLETED, EXECUTING, FAILED, RUNNING, STOPPED, STOPPING, WAITING,
                          AsyncioEventLoop, BaseFuture, IEventLoop, IFuture, ITaskSpecification, MultiprocessingContext,
                          MultiprocessingRouter, TraitsExecutor, submit_call, submit_iteration, submit_progress)

try:
    from traits.api import Event
except ImportError:
    from ferry.traits._observed import Event


def raised(function):
    try:
        return function()
    except BaseException as error:
        return error


def wait(condition):
    while not condition():
        GLib.MainContext.default().iteration(True)


def finish(future):
    wait(lambda: future.done)
    return future.state


class Records(logging.Handler):
    def __init__(self):
        super().__init__()
        self.texts = []
        ferry.traits.logger.addHandler(self)
        ferry.traits.logger.propagate = False

    def emit(self, record):
        self.texts.append(record.getMessage())


# ---- the router alone ----


def test_router(report, pool, records):
    """A program without a loop: events come in route_until()."""
    router = MultiprocessingRouter(event_loop=None, manager=None)
    for name, call in (("pipe", router.pipe), ("stop", router.stop), ("wait", lambda: router.route_until(bool))):
        report.equal("a router that does not run has no " + name, type(raised(call)), RuntimeError)
    router.start()
    report.equal("it is started once", type(raised(router.start)), RuntimeError)
    events = []
    pipes = [router.pipe() for _ in range(8)]
    for sender, receiver in pipes:
        receiver.observe(events.append, "message")
        pool.submit(pipe_functions.send_from_block, sender, 64)
    router.route_until(lambda: len(events) == 8 * 64, timeout=600)
    report.fact("order is kept for each receiver", all([event.new for event in events if event.object is receiver]
                                                       == list(range(64)) for _, receiver in pipes))
    report.equal("a wait has an end", type(raised(lambda: router.route_until(bool, timeout=0))), RuntimeError)
    sender, receiver = pipes[0]
    late = pool.submit(pipe_functions.send_from_block, sender, 2000)
    router.close_pipe(receiver)
    report.equal("of a pipe that is closed nothing comes", (len(events), type(raised(lambda: router.close_pipe(receiver)))),
                 (512, RuntimeError))
    report.equal("who sends is not told", (late.exception(), raised(sender.start), raised(lambda: sender.send(1)),
                                           raised(sender.stop)), 4 * (None,))
    error = pool.submit(pipe_functions.send_one, pipes[1][0], 10).exception()
    report.fact("a sender sends after its start", type(error) is RuntimeError and "start()" in str(error), [repr(error)])
    pipes[2][1].observe(events.append, "message", remove=True)
    pool.submit(pipe_functions.send_from_block, pipes[2][0], 1).result()
    test_sender(report, router, pipes[3][0], events)
    report.equal("a handler is removed", len(events), 513)
    router.stop()
    report.equal("pipes that are open are logged", len(records.texts), 1)


def test_sender(report, router, sender, events):
    report.equal("a sender is not stopped before", type(raised(sender.stop)), RuntimeError)
    sender.start()
    report.equal("it is started once", type(raised(sender.start)), RuntimeError)
    sender.send("here")
    sender.stop()
    router.route_until(lambda: events[-1].new == "here", timeout=600)
    report.equal("nor stopped twice", type(raised(sender.stop)), RuntimeError)


async def test_router_of_asyncio(report, pool):
    router = MultiprocessingRouter()
    router.start()
    sender, receiver = router.pipe()
    heard = []
    done = asyncio.Event()

    def note(event):
        heard.append((event.name, event.new, threading.current_thread()))
        if len(heard) == 100:
            done.set()

    receiver.observe(note, "message")
    pool.submit(pipe_functions.send_from_block, sender, 100)
    await done.wait()
    report.equal("events come on the loop of asyncio", heard,
                 [("message", i, threading.current_thread()) for i in range(100)])
    router.close_pipe(receiver)
    sender, receiver = router.pipe()
    receiver.on_trait_change(lambda message: heard.append(message), "message")
    async with ferry.Executor(workers=1) as executor:
        executor.submit(pipe_functions.send_from_block, sender, 10)
        router.route_until(lambda: len(heard) == 110, timeout=600)
    report.equal("a callback routes by itself, whatever the pool", heard[100:], list(range(10)))
    router.close_pipe(receiver)
    router.stop()


# ---- futures ----


def test_calls(report, executor):
    future = submit_call(executor, traits_functions.square, 12)
    heard = []
    for name in ("state", "cancellable", "done"):
        future.observe(lambda event: heard.append((event.name, event.old, event.new)), name)
    report.equal("a future waits", (future.state, future.done, future.cancellable), (WAITING, False, True))
    report.equal("it has no result yet", [type(raised(lambda name=name: getattr(future, name))) for name in ("result", "exception")],
                 [AttributeError, AttributeError])
    report.equal("a call has a result", (finish(future), future.result), (COMPLETED, 144))
    report.equal("and each change is told", heard,
                 [("state", WAITING, EXECUTING), ("state", EXECUTING, COMPLETED), ("cancellable", True, False),
                  ("done", False, True)])
    report.equal("what is done is not cancelled", (future.cancel(), future.state), (False, COMPLETED))
    error = raised(lambda: future.exception)
    report.fact("an attribute that is not there says why", "'completed'" in str(error), [repr(error)])
    future = executor.submit_call(traits_functions.fail)
    finish(future)
    kind, text, trace = future.exception
    report.equal("a failure is text", (future.state, kind, text, "in fail\n" in trace), (FAILED, "ValueError", "it fails", True))
    error = raised(lambda: submit_call(executor, lambda: None))
    report.fact("a lambda is refused", "define it with 'def'" in str(error), [repr(error)])
    future = submit_call(executor, traits_functions.die)
    report.equal("a lost worker is a failure", (finish(future), future.exception[0]), (FAILED, "ferry.errors.WorkerLost"))
    report.fact("which says how", "die was lost" in future.exception[1] and "signal 9" in future.exception[1], future.exception)
    future = submit_call(executor, traits_functions.give_a_function)
    report.equal("so is a result that cannot be sent", finish(future), FAILED)


def test_values(report, executor):
    values = []
    future = submit_iteration(executor, traits_functions.count, 100)
    future.observe(lambda event: values.append(event.new), "result_event")
    report.equal("an iteration tells its values", (finish(future), values, future.result),
                 (COMPLETED, list(range(100)), "counted"))
    values.clear()
    future = submit_progress(executor, traits_functions.add_up, [1, 2, 3])
    future.observe(lambda event: values.append(event.new), "progress")
    report.equal("and so does a function with progress", (finish(future), values, future.result),
                 (COMPLETED, [(1, 1), (2, 3), (3, 6)], 6))
    report.equal("whose argument is its own",
                 type(raised(lambda: submit_progress(executor, traits_functions.add_up, [], progress=1))), TypeError)
    future = submit_progress(executor, traits_functions.give_up)
    report.equal("which may give up by itself", (finish(future), future.result), (COMPLETED, None))


def test_cancels(report, executor, folder):
    path = os.path.join(folder, "cancelled")
    for future in (submit_call(executor, traits_functions.spin), submit_iteration(executor, traits_functions.count_for_ever),
                   submit_progress(executor, traits_functions.report_for_ever, path)):
        wait(lambda: future.state == EXECUTING)
        report.equal("%s is cancelled once" % type(future).__name__, (future.cancel(), future.cancel(), future.state),
                     (True, False, CANCELLING))
        report.equal("and ends, without a result", (finish(future), type(raised(lambda: future.result))),
                     (CANCELLED, AttributeError))
    report.fact("a function with progress hears of it", os.path.exists(path))
    futures = [submit_call(executor, traits_functions.spin) for _ in range(4)]
    for future in futures:
        future.cancel()
    report.equal("what waits is cancelled, too", [finish(future) for future in futures], 4 * [CANCELLED])


# ---- tasks of a program's own ----


class FizzBuzzFuture(BaseFuture):
    fizz = Event()
    fizz_buzz = Event()

    def _process_fizz(self, number):
        self.fizz = number

    def _process_fizz_buzz(self, number):
        self.fizz_buzz = number

    def _process_opens(self, _):
        self.fizz = "opens"


@ITaskSpecification.register
class Own:
    def __init__(self, task, future=FizzBuzzFuture):
        self.own_task = task
        self.own_future = future

    def task(self):
        return self.own_task

    def future(self, cancel):
        return self.own_future(_cancel=cancel)


class Ear(IFuture):
    """A future that is not a BaseFuture."""

    def __init__(self, _cancel):
        self.heard = []
        self.cancel = _cancel

    def cancel(self):
        return False

    def receive(self, message):
        self.heard.append(message)
        return message == "two"


def test_own(report, executor, folder, records):
    path = os.path.join(folder, "fizz-buzz")
    future = executor.submit(Own(traits_functions.FizzBuzz(path)))
    heard = []
    future.observe(lambda event: heard.append((event.name, event.new)), "fizz")
    future.observe(lambda event: heard.append((event.name, event.new)), "fizz_buzz")
    wait(lambda: len(heard) >= 5)
    report.equal("a task of one's own tells what it likes", heard[:5],
                 [("fizz", 3), ("fizz", 6), ("fizz", 9), ("fizz", 12), ("fizz_buzz", 15)])
    future.cancel()
    heard.clear()
    report.equal("it hears of a cancel by itself", (finish(future), os.path.exists(path), heard), (CANCELLED, True, []))
    future = executor.submit(Own(traits_functions.talk, Ear))
    wait(lambda: not executor._all_running)
    report.equal("and has words of its own", future.heard, ["one", "two"])
    future = executor.submit(Own(traits_functions.talk_and_die, Ear))
    records.texts.clear()
    wait(lambda: not executor._all_running)
    report.equal("whose end is logged where it does not say it", (future.heard, len(records.texts)), (["one"], 1))


# ---- executors ----


def test_stops(report, pool, folder):
    executor = TraitsExecutor(worker_pool=pool)
    heard = []
    for name in ("state", "running", "stopped"):
        executor.observe(lambda event: heard.append((event.name, event.new)), name)
    report.equal("an executor runs", (executor.state, executor.running, executor.stopped), (RUNNING, True, False))
    executor.stop()
    report.equal("one without tasks stops at once", heard, [("state", STOPPING), ("running", False), ("state", STOPPED),
                                                            ("stopped", True)])
    report.equal("it stops once", type(raised(executor.stop)), RuntimeError)
    report.equal("and takes nothing more", type(raised(lambda: submit_call(executor, abs, 1))), RuntimeError)
    executor.shutdown()
    executor = TraitsExecutor(max_workers=1)
    futures = [submit_call(executor, traits_functions.spin) for _ in range(3)]
    wait(lambda: futures[0].state == EXECUTING)
    executor.stop()
    report.equal("a stop cancels", (executor.state, [future.state for future in futures]), (STOPPING, 3 * [CANCELLING]))
    wait(lambda: executor.stopped)
    report.equal("and is done when all is", [future.state for future in futures], 3 * [CANCELLED])
    executor = TraitsExecutor(max_workers=1)
    future = submit_call(executor, traits_functions.spin)
    wait(lambda: future.state == EXECUTING)
    executor.shutdown()
    report.equal("a shutdown ends a function that runs", (executor.state, future.state), (STOPPED, CANCELLED))
    path = os.path.join(folder, "fifo")
    os.mkfifo(path)
    executor = TraitsExecutor(worker_pool=pool)
    future = executor.submit(Own(traits_functions.Waits(path)))
    opens = []
    future.observe(opens.append, "fizz")
    wait(lambda: opens)
    error = raised(lambda: executor.shutdown(timeout=0))
    report.equal("a shutdown has an end", (type(error), executor.state, future.state), (RuntimeError, STOPPING, CANCELLING))
    with open(path, "w", encoding="utf-8"):
        pass
    executor.shutdown()
    report.equal("and is called again", (executor.state, future.state), (STOPPED, CANCELLED))


def test_pools(report, pool):
    context = MultiprocessingContext()
    executor = TraitsExecutor(worker_pool=pool, context=context)
    future = submit_call(executor, traits_functions.square, 3)
    report.equal("a pool is shared", (finish(future), future.result), (COMPLETED, 9))
    errors = []
    thread = threading.Thread(target=lambda: errors.append(raised(lambda: submit_call(executor, abs, 1))))
    thread.start()
    thread.join()
    report.equal("a task is submitted on the executor's thread", type(errors[0]), RuntimeError)
    executor.shutdown()
    event = context.event()
    waiter = pool.submit(traits_functions.wait_for, event)
    report.fact("an event waits", not event.wait(0.001))
    event.set()
    report.equal("and happens everywhere", (waiter.result(), event.is_set()), (True, True))
    event.clear()
    event.clear()
    report.fact("until it is cleared", not event.is_set())
    context.close()
    report.fact("a context is closed", context.closed)
    report.equal("a pool has its number of workers",
                 type(raised(lambda: TraitsExecutor(worker_pool=pool, max_workers=1))), TypeError)
    report.equal("other pools are refused", type(raised(lambda: TraitsExecutor(worker_pool=object()))), TypeError)


# ---- loops ----


def test_asyncio(report, pool):
    """The loop does not run yet when the executor is made and used."""
    loop = asyncio.new_event_loop()
    executor = TraitsExecutor(event_loop=AsyncioEventLoop(event_loop=loop), worker_pool=pool)
    future = submit_iteration(executor, traits_functions.count, 3)
    heard = []
    done = asyncio.Event()
    # What came before the loop runs is the first that it tells.
    future.observe(lambda event: heard.append(event.new), "result_event")
    future.observe(lambda _: heard.append(threading.current_thread()) or done.set(), "done")

    async def use():
        await done.wait()
        last = submit_call(executor, traits_functions.spin)
        executor.shutdown()
        return last.state

    state = loop.run_until_complete(use())
    report.equal("a loop of asyncio", heard, [0, 1, 2, threading.current_thread()])
    report.equal("is waited on", (state, executor.state), (CANCELLED, STOPPED))
    loop.close()


class OwnLoop(IEventLoop):
    """A loop of a kind that nobody knows."""

    def __init__(self):
        self.calls = queue.SimpleQueue()

    def pingee(self, on_ping):
        return OwnPingee(self, on_ping)

    def run_until(self, condition):
        while not condition():
            self.calls.get()()


class OwnPingee:
    def __init__(self, loop, on_ping):
        self.loop = loop
        self.on_ping = on_ping
        self.said = []

    def connect(self):
        self.said.append("connect")

    def disconnect(self):
        self.said.append("disconnect")

    def pinger(self):
        return OwnPingee(self.loop, self.on_ping)

    def ping(self):
        self.loop.calls.put(self.on_ping)


def test_own_loop(report, pool):
    loop = OwnLoop()
    executor = TraitsExecutor(event_loop=loop, worker_pool=pool)
    future = submit_iteration(executor, traits_functions.count, 2000)
    values = []
    future.observe(lambda event: values.append(event.new), "result_event")
    loop.run_until(lambda: future.done)
    pingee, pinger = executor._router._pingee, executor._router._pinger
    report.equal("a loop of any kind", (future.state, values), (COMPLETED, list(range(2000))))
    executor.shutdown()
    report.equal("which is left behind", (pingee.said, pinger.said), 2 * (["connect", "disconnect"],))


def test_pingee(report):
    pings = []
    pingee = ferry.traits.ETSEventLoop().pingee(lambda: pings.append(threading.current_thread()))
    pingee.connect()
    threads = [threading.Thread(target=pingee.pinger().ping) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait(lambda: len(pings) == 3)
    # One that has pinged still runs, and keeps its pinger.
    for thread in threads:
        thread.join()
    pingee.disconnect()
    pingee.pinger().ping()
    # A pinger that is left behind keeps none.
    pinger, kept = pingee.pinger(), weakref.ref(pingee)
    pinger.disconnect()
    pinger.ping()
    del pingee, threads
    while GLib.MainContext.default().iteration(False):
        pass
    report.equal("a loop is pinged from other threads", (pings, kept()), (3 * [threading.current_thread()], None))


# ---- with the package traits ----


def test_traits(report, executor):
    from traits.api import Bool, HasStrictTraits, Instance, Property, observe

    class Model(HasStrictTraits):
        executor = Instance(TraitsExecutor)
        future = Instance(ferry.traits.CallFuture)
        is_idle = Property(Bool(), observe="future.done")
        state = ferry.traits.FutureState
        heard = Instance(list, ())

        def _get_is_idle(self):
            return self.future is None or self.future.done

        @observe("future:done")
        def _note_result(self, event):
            self.heard.append(event.object.result)

        @observe("future:state")
        def _note_state(self, event):
            self.state = event.new

        @observe("is_idle")
        def _note_idle(self, event):
            self.heard.append(event.new)

    model = Model(executor=executor)
    model.future = submit_call(executor, traits_functions.square, 5)
    finish(model.future)
    report.equal("a HasTraits observes a future", (model.heard, model.state), ([False, 25, True], COMPLETED))


def run(report, pool, folder):
    records = Records()
    test_router(report, pool, records)
    asyncio.run(test_router_of_asyncio(report, pool))
    executor = TraitsExecutor(worker_pool=pool)
    test_calls(report, executor)
    test_values(report, executor)
    test_own(report, executor, folder, records)
    if sys.argv[1:] == ["with"]:
        test_traits(report, executor)
    else:
        test_cancels(report, executor, folder)
        test_stops(report, pool, folder)
        test_pools(report, pool)
        test_asyncio(report, pool)
        test_own_loop(report, pool)
        test_pingee(report)
    executor.shutdown()
    report.equal("a pool that is shared is not shut down", pool.submit(abs, -1).result(), 1)


def body(report):
    with ferry.concurrent.Executor(2) as pool, tempfile.TemporaryDirectory() as folder:
        run(report, pool, folder)
    if sys.argv[1:]:
        return
    del sys.modules["traits"], sys.modules["traits.api"]
    if importlib.util.find_spec("traits") is None:
        report.skip("the same with the package traits", "traits is not installed (Debian: python3-traits)")
        return
    done = subprocess.run([sys.executable, __file__, "with"], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, timeout=600)
    failures = [line for line in done.stdout.splitlines() if line.startswith("not ok")]
    report.fact("the same with the package traits", done.returncode == 0 and "1.." in done.stdout, [*failures, done.stderr])


if __name__ == "__main__":
    tap.main(body)
