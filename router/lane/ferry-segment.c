/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "lane/ferry-segment-private.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/ferry-base-private.h"

/* From Linux 6.3; the C library of Debian 12 does not name it. Older kernels refuse it with EINVAL. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define REQUIRED_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

G_STATIC_ASSERT (FERRY_MAX_PIPES_PER_LINK * sizeof (guint32) <= FERRY_SEGMENT_EXPRESS_RING - FERRY_SEGMENT_PIPE_TABLE);

static int
create_memory (GError **error)
{
  int fd = memfd_create ("ferry-link", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

  if (fd < 0 && errno == EINVAL)
    fd = memfd_create ("ferry-link", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0)
    ferry_set_system_error (error, "Making a link's memory (memfd_create)");
  return fd;
}

/* Maps capacity bytes of fd twice in a row. The first mapping takes in as much again of what lies behind them, or of
 * what is behind the end; so it reserves the addresses of the second, which is put there before anything is touched. */
static guint8 *
map_ring (int fd, gsize offset, gsize capacity, GError **error)
{
  guint8 *ring = mmap (NULL, 2 * capacity, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t) offset);

  if (ring == MAP_FAILED)
    {
      ferry_set_system_error (error, "Mapping a lane (mmap)");
      return NULL;
    }
  if (mmap (ring + capacity, capacity, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, (off_t) offset) ==
      MAP_FAILED)
    {
      ferry_set_system_error (error, "Mapping a lane (mmap)");
      munmap (ring, 2 * capacity);
      return NULL;
    }
  return ring;
}

static gboolean
map_cells (FerrySegment *self, int fd, GError **error)
{
  void *cells;

  if (self->n_cells == 0)
    return TRUE;
  cells = mmap (NULL, self->n_cells * sizeof (FerryCell), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                (off_t) (FERRY_SEGMENT_UP_RING + self->up_capacity));
  if (cells == MAP_FAILED)
    return ferry_set_system_error (error, "Mapping a link's cells (mmap)");
  self->cells = cells;
  return TRUE;
}

static gboolean
map_parts (FerrySegment *self, int fd, GError **error)
{
  void *base = mmap (NULL, FERRY_SEGMENT_EXPRESS_RING, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

  if (base == MAP_FAILED)
    return ferry_set_system_error (error, "Mapping a link's control lines (mmap)");
  self->base = base;
  self->express_ring = map_ring (fd, FERRY_SEGMENT_EXPRESS_RING, FERRY_EXPRESS_CAPACITY, error);
  if (self->express_ring != NULL)
    self->down_ring = map_ring (fd, FERRY_SEGMENT_DOWN_RING, FERRY_DOWN_CAPACITY, error);
  if (self->down_ring != NULL)
    self->up_ring = map_ring (fd, FERRY_SEGMENT_UP_RING, self->up_capacity, error);
  return self->up_ring != NULL && map_cells (self, fd, error);
}

static gboolean
capacity_is_valid (gsize capacity)
{
  return capacity >= FERRY_MIN_LANE_CAPACITY && capacity <= FERRY_MAX_LANE_CAPACITY && (capacity & (capacity - 1)) == 0;
}

/* Makes and maps a new segment. *fd is the caller's: it is passed to the worker, then closed. */
gboolean
ferry_segment_create (FerrySegment *self, gsize up_capacity, guint n_cells, int *fd, GError **error)
{
  ferry_autofd memory = -1;

  g_assert (capacity_is_valid (up_capacity) && n_cells <= FERRY_MAX_CELLS_PER_LINK);

  *self = (FerrySegment){
    .up_capacity = up_capacity, .n_cells = n_cells, .size = ferry_segment_size_for (up_capacity, n_cells)};
  memory = create_memory (error);
  if (memory < 0)
    return FALSE;
  if (ftruncate (memory, (off_t) self->size) < 0)
    return ferry_set_system_error (error, "Sizing a link's memory (ftruncate)");
  if (fcntl (memory, F_ADD_SEALS, REQUIRED_SEALS) < 0)
    return ferry_set_system_error (error, "Sealing a link's memory (F_ADD_SEALS)");
  if (!map_parts (self, memory, error))
    {
      ferry_segment_clear (self);
      return FALSE;
    }
  *fd = ferry_steal_fd (&memory);
  return TRUE;
}

/* Memory is mapped only after its seals, its file system and its size have been looked at: a file that can shrink,
 * or lies on hugetlbfs, could end this process with SIGBUS. */
static gboolean
check_memory (int fd, gsize size, GError **error)
{
  int seals = fcntl (fd, F_GET_SEALS);
  struct statfs file_system;
  struct stat file;

  if (seals < 0 || (seals & (F_SEAL_SHRINK | F_SEAL_GROW)) != (F_SEAL_SHRINK | F_SEAL_GROW) ||
      fstatfs (fd, &file_system) < 0 || file_system.f_type != TMPFS_MAGIC || fstat (fd, &file) < 0 ||
      (guint64) file.st_size != size)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                   "The link's memory is not a sealed memfd of %" G_GSIZE_FORMAT " bytes; "
                   "start the worker through a FerryLauncher",
                   size);
      return FALSE;
    }
  return TRUE;
}

/* Maps a segment that another process made. fd stays the caller's. */
gboolean
ferry_segment_map (FerrySegment *self, int fd, gsize up_capacity, guint n_cells, GError **error)
{
  *self = (FerrySegment){0};
  if (!capacity_is_valid (up_capacity))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                   "The lane's capacity of %" G_GSIZE_FORMAT " bytes is no power of two in range; "
                   "application and worker must use the same version of Ferry",
                   up_capacity);
      return FALSE;
    }
  self->up_capacity = up_capacity;
  self->n_cells = n_cells;
  self->size = ferry_segment_size_for (up_capacity, n_cells);
  if (check_memory (fd, self->size, error) && map_parts (self, fd, error))
    return TRUE;
  ferry_segment_clear (self);
  return FALSE;
}

void
ferry_segment_clear (FerrySegment *self)
{
  if (self->base != NULL)
    munmap (self->base, FERRY_SEGMENT_EXPRESS_RING);
  if (self->express_ring != NULL)
    munmap (self->express_ring, 2 * FERRY_EXPRESS_CAPACITY);
  if (self->down_ring != NULL)
    munmap (self->down_ring, 2 * FERRY_DOWN_CAPACITY);
  if (self->up_ring != NULL)
    munmap (self->up_ring, 2 * self->up_capacity);
  if (self->cells != NULL)
    munmap (self->cells, self->n_cells * sizeof (FerryCell));
  *self = (FerrySegment){0};
}
