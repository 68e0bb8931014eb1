/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <glib-object.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

/**
 * FerrySandboxStrength:
 * @FERRY_SANDBOX_STRENGTH_NONE: Nothing.
 * @FERRY_SANDBOX_STRENGTH_LIMITS: Limits of memory, processor time and descriptors. No system is without them.
 * @FERRY_SANDBOX_STRENGTH_NO_NEW_PRIVILEGES: No program that it executes gains privileges. No system is without it.
 * @FERRY_SANDBOX_STRENGTH_LANDLOCK: It opens no file outside of the paths that it was granted, and executes none; it
 *   looks into no process outside. Needs Linux 5.13.
 * @FERRY_SANDBOX_STRENGTH_LANDLOCK_NETWORK: Without a network, it neither connects nor listens by TCP. Needs Linux 6.7.
 * @FERRY_SANDBOX_STRENGTH_LANDLOCK_SCOPE: It sends no process outside a signal, and reaches none at an abstract
 *   address. Needs Linux 6.12.
 * @FERRY_SANDBOX_STRENGTH_SYSTEM_CALLS: It starts no program and no process, makes no socket without a network, and no
 *   other than one of the internet with it, signals nobody, looks into nobody, and gets no hold of what the kernel has
 *   for administrators. Needs a library that was built with libseccomp.
 * @FERRY_SANDBOX_STRENGTH_NAMESPACES: It sees no other process and no network, and what it was not granted for writing
 *   is read-only. Needs bubblewrap, and a system that lets it work.
 *
 * The layers that a sandbox is made of. Each serves by itself, and what one lets through another may stop.
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

G_END_DECLS
