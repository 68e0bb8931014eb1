/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Results that are in memory or in a file: written by the worker, opened and checked by the application.
 *
 * A function has written the value, and its task gets the memory or the file as a descriptor. What travels in place of
 * the value is a small one, which says where it is and of which type.
 *
 * Trust: none. The bytes are checked, once, in memory that nobody can change any more: it is sealed, or the
 *        application's own. Numbers of a trusted worker may stay in a file, which has no seals: those are never said to
 *        be checked. */

#include "config.h"

#include "job/ferry-file-value-private.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "lane/ferry-sealed-bytes-private.h"
#include "wire/ferry-layout-private.h"

/* No function returns it by chance. */
#define MARK "\004ferry.file-value"

GVariant *
ferry_file_value_new (gint handle, const GVariantType *type)
{
  g_autofree char *signature = g_variant_type_dup_string (type);

  return g_variant_new (FERRY_FILE_VALUE_TYPE, MARK, handle, signature);
}

gboolean
ferry_file_value_is (GVariant *value)
{
  const char *mark;

  if (value == NULL || !g_variant_is_of_type (value, G_VARIANT_TYPE (FERRY_FILE_VALUE_TYPE)))
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

/* ---- opening ---- */

/* Whether GLib reads some value from the bytes, whatever they become meanwhile. A text may lose its end, and of what is
 * checked GLib does not look at the bytes again. */
static gboolean
may_change (const char *type)
{
  return !ferry_layout_is_checked (type, strlen (type)) && strpbrk (type, "sog") == NULL;
}

/* Returns (transfer full) (nullable) size bytes of a file. */
static GBytes *
read_file (int fd, guint64 size, GError **error)
{
  g_autofree guint8 *data = size <= G_MAXSSIZE ? g_try_malloc ((gsize) size) : NULL;
  gssize n = 1;
  gsize at;

  if (data == NULL && size > 0)
    {
      ferry_set_error (error, FERRY_ERROR_BAD_RESULT,
                       "The result is a file of %" G_GUINT64_FORMAT
                       " bytes, for which there is no memory; return it in "
                       "sealed memory, or in parts",
                       size);
      return NULL;
    }
  for (at = 0; at < size && n > 0; at += n > 0 ? (gsize) n : 0)
    n = TEMP_FAILURE_RETRY (pread (fd, data + at, size - at, (off_t) at));
  if (at == size)
    return g_bytes_new_take (g_steal_pointer (&data), size);
  ferry_set_error (error, FERRY_ERROR_BAD_RESULT, "Reading the file of the result failed (%s); nobody may write to it",
                   n < 0 ? g_strerror (errno) : "it has become shorter");
  return NULL;
}

/* Returns (transfer full) (nullable) what is in the descriptor. */
static GBytes *
take_bytes (int fd, const char *type, gboolean trusts_worker, gboolean *is_fixed, GError **error)
{
  g_autoptr (GMappedFile) file = NULL;
  g_autoptr (GError) failure = NULL;
  GBytes *bytes = ferry_sealed_bytes_map (fd, &failure);
  struct stat facts;

  *is_fixed = bytes != NULL || !may_change (type);
  if (bytes != NULL)
    return bytes;
  if (trusts_worker && fstat (fd, &facts) == 0 && S_ISREG (facts.st_mode))
    {
      if (*is_fixed)
        return read_file (fd, (guint64) facts.st_size, error);
      file = g_mapped_file_new_from_fd (fd, FALSE, NULL);
    }
  if (file != NULL)
    return g_mapped_file_get_bytes (file);
  ferry_set_error (error, FERRY_ERROR_BAD_RESULT,
                   "The result is in no memory that can be mapped (%s); a worker that is not trusted seals it",
                   failure->message);
  return NULL;
}

GVariant *
ferry_file_value_open (GVariant *value, int fd, gboolean trusts_worker, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;
  gboolean is_fixed;
  const char *type;
  gsize size;
  gconstpointer data;

  g_variant_get (value, "(&sh&g)", NULL, NULL, &type);
  if (g_variant_type_string_is_valid (type) && ferry_layout_is_definite (type, strlen (type)))
    {
      bytes = take_bytes (fd, type, trusts_worker, &is_fixed, error);
      if (bytes == NULL)
        return NULL;
      data = g_bytes_get_data (bytes, &size);
      if (!is_fixed || ferry_layout_judge (type, strlen (type), data, size) == FERRY_VALUE_GOOD)
        return g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (type), bytes, is_fixed));
    }
  ferry_set_error (error, FERRY_ERROR_BAD_RESULT,
                   "The result that is in a file is no value of the type '%s'; write what g_variant_get_data() has",
                   type);
  return NULL;
}

/* ---- opening on a thread ---- */

struct _FerryFileOpening
{
  _Atomic gint references;
  GVariant *value; /* (owned): const, as the next two */
  int fd;          /* (owned) */
  gboolean trusts_worker;
  GVariant *result;         /* (owned) (nullable): for the working thread until is_done is set, as error */
  GError *error;            /* (owned) (nullable) */
  _Atomic gboolean is_done; /* stored with release order by the working thread */
  GDestroyNotify done;
  gpointer data;
};

void
ferry_file_opening_unref (FerryFileOpening *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  g_variant_unref (self->value);
  ferry_clear_fd (&self->fd);
  g_clear_pointer (&self->result, g_variant_unref);
  g_clear_error (&self->error);
  g_free (self);
}

static gpointer
open_aside (gpointer data)
{
  FerryFileOpening *self = data;

  self->result = ferry_file_value_open (self->value, self->fd, self->trusts_worker, &self->error);
  atomic_store_explicit (&self->is_done, TRUE, memory_order_release);
  self->done (self->data);
  ferry_file_opening_unref (self);
  return NULL;
}

FerryFileOpening *
ferry_file_opening_new (GVariant *value, int fd, gboolean trusts_worker, GDestroyNotify done, gpointer data)
{
  FerryFileOpening *self = g_new (FerryFileOpening, 1);

  *self = (FerryFileOpening){.references = 2,
                             .value = g_variant_ref (value),
                             .fd = fd,
                             .trusts_worker = trusts_worker,
                             .done = done,
                             .data = data};
  ferry_thread_run_aside ("ferry-judge", open_aside, self);
  return self;
}

gboolean
ferry_file_opening_is_of (FerryFileOpening *self, GVariant *value)
{
  return g_variant_equal (self->value, value);
}

gboolean
ferry_file_opening_is_done (FerryFileOpening *self)
{
  return atomic_load_explicit (&self->is_done, memory_order_acquire);
}

GVariant *
ferry_file_opening_end (FerryFileOpening *self, GError **error)
{
  GVariant *result = g_steal_pointer (&self->result);

  if (self->error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->error));
  ferry_file_opening_unref (self);
  return result;
}
