/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: queue/ferry-queue-file.c, queue/ferry-queue-value.c, queue/ferry-queue-batches.c, queue/ferry-queue-copy.c
 *
 * Disks that are full, broken or read-only: each call that writes fails in turn. What is in the file is then what was
 * there before, or all that was to be written. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/ferry-tree-private.h"
#include "faults/fault-calls.h"
#include "queue/ferry-queue-copy-private.h"
#include "queue/ferry-queue-file-private.h"
#include "queue/queue-test.h"
#include "task/ferry-task-private.h"

#define N_BEFORE 6
#define N_ADDED 3
#define LARGE (2 * FERRY_QUEUE_INLINE_SIZE)
/* Those of the system's headers: a disk of this machine, and one over the network. */
#define EXT4 0xef53
#define NFS 0x6969

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryQueueContent, ferry_queue_content_free)

typedef struct
{
  FaultCall call;
  int error_number;
  long file_system;
} Fault;

static const Fault faults[] = {
  {FAULT_WRITE, ENOSPC, EXT4}, {FAULT_WRITE, EIO, EXT4},   {FAULT_WRITE, EROFS, EXT4},
  {FAULT_SYNC, EIO, EXT4},     {FAULT_OPEN, EMFILE, EXT4}, {FAULT_OPEN, EACCES, EXT4},
  {FAULT_WRITE, ENOSPC, NFS},  {FAULT_WRITE, EIO, NFS},    {FAULT_SYNC, EIO, NFS},
};

typedef struct
{
  char *folder;
  char *path;
  char *values;
  FerryQueueFile *file;
} Place;

static FerryQueueFile *
open_file (Place *self, FerryQueueContent **content, GError **error)
{
  return ferry_queue_file_open (self->path, content, error);
}

/* One of each three has a large result. */
static FerryQueueRow
make_row (Place *self, guint number)
{
  g_autofree char *key = g_strdup_printf ("key %u", number);
  g_autofree char *text = g_strnfill (number % 3 == 1 ? LARGE : 10, (char) ('a' + number));
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_string (key));
  g_autoptr (GVariant) result = g_variant_ref_sink (g_variant_new_string (text));
  FerryQueueRow row = {.id = number + 1, .key = g_ref_string_new (key), .place = (gint64) number * 1000};

  ferry_queue_row_take_task (&row, task, self->values);
  ferry_queue_row_complete (&row, result, self->values);
  return row;
}

static void
add (GPtrArray *changes, FerryQueueChangeKind kind, FerryQueueRow row)
{
  g_ptr_array_add (changes, ferry_queue_change_of (kind, &row));
  ferry_queue_row_clear (&row);
}

static void
assert_writes (Place *self, GPtrArray *changes)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_queue_file_write (self->file, changes, &error));
  g_assert_no_error (error);
}

/* A file with rows 0 to N_BEFORE - 1. */
static Place *
place_new (void)
{
  Place *self = g_new (Place, 1);
  g_autoptr (FerryQueueContent) content = NULL;
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_queue_change_free);
  g_autoptr (GError) error = NULL;

  /* In memory, where a sync takes no time. */
  self->folder = g_mkdtemp (g_strdup ("/dev/shm/ferry-disk-XXXXXX"));
  if (self->folder == NULL)
    self->folder = g_dir_make_tmp ("ferry-disk-XXXXXX", NULL);
  self->path = g_build_filename (self->folder, "queue.db", NULL);
  self->values = ferry_queue_file_name_folder (self->path);
  self->file = open_file (self, &content, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < N_BEFORE; i++)
    add (changes, FERRY_QUEUE_CHANGE_INSERT, make_row (self, i));
  assert_writes (self, changes);
  return self;
}

static void
place_free (Place *self)
{
  if (self->file != NULL)
    ferry_queue_file_close (self->file, FALSE, NULL);
  ferry_tree_remove (AT_FDCWD, self->folder);
  g_free (self->folder);
  g_free (self->path);
  g_free (self->values);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Place, place_free)

