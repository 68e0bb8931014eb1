#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each callable of the introspection data is called from Python: check-callables.py API-VERSION GIR TABLE WORKER FUNCTIONS

TABLE has a line for each callable: its class, its name, "works" or "C only", and how, or what there is instead. A line that says "works" is believed only when the callable was called here and came back, or, for callbacks,
signals and virtual methods, when it was heard. WORKER is tests/workers/serving-worker.c, and FUNCTIONS a worker in Python.

Skipped where Python has no bindings (PyGObject).
"""

import os
import queue
import socket
import sys
import tempfile
import threading
import traceback

import tap
from waiting import LONG, until

try:
    import gi
    from gi.repository import Gio, GLib, GObject
except ImportError:
    gi = None

# As python-functions-worker.py has it.
LARGE = 5000000
# Of one object, until they are sent.
MORE_SIGNALS_THAN_ARE_KEPT = 5000


def in_thread(function):
    """What function gives in a thread of its own, while the main loop runs here."""
    loop = GLib.MainLoop()
    outcome = []

    def body():
        try:
            outcome.append((function(), None))
        except Exception as error:
            outcome.append((None, error))
        GLib.idle_add(loop.quit)

    thread = threading.Thread(target=body)
    thread.start()
    loop.run()
    thread.join()
    if outcome[0][1]:
        raise outcome[0][1]
    return outcome[0][0]


def later(start, finish, *arguments):
    """What an asynchronous call gives."""
    loop = GLib.MainLoop()
    results = []
    start(*arguments, lambda _source, result, *_: (results.append(result), loop.quit()))
    loop.run()
    return finish(results[0])


def fails(function, *arguments):
    try:
        function(*arguments)
    except GLib.Error as error:
        return error
    raise AssertionError("it did not fail")


def define_wire(ferry, note):
    """A transport of Python's own: a thread hands on what one end sends to the other end. The first message finds no room."""
    class Wire(ferry.Transport):
        def __init__(self):
            super().__init__()
            self.messages, self.other, self.was_full = queue.Queue(), None, False
            self.thread = threading.Thread(target=self.hand_on)

        def join(self, other):
            self.other = other
            self.thread.start()

        def hand_on(self):
            for message in iter(self.messages.get, None):
                if message == b"room":
                    self.note_room()
                else:
                    self.other.receive(message)
            self.other.end(GLib.Error("The wire was cut", "ferry-error-quark", ferry.Error.CLOSED))

        def send_bytes(self, message):
            if not self.was_full:
                self.was_full = True
                self.messages.put(b"room")
                raise GLib.Error("The wire is full", "ferry-error-quark", ferry.Error.WOULD_BLOCK)
            self.messages.put(message.get_data())
            return True

        do_send_bytes = note("Transport.do_send_bytes", send_bytes)
        do_close = note("Transport.do_close", lambda self: self.messages.put(None))

    return Wire


