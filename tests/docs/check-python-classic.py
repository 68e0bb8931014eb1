#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each callable of the older systems' classes is called from Python: check-python-classic.py API-VERSION GIR TABLE WORKER FORKS

TABLE is as that of check-callables.py, WORKER is tests/workers/serving-worker.c, and FORKS is python-forks.py. Skipped where Python has no bindings
(PyGObject).
"""

import os
import subprocess
import sys
import tempfile
import threading

import tap
from waiting import LONG, until

try:
    import gi
    from gi.repository import GLib, GObject
except ImportError:
    gi = None


def raised_in(function, *arguments):
    """The error that it fails with."""
    try:
        function(*arguments)
    except GLib.Error as error:
        return error
    raise AssertionError("it did not fail")


def use_errors(report, classic):
    error = GLib.Error("no", "g-file-error-quark", 4)
    here, there = classic.ErrorList.new(), classic.ErrorList.new()
    here.add_filter(GLib.file_error_quark(), 4)
    report.fact("a list takes an error that passes its filter", here.add("work", error))
    report.equal("and has it", (here.get_first("work").props.error.message, [record.props.phase for record in here]),
                 ("no", ["work"]))
    report.fact("it crosses as a value", there.add_variant(here.to_variant()))
    report.equal("it is raised elsewhere", raised_in(there.raise_any, "work").message, "no")
    there.clear(None)
    report.fact("a list that was cleared raises nothing", there.raise_any(None))


def later(start, finish):
    """What an asynchronous call gives."""
    loop, results = GLib.MainLoop(), []
    start(None, lambda _source, result, *_: (results.append(result), loop.quit()))
    loop.run()
    return finish(results[0])


def use_processes(report, classic, router, worker):
    def process_of(function, arguments):
        return classic.Process.new(router, Ferry.Launcher.new([worker]), function, arguments)

    process = process_of("yield", GLib.Variant("t", 2))
    report.equal("a process yields values", (process.next(LONG).unpack(),
                                             later(process.next_async, process.next_finish).unpack()), (0, 1))
    report.fact("and ends", process.next(LONG) is None and process.join(LONG))
    report.equal("with a result", process.get_result().unpack(), 1)
    report.fact("its end may be waited for", later(process.join_async, process.join_finish))
    process = process_of("fail", GLib.Variant("(sis)", ("g-file-error-quark", 4, "no")))
    error = raised_in(later, process.join_async, process.join_finish)
    report.fact("an error is raised where it is joined", error.matches(GLib.file_error_quark(), 4), [str(error)])


class Counter(GObject.Object):
    value = GObject.Property(type=int)


def use_views(report, recorder, ferry, classic):
    key, got = GLib.Variant("s", "key"), []
    exporter = ferry.Exporter.new()
    exporter.props.threads = 0
    interface = ferry.Interface.new("org.example.Counter", Counter)
    interface.add_all()
    exporter.add_function("twice", lambda counter, call: call.return_value(GLib.Variant("i", 2 * counter.value)))
    exporter.export("counter", Counter(value=8), interface, ferry.CallPolicy.SERIAL)
    exporter.start()
    proxy = ferry.Proxy.new_local(exporter, "counter")
    view = classic.View.new(proxy)
    view.get("value")
    view.freeze()
    report.equal("a view is written out", view.copy().to_string(), "counter.value")
    report.equal("it is resolved", view.resolve(-1, None).value.unpack(), 8)
    loop = GLib.MainLoop()
    view.resolve_async(-1, None, lambda _, result: (got.append(view.resolve_finish(result).value.unpack()), loop.quit()))
    loop.run()
    view = classic.View.new(proxy)
    view.pass_to("twice", None)
    got.append(view.resolve(-1, None).value.unpack())
    report.equal("and passed on", got, [8, 16])
    for name, arguments in (("call", ("add", None)), ("contains", (key,)), ("delete", ("value",)),
                            ("delete_item", (key,)), ("get_item", (key,)), ("length", ()), ("set", ("value", key)),
                            ("set_as_proxy", (True,)), ("set_default", (key,)), ("set_item", (key, key)),
                            ("super", (None,))):
        getattr(classic.View.new(proxy), name)(*arguments)
    exporter.stop(ferry.StopMode.DRAIN)


def in_thread(function):
    """What function gives in a thread of its own, while the main loop runs here."""
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(function()))
    thread.start()
    until(lambda: not thread.is_alive())
    return outcome[0]


def use_exchange(report, ferry, classic, recorder, router):
    value, heard = GLib.Variant("s", "hello"), []
    exchange = classic.Exchange.new(router, None)
    pairs = [ferry.Transport.new_pair() for _ in range(3)]
    ends = [(ferry.Channel.new(here), ferry.Channel.new(there)) for here, there in pairs]
    exchange.add(ends[0][0])
    exchange.add_wait(ends[1][0], LONG)
    later(lambda *call: exchange.add_wait_async(ends[2][0], *call), exchange.add_wait_finish)
    report.equal("channels are added", exchange.get_active().get_n_items(), 3)
    ends[0][1].send(value, LONG, None)
    report.equal("the one with news is named", exchange.ready(LONG), [ends[0][0]])
    report.equal("also later", later(exchange.ready_async, exchange.ready_finish), [ends[0][0]])
    report.fact("they are removed", all(exchange.remove(here) for here, _ in ends))
    flowing = classic.Exchange.new(router, ferry.Launcher.new([sys.argv[4]]))
    flowing.connect("data", recorder.heard("Exchange.::data", lambda _, *data: heard.append(data[1].unpack())))
    flowing.props.flowing = True
    flowing.start("echo", None)
    channel = flowing.get_active()[0]
    channel.send(value, LONG, None)
    until(lambda: heard)
    report.equal("data comes", heard, ["hello"])
    channel.close()
    later(flowing.finish_async, flowing.finish_finish)
    report.fact("the exchange is finished", flowing.finish(LONG))
    report.fact("all processes have ended", classic.wait_all(router, LONG))
    report.fact("also later", later(lambda *call: classic.wait_all_async(router, *call),
                                    lambda result: classic.wait_all_finish(router, result)))


def use_background(report, ferry, classic):
    background = classic.Background.new("results", 10)
    background.attach(ferry.Transport.new_pair()[0])
    background.put(GLib.Variant("i", 1), LONG, None)
    background.detach()
    with tempfile.TemporaryDirectory() as folder:
        address = os.path.join(folder, "here")
        listener, exchange = ferry.Listener.new(address), classic.Exchange.new(None, None)
        listener.connect("attached", lambda _, there: background.attach_channel(ferry.Channel.new(there)))
        listener.start()
        channel = later(lambda *call: exchange.connect_async(address, LONG, *call), exchange.connect_finish)
        report.equal("a result waits for who comes", in_thread(lambda: channel.receive(LONG, None))[1].unpack(), 1)
        background.finish()
        report.fact("and is taken", in_thread(lambda: background.wait_taken(LONG, None)))
        listener.close()


def body(report):
    if gi is None:
        report.skip("classic", "there is no PyGObject")
        return
    import callables
    from gi.repository import Ferry, FerryClassic

    gir, table, worker = sys.argv[2:5]
    router = Ferry.Router.get_default()
    router.start()
    with tempfile.NamedTemporaryFile() as record:
        os.environ["FERRY_TEST_RECORD"] = record.name
        found, recorder = callables.prepare(FerryClassic, gir)
        subprocess.run([sys.executable, sys.argv[5], *sys.argv[1:3]], check=True)
        use_errors(report, FerryClassic)
        use_processes(report, FerryClassic, router, worker)
        use_views(report, recorder.heard, Ferry, FerryClassic)
        use_exchange(report, Ferry, FerryClassic, recorder, router)
        use_background(report, Ferry, FerryClassic)
        report.none("no name of a class means two things", callables.collisions(gir))
        callables.compare(report, found, callables.read_table(table), recorder.read())


if gi is not None:
    for namespace in ("Ferry", "FerryClassic"):
        gi.require_version(namespace, sys.argv[1])
    from gi.repository import Ferry
tap.main(body)
