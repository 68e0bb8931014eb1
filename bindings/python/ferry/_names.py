# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the application and its workers call the same."""

# What all of these begin with.
OWN = "ferry.python."
# The functions of the worker program.
CALL = "ferry.python.call"
STREAM = "ferry.python.stream"
# What a worker does at its end.
END = "ferry.python.end"
# The type of the message that an exception is sent as, before the task fails.
EXCEPTION = "ferry.python.exception"
# The type of the messages that have the parts of a large result, whose task has no memory for it.
PART = "ferry.python.part"
# The types of messages that are records of logging, and warnings.
LOG = "ferry.python.log"
WARNING = "ferry.python.warning"
# The attribute of an exception that has the text of the value that could not be sent.
UNSENT = "ferry_unsent"
# The environment variable with what a worker has of the application, in JSON: paths, arguments, the level of logging.
PATHS = "FERRY_PYTHON_PATHS"
# The transport between an application and a worker with an object, what is exported there, and its interface.
OBJECTS = "ferry.python.objects"
# The domain of errors that are exceptions of a worker's Python code, as _ferry.c has it.
PYTHON_ERROR = "ferry-python-error-quark"
