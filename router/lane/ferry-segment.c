/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The memory of a link, with its lanes and cells, as one process has it mapped.
 *
 * Owner:     the application makes the segment. The worker maps the descriptor that came with its welcome.
 * Threads:   one thread maps and unmaps the segment. Each part of the segment has thread rules of its own.
 * Invariant: the memfd is sealed against growing and shrinking before another process gets it, so no access to the
 *            mapping can raise SIGBUS. The rings of the up lane and of the down lane are each mapped twice, one mapping
 *            directly after the other. So each record has contiguous addresses. */

#include "config.h"

#include "lane/ferry-segment-private.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/ferry-base-private.h"

/* A flag of memfd_create() from Linux 6.3 on. The C library of Debian 12 lacks it, and older kernels refuse it with
 * EINVAL. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define REQUIRED_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

G_STATIC_ASSERT (FERRY_MAX_PIPES_PER_LINK * sizeof (guint32) <= FERRY_SEGMENT_EXPRESS_RING - FERRY_SEGMENT_PIPE_TABLE);

int
ferry_memfd_new (const char *name, gsize size, GError **error)
{
  ferry_autofd fd = -1;
  struct rlimit limit;

  if (getrlimit (RLIMIT_FSIZE, &limit) == 0 && size > limit.rlim_cur)
    {
      ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                       "Memory of %" G_GSIZE_FORMAT
                       " bytes cannot be shared, because this process may write files of at most %" G_GUINT64_FORMAT
                       " bytes (RLIMIT_FSIZE, 'ulimit -f'); raise that limit, or send less at a time",
                       size, (guint64) limit.rlim_cur);
      return -1;
    }
  fd = memfd_create (name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (fd < 0 && errno == EINVAL)
    fd = memfd_create (name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd >= 0 && ftruncate (fd, (off_t) size) == 0)
    return ferry_steal_fd (&fd);
  ferry_set_system_error (error, fd < 0 ? "Making shared memory (memfd_create)" : "Sizing shared memory (ftruncate)");
  return -1;
}

/* Returns how many bytes of address space a segment takes. The up ring and the down ring count twice, because they are
 * mapped twice. */
static gsize
get_span (const FerrySegment *self)
{
  return self->size + FERRY_DOWN_CAPACITY + self->up_capacity;
}

static gboolean
map_again (guint8 *place, gsize size, int fd, gsize offset)
{
  return mmap (place, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, (off_t) offset) != MAP_FAILED;
}

/* Maps a segment. Only three mappings are made, side by side, because each mapping costs time when a worker starts:
 *
 *   lane and link controls, pipe table, express ring, down ring | down ring again, up ring | up ring again, cells
 *
 * The first mapping is made as long as all three together, to reserve their addresses. The other two mappings then
 * replace the end of the first one. The express ring is mapped once: each of its records is only a header, so no record
 * crosses the ring's end. */
