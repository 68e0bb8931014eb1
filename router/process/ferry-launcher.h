/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "process/ferry-limit.h"
#include "process/ferry-sandbox.h"
#include "process/ferry-worker.h"
#include "route/ferry-router.h"

G_BEGIN_DECLS

/**
 * FerryStream:
 * @FERRY_STREAM_STDIN: Standard input.
 * @FERRY_STREAM_STDOUT: Standard output.
 * @FERRY_STREAM_STDERR: Standard error.
 *
 * A standard stream of a worker.
 */
typedef enum
{
  FERRY_STREAM_STDIN,
  FERRY_STREAM_STDOUT,
  FERRY_STREAM_STDERR,
} FerryStream;

/**
 * FerryStreamMode:
 * @FERRY_STREAM_MODE_DEFAULT: Output is shown. A thread of the router copies each line to the application's own stream,
 *   behind the worker's name and process id, with control characters escaped: `pi 1[4711]: text`. Input is the
 *   application's, except in a sandbox ([property@Ferry.Launcher:sandbox]), where it is empty.
 * @FERRY_STREAM_MODE_INHERIT: The worker uses the application's own stream.
 * @FERRY_STREAM_MODE_SILENT: The stream is connected to `/dev/null`: input is empty, and output is lost.
 * @FERRY_STREAM_MODE_LOG: Output is sent to the application, which logs each line. Not for standard input.
 * @FERRY_STREAM_MODE_DESCRIPTOR: The stream is a duplicate of a descriptor. Set by
 *   [method@Ferry.Launcher.take_stream_fd], and not otherwise.
 *
 * What a standard stream of a worker is connected to.
 *
 * A line that is shown is seen where the application's own lines are, also while the main loop is blocked. Empty lines
 * are not shown. The thread that shows lines does not wait for the streams to be read: what a pipe has no room for is
 * dropped, and counted. Inherit a stream for a program that needs the terminal itself, or has output that is no text or
 * must be complete. Also do for one that leaves processes behind that go on printing. In a sandbox, a worker could
 * change the settings of a terminal by a stream that it shares, or read from an output pipe.
 *
 * A line is logged in the domain `Ferry-Worker`, at the level `INFO` for standard output and `MESSAGE` for standard
 * error. Its fields are `FERRY_WORKER` (the worker's name), `FERRY_PID` and `FERRY_STREAM`. A line of more than 4 KiB
 * is cut into pieces, and invalid UTF-8 is replaced. When a worker writes faster than the application reads, its
 * `write()` blocks.
 *
 * [signal@Ferry.Worker::output] is emitted for logged lines, and for shown ones. It is not emitted for shown lines that
 * come while the main loop is more than 256 KiB behind. The exit record has the last lines; it has none of a stream
 * that is shared.
 */
typedef enum
{
  FERRY_STREAM_MODE_DEFAULT,
  FERRY_STREAM_MODE_INHERIT,
  FERRY_STREAM_MODE_SILENT,
  FERRY_STREAM_MODE_LOG,
  FERRY_STREAM_MODE_DESCRIPTOR,
} FerryStreamMode;

#define FERRY_TYPE_LAUNCHER (ferry_launcher_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryLauncher, ferry_launcher, FERRY, LAUNCHER, GObject)

FERRY_AVAILABLE_IN_0_1
FerryLauncher *ferry_launcher_new (const char *const *argv) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_setenv (FerryLauncher *self, const char *variable, const char *value);
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_take_stream_fd (FerryLauncher *self, FerryStream stream, int fd);
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_set_limit (FerryLauncher *self, FerryLimit limit, guint64 value);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_launcher_add_sender (FerryLauncher *self, const char *name, FerrySender *sender, GError **error);
FERRY_AVAILABLE_IN_0_1
FerryWorker *ferry_launcher_spawn (FerryLauncher *self, FerryRouter *router, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
gboolean ferry_launcher_spawn_persistent (FerryLauncher *self, const char *address, char **identifier, GError **error);

G_END_DECLS
