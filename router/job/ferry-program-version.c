/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The version of this program: ferry_worker_set_program_version(). A host asks the first worker for it, and tells it.
 *
 * Threads: it is set before ferry_worker_main(), and read on any thread after that. */

#include "config.h"

#include "job/ferry-program-version-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "job/ferry-worker-main.h"

#define MAX_VERSION 64

static char *program_version; /* (owned) (nullable) */

gboolean
ferry_version_is_valid (const char *text)
{
  gsize length = strlen (text);

  return length > 0 && length <= MAX_VERSION &&
         strspn (text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS ".+~_-") == length;
}

/**
 * ferry_worker_set_program_version:
 * @version: the version, such as “1.4.2”: 1 to 64 of the characters A-Z, a-z, 0-9, “.”, “+”, “~”, “_” and “-”
 *
 * Says which version of itself this program is, for whoever runs it on several hosts:
 * [property@FerryCluster.Host:program-version] and `ferry-host --status` show it, and so does the error of a task that
 * a host has refused or lost. A host whose program was not updated is found by that. Nothing else depends on it.
 *
 * Must be called before [func@Ferry.Worker.main], by the thread that calls that function.
 */
void
ferry_worker_set_program_version (const char *version)
{
  g_return_if_fail (version != NULL);
  ferry_return_if_fail (ferry_version_is_valid (version),
                        "a version has 1 to 64 of the characters A-Z, a-z, 0-9, '.', '+', '~', '_' and '-'");

  g_free (program_version);
  program_version = g_strdup (version);
}

static GVariant *
tell_version (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_string (program_version != NULL ? program_version : "");
}

const FerryFunctionEntry ferry_version_function = {
  .name = (char *) FERRY_VERSION_FUNCTION,
  .result_type = (char *) "s",
  .function = tell_version,
};