/* Removes the first two rows, and adds N_ADDED. */
static GPtrArray *
make_changes (Place *self)
{
  GPtrArray *changes = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_queue_change_free);

  for (guint i = 0; i < 2; i++)
    add (changes, FERRY_QUEUE_CHANGE_DELETE, make_row (self, i));
  for (guint i = 0; i < N_ADDED; i++)
    add (changes, FERRY_QUEUE_CHANGE_INSERT, make_row (self, N_BEFORE + i));
  return changes;
}

/* Whether the row is as it was written, with its result. */
static void
assert_whole (const FerryQueueRow *row)
{
  guint number = (guint) row->id - 1;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_queue_value_open (row->result, &error);
  g_autofree char *text = g_strnfill (number % 3 == 1 ? LARGE : 10, (char) ('a' + number));

  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_string (result, NULL), ==, text);
}

/* Opens the file once more: it has the rows first to last, or if may_be_before those of before, no damage, and no file
 * of values but theirs. */
static void
assert_has_one (Place *self, guint first, guint last, gboolean may_be_before)
{
  g_autoptr (FerryQueueContent) content = NULL;
  g_autoptr (GError) error = NULL;
  guint n_large = 0, n_files = 0;
  g_autoptr (GDir) folder = NULL;

  self->file = open_file (self, &content, &error);
  g_assert_no_error (error);
  g_assert_no_error (content->damage);
  if (may_be_before && content->rows->len == N_BEFORE)
    first = 0;
  else
    g_assert_cmpuint (content->rows->len, ==, last - first + 1);
  for (guint i = 0; i < content->rows->len; i++)
    {
      const FerryQueueRow *row = &g_array_index (content->rows, FerryQueueRow, i);

      g_assert_cmpint (row->id, ==, first + i + 1);
      assert_whole (row);
      n_large += (row->id - 1) % 3 == 1;
    }
  folder = g_dir_open (self->values, 0, NULL);
  while (g_dir_read_name (folder) != NULL)
    n_files++;
  g_assert_cmpuint (n_files, ==, n_large);
}

static void
assert_has (Place *self, guint first, guint last)
{
  assert_has_one (self, first, last, FALSE);
}

static void
end (Place *self)
{
  ferry_queue_file_close (g_steal_pointer (&self->file), FALSE, NULL);
}

/* What was not written is written by a second try, and what was is there. */
static gboolean
try_again (const Fault *fault, guint n)
{
  g_autoptr (Place) place = place_new ();
  g_autoptr (GPtrArray) changes = make_changes (place);
  g_autoptr (GError) error = NULL;
  gboolean written;
  guint n_calls;

  fault_arm (fault->call, n, fault->error_number);
  written = ferry_queue_file_write (place->file, changes, &error);
  n_calls = fault_disarm ();
  g_assert_true (written == (error == NULL));
  if (!written)
    {
      g_assert_cmpuint (error->domain, ==, G_IO_ERROR);
      assert_writes (place, changes);
    }
  end (place);
  assert_has (place, 2, N_BEFORE + N_ADDED - 1);
  return n_calls >= n;
}

/* The application ends then. What could not be synced may be on the disk all the same, as a whole. */
static gboolean
give_up (const Fault *fault, guint n)
{
  g_autoptr (Place) place = place_new ();
  g_autoptr (GPtrArray) changes = make_changes (place);
  gboolean written;
  guint n_calls;

  fault_arm_lasting (fault->call, n, fault->error_number);
  written = ferry_queue_file_write (place->file, changes, NULL);
  end (place);
  n_calls = fault_disarm ();
  assert_has_one (place, 2, N_BEFORE + N_ADDED - 1, !written);
  return n_calls >= n;
}

/* An opening fails, or has all that is there. */
static gboolean
open_again (const Fault *fault, guint n)
{
  g_autoptr (Place) place = place_new ();
  g_autoptr (FerryQueueContent) content = NULL;
  g_autoptr (GError) error = NULL;
  guint n_calls;

  end (place);
  fault_arm (fault->call, n, fault->error_number);
  place->file = open_file (place, &content, &error);
  n_calls = fault_disarm ();
  g_assert_true ((place->file == NULL) == (error != NULL));
  if (error != NULL)
    ferry_test_assert_says (error->message, place->path);
  if (place->file != NULL)
    {
      g_assert_no_error (content->damage);
      g_assert_cmpuint (content->rows->len, ==, N_BEFORE);
      end (place);
    }
  assert_has (place, 0, N_BEFORE - 1);
  return n_calls >= n;
}

