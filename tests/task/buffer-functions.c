/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "task/buffer-functions.h"

#include <ferry.h>

static guint8 *latest;

static gboolean
return_filled (FerryJob *job, gsize size, gsize shrunk, GError **error)
{
  g_autoptr (FerryBuffer) buffer = ferry_job_create_buffer (job, size, error);
  gsize given;

  if (buffer == NULL)
    return FALSE;
  latest = ferry_buffer_get_data (buffer, &given);
  g_assert_cmpuint (given, ==, size);
  for (gsize i = 0; i < shrunk; i++)
    latest[i] = (guint8) (i % 251);
  ferry_buffer_shrink (buffer, shrunk);
  ferry_job_return_buffer (job, buffer);
  return TRUE;
}

static GVariant *
fill (FerryJob *job, GVariant *arguments, GError **error)
{
  gsize size = g_variant_get_uint64 (arguments);

  return_filled (job, size, size, error);
  return NULL;
}

static GVariant *
fill_less (FerryJob *job, GVariant *arguments, GError **error)
{
  guint64 size;
  guint64 shrunk;

  g_variant_get (arguments, "(tt)", &size, &shrunk);
  return_filled (job, size, shrunk, error);
  return NULL;
}

static GVariant *
fill_twice (FerryJob *job, GVariant *arguments, GError **error)
{
  return return_filled (job, 1, 1, error) ? fill (job, arguments, error) : NULL;
}

static GVariant *
fill_and_value (FerryJob *job, GVariant *arguments, GError **error)
{
  fill (job, arguments, error);
  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, "\7", 1, 1);
}

static GVariant *
fill_and_fail (FerryJob *job, GVariant *arguments, GError **error)
{
  fill (job, arguments, error);
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_REFUSED, "no");
  return NULL;
}

static GVariant *
drop (FerryJob *job, GVariant *arguments, GError **error)
{
  for (guint i = 0; i < 1000; i++)
    {
      g_autoptr (FerryBuffer) buffer = ferry_job_create_buffer (job, g_variant_get_uint64 (arguments), error);

      if (buffer == NULL)
        return NULL;
    }
  return NULL;
}

static GVariant *
scribble (FerryJob *job, GVariant *arguments, GError **error)
{
  *latest = g_variant_get_byte (arguments);
  return NULL;
}

void
buffer_functions_register (void)
{
  ferry_function_register ("fill", "t", "ay", fill);
  ferry_function_register ("fill-less", "(tt)", "ay", fill_less);
  ferry_function_register ("fill-twice", "t", "ay", fill_twice);
  ferry_function_register ("fill-and-value", "t", "ay", fill_and_value);
  ferry_function_register ("fill-and-fail", "t", "ay", fill_and_fail);
  ferry_function_register ("fill-wrongly", "t", "s", fill);
  ferry_function_register ("drop", "t", "", drop);
  ferry_function_register ("scribble", "y", "", scribble);
}
