/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The memory of a one-shot buffer: a memfd of its own, which a worker fills, seals and sends. See
 * ferry-one-shot-private.h. */

#include "config.h"

#include "lane/ferry-one-shot-private.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-segment-private.h"

/* The unit of st_blocks, in bytes. */
#define BLOCK_SIZE 512

#define REQUIRED_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

/* Kinds of advice for madvise() from Linux 5.14 on, which headers may lack. */
#define POPULATE_READ 22
#define POPULATE_WRITE 23
/* The bytes that one call populates. A call keeps other threads from changing the process's mappings. */
#define POPULATE_STEP ((gsize) 1024 * 1024)

/* Populates the pages of a mapping at once, which takes half of the time of a page fault for each. Where the kernel
 * refuses this, the page faults come later. */
static void
populate (guint8 *data, gsize size, int advice)
{
  for (gsize offset = 0; offset < size; offset += POPULATE_STEP)
    if (madvise (data + offset, MIN (size - offset, POPULATE_STEP), advice) < 0)
      return;
}

/* ---- making memory ---- */

int
ferry_one_shot_create (gsize size, gsize expected, guint8 **data, GError **error)
{
  ferry_autofd fd = ferry_memfd_new ("ferry-buffer", size, error);

  if (fd < 0)
    return -1;
  *data = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (*data == MAP_FAILED)
    {
      ferry_set_system_error (error, "Mapping a buffer's memory (mmap)");
      return -1;
    }
  populate (*data, MIN (size, expected), POPULATE_WRITE);
  return ferry_steal_fd (&fd);
}

static guint64
round_to_pages (gsize size)
{
  const guint64 page_size = (guint64) sysconf (_SC_PAGESIZE);

  return (size + page_size - 1) / page_size * page_size;
}

/* Truncates the memory to size, and returns whether all of its pages are allocated. Counts the pages, because a search
 * for holes takes longer the more holes exist. Truncating frees pages beyond the end, which are not counted then. */
static gboolean
cut_and_count (int fd, gsize size)
{
  struct stat file;

  return ftruncate (fd, (off_t) size) == 0 && fstat (fd, &file) == 0 &&
         (guint64) file.st_blocks * BLOCK_SIZE >= round_to_pages (size);
}

/* Seals the memory and maps it again for reading. F_SEAL_WRITE can be added only while no writable mapping exists. So
 * an empty mapping first replaces the writable mapping, which keeps the addresses reserved. */
gboolean
ferry_one_shot_seal (int fd, gsize size, guint8 *data, gsize mapped, GError **error)
{
  int fixed = MAP_FIXED | MAP_PRIVATE;

  /* The application refuses memory with holes, so missing pages are allocated. */
  if (!cut_and_count (fd, size) && TEMP_FAILURE_RETRY (fallocate (fd, 0, 0, (off_t) size)) < 0)
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

/* Uses write() on the descriptor, because a writable mapping would have to be removed before the memory is sealed. */
int
ferry_one_shot_create_filled (gconstpointer data, gsize size, GError **error)
{
  ferry_autofd fd = ferry_memfd_new ("ferry-buffer", size, error);

  if (fd >= 0 && write_all (fd, data, size) && fcntl (fd, F_ADD_SEALS, REQUIRED_SEALS) == 0)
    return ferry_steal_fd (&fd);
  if (fd >= 0)
    ferry_set_system_error (error, "Filling memory for bytes (write, F_ADD_SEALS)");
  return -1;
}

/* ---- mapping memory ---- */

/* Memory without these seals could become shorter while it is read, and the read would raise SIGBUS. The mapping is
 * private, for the reason that is given at ferry_one_shot_map(). */
GBytes *
ferry_one_shot_map_bytes (int fd, GError **error)
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

/* Whether all pages of the memory are allocated. A read of a missing page would allocate the page, and the kernel may
 * kill a reader for which it has no page. Beyond the end of the memory, at most the rest of a huge page may be
 * allocated: this thread waits while more pages are freed. */
static gboolean
is_all_there (int fd, gsize size, const struct stat *file)
{
  const guint64 huge_page_size = round_to_pages (1) * (round_to_pages (1) / sizeof (gpointer));

  return (guint64) file->st_blocks * BLOCK_SIZE < round_to_pages (size) + huge_page_size && cut_and_count (fd, size);
}

/* Checks memory that a worker sent. Returns what is wrong with it, or NULL. The seals must be read first: only files in
 * memory have seals, and any other call could hang in a file system of the worker. Files on hugetlbfs also have seals,
 * but can raise SIGBUS, so the file system is checked too. */
static const char *
check_memory (int fd, gsize size, gsize limit)
{
  int seals = fcntl (fd, F_GET_SEALS);
  struct statfs file_system;
  struct stat file;

  if (size == 0 || size > limit)
    return "it sent a one-shot buffer of a size beyond its limit; the size must be from 1 byte to the limit";
  if (seals < 0 || (seals & REQUIRED_SEALS) != REQUIRED_SEALS)
    return "it sent a one-shot buffer in memory that is not sealed; it must add the seals shrink, grow, write and seal";
  if (fstatfs (fd, &file_system) < 0 || file_system.f_type != TMPFS_MAGIC)
    return "it sent a one-shot buffer in memory that does not lie on a tmpfs; it must use memfd_create() without huge "
           "pages";
  if (fstat (fd, &file) < 0 || file.st_size < 0 || (guint64) file.st_size != size)
    return "it sent a one-shot buffer in memory of another size; the memory must be as large as the record says";
  if ((fcntl (fd, F_GETFL) & O_ACCMODE) != O_RDWR)
    return "it sent a one-shot buffer by a descriptor that was not opened for writing; it must send the descriptor "
           "that it got from memfd_create()";
  if (!is_all_there (fd, size, &file))
    return "it sent a one-shot buffer in memory with holes; it must allocate all pages of the memory, and none "
           "after its end";
  return NULL;
}

/* The mapping is private, because before Linux 6.7 memory that is sealed against writing cannot be mapped shared. */
const char *
ferry_one_shot_map (int fd, gsize size, gsize limit, guint8 **data)
{
  const char *fault = check_memory (fd, size, limit);

  if (fault != NULL)
    return fault;
  *data = mmap (NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (*data == MAP_FAILED)
    return "its one-shot buffer could not be mapped, as the application has no address space left; the application "
           "must drop buffers sooner";
  return NULL;
}

void
ferry_one_shot_touch (guint8 *data, gsize size)
{
  populate (data, size, POPULATE_READ);
}