/* A back-up fails and leaves nothing, or is whole. The file goes on. */
static gboolean
back_up (const Fault *fault, guint n)
{
  g_autoptr (Place) place = place_new ();
  g_autofree char *path = g_build_filename (place->folder, "copies", "copy.db", NULL);
  g_autofree char *values = ferry_queue_file_name_folder (path);
  FerryQueueCopy *copy = ferry_queue_copy_new (path, values, place->values, NULL);
  g_autoptr (GError) error = NULL;
  gboolean is_done = FALSE, is_whole;
  guint n_calls;

  fault_arm (fault->call, n, fault->error_number);
  while (!is_done && ferry_queue_file_back_up (place->file, copy, &is_done, &error))
    ;
  is_whole = is_done && ferry_queue_copy_finish (copy, &error);
  ferry_queue_file_end_back_up (place->file);
  ferry_queue_copy_free (copy);
  n_calls = fault_disarm ();
  g_assert_true (is_whole == (error == NULL));
  g_assert_true (is_whole == g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_true (is_whole == g_file_test (values, G_FILE_TEST_EXISTS));
  end (place);
  assert_has (place, 0, N_BEFORE - 1);
  if (is_whole)
    {
      end (place);
      g_free (place->path);
      g_free (place->values);
      place->path = g_steal_pointer (&path);
      place->values = g_steal_pointer (&values);
      assert_has (place, 0, N_BEFORE - 1);
    }
  return n_calls >= n;
}

static void
play (gboolean (*scene) (const Fault *fault, guint n))
{
  for (gsize i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      guint n = 1;

      fault_set_file_system (faults[i].file_system);
      while (scene (&faults[i], n))
        n++;
      g_test_message ("%u times %s failed with %s", n - 1, fault_call_names[faults[i].call],
                      g_strerror (faults[i].error_number));
    }
  fault_set_file_system (0);
}

static void
test_failed_write_is_tried_again (void)
{
  play (try_again);
}

static void
test_failed_write_is_none_or_all (void)
{
  play (give_up);
}

static void
test_failed_opening_loses_nothing (void)
{
  play (open_again);
}

static void
test_failed_back_up_leaves_nothing (void)
{
  play (back_up);
}

static void
test_short_writes_are_finished (void)
{
  const long file_systems[] = {EXT4, NFS};

  for (gsize i = 0; i < G_N_ELEMENTS (file_systems); i++)
    {
      g_autoptr (Place) place = NULL;
      g_autoptr (GPtrArray) changes = NULL;

      fault_set_file_system (file_systems[i]);
      place = place_new ();
      changes = make_changes (place);
      fault_arm_short ();
      assert_writes (place, changes);
      g_assert_cmpuint (fault_disarm (), >, 10);
      end (place);
      assert_has (place, 2, N_BEFORE + N_ADDED - 1);
    }
  fault_set_file_system (0);
}

/* ---- the journal ---- */

static void
assert_journal (long file_system, const char *mode)
{
  g_autoptr (Place) place = NULL;
  sqlite3 *database = NULL;
  sqlite3_stmt *statement = NULL;

  fault_set_file_system (file_system);
  place = place_new ();
  end (place);
  fault_set_file_system (0);
  g_assert_cmpint (sqlite3_open (place->path, &database), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (database, "PRAGMA journal_mode", -1, &statement, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
  /* The file says whether it has a write-ahead log, and not which other journal it has. */
  g_assert_cmpstr ((const char *) sqlite3_column_text (statement, 0), ==, mode);
  sqlite3_finalize (statement);
  g_assert_cmpint (sqlite3_close (database), ==, SQLITE_OK);
}

static void
test_network_has_no_write_ahead_log (void)
{
  assert_journal (EXT4, "wal");
  assert_journal (NFS, "delete");
  assert_journal (0xff534d42 /* CIFS */, "delete");
  assert_journal (0x65735546 /* FUSE */, "delete");
}

/* A home that moves to a server, and back. */
static void
test_journal_follows_the_file_system (void)
{
  g_autoptr (Place) place = place_new ();

  end (place);
  for (guint i = 0; i < 4; i++)
    {
      fault_set_file_system (i % 2 == 0 ? NFS : EXT4);
      assert_has (place, 0, N_BEFORE - 1);
      end (place);
    }
  fault_set_file_system (0);
}

/* ---- the queue ---- */

static gboolean
has_error (gpointer queue)
{
  return ferry_test_get_error (queue, "error") != NULL;
}

static gboolean
has_no_error (gpointer queue)
{
  return !has_error (queue);
}

static gboolean
has_text (gpointer task)
{
  return ferry_test_get_string (task, "text") != NULL;
}

static void
note_flush (GObject *queue, GAsyncResult *result, gpointer error)
{
  g_assert_false (ferry_queue_flush_finish (FERRY_QUEUE (queue), result, error));
}

/* What runs goes on, nothing is acknowledged or begun, and all goes on when the disk does. */
static void
assert_heals (int error_number, GIOErrorEnum code)
{
  g_autoptr (QueueTest) test = queue_test_new (2);
  g_autoptr (GError) error = NULL;
  g_autofree char *log = NULL;

  {
    g_autoptr (FerryTask) runs = queue_test_submit (test, "gate", "runs", "runs");
    g_autoptr (FerryTask) next = NULL;
    g_autofree char *text = g_strnfill (LARGE, 'x');
    g_autoptr (FerryTask) large = NULL;

    task_test_wait_log ("runs");
    fault_arm_lasting (FAULT_WRITE, 1, error_number);
    next = queue_test_submit (test, "note", "next", "next");
    large = queue_test_submit (test, "echo", text, "large");
    ferry_queue_flush_async (test->queue, NULL, note_flush, &error);
    ferry_test_run_until (has_error, test->queue);
    task_test_open_gate ();
    g_assert_error (ferry_test_get_error (test->queue, "error"), G_IO_ERROR, (int) code);
    ferry_test_wait_flag ((gboolean *) &error);
    g_assert_error (error, G_IO_ERROR, (int) code);
    g_assert_false (ferry_task_get_done (runs));
    g_assert_cmpint (ferry_task_get_state (next), ==, FERRY_TASK_STATE_WAITING);
    fault_disarm ();
    task_test_wait_done (runs);
    task_test_wait_done (next);
    task_test_wait_done (large);
    ferry_test_run_until (has_no_error, test->queue);
    log = task_test_take_log ();
    g_assert_cmpstr (log, ==, "runs next");
    g_assert_cmpuint (task_test_take_n_warnings (), ==, 1);
  }
  queue_test_close (test);
  {
    g_autofree char *states = queue_test_ask (test, "SELECT group_concat(key || state, ' ') FROM task");

    g_assert_cmpstr (states, ==, "runs2 next2 large2");
  }
}

static void
test_full_disk_heals (void)
{
  assert_heals (ENOSPC, G_IO_ERROR_NO_SPACE);
}

static void
test_broken_disk_heals (void)
{
  assert_heals (EIO, G_IO_ERROR_FAILED);
}

/* One that waits, one that nobody has looked at, and one that is removed: each is cancelled once that is stored, and
 * none is begun meanwhile. */
static void
test_cancel_waits_for_the_disk (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  g_object_set (test->queue, "paused", TRUE, NULL);
  {
    g_autoptr (FerryTask) one = queue_test_submit (test, "note", "one", "one");
    g_autoptr (FerryTask) two = queue_test_submit (test, "note", "two", "two");

    queue_test_flush (test);
  }
  queue_test_close (test);
  queue_test_restart (test);
  g_object_set (test->queue, "paused", TRUE, NULL);
  queue_test_flush (test);
  {
    g_autoptr (FerryTask) one = queue_test_get (test, "one");
    g_autoptr (FerryTask) two = NULL;
    g_autoptr (FerryTask) three = queue_test_submit (test, "note", "three", "three");
    g_autofree char *log = NULL;

    fault_arm_lasting (FAULT_WRITE, 1, ENOSPC);
    g_assert_true (ferry_task_cancel (one));
    g_assert_true (ferry_executor_remove (test->test->executor, three, NULL));
    g_object_set (test->queue, "paused", FALSE, NULL);
    ferry_test_run_until (has_error, test->queue);
    g_assert_cmpuint (ferry_executor_cancel_all (test->test->executor), ==, 1);
    two = queue_test_get (test, "two");
    g_assert_cmpint (ferry_task_get_state (one), ==, FERRY_TASK_STATE_CANCELLING);
    g_assert_cmpint (ferry_task_get_state (two), ==, FERRY_TASK_STATE_CANCELLING);
    g_assert_cmpint (ferry_task_get_state (three), ==, FERRY_TASK_STATE_CANCELLING);
    g_assert_cmpint (ferry_test_get_number (test->queue, "n-cancelled"), ==, 0);
    fault_disarm ();
    task_test_assert_cancelled (one);
    task_test_assert_cancelled (two);
    task_test_assert_cancelled (three);
    g_assert_cmpint (ferry_test_get_number (test->queue, "n-cancelled"), ==, 2);
    log = task_test_take_log ();
    g_assert_cmpstr (log, ==, "");
    g_assert_cmpuint (task_test_take_n_warnings (), ==, 1);
  }
  queue_test_close (test);
  {
    g_autofree char *states = queue_test_ask (test, "SELECT group_concat(key || state, ' ') FROM task");

    g_assert_cmpstr (states, ==, "one4 two4");
  }
}

static gboolean
waits_no_more (gpointer task)
{
  return ferry_task_get_state (task) != FERRY_TASK_STATE_WAITING;
}

/* A task that has waited for too long has failed once that is stored. */
static void
test_queue_timeout_waits_for_the_disk (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autofree char *states = NULL;

  g_object_set (test->queue, "paused", TRUE, NULL);
  queue_test_flush (test);
  fault_arm_lasting (FAULT_WRITE, 1, ENOSPC);
  {
    g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string ("late"));
    g_autoptr (FerryTask) late = NULL;

    g_object_set (task, "queue-timeout", (gint64) 1000, NULL);
    late = queue_test_submit_task (test, task, "late");
    ferry_test_run_until (waits_no_more, late);
    ferry_test_run_until (has_error, test->queue);
    g_assert_cmpint (ferry_task_get_state (late), ==, FERRY_TASK_STATE_CANCELLING);
    fault_disarm ();
    task_test_assert_failed (late, FERRY_ERROR, FERRY_ERROR_QUEUE_TIMED_OUT);
    states = queue_test_ask (test, "SELECT group_concat(key || state, ' ') FROM task");
    g_assert_cmpstr (states, ==, "late3");
    g_assert_cmpuint (task_test_take_n_warnings (), ==, 1);
  }
}

/* All that wait are cancelled, and nobody has looked at one: who looks before that is stored sees it being cancelled.
 */
static void
test_cancel_of_all_waits_for_the_disk (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  g_object_set (test->queue, "paused", TRUE, NULL);
  g_object_unref (queue_test_submit (test, "note", "one", "one"));
  queue_test_close (test);
  queue_test_restart (test);
  g_object_set (test->queue, "paused", TRUE, NULL);
  queue_test_flush (test);
  fault_arm_lasting (FAULT_WRITE, 1, ENOSPC);
  g_assert_cmpuint (ferry_executor_cancel_all (test->test->executor), ==, 1);
  {
    g_autoptr (FerryTask) one = queue_test_get (test, "one");

    g_assert_cmpint (ferry_task_get_state (one), ==, FERRY_TASK_STATE_CANCELLING);
    ferry_test_run_until (has_error, test->queue);
    g_assert_cmpint (ferry_task_get_state (one), ==, FERRY_TASK_STATE_CANCELLING);
    fault_disarm ();
    task_test_assert_cancelled (one);
    g_assert_cmpuint (task_test_take_n_warnings (), ==, 1);
  }
}

/* Somebody removes the file, as a program that cleans up: what ends is not told, and what waits is not begun, until the
 * file is there anew, with all that was in it. */
static void
test_removed_file_is_written_anew (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  g_object_unref (queue_test_submit (test, "echo", "first", "first"));
  g_object_unref (queue_test_submit (test, "gate", "runs", "runs"));
  task_test_wait_log ("runs");
  {
    g_autoptr (FerryTask) runs = queue_test_get (test, "runs");
    g_autoptr (FerryTask) next = NULL;

    g_assert_cmpint (unlink (test->path), ==, 0);
    next = queue_test_submit (test, "note", "next", "next");
    task_test_open_gate ();
    ferry_test_run_until (has_error, test->queue);
    g_assert_error (ferry_test_get_error (test->queue, "error"), G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
    g_assert_false (ferry_task_get_done (runs));
    g_assert_cmpint (ferry_task_get_state (next), ==, FERRY_TASK_STATE_WAITING);
    queue_test_open (test);
    task_test_wait_done (runs);
    task_test_wait_done (next);
    g_assert_no_error (ferry_test_get_error (test->queue, "damage"));
    g_assert_cmpuint (task_test_take_n_warnings (), ==, 1);
    g_free (task_test_take_log ());
  }
  queue_test_close (test);
  {
    g_autofree char *states = queue_test_ask (test, "SELECT group_concat(key || state, ' ') FROM task");

    g_assert_cmpstr (states, ==, "first2 runs2 next2");
  }
}

/* A disk that is full when the application starts: the tasks are there, and go on when there is room. */
static void
test_full_disk_at_the_start_shows_all (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  g_object_set (test->queue, "paused", TRUE, NULL);
  g_object_unref (queue_test_submit (test, "note", "waits", "waits"));
  queue_test_flush (test);
  queue_test_crash (test);
  fault_arm_lasting (FAULT_WRITE, 1, ENOSPC);
  queue_test_restart (test);
  g_assert_error (ferry_test_get_error (test->queue, "error"), G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  {
    g_autoptr (FerryTask) waits = queue_test_get (test, "waits");
    g_autoptr (FerryTask) more = queue_test_submit (test, "note", "more", "more");

    g_assert_cmpint (ferry_task_get_state (waits), ==, FERRY_TASK_STATE_WAITING);
    g_assert_cmpint (ferry_test_get_number (test->queue, "n-unstored"), ==, 1);
    ferry_test_assert_says (ferry_test_get_string (more, "text"), "Not stored yet");
    fault_disarm ();
    task_test_wait_done (waits);
    task_test_wait_done (more);
    ferry_test_run_until (has_no_error, test->queue);
    g_assert_cmpint (ferry_test_get_number (test->queue, "n-unstored"), ==, 0);
    g_free (task_test_take_log ());
    g_assert_cmpuint (task_test_take_n_warnings (), ==, 1);
  }
  queue_test_close (test);
  {
    g_autofree char *states = queue_test_ask (test, "SELECT group_concat(key || state, ' ') FROM task");

    g_assert_cmpstr (states, ==, "waits2 more2");
  }
}

/* Somebody else has the file. A task that has ended says so, and its time stands still; what waits says that it is not
 * stored. The end of the queue says how many are lost. */
static void
test_what_is_not_stored_is_said (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  sqlite3 *database = NULL;
  g_autoptr (GError) error = NULL;

  g_object_unref (queue_test_submit (test, "gate", "runs", "runs"));
  task_test_wait_log ("runs");
  {
    g_autoptr (FerryTask) runs = queue_test_get (test, "runs");
    g_autoptr (FerryTask) next = NULL;
    gboolean can_pause;
    gint64 end;

    g_assert_cmpint (sqlite3_open (test->path, &database), ==, SQLITE_OK);
    g_assert_cmpint (sqlite3_exec (database, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
    next = queue_test_submit (test, "note", "next", "next");
    ferry_test_run_until (has_error, test->queue);
    ferry_test_assert_says (ferry_test_get_string (next, "text"), "Not stored yet");
    task_test_open_gate ();
    ferry_test_run_until (has_text, runs);
    ferry_test_assert_says (ferry_test_get_string (runs, "text"), "Not stored yet");
    end = ferry_test_get_number (runs, "end-time");
    g_assert_cmpint (end, >, 0);
    g_object_get (runs, "can-pause", &can_pause, NULL);
    g_assert_false (can_pause);
    g_assert_false (ferry_task_pause (runs));
    g_assert_cmpint (ferry_test_get_number (test->queue, "n-unstored"), ==, 2);
    error = queue_test_fail_to_close (test);
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
    ferry_test_assert_says (error->message, "2 tasks");
    g_assert_cmpint (ferry_test_get_number (runs, "end-time"), ==, end);
    /* It runs again at the next start. */
    g_assert_cmpint (ferry_task_get_state (runs), ==, FERRY_TASK_STATE_FAILED);
    g_assert_error (ferry_task_get_error (runs), G_IO_ERROR, G_IO_ERROR_BUSY);
    g_assert_cmpint (sqlite3_close (database), ==, SQLITE_OK);
    g_free (task_test_take_log ());
    g_assert_cmpuint (task_test_take_n_warnings (), ==, 1);
  }
}

/* How many files and folders are synced until a new queue is open. */
static guint
count_syncs (const char *path)
{
  g_autoptr (FerryQueueContent) content = NULL;
  g_autoptr (GError) error = NULL;
  FerryQueueFile *file;

  fault_arm (FAULT_SYNC, G_MAXUINT, EIO);
  file = ferry_queue_file_open (path, &content, &error);
  g_assert_no_error (error);
  ferry_queue_file_close (file, TRUE, NULL);
  return fault_disarm ();
}

/* Each in the folder above it: the name of a folder that is new is lost by a power cut until then. */
static void
test_new_folders_are_synced (void)
{
  g_autoptr (Place) place = place_new ();
  g_autofree char *beside = g_build_filename (place->folder, "beside.db", NULL);
  g_autofree char *below = g_build_filename (place->folder, "new", "newer", "below.db", NULL);

  g_assert_cmpuint (count_syncs (below), ==, count_syncs (beside) + 2);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_func ("/disk/failed-write-is-tried-again", test_failed_write_is_tried_again);
  g_test_add_func ("/disk/failed-write-is-none-or-all", test_failed_write_is_none_or_all);
  g_test_add_func ("/disk/failed-opening-loses-nothing", test_failed_opening_loses_nothing);
  g_test_add_func ("/disk/failed-back-up-leaves-nothing", test_failed_back_up_leaves_nothing);
  g_test_add_func ("/disk/short-writes-are-finished", test_short_writes_are_finished);
  g_test_add_func ("/disk/network-has-no-write-ahead-log", test_network_has_no_write_ahead_log);
  g_test_add_func ("/disk/journal-follows-the-file-system", test_journal_follows_the_file_system);
  g_test_add_func ("/disk/full-disk-heals", test_full_disk_heals);
  g_test_add_func ("/disk/broken-disk-heals", test_broken_disk_heals);
  g_test_add_func ("/disk/cancel-waits-for-the-disk", test_cancel_waits_for_the_disk);
  g_test_add_func ("/disk/cancel-of-all-waits-for-the-disk", test_cancel_of_all_waits_for_the_disk);
  g_test_add_func ("/disk/queue-timeout-waits-for-the-disk", test_queue_timeout_waits_for_the_disk);
  g_test_add_func ("/disk/removed-file-is-written-anew", test_removed_file_is_written_anew);
  g_test_add_func ("/disk/full-disk-at-the-start-shows-all", test_full_disk_at_the_start_shows_all);
  g_test_add_func ("/disk/what-is-not-stored-is-said", test_what_is_not_stored_is_said);
  g_test_add_func ("/disk/new-folders-are-synced", test_new_folders_are_synced);
  return g_test_run ();
}
