#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each callable of the cluster's introspection data is called from Python: check-python-cluster.py API-VERSION GIR TABLE HOST

A server and a host of its own run while this does. HOST is the program ferry-host, and this file is the program of its
workers too: check-python-cluster.py work. TABLE is as that of check-callables.py. Skipped where Python has no bindings
(PyGObject), and without a host where there is no nats-server.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

import tap
from waiting import LONG, until

try:
    import gi
    from gi.repository import GLib
except ImportError:
    gi = None


def work():
    """A worker: its function says a line, and waits until it is cancelled."""
    from gi.repository import Ferry

    def say(job, _arguments):
        print("said", flush=True)
        loop = GLib.MainLoop.new(GLib.MainContext.new(), False)
        job.get_cancellable().connect(lambda *_: loop.quit())
        if not job.is_cancelled():
            loop.run()
        job.check()

    Ferry.function_register("say", None, "", say)
    Ferry.Worker.main(sys.argv)


class Server:
    """A server with a port that nobody else has, and a host, which both end with this."""

    def __init__(self, host):
        self.folder = tempfile.mkdtemp(prefix="ferry-python-cluster.")
        self.programs = []
        self.start(["nats-server", "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", self.folder, "-l",
                    os.path.join(self.folder, "log")])
        self.url = "nats://127.0.0.1:%s" % until(self.find_port)
        self.start([host, "--server", self.url, "--application", "app", "--name", "alpha", "--workers", "1",
                    "--no-fork-server", sys.executable, os.path.abspath(__file__), "work", sys.argv[1]])

    def start(self, arguments):
        self.programs.append(subprocess.Popen(arguments, stdout=2))  # their lines are no facts

    def find_port(self):
        for name in glob.glob(os.path.join(self.folder, "*.ports")):
            with open(name) as file:
                found = re.search(r"127\.0\.0\.1:(\d+)", file.read())
            if found:
                return found.group(1)
        return None

    def end(self):
        for program in reversed(self.programs):
            program.terminate()
            program.wait()
        shutil.rmtree(self.folder)


def check_properties(report, ferry, cluster_module):
    router = ferry.Router.new(None)
    router.start()
    cluster = cluster_module.Cluster.new(router, "nats://127.0.0.1:4222", "app")
    report.equal("a cluster has no connection at first", cluster.props.state, cluster_module.ClusterState.CLOSED)
    report.equal("it has what it was made with", (cluster.props.url, cluster.props.application),
                 ("nats://127.0.0.1:4222", "app"))
    report.fact("it is a runner of the library below", isinstance(cluster, ferry.Runner))
    report.equal("it has a router", cluster.props.router, router)
    report.equal("its hosts are a list", cluster.props.hosts.get_n_items(), 0)
    router.stop()


def use_cluster(report, ferry, cluster_module, recorder, url):
    router, lines = ferry.Router.get_default(), []
    router.start()
    cluster = cluster_module.Cluster.new(router, url, "app")
    report.fact("a cluster connects", cluster.open())
    executor = ferry.Executor.new_for_runner(cluster)
    hosts = cluster.get_hosts()
    host = until(lambda: len(hosts) and hosts[0])
    report.equal("it is open", cluster.get_state(), cluster_module.ClusterState.CONNECTED)
    until(lambda: host.get_n_workers() == 1)
    report.equal("and has a host", (host.get_name(), host.get_state()), ("alpha", cluster_module.HostState.PRESENT))
    host.connect("log", recorder.heard("Host.::log", lambda _host, _task, _level, line: lines.append(line)))
    task = executor.submit("say", None)
    until(lambda: lines and host.get_n_busy() == 1)
    report.fact("whose round trip is known", host.get_round_trip() >= 0)
    report.fact("which passes on what the function prints", any("said" in line for line in lines), lines)
    task.cancel()
    until(task.get_done)
    report.equal("a task there is cancelled", task.get_state(), ferry.TaskState.CANCELLED)
    executor.stop()
    cluster.close()
    report.equal("a cluster is closed", cluster.get_state(), cluster_module.ClusterState.CLOSED)


def body(report):
    if gi is None:
        report.skip("cluster", "there is no PyGObject")
        return
    import callables
    from gi.repository import Ferry, FerryCluster

    gir, table, host = sys.argv[2:5]
    check_properties(report, Ferry, FerryCluster)
    if shutil.which("nats-server") is None:
        report.skip("cluster", "there is no nats-server")
        return
    with tempfile.NamedTemporaryFile() as record:
        os.environ["FERRY_TEST_RECORD"] = record.name
        found, recorder = callables.prepare(FerryCluster, gir)
        server = Server(host)
        try:
            use_cluster(report, Ferry, FerryCluster, recorder, server.url)
        finally:
            server.end()
        report.none("no name of a class means two things", callables.collisions(gir))
        callables.compare(report, found, callables.read_table(table), recorder.read())


if gi is not None:
    gi.require_version("Ferry", sys.argv[2] if sys.argv[1] == "work" else sys.argv[1])
if sys.argv[1] == "work":
    work()
else:
    if gi is not None:
        gi.require_version("FerryCluster", sys.argv[1])
    tap.main(body)
