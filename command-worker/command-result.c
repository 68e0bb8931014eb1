/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The result of a command, as the application gets it: its status and its output. A small result is sent as it is. Of a
 * large one the output is in a file already (command-store.c), so the rest of the value is written around it: the
 * status before it, and standard error behind it. */

#include "command-result.h"

#include <string.h>

/* Up to which size a result is a message. */
#define SMALL (2 * COMMAND_STORE_HELD)

G_STATIC_ASSERT (COMMAND_STORE_HEAD == sizeof (gint32));

static GBytes *
dup_bytes (CommandStore *store, GError **error)
{
  return store != NULL ? command_store_dup_bytes (store, error) : g_bytes_new (NULL, 0);
}

static GVariant *
new_message (int status, CommandStore *output, GBytes *errors, GError **error)
{
  g_autoptr (GBytes) written = dup_bytes (output, error);

  if (written == NULL)
    return NULL;
  return g_variant_new ("(i@ay@ay)", status, g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, written, TRUE),
                        g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, errors, TRUE));
}

/* The end of such a value: standard error, and where standard output ends, in as few bytes as the size needs. */
static GByteArray *
make_end (guint64 size, GBytes *errors)
{
  const guint64 output_end = GUINT64_TO_LE (COMMAND_STORE_HEAD + size);
  const guint64 whole = COMMAND_STORE_HEAD + size + g_bytes_get_size (errors);
  const guint width = whole + 4 <= G_MAXUINT32 ? 4 : 8;
  GByteArray *end = g_byte_array_new ();
  guint64 place = output_end;

  g_byte_array_append (end, g_bytes_get_data (errors, NULL), (guint) g_bytes_get_size (errors));
  /* GVariant has these numbers in little endian, whatever the machine. */
  g_byte_array_append (end, (const guint8 *) &place, width);
  return end;
}

static GVariant *
new_file (FerryJob *job, int status, CommandStore *output, GBytes *errors, GError **error)
{
  const gint32 head = status;
  g_autoptr (GByteArray) end = make_end (command_store_get_size (output), errors);
  int fd = command_store_finish (output, (const guint8 *) &head, end->data, end->len, error);

  return fd >= 0 ? ferry_job_return_file (job, fd, G_VARIANT_TYPE (COMMAND_RESULT), error) : NULL;
}

GVariant *
command_result_new (FerryJob *job, int status, CommandStore *output, CommandStore *errors, GError **error)
{
  g_autoptr (GBytes) written = dup_bytes (errors, error);
  g_autoptr (GError) failure = NULL;
  GVariant *result;

  if (written == NULL)
    return NULL;
  if (output == NULL || command_store_get_size (output) + g_bytes_get_size (written) <= SMALL)
    return new_message (status, output, written, error);
  result = new_file (job, status, output, written, &failure);
  if (result == NULL && g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS))
    /* Its task takes no files: it set no limit that needs one, or comes from another machine. */
    return new_message (status, output, written, error);
  if (result == NULL)
    g_propagate_error (error, g_steal_pointer (&failure));
  return result;
}