class Tour:
    """Each method whose name begins with "use" is one part of the tour."""

    def __init__(self, ferry, recorder, worker, functions, gir, folder):
        self.ferry, self.recorder, self.worker, self.heard = ferry, recorder, worker, recorder.heard
        self.folder = folder
        self.functions = [sys.executable, functions, "1", gir]
        self.router = ferry.Router.new(None)
        self.router.start()

    def listen(self, owner, thing, name, function):
        thing.connect(name, self.heard("%s.::%s" % (owner, name), function))

    def launcher(self, *more):
        return self.ferry.Launcher.new(self.functions + list(more))

    def use_router(self):
        ferry, router = self.ferry, self.ferry.Router.new(None)
        assert not router.get_running() and router.start()
        ferry.Router.get_default()
        _, sender, receiver = router.pipe(ferry.PipeFlags.QUEUED)
        got = []
        self.listen("Receiver", receiver, "message", lambda _, value: got.append(value.unpack()))
        self.listen("Receiver", receiver, "closed", lambda _, end: got.append(end.get_reason()))
        sender.start()
        sender.send(GLib.Variant("i", 1))
        until(lambda: got == [1])
        receiver.set_handler(self.heard("ReceiverHandler", lambda _, data, *rest: got.append(bytes(data))))
        sender.send_bytes(b"abc")
        router.route_until(self.heard("Condition", lambda *_: len(got) == 2), None, LONG)
        receiver.set_handler(None)
        sender.stop()
        until(lambda: len(got) == 3)
        end = receiver.get_exit()
        assert end.is_success() and end.get_message() and end.get_signal() == 0 and end.get_exit_status() <= 0
        router.get_counter(ferry.Counter(0))
        _, sender, receiver = router.pipe(ferry.PipeFlags.QUEUED)
        receiver.bind(GObject.Object())
        _, sender, receiver = router.pipe(ferry.PipeFlags.QUEUED)
        router.close_pipe(receiver)
        router.stop()
        assert got == [1, b"abc", ferry.CloseReason.STOPPED], got

    def check_given_sender(self, executor):
        """The worker runs already when the pipe is opened."""
        ferry, heard = self.ferry, []
        _, sender, receiver = self.router.pipe(ferry.PipeFlags.QUEUED)
        self.listen("Receiver", receiver, "message", lambda _, message: heard.append(message.unpack()))
        self.listen("Receiver", receiver, "closed", lambda _, end: heard.append(end.get_reason()))
        task = ferry.Task.new(ferry.TaskKind.CALL, "use-sender", None)
        assert task.add_sender(sender) == 0
        executor.submit_task(task)
        result = task.wait(LONG).get_data_as_bytes().get_data()
        assert result[:5] == b"hello" and len(result) == 50000, len(result)
        until(lambda: len(heard) == 4)
        assert heard == [0, 1, 2, ferry.CloseReason.STOPPED], heard

    def use_tasks(self):
        ferry, heard = self.ferry, []
        executor = ferry.Executor.new(ferry.Pool.new(self.router, self.launcher()))
        with open(os.path.join(self.folder, "file"), "w+") as file:
            file.write(" and a file")
            file.flush()
            task = ferry.Task.new(ferry.TaskKind.ITERATION, "use-job", None)
            handles = (task.add_bytes(GLib.Bytes.new(b"bytes")), task.add_descriptor(file.fileno()))
            task.set_arguments(GLib.Variant("(hh)", handles))
        for name in ("progress", "message", "yielded", "done"):
            self.listen("Task", task, name, lambda _, *values: heard.append(values))
        task.set_cancel_grace(LONG)
        task.set_run_timeout(LONG)
        executor.submit_task(task)
        assert task.wait(LONG).unpack() == "bytes and a file"
        assert task.get_done() and not task.get_error() and not task.get_exit() and task.get_name()
        assert task.get_result() and task.get_state() == ferry.TaskState.COMPLETED
        task.get_text(), task.get_fraction()
        assert len(heard) >= 4, heard
        self.check_given_sender(executor)
        task = ferry.Task.new(ferry.TaskKind.STEPS, "use-steps", None)
        executor.submit_task(task)
        task.wait(LONG)
        assert executor.submit("take-nothing", None).wait(LONG).unpack()
        error = fails(executor.submit("fail", None).wait, LONG)
        assert error.matches(GLib.file_error_quark(), 4), error
        task = executor.submit_named("A task with a trace", "fail-with-trace", None)
        assert task.get_name() == "A task with a trace", task.get_name()
        error = fails(task.wait, LONG)
        assert error.matches(GLib.file_error_quark(), 4) and "in Python" in ferry.Error.get_trace(error), error
        executor.stop()

    def use_what_is_given(self):
        """A transport and a descriptor reach a task, and messages, descriptors and large data come home."""
        ferry = self.ferry
        executor = ferry.Executor.new(ferry.Pool.new(self.router, self.launcher()))
        here, there = socket.socketpair()
        task = ferry.Task.new(ferry.TaskKind.CALL, "use-transport", GLib.Variant("h", 0))
        assert task.add_descriptor(there.fileno()) == 0
        descriptor = here.detach()
        channel = ferry.Channel.new(ferry.Transport.new_for_descriptors(descriptor, descriptor))
        executor.submit_task(task)
        channel.send(GLib.Variant("s", "there and back"), LONG, None)
        assert in_thread(lambda: channel.receive(LONG, None))[1].unpack() == "there and back"
        assert in_thread(lambda: channel.receive(LONG, None))[1].get_size() == LARGE
        task.wait(LONG)
        task = ferry.Task.new(ferry.TaskKind.CALL, "give-descriptor", None)
        task.props.max_returned_descriptors = 3
        handles = []
        self.listen("Task", task, "message", lambda _, kind, value: handles.extend(value.unpack()))
        executor.submit_task(task)
        until(lambda: len(handles) == 2)
        descriptor = task.dup_descriptor(handles[0])
        assert os.pread(descriptor, 100, 0) == b"from the worker"
        os.close(descriptor)
        channel = ferry.Channel.new(task.open_transport(handles[1]))
        channel.send(GLib.Variant("s", "both ways"), LONG, None)
        assert in_thread(lambda: channel.receive(LONG, None))[1].unpack() == "both ways"
        task.wait(LONG)
        task = ferry.Task.new(ferry.TaskKind.CALL, "run-programs", None)
        task.props.interactive = True
        self.listen("Task", task, "asks", lambda task, question: task.answer(("%s: this" % question).encode()))
        executor.submit_task(task)
        assert task.wait(LONG).unpack() == ("from a program\n", "Which?: this")
        assert executor.submit("return-bytes", None).wait(LONG).get_size() == LARGE
        executor.stop()

    def use_virtual_methods(self):
        ferry, heard, note = self.ferry, [], self.heard

        class Task(ferry.Task):
            do_message = note("Task.do_message", lambda _, kind, value: heard.append(kind))
            do_yielded = note("Task.do_yielded", lambda task, value: heard.append("yielded") or task.consume(1))
            do_progress = note("Task.do_progress", lambda _: heard.append("progress"))
            do_done = note("Task.do_done", lambda _: heard.append("done"))

        executor = ferry.Executor.new_for_program(self.worker)
        for function, number in (("send", "t"), ("yield", "t"), ("report", "t")):
            task = Task(function=function, arguments=GLib.Variant(number, 3), kind=ferry.TaskKind.ITERATION
                        if function == "yield" else ferry.TaskKind.CALL, holds_window=True, window=1)
            executor.submit_task(task)
            task.wait(LONG)
        assert {"number", "yielded", "done"} <= set(heard), heard
        executor.stop()

    def use_commands(self):
        """What is no worker for commands takes them too, and says that it knows none."""
        ferry = self.ferry
        os.environ["FERRY_COMMAND"] = self.worker
        executor = ferry.Executor.new_for_commands()
        assert ferry.Launcher.new_for_commands().props.argv == [self.worker]
        command = ferry.Command.new(["true"])
        assert ferry.Task.new_for_command(command).props.name == "true"
        error = fails(executor.submit_command(command).wait, LONG)
        assert error.matches(ferry.Error.quark(), ferry.Error.UNKNOWN_FUNCTION), error
        executor.stop()
        del os.environ["FERRY_COMMAND"]

    def use_executor(self):
        ferry = self.ferry
        pool = ferry.Pool.new(self.router, ferry.Launcher.new([self.worker]))
        pool.set_max_workers(2)
        pool.start()
        pool.reset()
        assert pool.get_error() is None and pool.get_workers().get_n_items() >= 0
        executor = ferry.Executor.new_for_runner(pool)
        assert executor.get_pool() == pool
        executor.add_runner(ferry.Pool.new_for_threads(self.router))
        assert later(lambda *a: executor.call_async("double", GLib.Variant("x", 4), None, *a),
                     executor.call_finish).unpack() == 8
        task = ferry.Task.new(ferry.TaskKind.CALL, "double", GLib.Variant("x", 4))
        executor.submit_task(task)
        assert later(lambda call: task.wait_async(None, call), task.wait_finish).unpack() == 8
        failing = executor.submit("fail", GLib.Variant("(sis)", ("g-file-error-quark", 4, "no")))
        fails(failing.wait, LONG)
        again = executor.retry(failing)
        fails(again.wait, LONG)
        executor.remove(failing)
        executor.clear_finished()
        slow = executor.submit("sleep-until-cancelled", None)
        waiting = [executor.submit("sleep-until-cancelled", None) for _ in range(2 * ferry.get_n_usable_cores() + 8)]
        executor.set_task_priority(waiting[-1], 1)
        group = ferry.TaskGroup.new()
        group.add(slow)
        whole = ferry.Task.new_for_group(group, "All of them", "tasks")
        assert whole.get_name() == "All of them" and not whole.get_done()
        assert group.pause() == 1 and slow.props.is_paused and group.resume() == 1
        assert slow.pause() and slow.resume()
        executor.set_paused(True, False)
        executor.set_paused(False, False)
        slow.cancel()
        later(lambda call: group.wait_async(None, call), group.wait_finish)
        group.cancel()
        assert whole.get_state() == ferry.TaskState.CANCELLED
        group.bind(GObject.Object())
        executor.cancel_all()
        later(lambda call: executor.shutdown_async(LONG, None, call), executor.shutdown_finish)
        other = ferry.Pool.new(self.router, ferry.Launcher.new([self.worker]))
        later(lambda call: other.stop_async(LONG, None, call), other.stop_finish)

    def use_map(self):
        ferry, heard = self.ferry, []
        executor = ferry.Executor.new_for_program(self.worker)
        done = ferry.Map.new(executor, "double", ferry.MapOrder(0))
        self.listen("Map", done, "result", lambda _, index, value, error: heard.append(value.unpack()))
        self.listen("Map", done, "finished", lambda _: heard.append("finished"))
        done.set_arguments(GLib.Variant("ax", [1, 2]))
        whole = ferry.Task.new_for_map(done, "Both numbers", None)
        done.start()
        until(lambda: "finished" in heard)
        assert whole.get_state() == ferry.TaskState.COMPLETED and whole.get_fraction() == 1
        pulled = ferry.Map.new(executor, "double", ferry.MapOrder(0))
        pulled.set_paused(True)
        pulled.set_paused(False)
        pulled.set_arguments(GLib.Variant("ax", [5, 6]))
        rows = pulled.get_results()
        item = later(lambda call: pulled.next_async(None, call), pulled.next_finish)
        assert rows[0].get_index() == item.get_index() and pulled.get_outcome() == ferry.MapOutcome.NONE
        assert item.get_error() is None and item.props.index in (0, 1) and item.get_value().unpack() in (10, 12)
        assert later(lambda call: pulled.next_async(None, call), pulled.next_finish)
        numbers = iter([GLib.Variant("x", 1), GLib.Variant("x", 2)])
        source = ferry.Map.new(executor, "double", ferry.MapOrder(0))
        source.set_source(self.heard("MapSource", lambda *_: next(numbers, None)))
        assert [one.get_value().unpack() for one in source.collect(LONG)] in ([2, 4], [4, 2])
        store = Gio.ListStore.new(GObject.Object)
        store.append(GObject.Object())
        model = ferry.Map.new(executor, "double", ferry.MapOrder(0))
        model.set_model(store, self.heard("MapArguments", lambda *_: GLib.Variant("x", 7)))
        assert later(lambda call: model.collect_async(None, call), model.collect_finish)[0].get_value().unpack() == 14
        ferry.Map.new(executor, "double", ferry.MapOrder(0)).cancel()
        executor.stop()

    def use_errors(self):
        ferry = self.ferry
        assert ferry.Error.quark() and ferry.get_n_usable_cores() > 0
        assert ferry.describe_application().startswith("Ferry ")
        value = GLib.Variant("(sissas)", ("g-file-error-quark", 4, "no", "there", []))
        error, trace = ferry.Error.from_variant(value)
        assert error.matches(GLib.file_error_quark(), 4) and error.message == "no" and trace == "there"
        assert ferry.Error.get_trace(error) == "there"

    def use_mux(self):
        ferry, got = self.ferry, []
        here, there = ferry.Transport.new_pair()
        demux, mux = ferry.Demux.new(there), ferry.Mux.new(here)

        def answer(invocation, *_):
            invocation.get_cancellable(), invocation.get_deadline(), invocation.get_object()
            assert not invocation.is_cancelled()
            method = invocation.get_method()
            if method == "bytes":
                data = invocation.get_bytes()
                invocation.return_bytes(bytes(data))
            elif method == "refuse":
                invocation.refuse("never")
            elif method == "fail":
                invocation.return_error(GLib.Error("no", "g-file-error-quark", 4))
            elif method == "open":
                with open(os.devnull) as file:
                    handle = invocation.get_transport().send_descriptor(file.fileno())
                invocation.return_value(GLib.Variant("h", handle))
            else:
                invocation.return_value(invocation.get_arguments())

        demux.set_threads(0)
        demux.set_context(None)
        for method in ("echo", "bytes", "refuse", "fail", "open", None):
            demux.add_handler(method, self.heard("DemuxHandlerFull", answer))
        demux.remove_handler(None)
        demux.start()
        five = GLib.Variant("i", 5)
        assert in_thread(lambda: mux.transact("echo", five, LONG, None)).unpack() == 5
        assert later(lambda call: mux.transact_async("echo", five, LONG, None, call), mux.transact_finish).unpack() == 5
        assert in_thread(lambda: mux.transact_bytes("bytes", b"abc", LONG, None)).get_data() == b"abc"
        mux.transact_with_func("echo", five, self.heard("MuxFunc", lambda value, error, *_: got.append(value.unpack())))
        mux.transact_bytes_with_func("bytes", b"abc", self.heard("MuxBytesFunc", lambda data, *_: got.append(bytes(data))))
        until(lambda: len(got) == 2)
        mux.cancel(mux.transact_with_func("echo", five, lambda *_: None))
        fails(in_thread, lambda: mux.transact("refuse", None, LONG, None))
        assert "no" in fails(in_thread, lambda: mux.transact("fail", None, LONG, None)).message
        in_thread(lambda: mux.send("echo", five, LONG, None))
        here.props.max_descriptors = 1
        file = here.take_descriptor(in_thread(lambda: mux.transact("open", None, LONG, None)).unpack())
        assert os.read(file, 1) == b""
        os.close(file)
        later(lambda call: demux.stop_async(None, call), demux.stop_finish)
        demux.stop()
        mux.stop()
        assert got == [5, b"abc"], got

    def use_transports(self):
        ferry = self.ferry
        one, other = socket.socketpair()
        transport = ferry.Transport.new_for_descriptors(os.dup(one.fileno()), os.dup(one.fileno()))
        transport.close()
        end = other.detach()
        ferry.Transport.new_for_descriptors(end, end).close()
        in_thread(transport.wait_closed)
        address = os.path.join(self.folder, "socket")
        listener = ferry.Listener.new(address)
        listener.allow_user(os.getuid())
        listener.props.max_attached = 2
        attached = []
        self.listen("Listener", listener, "attached", lambda _, transport: attached.append(transport))
        listener.start()
        # An end that is dropped before the listener has looked at it was never there.
        ends = [in_thread(lambda: ferry.Transport.connect_to(address)),
                later(lambda call: ferry.Transport.connect_to_async(address, LONG, LONG, None, call),
                      ferry.Transport.connect_to_finish)]
        until(lambda: len(attached) == len(ends))
        listener.close()
        listener = ferry.Listener.new(address + "2")
        keep = []
        thread = threading.Thread(target=lambda: keep.append(ferry.Transport.connect_to(address + "2")))
        thread.start()
        in_thread(lambda: listener.accept(LONG, None))
        thread.join()
        fails(ferry.Listener.new_from_environment)

    def use_own_transport(self):
        ferry = self.ferry
        wire = define_wire(ferry, self.heard)
        here, there = wire(), wire()
        here.join(there)
        there.join(here)
        demux, mux = ferry.Demux.new(there), ferry.Mux.new(here)
        demux.add_handler("echo", lambda invocation, *_: invocation.return_value(invocation.get_arguments()))
        demux.start()
        for number in range(3):
            answer = in_thread(lambda: mux.transact("echo", GLib.Variant("i", number), LONG, None))
            assert answer.unpack() == number, answer
        here.close()
        for end in (here, there):
            in_thread(end.wait_closed)
            end.thread.join()
        assert "cut" in there.props.reason.message, there.props.reason

    def use_fork_handlers(self):
        """Each worker of a fork server runs the handlers of Python's own, and draws other random numbers."""
        pool = self.ferry.Pool.new(self.router, self.launcher())
        pool.props.max_tasks = 1
        executor = self.ferry.Executor.new(pool)
        drawn = [executor.submit("draw", None).wait(LONG).unpack() for _ in range(3)]
        assert len({number for number, _, _ in drawn}) == 3, drawn
        assert all(forked == [process] for _, process, forked in drawn), drawn
        executor.stop()

    def use_persistent_worker(self):
        """A worker that outlives the application listens at an address, and keeps its results until they are taken."""
        ferry, address = self.ferry, os.path.join(self.folder, "persistent")
        self.launcher("listen").spawn_persistent(address)
        channel = ferry.Channel.new(later(lambda call: ferry.Transport.connect_to_async(address, LONG, LONG, None, call),
                                          ferry.Transport.connect_to_finish))
        assert later(lambda call: channel.receive_async(None, call), channel.receive_finish)[1].unpack() == "kept"
        assert later(lambda call: channel.receive_async(None, call), channel.receive_finish)[1] is None

    def use_channels(self):
        ferry, heard = self.ferry, []
        here, there = ferry.Transport.new_pair()
        one, other = ferry.Channel.new(here), ferry.Channel.new(there)
        value, error = GLib.Variant("s", "hello"), GLib.Error("no", "g-file-error-quark", 4)
        one.send(value, LONG, None)
        assert in_thread(lambda: other.receive(LONG, None))[1].unpack() == "hello"
        later(lambda call: one.send_async(value, None, call), one.send_finish)
        assert later(lambda call: other.receive_async(None, call), other.receive_finish)[1].unpack() == "hello"
        one.send_error(error, LONG, None)
        assert in_thread(lambda: other.receive(LONG, None))[2].message == "no"
        self.listen("Channel", other, "message", lambda _, value, failure: heard.append(value.unpack()))
        other.props.flowing = True
        in_thread(lambda: one.send_acknowledged(value, LONG, None))
        later(lambda call: one.send_acknowledged_async(value, None, call), one.send_acknowledged_finish)
        one.close()
        one.get_exit(), one.get_identifier(), one.get_arguments(), one.send_signal(18)
        here, there = ferry.Transport.new_pair()
        one, other = ferry.Channel.new(here), ferry.Channel.new(there)
        one.fail(error)
        worker = ferry.Channel.start(self.launcher(), self.router, "talk", value)
        assert in_thread(lambda: worker.receive(LONG, None))[1].unpack() == "hello"
        worker.close()
        worker.wait(LONG)
        later(lambda call: worker.wait_async(None, call), worker.wait_finish)

    def use_workers(self):
        ferry, heard = self.ferry, []
        launcher = ferry.Launcher.new(["/bin/sh", "-c", "echo hello; echo written >&2; sleep 100"])
        path = os.path.join(self.folder, "written")
        launcher.take_stream_fd(ferry.Stream.STDERR, os.open(path, os.O_CREAT | os.O_WRONLY))
        launcher.set_limit(ferry.Limit(0), 1 << 40)
        launcher.setenv("FERRY_PYTHON", "1")
        launcher.props.stdout = ferry.StreamMode.LOG
        _, sender, receiver = self.router.pipe(ferry.PipeFlags.QUEUED)
        launcher.add_sender("out", sender)
        launcher.set_fork_server(None)
        worker = launcher.spawn(self.router)
        self.listen("Worker", worker, "output", lambda _, stream, line: heard.append(line))
        self.listen("Worker", worker, "ended", lambda _, end: heard.append("ended"))
        assert worker.get_state() is not None
        until(lambda: "hello" in heard and os.path.getsize(path) == len("written\n"))
        assert int(worker.get_identifier()) > 1
        worker.send_signal(18)
        worker.force_exit()
        until(lambda: "ended" in heard)
        launcher.add_sender("out", self.router.pipe(ferry.PipeFlags.QUEUED)[1])
        launcher.spawn_again(self.router).force_exit()

    def use_buffers(self):
        """A buffer of a Python worker arrives with what was written into it."""
        ferry, got = self.ferry, []
        launcher = self.launcher("send-buffer")
        _, sender, receiver = self.router.pipe(ferry.PipeFlags.QUEUED)
        launcher.add_sender("out", sender)
        launcher.add_transport(self.router, "objects")
        self.listen("Receiver", receiver, "buffer", lambda _, metadata, data: got.append(bytes(data.get_data())))
        worker = launcher.spawn(self.router)
        _, sender, receiver = self.router.pipe(ferry.PipeFlags.QUEUED)
        self.listen("Receiver", receiver, "message", lambda _, message: got.append(message.unpack()))
        worker.add_sender("late", sender)
        until(lambda: len(got) == 2)
        assert sorted(got, key=str) == [b"hello", "late"], got

    def use_leaving(self):
        executor = self.ferry.Executor.new(self.ferry.Pool.new(self.router, self.launcher()))
        fails(executor.submit("leave", None).wait, LONG)
        executor.stop()

    def use_objects(self):
        ferry, heard = self.ferry, []

        class Counter(GObject.Object):
            value = GObject.Property(type=int, default=0, minimum=0, maximum=100)
            sealed = GObject.Property(type=bool, default=False, flags=GObject.ParamFlags.READABLE)
            rang = GObject.Signal()

        class Replica(GObject.Object):
            value = GObject.Property(type=int, default=0, minimum=0, maximum=100)
            sealed = GObject.Property(type=bool, default=False)

        def add(counter, call, *_):
            call.get_object()
            counter.value += call.get_arguments().unpack()[0]
            call.return_value(GLib.Variant("i", counter.value))

        interface = ferry.Interface.new("org.example.Counter", Counter)
        interface.add_method("add", "i", "i", self.heard("MethodFuncFull", add))
        interface.add_property("value", Gio.DBusPropertyInfoFlags.READABLE | Gio.DBusPropertyInfoFlags.WRITABLE)
        interface.add_property("sealed", Gio.DBusPropertyInfoFlags.READABLE)
        interface.add_method("get_self", None, "o", lambda counter, call, *_: call.return_object(counter))
        interface.add_signal("rang")
        ferry.Interface.new("org.example.Other", Counter).add_all()
        exporter, counter = ferry.Exporter.new(), Counter()
        exporter.set_context(None)
        exporter.add_function("twice", self.heard(
            "MethodFuncFull", lambda counter, call, *_: call.return_value(GLib.Variant("i", 2 * counter.value))))
        exporter.export_type(interface, ferry.CallPolicy.SERIAL)
        exporter.export("counter", counter, interface, ferry.CallPolicy.SERIAL)
        here, there = ferry.Transport.new_pair()
        exporter.add_transport(here)
        exporter.start()
        assert exporter.props.listening and exporter.dup_object("counter") == counter
        proxy = ferry.Proxy.new(there, "counter")
        in_thread(lambda: proxy.wait_until_listening(LONG, None))
        later(lambda call: proxy.wait_until_listening_async(LONG, None, call), proxy.wait_until_listening_finish)
        assert proxy.get_listening()
        for name in ("changed", "received", "missed", "set-failed"):
            self.listen("Proxy", proxy, name, lambda *_, name=name: heard.append(name))
        proxy.follow(["value"], ["rang"])
        until(lambda: "changed" in heard)
        for _ in range(MORE_SIGNALS_THAN_ARE_KEPT):
            counter.emit("rang")
        until(lambda: "received" in heard and "missed" in heard)
        assert in_thread(lambda: proxy.call("get_self", None, LONG, None)).object == proxy
        three = GLib.Variant("(i)", (3,))
        assert in_thread(lambda: proxy.call("add", three, LONG, None)).value.unpack() == 3
        assert later(lambda call: proxy.call_async("add", three, LONG, None, call), proxy.call_finish).value.unpack() == 6
        in_thread(lambda: proxy.set("value", GLib.Variant("i", 9), LONG, None))
        later(lambda call: proxy.set_async("value", GLib.Variant("i", 8), LONG, None, call), proxy.set_finish)
        assert in_thread(lambda: proxy.get("value", LONG, None)).unpack() == 8
        assert later(lambda call: proxy.get_async("value", LONG, None, call), proxy.get_finish).unpack() == 8
        proxy.dup_cached("value")
        assert later(lambda call: proxy.describe_async(LONG, None, call), proxy.describe_finish)
        proxy.props.as_proxy = False
        ferry.Proxy.new_local(exporter, "counter")
        self.use_chains(proxy)
        replica = later(lambda call: proxy.create_replica_async(Replica, ["value", "sealed"], None, call),
                        proxy.create_replica_finish)
        replica.props.sealed = True
        until(lambda: "set-failed" in heard)
        proxy.create_replica(Replica, None)
        stranger = ferry.Proxy.new(there, "stranger")
        self.listen("Proxy", stranger, "follow-failed", lambda _, error: heard.append(error))
        stranger.follow(["value"], None)
        until(lambda: any(isinstance(each, GLib.Error) for each in heard))
        exporter.unexport("counter")
        exporter.stop(ferry.StopMode.DRAIN)

    def use_manual_exporter(self):
        """Requests are answered where the program polls."""
        ferry, got = self.ferry, []
        interface = ferry.Interface.new("org.example.Action", Gio.SimpleAction)
        interface.add_property("name", Gio.DBusPropertyInfoFlags.READABLE)
        exporter = ferry.Exporter(manual=True)
        exporter.export("action", Gio.SimpleAction.new("word", None), interface, ferry.CallPolicy.SERIAL)
        here, there = ferry.Transport.new_pair()
        exporter.add_transport(here)
        exporter.start()
        proxy = ferry.Proxy.new(there, "action")
        proxy.get_async("name", LONG, None, lambda _, result: got.append(proxy.get_finish(result).unpack()))
        assert in_thread(lambda: exporter.poll(LONG, None))

        def is_answered():
            exporter.process_requests()
            return got

        until(is_answered)
        assert got == ["word"], got
        exporter.stop(ferry.StopMode.DRAIN)

    def use_chains(self, proxy=None):
        ferry, got = self.ferry, []
        if proxy is None:
            return
        steps = GLib.Variant("((ss))", (("get", "value"),))
        assert in_thread(lambda: proxy.resolve(steps, None, LONG, None)).value.unpack() == 8
        steps = GLib.Variant("((ss(i)))", (("call", "add", (1,)),))
        assert later(lambda call: proxy.resolve_async(steps, None, LONG, None, call),
                     proxy.resolve_finish).value.unpack() == 9
        steps = GLib.Variant("((ss))", (("pass-to", "twice"),))
        assert in_thread(lambda: proxy.resolve(steps, None, LONG, None)).value.unpack() == 18
        proxy.call_with_func("add", GLib.Variant("(i)", (1,)),
                             self.heard("ProxyFunc", lambda value, *_: got.append(value.unpack())))
        until(lambda: got)
        assert got == [10], got

    def use_lists(self):
        ferry = self.ferry
        store = Gio.ListStore.new(Gio.SimpleAction)
        store.append(Gio.SimpleAction.new("one", None))
        interface = ferry.Interface.new("org.example.List", Gio.ListStore)
        interface.set_list(self.heard("RowFunc", lambda item, *_: GLib.Variant("s", item.get_name())))
        interface.accept_items(self.heard("RowItemFunc", lambda value, *_: Gio.SimpleAction.new(value.unpack(), None)))
        exporter = ferry.Exporter.new()
        exporter.set_context(None)
        exporter.export("list", store, interface, ferry.CallPolicy.SERIAL)
        here, there = ferry.Transport.new_pair()
        exporter.add_transport(here)
        exporter.start()
        proxy = ferry.Proxy.new(there, "list")
        replica = ferry.ListReplica.new(proxy)
        until(lambda: len(replica) == 1)
        row = replica[0]
        until(row.get_loaded)
        assert row.get_value().unpack() == "one"
        in_thread(lambda: proxy.resolve(GLib.Variant("((sis))", (("set-item", 0, "two"),)), None, LONG, None))
        assert store[0].get_name() == "two"
        until(lambda: replica[0] != row)
        # A row is fetched while it is held.
        row = replica[0]
        until(row.get_loaded)
        assert row.get_value().unpack() == "two"
        exporter.stop(ferry.StopMode.DRAIN)

    def use_sandbox(self):
        ferry = self.ferry
        ferry.Sandbox.new()
        assert ferry.Sandbox.describe_strength(ferry.Sandbox.get_strength())
        server = ferry.ForkServer.new(self.launcher())
        server.start(self.router)
        later(lambda call: ferry.Sandbox.get_strength_async(None, call), ferry.Sandbox.get_strength_finish)