static gboolean
map_parts (FerrySegment *self, int fd, GError **error)
{
  guint8 *base = mmap (NULL, get_span (self), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  guint8 *second;
  guint8 *third;

  if (base == MAP_FAILED)
    return ferry_set_system_error (error, "Mapping a link's memory (mmap)");
  self->base = base;
  second = base + FERRY_SEGMENT_UP_RING;
  third = second + FERRY_DOWN_CAPACITY + self->up_capacity;
  if (!map_again (second, FERRY_DOWN_CAPACITY + self->up_capacity, fd, FERRY_SEGMENT_DOWN_RING) ||
      !map_again (third, self->size - FERRY_SEGMENT_UP_RING, fd, FERRY_SEGMENT_UP_RING))
    return ferry_set_system_error (error, "Mapping a link's rings (mmap)");
  self->express_ring = base + FERRY_SEGMENT_EXPRESS_RING;
  self->down_ring = base + FERRY_SEGMENT_DOWN_RING;
  self->up_ring = second + FERRY_DOWN_CAPACITY;
  if (self->n_cells > 0)
    self->cells = (FerryCell *) (void *) (third + self->up_capacity);
  return TRUE;
}

static gboolean
capacity_is_valid (gsize capacity)
{
  return capacity >= FERRY_MIN_LANE_CAPACITY && capacity <= FERRY_MAX_LANE_CAPACITY && (capacity & (capacity - 1)) == 0;
}

static void
set_sizes (FerrySegment *self, gsize up_capacity, guint n_cells)
{
  /* In whole pages: no page of a mapping may lie beyond the end of the memfd, where an access raises SIGBUS. */
  const gsize size_of_cells = (n_cells * sizeof (FerryCell) + 4095) & ~(gsize) 4095;

  *self = (FerrySegment){
    .up_capacity = up_capacity,
    .n_cells = n_cells,
    .size = FERRY_SEGMENT_UP_RING + up_capacity + size_of_cells,
  };
}

/* Makes a memfd of size bytes that is sealed against growing and shrinking. Returns its descriptor, which the caller
 * owns, or -1. */
int
ferry_sealed_memory_new (const char *name, gsize size, GError **error)
{
  ferry_autofd memory = ferry_memfd_new (name, size, error);

  if (memory >= 0 && fcntl (memory, F_ADD_SEALS, REQUIRED_SEALS) == 0)
    return ferry_steal_fd (&memory);
  if (memory >= 0)
    ferry_set_system_error (error, "Sealing a link's memory (F_ADD_SEALS)");
  return -1;
}

/* Makes and maps a new segment. Sets *fd to its descriptor, which the caller owns. */
gboolean
ferry_segment_create (FerrySegment *self, gsize up_capacity, guint n_cells, int *fd, GError **error)
{
  ferry_autofd memory = -1;

  g_assert (capacity_is_valid (up_capacity) && n_cells <= FERRY_MAX_CELLS_PER_LINK);

  set_sizes (self, up_capacity, n_cells);
  memory = ferry_sealed_memory_new ("ferry-link", self->size, error);
  if (memory < 0)
    return FALSE;
  if (!map_parts (self, memory, error))
    {
      ferry_segment_clear (self);
      return FALSE;
    }
  *fd = ferry_steal_fd (&memory);
  return TRUE;
}

/* Checks the seals, the file system and the size of memory before it is mapped. A file that can shrink, or that is on
 * hugetlbfs, could end this process with SIGBUS. */
gboolean
ferry_sealed_memory_check (int fd, gsize size, GError **error)
{
  int seals = fcntl (fd, F_GET_SEALS);
  struct statfs file_system;
  struct stat file;

  if (seals < 0 || (seals & (F_SEAL_SHRINK | F_SEAL_GROW)) != (F_SEAL_SHRINK | F_SEAL_GROW) ||
      fstatfs (fd, &file_system) < 0 || file_system.f_type != TMPFS_MAGIC || fstat (fd, &file) < 0 ||
      (guint64) file.st_size != size)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                            "The link's memory is not a sealed memfd of %" G_GSIZE_FORMAT " bytes; "
                            "start the worker through a FerryLauncher",
                            size);
  return TRUE;
}

/* Maps a segment that another process made. The caller keeps fd. */
gboolean
ferry_segment_map (FerrySegment *self, int fd, gsize up_capacity, guint n_cells, GError **error)
{
  *self = (FerrySegment){0};
  if (!capacity_is_valid (up_capacity))
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                            "The lane's capacity of %" G_GSIZE_FORMAT
                            " bytes is invalid; build application and worker with the same version of Ferry",
                            up_capacity);
  set_sizes (self, up_capacity, n_cells);
  if (ferry_sealed_memory_check (fd, self->size, error) && map_parts (self, fd, error))
    return TRUE;
  ferry_segment_clear (self);
  return FALSE;
}

void
ferry_segment_clear (FerrySegment *self)
{
  if (self->base != NULL)
    munmap (self->base, get_span (self));
  *self = (FerrySegment){0};
}

void
ferry_segment_clear_soon (FerrySegment *self)
{
  if (self->base != NULL)
    {
      ferry_unmap_soon (self->base, get_span (self));
      self->base = NULL;
    }
  ferry_segment_clear (self);
}
