/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: queue/ferry-queue-log.c, queue/ferry-queue-file.c
 *
 * What a write-ahead log is after a kill, with damage, and after power cuts. */

#include "config.h"

#include "queue/ferry-queue-log-private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ferry-tree-private.h"
#include "ferry-test.h"
#include "queue/ferry-queue-file-private.h"
#include "queue/ferry-queue-lock-private.h"

/* Each a transaction, of which the last one has several frames. */
#define N_BATCHES 12
#define BATCH_SIZE 3
#define LAST_SIZE 60
#define N_ROWS (N_BATCHES * BATCH_SIZE)

#define LOG_HEADER 32
#define FRAME (24 + 4096)
/* Bytes between two that are flipped: a prime. */
#define STRIDE 673

enum
{
  DATABASE,
  LOG,
  INDEX,
  N_FILES,
};

static const char *const suffixes[N_FILES] = {"", "-wal", "-shm"};

/* What is on a disk. */
typedef struct
{
  GBytes *files[N_FILES]; /* (owned) (nullable): NULL: it is not there */
} Image;

static void
image_free (Image *self)
{
  for (guint i = 0; i < N_FILES; i++)
    g_clear_pointer (&self->files[i], g_bytes_unref);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Image, image_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryQueueContent, ferry_queue_content_free)

/* In memory, where a sync takes no time. */
static char *
make_folder (void)
{
  char *folder = g_mkdtemp (g_strdup ("/dev/shm/ferry-log-XXXXXX"));

  return folder != NULL ? folder : g_dir_make_tmp ("ferry-log-XXXXXX", NULL);
}

static Image *
image_copy (const Image *from)
{
  Image *self = g_new0 (Image, 1);

  for (guint i = 0; i < N_FILES; i++)
    self->files[i] = from->files[i] != NULL ? g_bytes_ref (from->files[i]) : NULL;
  return self;
}

static Image *
image_read (const char *path)
{
  Image *self = g_new0 (Image, 1);

  for (guint i = 0; i < N_FILES; i++)
    {
      g_autofree char *name = g_strconcat (path, suffixes[i], NULL);
      char *data;
      gsize size;

      if (g_file_get_contents (name, &data, &size, NULL))
        self->files[i] = g_bytes_new_take (data, size);
    }
  return self;
}

static void
write_rows (FerryQueueFile *file, guint first, guint n)
{
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_queue_change_free);
  g_autoptr (GError) error = NULL;

  for (guint i = first; i < first + n; i++)
    {
      g_autofree char *key = g_strdup_printf ("key %u", i);
      g_autofree char *text = g_strnfill (300, 'x');
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_string (text));
      FerryQueueRow row = {.id = i + 1, .key = g_ref_string_new (key), .place = (gint64) i * 1000};

      ferry_queue_row_take_task (&row, task, "/nowhere");
      g_ptr_array_add (changes, ferry_queue_change_of (FERRY_QUEUE_CHANGE_INSERT, &row));
      ferry_queue_row_clear (&row);
    }
  g_assert_true (ferry_queue_file_write (file, changes, &error));
  g_assert_no_error (error);
}

static FerryQueueFile *
open_file (const char *path, FerryQueueContent **content)
{
  g_autoptr (GError) error = NULL;
  FerryQueueFile *file = ferry_queue_file_open (path, content, &error);

  g_assert_no_error (error);
  return file;
}

