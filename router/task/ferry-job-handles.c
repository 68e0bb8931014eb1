/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a job was given beside its arguments. A function gets copies, so that it need not know who else uses a handle,
 * and what it forgets to ask for is closed when it returns. */

#include "config.h"

#include "task/ferry-job-handles-private.h"

#include <fcntl.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-one-shot-private.h"
#include "link/ferry-link-private.h"

typedef struct
{
  GArray *descriptors; /* (element-type int) (owned elements) */
  gboolean is_short;
} Handed;

static void
handed_free (gpointer data)
{
  Handed *self = data;

  ferry_descriptors_free (self->descriptors);
  g_free (self);
}

void
ferry_call_take_descriptors (FerryCall *call, const FerryDownMessage *message)
{
  GArray *descriptors = message->descriptors;
  Handed *self;

  if (descriptors == NULL)
    return;
  self = g_new (Handed, 1);
  *self = (Handed){g_array_new (FALSE, FALSE, sizeof (int)), message->is_short};
  g_array_append_vals (self->descriptors, descriptors->data, descriptors->len);
  g_array_set_size (descriptors, 0);
  ferry_call_attach (call, self, handed_free);
}

gboolean
ferry_call_check_descriptors (FerryCall *call, GError **error)
{
  const Handed *self = ferry_call_get_attached (call);

  if (self == NULL || !self->is_short)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM,
               "The worker could take only %u of the descriptors that come with “%s”; raise its limit of open files, "
               "or close some",
               self->descriptors->len, ferry_call_get_method (call));
  return FALSE;
}

void
ferry_call_drop_descriptors (FerryCall *call)
{
  Handed *self = ferry_call_get_attached (call);

  if (self != NULL)
    ferry_descriptors_close (self->descriptors);
}

/* In a use. Returns -1 with an error. */
static int
find_descriptor (FerryJob *self, gint handle, GError **error)
{
  const Handed *handed = ferry_call_get_attached (self->call);
  guint n = handed != NULL ? handed->descriptors->len : 0;

  if (handle >= 0 && (guint) handle < n)
    return g_array_index (handed->descriptors, int, handle);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
               "The task of “%s” was given %u descriptors, and no handle %d; give it what its arguments name with "
               "ferry_task_add_descriptor() or ferry_task_add_bytes()",
               ferry_job_get_function_name (self), n, handle);
  return -1;
}

/**
 * ferry_job_dup_descriptor:
 * @self: a job
 * @handle: what [method@Ferry.Task.add_descriptor] or [method@Ferry.Task.add_bytes] returned, as the arguments say it
 * @error: return location for an error
 *
 * Gets a descriptor that the task was given. It is a copy, which the caller closes, and which stays open when the
 * function returns; programs that the worker executes do not inherit it.
 *
 * The position in a file is one for all copies, also those of the application and of other attempts, and may be
 * anywhere: who does not want that reads with `pread()`, or sets it first.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS when the task was given no such thing, %FERRY_ERROR_SYSTEM when this process
 * has too many files open, and %FERRY_ERROR_STOPPED when the function has returned. Any thread may call this.
 *
 * Returns: a descriptor, or -1 with an error
 *
 * Since: 0.1
 */
int
ferry_job_dup_descriptor (FerryJob *self, gint handle, GError **error)
{
  int copy = -1;
  int fd;

  g_return_val_if_fail (FERRY_IS_JOB (self), -1);
  g_return_val_if_fail (error == NULL || *error == NULL, -1);

  if (!ferry_job_begin_use (self, error))
    return -1;
  fd = find_descriptor (self, handle, error);
  if (fd >= 0)
    copy = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  if (fd >= 0 && copy < 0)
    ferry_set_system_error (error, "Copying a task's descriptor (fcntl)");
  ferry_job_end_use (self);
  return copy;
}

/**
 * ferry_job_dup_bytes:
 * @self: a job
 * @handle: what [method@Ferry.Task.add_bytes] returned, as the arguments say it
 * @error: return location for an error
 *
 * Gets bytes that the task was given. They lie in memory that the application filled and nobody can change, which is
 * mapped and not copied; they may be kept for as long as one likes, also after the function returned.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS when the task was given no such thing, or a descriptor; %FERRY_ERROR_SYSTEM
 * when there is no address space for them, and %FERRY_ERROR_STOPPED when the function has returned. Any thread may call
 * this.
 *
 * Returns: (transfer full) (nullable): the bytes, or %NULL with an error
 *
 * Since: 0.1
 */
GBytes *
ferry_job_dup_bytes (FerryJob *self, gint handle, GError **error)
{
  GBytes *bytes = NULL;
  int fd;

  g_return_val_if_fail (FERRY_IS_JOB (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_job_begin_use (self, error))
    return NULL;
  fd = find_descriptor (self, handle, error);
  if (fd >= 0)
    bytes = ferry_one_shot_map_bytes (fd, error);
  ferry_job_end_use (self);
  return bytes;
}
