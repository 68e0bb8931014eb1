#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Python reaches a cluster through its introspection data: check-python-cluster.py API-VERSION

No server is asked. Skipped where Python has no bindings (PyGObject).
"""

import sys

import tap

try:
    import gi
except ImportError:
    gi = None


def body(report):
    if gi is None:
        report.skip("cluster", "there is no PyGObject")
        return
    gi.require_version("Ferry", sys.argv[1])
    gi.require_version("FerryCluster", sys.argv[1])
    from gi.repository import Ferry, FerryCluster
    router = Ferry.Router.new(None)
    router.start()
    cluster = FerryCluster.Cluster.new(router, "nats://127.0.0.1:4222", "app")
    report.equal("a cluster has no connection at first", cluster.props.state, FerryCluster.ClusterState.CLOSED)
    report.equal("it has what it was made with", (cluster.props.url, cluster.props.application),
                 ("nats://127.0.0.1:4222", "app"))
    report.fact("it is a runner of the library below", isinstance(cluster, Ferry.Runner))
    report.equal("it has a router", cluster.props.router, router)
    report.equal("its hosts are a list", cluster.props.hosts.get_n_items(), 0)
    router.stop()


tap.main(body)
