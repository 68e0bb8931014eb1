# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""joblib's tests of Parallel, with workers of ferry.concurrent.Executor in the place of loky's: they are a part of its package.

joblib pickles by value what has no name in a module, with the cloudpickle that it brings; so it does here.
"""

import os
import pickle
import unittest.mock

import ferry.concurrent

import joblib
import joblib._parallel_backends
import joblib.test
from joblib.externals import cloudpickle

VERSION = joblib.__version__

# How many calls Ferry has made: most tests are of other backends.
calls = 0


def _call(data):
    return pickle.loads(data)()


class Executor(ferry.concurrent.Executor):
    """What joblib asks of loky's, beyond an executor. Ferry has memory for large arrays, so there are no files of them."""

    _temp_folder_manager = unittest.mock.Mock()

    def submit(self, function, /, *args, **kwargs):
        global calls
        calls += 1
        return super().submit(_call, cloudpickle.dumps(function))

    def terminate(self, kill_workers=False):
        if kill_workers:
            self._cancel_all()
        self.shutdown()


def get_executor(n_jobs, timeout=None, initializer=None, initargs=(), **_):
    return Executor(n_jobs, initializer=initializer, initargs=initargs)


def prepare():
    joblib._parallel_backends.get_memmapping_executor = get_executor
    return [os.path.join(os.path.dirname(joblib.test.__file__), "test_parallel.py")]
