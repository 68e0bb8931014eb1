# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPython's tests of multiprocessing.Pool, for ferry.pool.Pool (Debian: libpython3.11-testsuite and its like)."""

import multiprocessing
import platform
import unittest

from test import _test_multiprocessing as suite

import ferry.pool

VERSION = platform.python_version()


class PoolTest(suite._TestPool, unittest.TestCase):
    TYPE = "processes"
    Pool = ferry.pool.Pool


class WorkerErrorsTest(suite._TestPoolWorkerErrors, unittest.TestCase):
    TYPE = "processes"


class WorkerLifetimeTest(suite._TestPoolWorkerLifetime, unittest.TestCase):
    TYPE = "processes"


def prepare():
    multiprocessing.Pool = ferry.pool.Pool
    return [__file__]
