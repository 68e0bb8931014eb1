/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

/**
 * FerrySandboxStrength:
 * @FERRY_SANDBOX_STRENGTH_NONE: Nothing.
 * @FERRY_SANDBOX_STRENGTH_LIMITS: Limits of memory, processor time and descriptors. All systems have them.
 * @FERRY_SANDBOX_STRENGTH_NO_NEW_PRIVILEGES: The worker gains no privileges by executing a program. All systems have
 * it.
 * @FERRY_SANDBOX_STRENGTH_LANDLOCK: The worker opens no file outside of the granted paths, executes no file, and
 * inspects no process outside. Needs Linux 5.13.
 * @FERRY_SANDBOX_STRENGTH_LANDLOCK_NETWORK: Without a granted network, the worker neither connects nor listens by TCP.
 *   Needs Linux 6.7.
 * @FERRY_SANDBOX_STRENGTH_LANDLOCK_SCOPE: The worker signals no process outside, and connects to no abstract address.
 *   Needs Linux 6.12.
 * @FERRY_SANDBOX_STRENGTH_SYSTEM_CALLS: The worker starts no program and no process, signals and inspects no other
 *   process, and makes no call that is for administrators. It makes no socket, or with a granted network only sockets
 * of the internet. Needs a library that was built with libseccomp.
 * @FERRY_SANDBOX_STRENGTH_NAMESPACES: The worker sees no other process and no network, and writes nowhere outside of
 * the granted paths. Needs bubblewrap, and a system on which it works.
 *
 * The layers of a sandbox. Each works by itself, and a layer may stop what another one lets through.
 *
 * Since: 0.1
 */
typedef enum /*< flags >*/
{
  FERRY_SANDBOX_STRENGTH_NONE = 0,
  FERRY_SANDBOX_STRENGTH_LIMITS = 1 << 0,
  FERRY_SANDBOX_STRENGTH_NO_NEW_PRIVILEGES = 1 << 1,
  FERRY_SANDBOX_STRENGTH_LANDLOCK = 1 << 2,
  FERRY_SANDBOX_STRENGTH_LANDLOCK_NETWORK = 1 << 3,
  FERRY_SANDBOX_STRENGTH_LANDLOCK_SCOPE = 1 << 4,
  FERRY_SANDBOX_STRENGTH_SYSTEM_CALLS = 1 << 5,
  FERRY_SANDBOX_STRENGTH_NAMESPACES = 1 << 6,
} FerrySandboxStrength;

/**
 * FerrySandboxPolicy:
 * @FERRY_SANDBOX_POLICY_REQUIRED: A worker runs with the required layers, or not at all.
 * @FERRY_SANDBOX_POLICY_PREFERRED: A worker runs with as many layers as the system has.
 * @FERRY_SANDBOX_POLICY_OFF: A worker runs without a sandbox.
 *
 * What happens on a system that lacks layers of a sandbox.
 *
 * Since: 0.1
 */
typedef enum
{
  FERRY_SANDBOX_POLICY_REQUIRED,
  FERRY_SANDBOX_POLICY_PREFERRED,
  FERRY_SANDBOX_POLICY_OFF,
} FerrySandboxPolicy;

#define FERRY_TYPE_SANDBOX (ferry_sandbox_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerrySandbox, ferry_sandbox, FERRY, SANDBOX, GObject)

FERRY_AVAILABLE_IN_0_1
FerrySandbox *ferry_sandbox_new (void) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_sandbox_set_policy (FerrySandbox *self, FerrySandboxPolicy policy);
FERRY_AVAILABLE_IN_0_1
FerrySandboxPolicy ferry_sandbox_get_policy (FerrySandbox *self);
FERRY_AVAILABLE_IN_0_1
void ferry_sandbox_set_layers (FerrySandbox *self, FerrySandboxStrength layers);
FERRY_AVAILABLE_IN_0_1
void ferry_sandbox_set_required_layers (FerrySandbox *self, FerrySandboxStrength layers);
FERRY_AVAILABLE_IN_0_1
void ferry_sandbox_set_network (FerrySandbox *self, gboolean network);
FERRY_AVAILABLE_IN_0_1
void ferry_sandbox_add_read_only_path (FerrySandbox *self, const char *path);
FERRY_AVAILABLE_IN_0_1
void ferry_sandbox_add_writable_path (FerrySandbox *self, const char *path);
FERRY_AVAILABLE_IN_0_1
void ferry_sandbox_add_system_paths (FerrySandbox *self);
FERRY_AVAILABLE_IN_0_1
void ferry_sandbox_set_memory_limit (FerrySandbox *self, guint64 bytes);
FERRY_AVAILABLE_IN_0_1
void ferry_sandbox_set_cpu_limit (FerrySandbox *self, guint64 seconds);
FERRY_AVAILABLE_IN_0_1
void ferry_sandbox_set_descriptor_limit (FerrySandbox *self, guint64 descriptors);

FERRY_AVAILABLE_IN_0_1
FerrySandboxStrength ferry_sandbox_get_strength (void);
FERRY_AVAILABLE_IN_0_1
void ferry_sandbox_get_strength_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_1
FerrySandboxStrength ferry_sandbox_get_strength_finish (GAsyncResult *result, GError **error);
FERRY_AVAILABLE_IN_0_1
char *ferry_sandbox_describe_strength (FerrySandboxStrength strength) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
