# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the application and its workers call the same."""

# The functions of the worker program.
CALL = "ferry.python.call"
STREAM = "ferry.python.stream"
# The type of the message that an exception is sent as, before the task fails.
EXCEPTION = "ferry.python.exception"
# The environment variable with sys.path and the PYTHONPATH of the application, in JSON.
PATHS = "FERRY_PYTHON_PATHS"
