/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether the write-ahead log of a database has all that was committed to it.
 *
 * SQLite reads a log up to the first frame that is not what was written, and drops what is behind it without a word: so
 * a power cut leaves the last transaction, which was not synced, in any part and order. Damage looks different in two
 * ways. The index of the log, which outlives its process, counts the frames that were committed, each of which was
 * synced before that. And where the index is gone or old: a transaction is written when the one before it is synced. So
 * a frame that goes on from a commit, both behind the bad one, is evidence.
 *
 * What goes on from what is known by the checksums: that of a frame begins with that of the one before it. Frames that
 * are left of a transaction that failed have the log's salt, but nothing goes on from their commit.
 *
 * Trust:   the file is the user's own, and may be damaged.
 *
 * See https://sqlite.org/fileformat2.html#walformat and https://sqlite.org/walformat.html for the bytes. */

#include "config.h"

#include "queue/ferry-queue-log-private.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/ferry-base-private.h"

/* The last bit says that checksums take their words in big-endian order. */
#define MAGIC 0x377f0682
#define VERSION 3007000
/* Of SQLite's databases, where a damaged header does not say it. */
#define DEFAULT_PAGE_SIZE 4096
#define MAX_PAGE_SIZE 65536

typedef struct
{
  guint32 first, second;
} Sum;

/* Its numbers, and those of a frame, are big-endian. */
typedef struct
{
  guint32 magic, version, page_size, sequence;
  guint8 salt[8];
  Sum sum; /* of all before it */
} LogHeader;

typedef struct
{
  guint32 page;
  guint32 n_pages; /* of the database after a commit; else 0 */
  guint8 salt[8];
  Sum sum; /* of the one before it, the two numbers above, and the page */
} FrameHeader;

/* The beginning of PATH-shm, in the machine's order. */
typedef struct
{
  guint32 version, unused, change;
  guint8 is_initialised, is_big_endian;
  guint16 page_size; /* 1: 64 KiB */
  guint32 n_frames;  /* that were committed */
  guint32 n_pages;
  Sum last_sum;
  guint8 salt[8];
  Sum sum; /* of all before it */
} Index;

G_STATIC_ASSERT (sizeof (LogHeader) == 32 && sizeof (FrameHeader) == 24 && sizeof (Index) == 48);

typedef struct
{
  int fd;
  gsize page_size;
  gboolean is_big_endian; /* the words of checksums */
  gboolean is_whole;      /* so far */
  guint8 salt[8];
  Sum sum;            /* as the latest frame says it */
  Sum computed;       /* of the latest frame */
  gboolean commits;   /* the latest frame */
  guint n_frames;     /* that were read */
  guint n_whole;      /* of them, before the first bad one */
  guint n_salted;     /* of them, of this log's salt */
  gboolean has_later; /* a transaction behind a bad frame */
} Log;

static Sum
add_words (Sum sum, gconstpointer data, gsize size, gboolean is_big_endian)
{
  for (gsize i = 0; i < size; i += 2 * sizeof (guint32))
    {
      guint32 words[2];

      memcpy (words, (const guint8 *) data + i, sizeof words);
      sum.first += (is_big_endian ? GUINT32_FROM_BE (words[0]) : GUINT32_FROM_LE (words[0])) + sum.second;
      sum.second += (is_big_endian ? GUINT32_FROM_BE (words[1]) : GUINT32_FROM_LE (words[1])) + sum.first;
    }
  return sum;
}

static gboolean
is_same (Sum one, Sum other)
{
  return one.first == other.first && one.second == other.second;
}

static Sum
from_big_endian (Sum sum)
{
  return (Sum){GUINT32_FROM_BE (sum.first), GUINT32_FROM_BE (sum.second)};
}

/* Whether it is one that SQLite has written. */
static gboolean
read_index (int fd, Index *index)
{
  return pread (fd, index, sizeof *index, 0) == sizeof *index && index->is_initialised == 1 &&
         is_same (add_words ((Sum){0}, index, G_STRUCT_OFFSET (Index, sum), G_BYTE_ORDER == G_BIG_ENDIAN), index->sum);
}

goffset
ferry_queue_log_get_least_size (int fd)
{
  Index index;

  if (!read_index (fd, &index) || index.n_frames == 0)
    return 0;
  return (goffset) sizeof (LogHeader) +
         (goffset) index.n_frames *
           ((goffset) sizeof (FrameHeader) + (index.page_size == 1 ? MAX_PAGE_SIZE : index.page_size));
}

