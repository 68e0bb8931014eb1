# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPython's tests of multiprocessing.Pool, for processes of Ferry. Importing it fails where they are not installed."""

import unittest

from test import _test_multiprocessing as suite

import ferry.pool


class PoolTest(suite._TestPool, unittest.TestCase):
    TYPE = "processes"
    Pool = ferry.pool.Pool


class WorkerErrorsTest(suite._TestPoolWorkerErrors, unittest.TestCase):
    TYPE = "processes"


class WorkerLifetimeTest(suite._TestPoolWorkerLifetime, unittest.TestCase):
    TYPE = "processes"


KINDS = (PoolTest, WorkerErrorsTest, WorkerLifetimeTest)
