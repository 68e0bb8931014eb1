/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "base/ferry-error.h"

#include "base/ferry-base-private.h"

/**
 * ferry_error_quark:
 *
 * The error domain of Ferry, which `FERRY_ERROR` stands for; its codes are [error@Ferry.Error].
 *
 * Returns: the quark
 *
 * Since: 0.1
 */
GQuark
ferry_error_quark (void)
{
  return g_quark_from_static_string ("ferry-error-quark");
}

/* Sets a FERRY_ERROR_SYSTEM error that names the call that failed, from errno. Returns FALSE. */
gboolean
ferry_set_system_error (GError **error, const char *what)
{
  int saved_errno = errno;

  g_set_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM, "%s failed: %s", what, g_strerror (saved_errno));
  errno = saved_errno;
  return FALSE;
}