/* Ends without an end. before: the disk before the last transaction. */
static void
make_images (Image **before, Image **after)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *path = g_build_filename (folder, "queue.db", NULL);
  int order[2], answer[2], status;
  char byte = 'x';
  pid_t pid;

  g_assert_true (pipe (order) == 0 && pipe (answer) == 0);
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      g_autoptr (FerryQueueContent) content = NULL;
      FerryQueueFile *file = open_file (path, &content);

      for (guint i = 0; i < N_BATCHES; i++)
        write_rows (file, i * BATCH_SIZE, BATCH_SIZE);
      if (write (answer[1], &byte, 1) != 1 || read (order[0], &byte, 1) != 1)
        _exit (1);
      write_rows (file, N_ROWS, LAST_SIZE);
      _exit (0);
    }
  g_assert_cmpint (read (answer[0], &byte, 1), ==, 1);
  *before = image_read (path);
  g_assert_cmpint (write (order[1], &byte, 1), ==, 1);
  g_assert_true (waitpid (pid, &status, 0) == pid && status == 0);
  *after = image_read (path);
  for (guint i = 0; i < 2; i++)
    g_assert_true (close (order[i]) == 0 && close (answer[i]) == 0);
  ferry_tree_remove (AT_FDCWD, folder);
}

/* Opens what is on the disk. Returns how many rows there are, and whether damage was told. */
static guint
open_image (const Image *self, gboolean *is_told)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *path = g_build_filename (folder, "queue.db", NULL);
  g_autoptr (FerryQueueContent) content = NULL;
  FerryQueueFile *file;

  for (guint i = 0; i < N_FILES; i++)
    {
      g_autofree char *name = g_strconcat (path, suffixes[i], NULL);
      gsize size;
      const char *data = self->files[i] != NULL ? g_bytes_get_data (self->files[i], &size) : NULL;

      g_assert_true (self->files[i] == NULL || g_file_set_contents (name, data, (gssize) size, NULL));
    }
  file = open_file (path, &content);
  *is_told = content->damage != NULL;
  if (*is_told)
    {
      g_autofree char *aside = g_strdup (strchr (content->damage->message, '/'));
      g_autoptr (Image) kept = NULL;

      g_assert_nonnull (aside);
      *strrchr (aside, '\'') = '\0';
      kept = image_read (aside);
      for (guint i = DATABASE; i <= LOG; i++)
        g_assert_true (self->files[i] == NULL || g_bytes_equal (kept->files[i], self->files[i]));
    }
  ferry_queue_file_close (file, TRUE, NULL);
  ferry_tree_remove (AT_FDCWD, folder);
  return content->rows->len;
}

/* Puts bytes of other into a file at a place. other: (nullable): zeros. */
static void
change (Image *self, guint file, gsize at, gsize n, GBytes *other)
{
  gsize size, other_size = 0;
  const guint8 *from = other != NULL ? g_bytes_get_data (other, &other_size) : NULL;
  guint8 *data = g_memdup2 (g_bytes_get_data (self->files[file], &size), g_bytes_get_size (self->files[file]));

  for (gsize i = at; i < at + n && i < size; i++)
    data[i] = i < other_size ? from[i] : 0;
  g_bytes_unref (self->files[file]);
  self->files[file] = g_bytes_new_take (data, size);
}

static void
flip (Image *self, guint file, gsize at, guint8 bits)
{
  gsize size;
  guint8 *data = g_memdup2 (g_bytes_get_data (self->files[file], &size), g_bytes_get_size (self->files[file]));

  data[at] ^= bits;
  g_bytes_unref (self->files[file]);
  self->files[file] = g_bytes_new_take (data, size);
}

static void
drop (Image *self, guint file)
{
  g_clear_pointer (&self->files[file], g_bytes_unref);
}

static gsize
count_frames (const Image *self)
{
  return (g_bytes_get_size (self->files[LOG]) - LOG_HEADER) / FRAME;
}

/* Where flips are tried: in each number of each header, and at some places of each page. */
static gsize
go_on (gsize at)
{
  const gsize in_frame = (at - LOG_HEADER) % FRAME;

  if (at < LOG_HEADER || in_frame < 24)
    return at + 4;
  return MIN (at + STRIDE, at - in_frame + FRAME);
}