/* index: (nullable). Whether there is something of a log. Its salt, if the header is damaged, is that of the index or
 * of the first frame. */
static gboolean
read_header (Log *self, const Index *index)
{
  struct
  {
    LogHeader log;
    FrameHeader first;
  } headers;
  const LogHeader *header = &headers.log;

  if (pread (self->fd, &headers, sizeof headers, 0) != sizeof headers)
    return FALSE;
  self->sum = from_big_endian (header->sum);
  self->is_big_endian = (GUINT32_FROM_BE (header->magic) & 1) != 0;
  self->page_size = GUINT32_FROM_BE (header->page_size);
  self->computed = add_words ((Sum){0}, header, G_STRUCT_OFFSET (LogHeader, sum), self->is_big_endian);
  self->is_whole = (GUINT32_FROM_BE (header->magic) & ~1u) == MAGIC && GUINT32_FROM_BE (header->version) == VERSION &&
                   is_same (self->computed, self->sum);
  memcpy (self->salt,
          self->is_whole  ? header->salt
          : index != NULL ? index->salt
                          : headers.first.salt,
          sizeof self->salt);
  if (!self->is_whole)
    {
      self->is_big_endian = G_BYTE_ORDER == G_BIG_ENDIAN;
      self->page_size = DEFAULT_PAGE_SIZE;
    }
  return self->page_size >= 512 && self->page_size <= MAX_PAGE_SIZE;
}

/* The frames that go on from what a frame should have been, and from what it says, are told apart: a bad one may have a
 * good page, and a wrong checksum. */
static void
take_frame (Log *self, const guint8 *frame)
{
  const Sum before[] = {self->sum, self->computed};
  Sum sums[G_N_ELEMENTS (before)];
  FrameHeader header;
  gboolean is_salted;
  Sum said;

  memcpy (&header, frame, sizeof header);
  is_salted = memcmp (header.salt, self->salt, sizeof self->salt) == 0;
  said = from_big_endian (header.sum);
  for (gsize i = 0; i < G_N_ELEMENTS (before); i++)
    {
      sums[i] = add_words (before[i], frame, G_STRUCT_OFFSET (FrameHeader, salt), self->is_big_endian);
      sums[i] = add_words (sums[i], frame + sizeof header, self->page_size, self->is_big_endian);
    }
  self->has_later |= !self->is_whole && self->commits && is_salted && is_same (sums[1], said);
  self->is_whole &= is_salted && is_same (sums[0], said);
  self->sum = said;
  self->computed = sums[0];
  self->commits = header.n_pages != 0;
  self->n_frames++;
  self->n_salted += is_salted;
  self->n_whole += self->is_whole;
}

static void
read_frames (Log *self)
{
  const gsize size = sizeof (FrameHeader) + self->page_size;
  g_autofree guint8 *frame = g_malloc (size);

  while (!self->has_later &&
         pread (self->fd, frame, size, (off_t) (sizeof (LogHeader) + self->n_frames * size)) == (gssize) size)
    take_frame (self, frame);
}

char *
ferry_queue_log_find_damage (const char *path)
{
  g_autofree char *name = g_strconcat (path, "-wal", NULL);
  g_autofree char *index_name = g_strconcat (path, "-shm", NULL);
  ferry_autofd fd = open (name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  ferry_autofd index_fd = open (index_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  Log log = {.fd = fd};
  Index index;
  gboolean has_index = index_fd >= 0 && read_index (index_fd, &index) && index.n_frames > 0;
  gboolean header_is_whole;

  if (fd < 0)
    return has_index && errno == ENOENT ? g_strdup ("its log is gone") : NULL;
  if (!read_header (&log, has_index ? &index : NULL))
    return NULL;
  header_is_whole = log.is_whole;
  read_frames (&log);
  /* After a power cut it may be that of an earlier log. */
  has_index &= memcmp (index.salt, log.salt, sizeof log.salt) == 0;
  if (!log.has_later && !(has_index && (header_is_whole ? log.n_whole < index.n_frames : log.n_salted > 0)))
    return NULL;
  return g_strdup_printf ("its log is not what was written, from frame %u on", log.n_whole + 1);
}
