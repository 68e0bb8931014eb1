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
 * @FERRY_SANDBOX_STRENGTH_NONE: No layer.
 * @FERRY_SANDBOX_STRENGTH_LIMITS: Limits of memory, processor time and descriptors. All systems have this layer.
 * @FERRY_SANDBOX_STRENGTH_NO_NEW_PRIVILEGES: The worker cannot gain privileges by executing a program. All systems have
 *   this layer.
 * @FERRY_SANDBOX_STRENGTH_LANDLOCK: The worker cannot open a file outside of the granted paths, execute a file, or
 *   inspect a process outside of the sandbox. Needs Linux 5.13.
 * @FERRY_SANDBOX_STRENGTH_LANDLOCK_NETWORK: Unless the network is granted, the worker cannot connect or listen by TCP.
 *   Needs Linux 6.7.
 * @FERRY_SANDBOX_STRENGTH_LANDLOCK_SCOPE: The worker cannot send signals to a process outside of the sandbox, or
 *   connect to an abstract socket address outside. Needs Linux 6.12.
 * @FERRY_SANDBOX_STRENGTH_SYSTEM_CALLS: The worker cannot start a program or a process, send signals to or inspect
 *   another process, or use system calls for administrators. It cannot make sockets, or, if the network is granted,
 *   only internet sockets. Needs a Ferry library that was built with libseccomp.
 * @FERRY_SANDBOX_STRENGTH_NAMESPACES: The worker cannot see other processes or the network, and cannot write outside of
 *   the granted paths. Needs bubblewrap, and a system that lets users make namespaces.
 *
 * The layers of a sandbox. Each layer works without the others, and may refuse what another layer allows.
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
 * @FERRY_SANDBOX_POLICY_REQUIRED: A worker runs with the required layers, or does not run.
 * @FERRY_SANDBOX_POLICY_PREFERRED: A worker runs with as many layers as the system has.
 * @FERRY_SANDBOX_POLICY_OFF: A worker runs without a sandbox.
 *
 * What a launch does on a system that lacks layers of a sandbox.
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
FerrySandboxStrength ferry_sandbox_get_strength (void);
FERRY_AVAILABLE_IN_0_1
void ferry_sandbox_get_strength_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_1
FerrySandboxStrength ferry_sandbox_get_strength_finish (GAsyncResult *result, GError **error);
FERRY_AVAILABLE_IN_0_1
char *ferry_sandbox_describe_strength (FerrySandboxStrength strength) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
