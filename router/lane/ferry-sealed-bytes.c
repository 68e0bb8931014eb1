/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes in a memfd that nobody can change any more: what a task gives its worker.
 *
 * A task has such bytes by ferry_task_add_bytes().
 *
 * Threads: any.
 * Trust:   a descriptor is hostile until ferry_sealed_bytes_map() has mapped it. Mapped memory cannot change or become
 *          shorter, so no read of it fails. */

#include "config.h"

#include "lane/ferry-sealed-bytes-private.h"

#include <fcntl.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-segment-private.h"

static gboolean
write_all (int fd, const guint8 *data, gsize size)
{
  while (size > 0)
    {
      gssize n = TEMP_FAILURE_RETRY (write (fd, data, size));

      if (n < 0)
        return FALSE;
      data += n;
      size -= (gsize) n;
    }
  return TRUE;
}

/* Uses write() on the descriptor, because a writable mapping would have to be removed before the memory is sealed. */
int
ferry_sealed_bytes_new (gconstpointer data, gsize size, GError **error)
{
  const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
  ferry_autofd fd = ferry_memfd_new ("ferry-buffer", size, error);

  if (fd >= 0 && write_all (fd, data, size) && fcntl (fd, F_ADD_SEALS, seals) == 0)
    return ferry_steal_fd (&fd);
  if (fd >= 0)
    ferry_set_system_error (error, "Filling memory for bytes (write, F_ADD_SEALS)");
  return -1;
}

/* Memory without these seals could become shorter while it is read, and the read would raise SIGBUS. The mapping is
 * private, because before Linux 6.7 memory that is sealed against writing cannot be mapped shared. */
GBytes *
ferry_sealed_bytes_map (int fd, GError **error)
{
  const int needed = F_SEAL_SHRINK | F_SEAL_WRITE;
  int seals = fcntl (fd, F_GET_SEALS);
  g_autoptr (GMappedFile) file = NULL;
  g_autoptr (GError) failure = NULL;

  if (seals < 0 || (seals & needed) != needed)
    {
      ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                       "The handle stands for a descriptor, not for bytes; get it as a descriptor");
      return NULL;
    }
  file = g_mapped_file_new_from_fd (fd, FALSE, &failure);
  if (file != NULL)
    return g_mapped_file_get_bytes (file);
  ferry_set_error (error, FERRY_ERROR_SYSTEM, "Mapping bytes failed: %s", failure->message);
  return NULL;
}
