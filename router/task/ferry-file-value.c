/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values that are in memory or a file. See ferry-file-value-private.h.
 *
 * Trust: none. The type is checked, and the bytes are in memory that is sealed, so that they stay what they were when
 *        they were checked. Of a trusted worker they may be in a file, which has no seals. */

#include "config.h"

#include "task/ferry-file-value-private.h"

#include <gio/gio.h>
#include <sys/stat.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-one-shot-private.h"
#include "wire/ferry-shape-private.h"

/* A mark, the handle, and the type. No function returns the mark by chance. */
#define TYPE "(shg)"
#define MARK "\004ferry.file-value"

GVariant *
ferry_file_value_new (gint handle, const GVariantType *type)
{
  g_autofree char *signature = g_variant_type_dup_string (type);

  return g_variant_new (TYPE, MARK, handle, signature);
}

gboolean
ferry_file_value_is (GVariant *value)
{
  const char *mark;

  if (value == NULL || !g_variant_is_of_type (value, G_VARIANT_TYPE (TYPE)))
    return FALSE;
  g_variant_get (value, "(&shg)", &mark, NULL, NULL);
  return g_str_equal (mark, MARK);
}

gint
ferry_file_value_get_handle (GVariant *value)
{
  gint handle;

  g_variant_get (value, "(&shg)", NULL, &handle, NULL);
  return handle;
}

/* Returns (transfer full) (nullable) what is in the descriptor. */
static GBytes *
map (int fd, gboolean trusts_worker, GError **error)
{
  g_autoptr (GMappedFile) file = NULL;
  g_autoptr (GError) failure = NULL;
  GBytes *bytes = ferry_one_shot_map_bytes (fd, &failure);
  struct stat facts;

  if (bytes != NULL)
    return bytes;
  if (trusts_worker && fstat (fd, &facts) == 0 && S_ISREG (facts.st_mode))
    file = g_mapped_file_new_from_fd (fd, FALSE, NULL);
  if (file != NULL)
    return g_mapped_file_get_bytes (file);
  ferry_set_error (error, FERRY_ERROR_BAD_RESULT,
                   "The result is in no memory that can be mapped (%s); a worker that is not trusted seals it",
                   failure->message);
  return NULL;
}

GVariant *
ferry_file_value_map (GVariant *value, int fd, gboolean trusts_worker, GError **error)
{
  g_autoptr (GBytes) bytes = map (fd, trusts_worker, error);
  const char *type;
  gsize size;
  gconstpointer data;

  if (bytes == NULL)
    return NULL;
  g_variant_get (value, "(&sh&g)", NULL, NULL, &type);
  data = g_bytes_get_data (bytes, &size);
  if (g_variant_type_string_is_valid (type) && ferry_layout_is_definite (type, strlen (type)) &&
      ferry_layout_judge (type, strlen (type), data, size) == FERRY_VALUE_GOOD)
    return g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (type), bytes, TRUE));
  ferry_set_error (error, FERRY_ERROR_BAD_RESULT,
                   "The result that is in a file is no value of the type '%s'; write what g_variant_get_data() has",
                   type);
  return NULL;
}