def take_tour(report, tour):
    for name in sorted(name for name in dir(tour) if name.startswith("use_")):
        if len(sys.argv) > 6 and sys.argv[6] != name:
            continue
        try:
            getattr(tour, name)()
            report.fact(name.replace("_", " "), True)
        except Exception:
            report.fact(name.replace("_", " "), False, [traceback.format_exc()])


def body(report):
    if gi is None:
        report.skip("python", "there is no PyGObject for %s" % sys.executable)
        return
    import callables
    api_version, gir, table, worker, functions = sys.argv[1:6]
    gi.require_version("Ferry", api_version)
    from gi.repository import Ferry

    with tempfile.NamedTemporaryFile() as record, tempfile.TemporaryDirectory(prefix="ferry-python.") as folder:
        os.environ["FERRY_TEST_RECORD"] = record.name
        found, recorder = callables.prepare(Ferry, gir)
        take_tour(report, Tour(Ferry, recorder, worker, functions, gir, folder))
        report.none("no name of a class means two things", callables.collisions(gir))
        callables.compare(report, found, callables.read_table(table), recorder.read())
        if "FERRY_TEST_KEEP_RECORD" in os.environ:
            with open(os.environ["FERRY_TEST_KEEP_RECORD"], "w") as file:
                file.writelines("%s %s\n" % key for key in sorted(recorder.read()))


tap.main(body)
