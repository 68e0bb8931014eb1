/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "route/ferry-router.h"
#include "sandbox/ferry-sandbox.h"
#include "spawn/ferry-limit.h"
#include "worker/ferry-worker.h"

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

#define FERRY_TYPE_LAUNCHER (ferry_launcher_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryLauncher, ferry_launcher, FERRY, LAUNCHER, GObject)

FERRY_AVAILABLE_IN_0_1
FerryLauncher *ferry_launcher_new (const char *const *argv) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_set_argv (FerryLauncher *self, const char *const *argv);
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_set_environ (FerryLauncher *self, const char *const *environment);
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_setenv (FerryLauncher *self, const char *variable, const char *value);
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_unsetenv (FerryLauncher *self, const char *variable);
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_set_cwd (FerryLauncher *self, const char *cwd);
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_set_attach_timeout (FerryLauncher *self, gint64 timeout);
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_set_buffer_capacity (FerryLauncher *self, guint64 capacity);
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_set_trusted (FerryLauncher *self, gboolean trusted);
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_inherit_stream (FerryLauncher *self, FerryStream stream);
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_silence_stream (FerryLauncher *self, FerryStream stream);
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_take_stream_fd (FerryLauncher *self, FerryStream stream, int fd);
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_log_stream (FerryLauncher *self, FerryStream stream);
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_set_sandbox (FerryLauncher *self, FerrySandbox *sandbox);
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_set_name (FerryLauncher *self, const char *name);
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_set_nice (FerryLauncher *self, int nice);
FERRY_AVAILABLE_IN_0_1
void ferry_launcher_set_limit (FerryLauncher *self, FerryLimit limit, guint64 value);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_launcher_add_sender (FerryLauncher *self, const char *name, FerrySender *sender, GError **error);
FERRY_AVAILABLE_IN_0_1
FerryWorker *ferry_launcher_spawn (FerryLauncher *self, FerryRouter *router, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
gboolean ferry_launcher_spawn_persistent (FerryLauncher *self, const char *address, GPid *pid, GError **error);

G_END_DECLS