static void
test_flipped_bit_is_told (void)
{
  g_autoptr (Image) before = NULL;
  g_autoptr (Image) after = NULL;
  guint n = 0;

  make_images (&before, &after);
  for (gsize at = 0; at < g_bytes_get_size (after->files[LOG]); at = go_on (at), n++)
    {
      g_autoptr (Image) image = image_copy (after);
      gboolean is_told;
      guint n_rows;

      flip (image, LOG, at, (guint8) (1 << at % 8));
      n_rows = open_image (image, &is_told);
      g_assert_true (is_told || n_rows == N_ROWS + LAST_SIZE);
    }
  g_test_message ("%u flips of %" G_GSIZE_FORMAT " frames", n, count_frames (after));
}

/* The index is gone, as after most power cuts: then the end of a log tells nothing, and what is in front of it does. */
static void
test_flipped_bit_is_told_without_index (void)
{
  g_autoptr (Image) before = NULL;
  g_autoptr (Image) after = NULL;

  make_images (&before, &after);
  drop (before, INDEX);
  for (gsize at = 0; at < g_bytes_get_size (before->files[LOG]); at = go_on (at))
    {
      g_autoptr (Image) image = image_copy (before);
      gboolean is_told;
      guint n_rows;

      flip (image, LOG, at, (guint8) (1 << at % 8));
      n_rows = open_image (image, &is_told);
      g_assert_true (is_told || n_rows >= N_ROWS - 2 * BATCH_SIZE);
    }
}

/* A sector that cannot be read any more. */
static void
test_lost_sector_is_told (void)
{
  g_autoptr (Image) before = NULL;
  g_autoptr (Image) after = NULL;

  make_images (&before, &after);
  for (gsize at = 0; at < g_bytes_get_size (after->files[LOG]); at += 512)
    {
      g_autoptr (Image) image = image_copy (after);
      gboolean is_told;
      guint n_rows;

      change (image, LOG, at, 512, NULL);
      n_rows = open_image (image, &is_told);
      g_assert_true (is_told || n_rows == N_ROWS + LAST_SIZE);
    }
}

static void
test_damaged_index_costs_nothing (void)
{
  g_autoptr (Image) before = NULL;
  g_autoptr (Image) after = NULL;

  make_images (&before, &after);
  for (gsize at = 0; at < 136; at++)
    {
      g_autoptr (Image) image = image_copy (after);
      gboolean is_told;

      flip (image, INDEX, at, 0x10);
      g_assert_cmpuint (open_image (image, &is_told), ==, N_ROWS + LAST_SIZE);
      g_assert_false (is_told);
    }
}

static void
assert_is_torn (const Image *image)
{
  gboolean is_told;

  g_assert_cmpuint (open_image (image, &is_told), ==, N_ROWS);
  g_assert_false (is_told);
}

/* The last transaction was not synced. index: as it was then, or none. */
static void
assert_torn_tail_is_no_damage (GBytes *index)
{
  g_autoptr (Image) before = NULL;
  g_autoptr (Image) after = NULL;
  gsize first, size;

  make_images (&before, &after);
  first = LOG_HEADER + count_frames (before) * FRAME;
  size = g_bytes_get_size (after->files[LOG]);
  g_assert_cmpuint (size, >=, first + 4 * FRAME);
  g_clear_pointer (&after->files[INDEX], g_bytes_unref);
  after->files[INDEX] = index != NULL ? g_bytes_ref (before->files[INDEX]) : NULL;
  /* Cut. */
  for (gsize at = first; at < size; at += STRIDE)
    {
      g_autoptr (Image) image = image_copy (after);

      g_bytes_unref (image->files[LOG]);
      image->files[LOG] = g_bytes_new_from_bytes (after->files[LOG], 0, at);
      assert_is_torn (image);
    }
  /* One sector is missing. */
  for (gsize at = first / 512 * 512 + 512; at < size; at += 512)
    {
      g_autoptr (Image) image = image_copy (after);

      change (image, LOG, at, 512, NULL);
      if (!g_bytes_equal (image->files[LOG], after->files[LOG]))
        assert_is_torn (image);
    }
  /* Only one of each two frames, of each three, … arrived, and the first one never. */
  for (gsize step = 1; step <= (size - first) / FRAME; step++)
    {
      g_autoptr (Image) image = image_copy (after);

      for (gsize at = first; at < size; at += step * FRAME)
        change (image, LOG, at, FRAME, NULL);
      assert_is_torn (image);
    }
}

