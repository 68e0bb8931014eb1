/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "lane/ferry-one-shot-private.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/ferry-base-private.h"

/* From Linux 6.3; the C library of Debian 12 does not name it. Older kernels refuse it with EINVAL. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* Of stat(), in bytes. */
#define BLOCK_SIZE 512

#define REQUIRED_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

/* ---- whoever makes one ---- */

/* The kernel would send a signal that ends the process. */
static gboolean
check_may_be_so_large (gsize size, GError **error)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_FSIZE, &limit) < 0 || size <= limit.rlim_cur)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
               "A buffer of %" G_GSIZE_FORMAT " bytes is wanted, and this process may write files of %" G_GUINT64_FORMAT
               " (RLIMIT_FSIZE)",
               size, (guint64) limit.rlim_cur);
  return FALSE;
}

static int
create_memory (void)
{
  int fd = memfd_create ("ferry-buffer", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

  if (fd < 0 && errno == EINVAL)
    fd = memfd_create ("ferry-buffer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  return fd;
}

int
ferry_one_shot_create (gsize size, guint8 **data, GError **error)
{
  ferry_autofd fd = -1;

  if (!check_may_be_so_large (size, error))
    return -1;
  fd = create_memory ();
  if (fd < 0 || ftruncate (fd, (off_t) size) < 0)
    {
      ferry_set_system_error (error, "Making a buffer's memory (memfd_create)");
      return -1;
    }
  *data = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (*data != MAP_FAILED)
    return ferry_steal_fd (&fd);
  ferry_set_system_error (error, "Mapping a buffer's memory (mmap)");
  return -1;
}

static guint64
round_to_pages (gsize size)
{
  const guint64 page_size = (guint64) sysconf (_SC_PAGESIZE);

  return (size + page_size - 1) / page_size * page_size;
}

/* What was allocated and is never written reads as zeros. Pages are counted and not looked for, which takes longer the
 * more there are. What lies beyond the end counts as well, and goes where memory is cut to the size that it has. */
static gboolean
cut_and_count (int fd, gsize size)
{
  struct stat file;

  return ftruncate (fd, (off_t) size) == 0 && fstat (fd, &file) == 0 &&
         (guint64) file.st_blocks * BLOCK_SIZE >= round_to_pages (size);
}

/* The application takes no memory that has holes. */
static gboolean
fill (int fd, gsize size)
{
  return cut_and_count (fd, size) || TEMP_FAILURE_RETRY (fallocate (fd, 0, 0, (off_t) size)) == 0;
}

/* There must be no mapping to write by when it is sealed; something else keeps the place meanwhile. */
gboolean
ferry_one_shot_seal (int fd, gsize size, guint8 *data, gsize mapped, GError **error)
{
  int fixed = MAP_FIXED | MAP_PRIVATE;

  if (!fill (fd, size))
    return ferry_set_system_error (error, "Filling a buffer's memory (fallocate)");
  if (mmap (data, mapped, PROT_NONE, fixed | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED)
    return ferry_set_system_error (error, "Sealing a buffer's memory (mmap)");
  if (fcntl (fd, F_ADD_SEALS, REQUIRED_SEALS) < 0)
    {
      ferry_set_system_error (error, "Sealing a buffer's memory (F_ADD_SEALS)");
      mmap (data, mapped, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_SHARED, fd, 0);
      return FALSE;
    }
  return mmap (data, mapped, PROT_READ, fixed, fd, 0) != MAP_FAILED ||
         ferry_set_system_error (error, "Sealing a buffer's memory (mmap)");
}

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

/* Without a mapping, which would have to be gone before it can be sealed. */
int
ferry_one_shot_create_filled (gconstpointer data, gsize size, GError **error)
{
  ferry_autofd fd = -1;

  if (!check_may_be_so_large (size, error))
    return -1;
  fd = create_memory ();
  if (fd >= 0 && write_all (fd, data, size) && fcntl (fd, F_ADD_SEALS, REQUIRED_SEALS) == 0)
    return ferry_steal_fd (&fd);
  ferry_set_system_error (error, "Making memory for bytes (memfd_create)");
  return -1;
}

/* ---- who is handed one by the application ---- */

typedef struct
{
  gpointer data;
  gsize size;
} Mapping;

static void
unmap (gpointer data)
{
  Mapping *self = data;

  munmap (self->data, self->size);
  g_free (self);
}

/* What is not sealed could be made shorter, which ends whoever reads it then. Private, as below. */
GBytes *
ferry_one_shot_map_bytes (int fd, GError **error)
{
  const int needed = F_SEAL_SHRINK | F_SEAL_WRITE;
  int seals = fcntl (fd, F_GET_SEALS);
  Mapping *mapping;
  struct stat file;
  gpointer data;

  if (seals < 0 || (seals & needed) != needed || fstat (fd, &file) < 0)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                           "The handle stands for a descriptor and not for bytes; get it as one");
      return NULL;
    }
  if (file.st_size == 0)
    return g_bytes_new (NULL, 0);
  data = mmap (NULL, (gsize) file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED)
    {
      ferry_set_system_error (error, "Mapping bytes (mmap)");
      return NULL;
    }
  mapping = g_new (Mapping, 1);
  *mapping = (Mapping){data, (gsize) file.st_size};
  return g_bytes_new_with_free_func (data, mapping->size, unmap, mapping);
}

/* ---- application ---- */

/* A page that is missing would be allocated by who reads it, whom the kernel may then end for want of one. Of what lies
 * beyond the end there is the rest of a huge page at most, since the look waits until it is freed. */
static gboolean
is_all_there (int fd, gsize size, const struct stat *file)
{
  const guint64 huge_page_size = round_to_pages (1) * (round_to_pages (1) / sizeof (gpointer));

  return (guint64) file->st_blocks * BLOCK_SIZE < round_to_pages (size) + huge_page_size && cut_and_count (fd, size);
}

/* The seals are read first, and before anything is asked that a file system of the worker's own could leave
 * unanswered: only files in memory have any. hugetlbfs has them too, and still ends its reader with SIGBUS. */
static const char *
check_memory (int fd, gsize size, gsize limit)
{
  int seals = fcntl (fd, F_GET_SEALS);
  struct statfs file_system;
  struct stat file;

  if (size == 0 || size > limit)
    return "it sent a one-shot buffer of a size beyond its limit";
  if (seals < 0 || (seals & REQUIRED_SEALS) != REQUIRED_SEALS)
    return "it sent a one-shot buffer in memory that is not sealed";
  if (fstatfs (fd, &file_system) < 0 || file_system.f_type != TMPFS_MAGIC)
    return "it sent a one-shot buffer in memory that lies on no tmpfs";
  if (fstat (fd, &file) < 0 || file.st_size < 0 || (guint64) file.st_size != size)
    return "it sent a one-shot buffer in memory of another size";
  if ((fcntl (fd, F_GETFL) & O_ACCMODE) != O_RDWR)
    return "it sent a one-shot buffer by a descriptor that was not opened for writing as well";
  if (!is_all_there (fd, size, &file))
    return "it sent a one-shot buffer in memory with holes";
  return NULL;
}

/* Private, since until Linux 6.7 what is sealed against writing could not be mapped shared. */
const char *
ferry_one_shot_map (int fd, gsize size, gsize limit, guint8 **data)
{
  const char *fault = check_memory (fd, size, limit);

  if (fault != NULL)
    return fault;
  *data = mmap (NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (*data == MAP_FAILED)
    return "there is no address space for its one-shot buffer; drop some before more come";
  return NULL;
}
