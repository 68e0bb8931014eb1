/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Digests as sha256sum prints them, so that sha256sum itself can check them. */

#include "tasks/ferry-demo-listing.h"

#include <string.h>

#define SHA256_DIGITS 64

gboolean
ferry_demo_is_sha256 (const char *digest)
{
  return strlen (digest) == SHA256_DIGITS && strspn (digest, "0123456789abcdef") == SHA256_DIGITS;
}

/* A line with a path that needs escapes starts with a backslash: that is how sha256sum tells the two apart. */
void
ferry_demo_listing_append (GString *listing, const char *digest, const char *path)
{
  g_autoptr (GString) escaped = g_string_new (path);

  g_string_replace (escaped, "\\", "\\\\", 0);
  g_string_replace (escaped, "\n", "\\n", 0);
  g_string_replace (escaped, "\r", "\\r", 0);
  g_string_append_printf (listing, "%s%s  %s\n", escaped->len > strlen (path) ? "\\" : "", digest, escaped->str);
}
