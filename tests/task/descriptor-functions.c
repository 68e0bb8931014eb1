/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "task/descriptor-functions.h"

#include <errno.h>
#include <fcntl.h>
#include <ferry.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static GBytes *kept;

/* Returns FALSE with an error. */
static gboolean
append_handle (FerryJob *job, gint handle, GString *text, GError **error)
{
  int fd = ferry_job_dup_descriptor (job, handle, error);
  char buffer[4096];
  off_t offset = 0;
  gssize n;

  if (fd < 0)
    return FALSE;
  while ((n = pread (fd, buffer, sizeof buffer, offset)) > 0)
    {
      g_string_append_len (text, buffer, n);
      offset += n;
    }
  close (fd);
  return TRUE;
}

static GVariant *
give_handle (FerryJob *job, gint handle, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);

  return append_handle (job, handle, text, error) ? g_variant_new_string (text->str) : NULL;
}

static GVariant *
read_handle (FerryJob *job, GVariant *arguments, GError **error)
{
  return give_handle (job, g_variant_get_handle (arguments), error);
}

static GVariant *
read_handles (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  GVariantIter iter;
  gint handle;

  g_variant_iter_init (&iter, arguments);
  while (g_variant_iter_next (&iter, "h", &handle))
    if (!append_handle (job, handle, text, error))
      return NULL;
  return g_variant_new_string (text->str);
}

static GVariant *
read_once_killed (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *path;
  gint handle;

  g_variant_get (arguments, "(h&s)", &handle, &path);
  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return give_handle (job, handle, error);
  g_file_set_contents (path, "", 0, NULL);
  raise (SIGKILL);
  return NULL;
}

static char *
dup_text (GBytes *bytes)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  return g_strndup (data != NULL ? data : "", size);
}

static GVariant *
read_bytes (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GBytes) bytes = ferry_job_dup_bytes (job, g_variant_get_handle (arguments), error);

  return bytes != NULL ? g_variant_new_take_string (dup_text (bytes)) : NULL;
}

static GVariant *
keep_bytes (FerryJob *job, GVariant *arguments, GError **error)
{
  kept = ferry_job_dup_bytes (job, g_variant_get_handle (arguments), error);
  return NULL;
}

static GVariant *
read_kept_bytes (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GBytes) bytes = g_steal_pointer (&kept);

  return g_variant_new_take_string (dup_text (bytes));
}

static GVariant *
yield_handles (FerryJob *job, GVariant *arguments, GError **error)
{
  GVariantIter iter;
  gint handle;

  g_variant_iter_init (&iter, arguments);
  while (g_variant_iter_next (&iter, "h", &handle))
    {
      GVariant *text = give_handle (job, handle, error);

      if (text == NULL || !ferry_job_yield (job, text, error))
        return NULL;
    }
  return NULL;
}

static GVariant *
report_handle (FerryJob *job, GVariant *arguments, GError **error)
{
  return ferry_job_report (job, 0.5, NULL, error) ? read_handle (job, arguments, error) : NULL;
}

static GVariant *
step_handle (FerryJob *job, GVariant *arguments, GError **error)
{
  ferry_job_set_n_steps (job, 1);
  return ferry_job_step (job, NULL, error) ? read_handle (job, arguments, error) : NULL;
}

static const char *
name_outcome (gboolean done)
{
  return done ? "done" : g_strerror (errno);
}

static GVariant *
write_to_bytes (FerryJob *job, GVariant *arguments, GError **error)
{
  int fd = ferry_job_dup_descriptor (job, g_variant_get_handle (arguments), error);
  const char *written;
  const char *cut;
  const char *mapped;

  if (fd < 0)
    return NULL;
  written = name_outcome (pwrite (fd, "X", 1, 0) == 1);
  cut = name_outcome (ftruncate (fd, 0) == 0);
  mapped = name_outcome (mmap (NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED);
  close (fd);
  return g_variant_new_take_string (g_strdup_printf ("%s, %s, %s", written, cut, mapped));
}

static GVariant *
is_open (FerryJob *job, GVariant *arguments, GError **error)
{
  int fd = ferry_job_dup_descriptor (job, g_variant_get_handle (arguments), error);

  if (fd < 0)
    return NULL;
  close (fd);
  return g_variant_new_boolean (TRUE);
}

static GVariant *
open_path (FerryJob *job, GVariant *arguments, GError **error)
{
  int fd = open (g_variant_get_string (arguments, NULL), O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    g_set_error_literal (error, G_FILE_ERROR, g_file_error_from_errno (errno), g_strerror (errno));
  else
    close (fd);
  return NULL;
}

static GVariant *
count_open (FerryJob *job, GVariant *arguments, GError **error)
{
  guint n = 0;

  for (int fd = 0; fd < 1024; fd++)
    n += fcntl (fd, F_GETFD) >= 0;
  return g_variant_new_uint32 (n);
}

static GVariant *
limit_open (FerryJob *job, GVariant *arguments, GError **error)
{
  struct rlimit limit;

  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = g_variant_get_uint32 (arguments);
  setrlimit (RLIMIT_NOFILE, &limit);
  return NULL;
}

void
descriptor_functions_register (void)
{
  ferry_function_register ("read-handle", "h", "s", read_handle);
  ferry_function_register ("read-handles", "ah", "s", read_handles);
  ferry_function_register ("read-once-killed", "(hs)", "s", read_once_killed);
  ferry_function_register ("read-bytes", "h", "s", read_bytes);
  ferry_function_register ("keep-bytes", "h", "", keep_bytes);
  ferry_function_register ("read-kept-bytes", NULL, "s", read_kept_bytes);
  ferry_function_register ("yield-handles", "ah", "", yield_handles);
  ferry_function_register ("report-handle", "h", "s", report_handle);
  ferry_function_register ("step-handle", "h", "s", step_handle);
  ferry_function_register ("write-to-bytes", "h", "s", write_to_bytes);
  ferry_function_register ("is-open", "h", "b", is_open);
  ferry_function_register ("open-path", "s", "", open_path);
  ferry_function_register ("count-open", NULL, "u", count_open);
  ferry_function_register ("limit-open", "u", "", limit_open);
}