static void
test_torn_tail_is_no_damage (void)
{
  assert_torn_tail_is_no_damage (NULL);
}

/* As the disk has it that got the index some time before the cut. */
static void
test_torn_tail_is_no_damage_with_old_index (void)
{
  g_autoptr (GBytes) kept = g_bytes_new_static ("", 0);

  assert_torn_tail_is_no_damage (kept);
}

/* What is left of a tail that was torn is no damage when less was written over it. */
static void
test_remains_are_no_damage (void)
{
  g_autoptr (Image) before = NULL;
  g_autoptr (Image) after = NULL;
  g_autofree char *folder = make_folder ();
  g_autofree char *path = g_build_filename (folder, "queue.db", NULL);
  g_autofree char *log = g_strconcat (path, "-wal", NULL);
  g_autofree char *damage = NULL;
  gsize size;
  int status;
  pid_t pid;

  make_images (&before, &after);
  change (after, LOG, LOG_HEADER + count_frames (before) * FRAME, FRAME, NULL);
  g_assert_true (g_file_set_contents (path, g_bytes_get_data (after->files[DATABASE], NULL),
                                      (gssize) g_bytes_get_size (after->files[DATABASE]), NULL));
  size = g_bytes_get_size (after->files[LOG]);
  g_assert_true (g_file_set_contents (log, g_bytes_get_data (after->files[LOG], NULL), (gssize) size, NULL));
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      g_autoptr (FerryQueueContent) content = NULL;
      FerryQueueFile *file = open_file (path, &content);

      write_rows (file, N_ROWS, 1);
      _exit (content->damage != NULL);
    }
  g_assert_true (waitpid (pid, &status, 0) == pid && status == 0);
  damage = ferry_queue_log_find_damage (path);
  g_assert_null (damage);
  ferry_tree_remove (AT_FDCWD, folder);
}

/* Somebody has removed it, or has copied the database alone. */
static void
test_young_file_without_log_is_a_queue (void)
{
  g_autoptr (Image) before = NULL;
  g_autoptr (Image) after = NULL;
  gboolean is_told;

  make_images (&before, &after);
  drop (after, LOG);
  open_image (after, &is_told);
  g_assert_true (is_told);
  drop (after, INDEX);
  g_assert_cmpuint (open_image (after, &is_told), ==, 0);
  g_assert_false (is_told);
}

static GLogWriterOutput
ignore_damage (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MESSAGE") && strstr (fields[i].value, "The queue's file is damaged: ") != NULL)
      return G_LOG_WRITER_HANDLED;
  return g_log_writer_default (level, fields, n_fields, data);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (ignore_damage, NULL, NULL);
  g_test_add_func ("/log/flipped-bit-is-told", test_flipped_bit_is_told);
  g_test_add_func ("/log/flipped-bit-is-told-without-index", test_flipped_bit_is_told_without_index);
  g_test_add_func ("/log/lost-sector-is-told", test_lost_sector_is_told);
  g_test_add_func ("/log/damaged-index-costs-nothing", test_damaged_index_costs_nothing);
  g_test_add_func ("/log/torn-tail-is-no-damage", test_torn_tail_is_no_damage);
  g_test_add_func ("/log/torn-tail-is-no-damage-with-old-index", test_torn_tail_is_no_damage_with_old_index);
  g_test_add_func ("/log/remains-are-no-damage", test_remains_are_no_damage);
  g_test_add_func ("/log/young-file-without-log-is-a-queue", test_young_file_without_log_is_a_queue);
  return g_test_run ();
}
