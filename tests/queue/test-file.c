/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: queue/ferry-queue-file.c, queue/ferry-queue-lock.c, queue/ferry-queue-log.c, queue/ferry-queue-copy.c
 *
 * What is read of a file that is whole, damaged, cut, of another program or in use, and what a copy of it has. */

#include "config.h"

#include "queue/ferry-queue-file-private.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ferry-tree-private.h"
#include "ferry-test.h"
#include "queue/ferry-queue-copy-private.h"
#include "queue/ferry-queue-lock-private.h"
#include "queue/ferry-queue-log-private.h"

#define N_ROWS 120
/* Bytes between two that are flipped: a prime, so that each part of a page has its turn. */
#define STRIDE 487

typedef struct
{
  char *folder;
  char *path;
} Place;

static void
place_free (Place *self)
{
  ferry_tree_remove (AT_FDCWD, self->folder);
  g_free (self->folder);
  g_free (self->path);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Place, place_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryQueueContent, ferry_queue_content_free)

static Place *
place_new (void)
{
  Place *self = g_new (Place, 1);

  self->folder = g_dir_make_tmp ("ferry-file-XXXXXX", NULL);
  self->path = g_build_filename (self->folder, "queue.db", NULL);
  return self;
}

/* A row whose content follows from its number. */
static FerryQueueRow
make_row (guint number)
{
  g_autofree char *key = g_strdup_printf ("key %u", number);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_string (key));
  g_autoptr (GVariant) result = g_variant_ref_sink (g_variant_new_uint32 (number));
  g_autoptr (GError) error = g_error_new (G_IO_ERROR, G_IO_ERROR_PENDING, "No %u", number);
  FerryQueueRow row = {.id = number + 1, .key = g_ref_string_new (key), .place = (gint64) number * 1000};

  g_object_set (task, "name", "Some name", NULL);
  ferry_queue_row_take_task (&row, task, "/nowhere");
  if (number % 3 == 1)
    ferry_queue_row_complete (&row, result, "/nowhere");
  if (number % 3 == 2)
    ferry_queue_row_fail (&row, error, "trace", NULL);
  row.submitted = row.ended = 1000 + number;
  return row;
}

static FerryQueueFile *
open_file (const char *path, FerryQueueContent **content)
{
  g_autoptr (GError) error = NULL;
  FerryQueueFile *file = ferry_queue_file_open (path, content, &error);

  g_assert_no_error (error);
  g_assert_nonnull (file);
  return file;
}

static GPtrArray *
make_changes (void)
{
  GPtrArray *changes = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_queue_change_free);

  for (guint i = 0; i < N_ROWS; i++)
    {
      FerryQueueRow row = make_row (i);

      g_ptr_array_add (changes, ferry_queue_change_of (FERRY_QUEUE_CHANGE_INSERT, &row));
      ferry_queue_row_clear (&row);
    }
  return changes;
}

/* A file with all rows. */
static void
make_file (Place *place, gboolean is_orderly)
{
  g_autoptr (FerryQueueContent) content = NULL;
  g_autoptr (GPtrArray) changes = make_changes ();
  g_autoptr (GError) error = NULL;
  FerryQueueFile *file = open_file (place->path, &content);

  g_assert_cmpuint (content->rows->len, ==, 0);
  g_assert_true (ferry_queue_file_write (file, changes, &error));
  g_assert_no_error (error);
  ferry_queue_file_close (file, is_orderly, NULL);
}

static void
assert_same_blob (GBytes *one, GBytes *other)
{
  g_assert_true ((one == NULL) == (other == NULL));
  g_assert_true (one == NULL || g_bytes_equal (one, other));
}

static void
assert_same_value (FerryQueueValue *one, FerryQueueValue *other)
{
  g_autoptr (GVariant) opened = one != NULL ? ferry_queue_value_open (one, NULL) : NULL;
  g_autoptr (GVariant) expected = other != NULL ? ferry_queue_value_open (other, NULL) : NULL;

  g_assert_true ((opened == NULL) == (expected == NULL));
  g_assert_true (opened == NULL || g_variant_equal (opened, expected));
}

/* Each row is as it was written. */
static void
assert_whole (const FerryQueueContent *content)
{
  for (guint i = 0; i < content->rows->len; i++)
    {
      const FerryQueueRow *row = &g_array_index (content->rows, FerryQueueRow, i);
      FerryQueueRow expected = make_row ((guint) row->id - 1);

      g_assert_cmpstr (row->key, ==, expected.key);
      g_assert_cmpstr (row->function, ==, expected.function);
      g_assert_cmpstr (row->name, ==, expected.name);
      g_assert_cmpint (row->state, ==, expected.state);
      g_assert_cmpint (row->place, ==, expected.place);
      g_assert_cmpint (row->ended, ==, expected.ended);
      assert_same_value (row->arguments, expected.arguments);
      assert_same_blob (row->settings, expected.settings);
      assert_same_value (row->result, expected.result);
      assert_same_blob (row->error, expected.error);
      ferry_queue_row_clear (&expected);
    }
}

static void
test_rows_survive (void)
{
  g_autoptr (Place) place = place_new ();
  g_autoptr (FerryQueueContent) content = NULL;
  struct stat about;
  FerryQueueFile *file;

  make_file (place, TRUE);
  file = open_file (place->path, &content);
  g_assert_no_error (content->damage);
  g_assert_cmpuint (content->rows->len, ==, N_ROWS);
  assert_whole (content);
  g_assert_cmpint (stat (place->path, &about), ==, 0);
  g_assert_cmpuint (about.st_mode & 0777, ==, 0600);
  ferry_queue_file_close (file, TRUE, NULL);
}

/* (transfer full) (nullable): the name of the file that was set aside. */
static char *
find_aside (Place *place)
{
  g_autoptr (GDir) folder = g_dir_open (place->folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (folder)) != NULL)
    if (g_str_has_prefix (name, "queue.db.damaged-") && !g_str_has_suffix (name, "-wal") &&
        !g_str_has_suffix (name, "-shm"))
      return g_build_filename (place->folder, name, NULL);
  return NULL;
}

/* Returns (transfer full) (nullable) the lock. */
static FerryQueueLock *
take_lock (Place *place, GError **error)
{
  FerryQueueLock *lock = ferry_queue_lock_new (place->path, error);

  if (lock != NULL && !ferry_queue_lock_take (lock, error))
    ferry_queue_lock_free (g_steal_pointer (&lock), FALSE);
  return lock;
}

/* As a queue leaves it that had the file. */
static void
note_lock (Place *place)
{
  ferry_queue_lock_free (take_lock (place, NULL), FALSE);
}

/* Opens what the bytes are of a file, and returns how many rows were whole. */
static guint
open_damaged (GBytes *bytes)
{
  g_autoptr (Place) place = place_new ();
  g_autoptr (FerryQueueContent) content = NULL;
  g_autoptr (FerryQueueContent) again = NULL;
  g_autofree char *aside = NULL;
  g_autofree char *kept = NULL;
  g_autofree char *draft = NULL;
  gsize size, kept_size;
  const char *data = g_bytes_get_data (bytes, &size);
  FerryQueueFile *file;

  g_assert_true (g_file_set_contents (place->path, data, (gssize) size, NULL));
  note_lock (place);
  file = open_file (place->path, &content);
  assert_whole (content);
  ferry_queue_file_close (file, TRUE, NULL);
  aside = find_aside (place);
  g_assert_true ((content->damage != NULL) == (aside != NULL));
  if (content->damage == NULL)
    {
      g_assert_cmpuint (content->rows->len, ==, N_ROWS);
      return N_ROWS;
    }
  /* Its bytes are all there, and the new file is a whole one. */
  ferry_test_assert_says (content->damage->message, aside);
  draft = g_strconcat (place->path, ".values/draft-journal", NULL);
  g_assert_false (g_file_test (draft, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_get_contents (aside, &kept, &kept_size, NULL));
  g_assert_cmpuint (kept_size, >=, size / 4096 * 4096);
  file = open_file (place->path, &again);
  g_assert_no_error (again->damage);
  g_assert_cmpuint (again->rows->len, ==, content->rows->len);
  ferry_queue_file_close (file, TRUE, NULL);
  return content->rows->len;
}

static GLogWriterOutput
ignore_damage (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MESSAGE") && strstr (fields[i].value, "The queue's file ") != NULL &&
        (strstr (fields[i].value, " damaged") != NULL || strstr (fields[i].value, " written anew") != NULL))
      return G_LOG_WRITER_HANDLED;
  return g_log_writer_default (level, fields, n_fields, data);
}

static GBytes *
read_file (Place *place)
{
  g_autofree char *data = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (place->path, &data, &size, NULL));
  return g_bytes_new_take (g_steal_pointer (&data), size);
}

static void
test_flipped_byte_is_found (void)
{
  g_autoptr (Place) place = place_new ();
  g_autoptr (GBytes) bytes = NULL;
  guint n_found = 0, n_rows = 0, n = 0;
  gsize size;

  make_file (place, FALSE);
  bytes = read_file (place);
  size = g_bytes_get_size (bytes);
  for (gsize i = 0; i < size; i += STRIDE, n++)
    {
      g_autofree char *data = g_memdup2 (g_bytes_get_data (bytes, NULL), size);
      g_autoptr (GBytes) changed = NULL;
      guint n_whole;

      data[i] = (char) (data[i] ^ 0x55);
      changed = g_bytes_new_take (g_steal_pointer (&data), size);
      n_whole = open_damaged (changed);
      n_found += n_whole < N_ROWS;
      n_rows += n_whole;
    }
  g_test_message ("%u of %u flipped bytes cost rows; %u of %u rows were whole", n_found, n, n_rows, n * N_ROWS);
  g_assert_cmpuint (n_found, >, n / 4);
  /* One page of many is damaged each time. */
  g_assert_cmpuint (n_rows, >, n * N_ROWS / 2);
}

static void
test_cut_file_is_found (void)
{
  g_autoptr (Place) place = place_new ();
  g_autoptr (GBytes) bytes = NULL;
  guint n = 0, n_rows = 0;

  make_file (place, FALSE);
  bytes = read_file (place);
  for (gsize size = g_bytes_get_size (bytes) - 1; size > 5000; size -= 4096)
    {
      g_autoptr (GBytes) cut = g_bytes_new_from_bytes (bytes, 0, size);
      const guint n_whole = open_damaged (cut);

      g_assert_cmpuint (n_whole, <, N_ROWS);
      n_rows += n_whole;
      n++;
    }
  g_test_message ("%u of %u rows were whole", n_rows, n * N_ROWS);
  /* The rows of the pages that are there. */
  g_assert_cmpuint (n_rows, >, n * N_ROWS / 4);
}

static void
test_no_database_is_set_aside (void)
{
  g_autofree char *text = g_strnfill (9000, 'x');
  g_autoptr (GBytes) bytes = g_bytes_new (text, 9000);

  g_assert_cmpuint (open_damaged (bytes), ==, 0);
}

static void
change_database (Place *place, const char *statement)
{
  sqlite3 *database = NULL;

  g_assert_cmpint (sqlite3_open (place->path, &database), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (database, statement, NULL, NULL, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_close (database), ==, SQLITE_OK);
}

/* Nothing is beside the file. */
static void
assert_alone (Place *place)
{
  g_autoptr (GDir) folder = g_dir_open (place->folder, 0, NULL);

  g_assert_cmpstr (g_dir_read_name (folder), ==, "queue.db");
  g_assert_null (g_dir_read_name (folder));
}

/* Somebody has given the name of a file that is no queue: nothing is done to it, nor beside it. */
static void
assert_left_alone (const char *bytes, gsize size)
{
  g_autoptr (Place) place = place_new ();
  g_autoptr (FerryQueueContent) content = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *found = NULL;
  gsize found_size;
  struct stat about;

  g_assert_true (g_file_set_contents (place->path, bytes, (gssize) size, NULL));
  g_assert_cmpint (chmod (place->path, 0644), ==, 0);
  g_assert_null (ferry_queue_file_open (place->path, &content, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  ferry_test_assert_says (error->message, "is a file of another program");
  g_assert_true (g_file_get_contents (place->path, &found, &found_size, NULL));
  g_assert_cmpmem (found, found_size, bytes, size);
  g_assert_cmpint (stat (place->path, &about), ==, 0);
  g_assert_cmpuint (about.st_mode & 0777, ==, 0644);
  assert_alone (place);
}

static void
test_file_of_others_is_left_alone (void)
{
  g_autoptr (Place) place = place_new ();
  g_autofree char *text = g_strnfill (9000, 'x');
  g_autoptr (GBytes) database = NULL;

  assert_left_alone ("a letter to somebody", 20);
  assert_left_alone (text, 9000);
  change_database (place, "CREATE TABLE bookmarks (url TEXT)");
  database = read_file (place);
  assert_left_alone (g_bytes_get_data (database, NULL), g_bytes_get_size (database));
}

/* The application ended while the new file took the place of the damaged one. */
static void
test_replacement_is_finished (void)
{
  g_autoptr (Place) place = place_new ();
  g_autoptr (FerryQueueContent) content = NULL;
  g_autofree char *values = ferry_queue_file_name_folder (place->path);
  g_autofree char *new = g_build_filename (values, "new", NULL);
  g_autofree char *aside = NULL;
  FerryQueueFile *file;

  make_file (place, TRUE);
  g_assert_cmpint (g_mkdir (values, 0700), ==, 0);
  g_assert_cmpint (g_rename (place->path, new), ==, 0);
  g_assert_true (g_file_set_contents (place->path, "damaged", -1, NULL));
  file = open_file (place->path, &content);
  g_assert_cmpuint (content->rows->len, ==, N_ROWS);
  aside = find_aside (place);
  g_assert_nonnull (aside);
  g_assert_error (content->damage, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  ferry_test_assert_says (content->damage->message, aside);
  ferry_queue_file_close (file, TRUE, NULL);
}

/* A copy that a person has made beside the file is none of the queue's. */
static void
test_copies_are_left_alone (void)
{
  static const char *const suffixes[] = {".new", ".draft", ".bak"};
  g_autoptr (Place) place = place_new ();
  g_autoptr (FerryQueueContent) content = NULL;
  FerryQueueFile *file;

  make_file (place, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *copy = g_strconcat (place->path, suffixes[i], NULL);

      g_assert_true (g_file_set_contents (copy, "a copy", -1, NULL));
    }
  change_database (place, "UPDATE task SET state = 2 WHERE id = 1");
  file = open_file (place->path, &content);
  g_assert_nonnull (content->damage);
  g_assert_cmpuint (content->rows->len, ==, N_ROWS - 1);
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *copy = g_strconcat (place->path, suffixes[i], NULL);
      g_autofree char *text = NULL;

      g_assert_true (g_file_get_contents (copy, &text, NULL, NULL));
      g_assert_cmpstr (text, ==, "a copy");
    }
  ferry_queue_file_close (file, TRUE, NULL);
}

static void
test_newer_file_is_refused (void)
{
  g_autoptr (Place) place = place_new ();
  g_autoptr (FerryQueueContent) content = NULL;
  g_autoptr (GError) error = NULL;

  make_file (place, TRUE);
  change_database (place, "PRAGMA user_version=3");
  g_assert_null (ferry_queue_file_open (place->path, &content, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_VERSION);
}

/* What is refused gets no lock that was not there before, and keeps the one that was. */
static void
test_refusal_leaves_no_lock (void)
{
  g_autoptr (Place) folder = place_new ();
  g_autoptr (Place) pipe = place_new ();
  g_autoptr (Place) newer = place_new ();
  g_autofree char *lock = g_strconcat (newer->path, ".lock", NULL);
  Place *places[] = {folder, pipe, newer};

  g_assert_cmpint (mkdir (folder->path, 0700), ==, 0);
  g_assert_cmpint (mkfifo (pipe->path, 0600), ==, 0);
  make_file (newer, TRUE);
  change_database (newer, "PRAGMA user_version=3");
  g_assert_cmpint (unlink (lock), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autoptr (FerryQueueContent) content = NULL;

      g_assert_null (ferry_queue_file_open (places[i]->path, &content, NULL));
      assert_alone (places[i]);
    }
  note_lock (newer);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (FerryQueueContent) content = NULL;

      g_assert_null (ferry_queue_file_open (newer->path, &content, NULL));
      g_assert_true (g_file_test (lock, G_FILE_TEST_EXISTS));
    }
}

static void
test_changed_row_is_found (void)
{
  g_autoptr (Place) place = place_new ();
  g_autoptr (FerryQueueContent) content = NULL;
  FerryQueueFile *file;

  make_file (place, TRUE);
  change_database (place, "UPDATE task SET state = 2 WHERE id = 1");
  file = open_file (place->path, &content);
  g_assert_nonnull (content->damage);
  g_assert_cmpuint (content->rows->len, ==, N_ROWS - 1);
  ferry_queue_file_close (file, TRUE, NULL);
}

static void
test_lock_names_its_process (void)
{
  g_autoptr (Place) place = place_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;
  FerryQueueLock *lock;
  int order[2], answer[2];
  char byte = 'x';
  GPid pid;

  g_assert_true (pipe (order) == 0 && pipe (answer) == 0);
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      lock = take_lock (place, NULL);
      close (order[1]);
      /* It ends with its parent, or when it is told to. */
      _exit (lock == NULL || write (answer[1], &byte, 1) != 1 || read (order[0], &byte, 1) != 1);
    }
  g_assert_cmpint (read (answer[0], &byte, 1), ==, 1);
  g_assert_null (take_lock (place, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
  name = g_strdup_printf ("process %d", (int) pid);
  ferry_test_assert_says (error->message, name);
  g_assert_cmpint (write (order[1], &byte, 1), ==, 1);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
  lock = take_lock (place, NULL);
  g_assert_nonnull (lock);
  ferry_queue_lock_free (lock, FALSE);
  for (guint i = 0; i < 2; i++)
    g_assert_true (close (order[i]) == 0 && close (answer[i]) == 0);
}

/* ---- who has the file ---- */

/* In a program of its own, as the locks of SQLite are those of a process. Removes the log, if it takes itself for the
 * last one that uses the file. */
static int
visit (const char *path)
{
  sqlite3 *database = NULL;

  return sqlite3_open (path, &database) != SQLITE_OK ||
         sqlite3_exec (database, "SELECT count(*) FROM task", NULL, NULL, NULL) != SQLITE_OK ||
         sqlite3_close (database) != SQLITE_OK;
}

static void
be_visited (Place *place)
{
  const char *argv[] = {"/proc/self/exe", "visit", place->path, NULL};
  g_autoptr (GError) error = NULL;
  int status;

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, &error));
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, NULL));
}

static void
write_rows (FerryQueueFile *file)
{
  g_autoptr (GPtrArray) changes = make_changes ();
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_queue_file_write (file, changes, &error));
  g_assert_no_error (error);
}

/* As an application that packs its own folder. */
static void
read_all_files (Place *place)
{
  g_autoptr (GDir) folder = g_dir_open (place->folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = g_build_filename (place->folder, name, NULL);
      g_autofree char *content = NULL;

      g_assert_true (g_file_test (path, G_FILE_TEST_IS_DIR) || g_file_get_contents (path, &content, NULL, NULL));
    }
}

static void
open_second (Place *place)
{
  g_autoptr (FerryQueueContent) content = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_queue_file_open (place->path, &content, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
}

/* Looks at the file from outside, after something that drops the locks of fcntl(), and ends without an end. */
static void
assert_outlives (void (*drop) (Place *place))
{
  g_autoptr (Place) place = place_new ();
  g_autoptr (FerryQueueContent) content = NULL;
  FerryQueueFile *file;
  pid_t pid = -1;
  int status;

  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      file = open_file (place->path, &content);
      drop (place);
      be_visited (place);
      write_rows (file);
      _exit (0);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
  file = open_file (place->path, &content);
  g_assert_no_error (content->damage);
  g_assert_cmpuint (content->rows->len, ==, N_ROWS);
  ferry_queue_file_close (file, TRUE, NULL);
}

static void
test_visitor_leaves_log_after_second_queue (void)
{
  assert_outlives (open_second);
}

static void
test_visitor_leaves_log_after_copy (void)
{
  assert_outlives (read_all_files);
}

/* A copy of its folder by the process that has the queue lets no other one in. */
static void
test_copy_keeps_others_out (void)
{
  g_autoptr (Place) place = place_new ();
  g_autoptr (FerryQueueContent) content = NULL;
  FerryQueueFile *file = open_file (place->path, &content);
  const char *argv[] = {"/proc/self/exe", "take", place->path, NULL};
  int status;

  read_all_files (place);
  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, NULL));
  g_assert_false (g_spawn_check_wait_status (status, NULL));
  ferry_queue_file_close (file, TRUE, NULL);
}

/* As another program that opens the queue. */
static int
take (const char *path)
{
  g_autoptr (FerryQueueContent) content = NULL;

  return ferry_queue_file_open (path, &content, NULL) == NULL;
}

/* A process that was forked from the one that had the file lives on. */
static void
test_forked_child_does_not_keep_it (void)
{
  g_autoptr (Place) place = place_new ();
  g_autoptr (FerryQueueContent) content = NULL;
  FerryQueueFile *file = open_file (place->path, &content);
  int order[2], answer[2];
  char byte = 'x';
  pid_t pid;

  g_assert_true (pipe (order) == 0 && pipe (answer) == 0);
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      close (order[1]);
      _exit (write (answer[1], &byte, 1) != 1 || read (order[0], &byte, 1) != 0);
    }
  g_assert_cmpint (read (answer[0], &byte, 1), ==, 1);
  ferry_queue_file_close (file, TRUE, NULL);
  g_clear_pointer (&content, ferry_queue_content_free);
  file = open_file (place->path, &content);
  ferry_queue_file_close (file, TRUE, NULL);
  g_assert_true (close (order[1]) == 0 && waitpid (pid, NULL, 0) == pid && close (order[0]) == 0);
  g_assert_true (close (answer[0]) == 0 && close (answer[1]) == 0);
}

/* ---- whether it is at its path ---- */

typedef struct
{
  const char *name;
  const char *suffix; /* of the file that it is done to */
  gboolean (*harm) (const char *path);
} Harm;

static gboolean
remove_it (const char *path)
{
  return unlink (path) == 0;
}

static gboolean
rename_it (const char *path)
{
  g_autofree char *other = g_strconcat (path, "-renamed", NULL);

  return rename (path, other) == 0;
}

/* By a copy, as a program that synchronises folders does. */
static gboolean
replace_it (const char *path)
{
  g_autofree char *content = NULL;
  gsize size;

  return g_file_get_contents (path, &content, &size, NULL) && g_file_set_contents (path, content, (gssize) size, NULL);
}

static gboolean
link_it (const char *path)
{
  g_autofree char *other = g_strconcat (path, "-linked", NULL);

  return link (path, other) == 0;
}

static gboolean
cut_it (const char *path)
{
  return truncate (path, 100) == 0;
}

static const Harm harms[] = {
  {"removed", "", remove_it},
  {"renamed", "", rename_it},
  {"replaced", "", replace_it},
  {"linked", "", link_it},
  {"cut", "", cut_it},
  {"log-removed", "-wal", remove_it},
  {"log-cut", "-wal", cut_it},
  {"log-replaced", "-wal", replace_it},
  {"index-removed", "-shm", remove_it},
  {"lock-removed", ".lock", remove_it},
};

/* Nothing is told to be stored, and all that was is in the file that is written anew. */
static void
test_harm_is_noticed (gconstpointer data)
{
  const Harm *harm = data;
  g_autoptr (Place) place = place_new ();
  g_autoptr (FerryQueueContent) content = NULL;
  g_autoptr (FerryQueueContent) again = NULL;
  g_autoptr (GPtrArray) changes = make_changes ();
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_strconcat (place->path, harm->suffix, NULL);
  g_autofree char *second = g_strconcat (path, "-linked", NULL);
  FerryQueueFile *file = open_file (place->path, &content);

  write_rows (file);
  g_assert_true (harm->harm (path));
  g_assert_false (ferry_queue_file_write (file, changes, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  ferry_test_assert_says (error->message, path);
  g_clear_error (&error);
  unlink (second);
  for (guint i = 0; i < N_ROWS; i++)
    {
      FerryQueueRow row = make_row (i);

      g_array_append_val (content->rows, row);
    }
  content->seen = 1234;
  g_assert_true (ferry_queue_file_renew (file, content, &error));
  g_assert_no_error (error);
  write_rows (file);
  g_assert_true (ferry_queue_file_close (file, TRUE, &error));
  g_assert_no_error (error);
  file = open_file (place->path, &again);
  g_assert_no_error (again->damage);
  g_assert_cmpint (again->seen, ==, 1234);
  g_assert_cmpuint (again->rows->len, ==, N_ROWS);
  assert_whole (again);
  ferry_queue_file_close (file, TRUE, NULL);
}

/* Whoever has only read until then hears of it at the end. */
static void
test_close_says_that_it_is_gone (void)
{
  g_autoptr (Place) place = place_new ();
  g_autoptr (FerryQueueContent) content = NULL;
  g_autoptr (GError) error = NULL;
  FerryQueueFile *file = open_file (place->path, &content);

  write_rows (file);
  g_assert_true (remove_it (place->path));
  g_assert_false (ferry_queue_file_close (file, TRUE, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

static void
test_second_name_is_refused (void)
{
  g_autoptr (Place) place = place_new ();
  g_autoptr (FerryQueueContent) content = NULL;
  g_autoptr (GError) error = NULL;

  make_file (place, TRUE);
  g_assert_true (link_it (place->path));
  g_assert_null (ferry_queue_file_open (place->path, &content, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  ferry_test_assert_says (error->message, place->path);
}

/* Relative, through a folder that is a link, and a link itself: one file has one path. */
static void
test_names_of_a_file_are_one (void)
{
  g_autoptr (Place) place = place_new ();
  g_autofree char *folder = g_strconcat (place->folder, "/linked", NULL);
  g_autofree char *through = g_build_filename (folder, "queue.db", NULL);
  g_autofree char *link_path = g_build_filename (place->folder, "link.db", NULL);
  g_autofree char *before = g_get_current_dir ();
  g_autofree char *expected = NULL;
  const char *const names[] = {through, link_path, "queue.db", "file:queue.db"};

  make_file (place, TRUE);
  expected = ferry_queue_lock_resolve (place->path);
  g_assert_true (symlink (place->folder, folder) == 0 && symlink (place->path, link_path) == 0);
  g_assert_cmpint (chdir (place->folder), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = ferry_queue_lock_resolve (names[i]);

      g_assert_true (g_path_is_absolute (path));
      if (i < 3)
        g_assert_cmpstr (path, ==, expected);
      else
        g_assert_true (g_str_has_suffix (path, "/file:queue.db"));
    }
  g_assert_cmpint (chdir (before), ==, 0);
}

/* ---- its log ---- */

/* Each a transaction, of which the last one has several frames. */
#define N_BATCHES 12
#define BATCH_SIZE 3
#define LAST_SIZE 60
#define N_BATCHED (N_BATCHES * BATCH_SIZE)

#define LOG_HEADER 32
#define FRAME (24 + 4096)

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
write_batch (FerryQueueFile *file, guint first, guint n)
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
        write_batch (file, i * BATCH_SIZE, BATCH_SIZE);
      if (write (answer[1], &byte, 1) != 1 || read (order[0], &byte, 1) != 1)
        _exit (1);
      write_batch (file, N_BATCHED, LAST_SIZE);
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
      g_assert_true (is_told || n_rows == N_BATCHED + LAST_SIZE);
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
      g_assert_true (is_told || n_rows >= N_BATCHED - 2 * BATCH_SIZE);
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
      g_assert_true (is_told || n_rows == N_BATCHED + LAST_SIZE);
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
      g_assert_cmpuint (open_image (image, &is_told), ==, N_BATCHED + LAST_SIZE);
      g_assert_false (is_told);
    }
}

static void
assert_is_torn (const Image *image)
{
  gboolean is_told;

  g_assert_cmpuint (open_image (image, &is_told), ==, N_BATCHED);
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

      write_batch (file, N_BATCHED, 1);
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

/* ---- copies ---- */

#define LARGE (2 * FERRY_QUEUE_INLINE_SIZE)
#define MEDIUM (FERRY_QUEUE_INLINE_SIZE / 2)

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryQueueCopy, ferry_queue_copy_free)

static FerryQueueRow
make_sized_row (guint number, gsize size, const char *values)
{
  g_autofree char *key = g_strdup_printf ("key %u", number);
  g_autofree char *text = g_strnfill (size, (char) ('a' + number % 26));
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_string (text));
  FerryQueueRow row = {.id = number + 1, .key = g_ref_string_new (key), .place = (gint64) number * 1000};

  ferry_queue_row_take_task (&row, task, values);
  return row;
}

static void
write_row (FerryQueueFile *file, FerryQueueChangeKind kind, FerryQueueRow row)
{
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_queue_change_free);
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (changes, ferry_queue_change_of (kind, &row));
  ferry_queue_row_clear (&row);
  g_assert_true (ferry_queue_file_write (file, changes, &error));
  g_assert_no_error (error);
}

static guint
count_files (const char *folder)
{
  g_autoptr (GDir) opened = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (opened != NULL && g_dir_read_name (opened) != NULL)
    n++;
  return n;
}

static void
assert_copy_has (const char *path, const guint *numbers, guint n)
{
  g_autoptr (FerryQueueContent) content = NULL;
  FerryQueueFile *file = open_file (path, &content);

  g_assert_no_error (content->damage);
  g_assert_cmpuint (content->rows->len, ==, n);
  for (guint i = 0; i < n; i++)
    {
      const FerryQueueRow *row = &g_array_index (content->rows, FerryQueueRow, i);
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) arguments = ferry_queue_value_open (row->arguments, &error);

      g_assert_no_error (error);
      g_assert_cmpint (row->id, ==, numbers[i] + 1);
      g_assert_cmpint (*g_variant_get_string (arguments, NULL), ==, (int) ('a' + numbers[i] % 26));
    }
  ferry_queue_file_close (file, TRUE, NULL);
}

/* The rows 0 to 39 are many pages, 40 and 41 have files. While pages are copied, 0 and 40 go, and 42 and 43 come, of
 * which 43 has a file. Before the files are copied, 41 goes. */
static void
test_copy_is_as_the_file_at_one_time (void)
{
  g_autofree char *folder = g_dir_make_tmp ("ferry-copy-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "queue.db", NULL);
  g_autofree char *values = ferry_queue_file_name_folder (path);
  g_autofree char *copy_path = g_build_filename (folder, "copy.db", NULL);
  g_autofree char *copy_values = ferry_queue_file_name_folder (copy_path);
  g_autoptr (FerryQueueContent) content = NULL;
  g_autoptr (FerryQueueCopy) copy = ferry_queue_copy_new (copy_path, copy_values, values, NULL);
  g_autoptr (GError) error = NULL;
  FerryQueueFile *file = open_file (path, &content);
  gboolean is_done = FALSE;
  guint numbers[42], n_steps = 0;

  for (guint i = 0; i < 42; i++)
    write_row (file, FERRY_QUEUE_CHANGE_INSERT, make_sized_row (i, i < 40 ? MEDIUM : LARGE, values));
  for (; !is_done; n_steps++)
    {
      g_assert_true (ferry_queue_file_back_up (file, copy, &is_done, &error));
      g_assert_no_error (error);
      if (n_steps > 0)
        continue;
      g_assert_false (is_done);
      write_row (file, FERRY_QUEUE_CHANGE_DELETE, make_sized_row (0, 1, values));
      write_row (file, FERRY_QUEUE_CHANGE_DELETE, make_sized_row (40, 1, values));
      write_row (file, FERRY_QUEUE_CHANGE_INSERT, make_sized_row (42, MEDIUM, values));
      write_row (file, FERRY_QUEUE_CHANGE_INSERT, make_sized_row (43, LARGE, values));
    }
  g_assert_cmpuint (count_files (values), ==, 2);
  write_row (file, FERRY_QUEUE_CHANGE_DELETE, make_sized_row (41, 1, values));
  g_assert_cmpuint (count_files (values), ==, 2);
  g_assert_false (g_file_test (copy_path, G_FILE_TEST_EXISTS));
  g_assert_true (ferry_queue_copy_finish (copy, &error));
  g_assert_no_error (error);
  ferry_queue_file_end_back_up (file);
  g_assert_cmpuint (count_files (values), ==, 1);
  ferry_queue_file_close (file, TRUE, NULL);
  g_assert_cmpuint (count_files (copy_values), ==, 2);
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    numbers[i] = i < 39 ? i + 1 : i + 2;
  assert_copy_has (copy_path, numbers, G_N_ELEMENTS (numbers));
  ferry_tree_remove (AT_FDCWD, folder);
}

/* The file is written anew, and with it the copy. */
static void
test_copy_begins_anew_with_the_file (void)
{
  g_autofree char *folder = g_dir_make_tmp ("ferry-copy-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "queue.db", NULL);
  g_autofree char *values = ferry_queue_file_name_folder (path);
  g_autofree char *copy_path = g_build_filename (folder, "copy.db", NULL);
  g_autofree char *copy_values = ferry_queue_file_name_folder (copy_path);
  g_autoptr (FerryQueueContent) content = NULL;
  g_autoptr (FerryQueueContent) other = ferry_queue_content_make ();
  g_autoptr (FerryQueueCopy) copy = ferry_queue_copy_new (copy_path, copy_values, values, NULL);
  g_autoptr (GError) error = NULL;
  FerryQueueFile *file = open_file (path, &content);
  FerryQueueRow row = make_sized_row (5, 10, values);
  const guint number = 5;
  gboolean is_done;

  for (guint i = 0; i < 40; i++)
    write_row (file, FERRY_QUEUE_CHANGE_INSERT, make_sized_row (i, MEDIUM, values));
  g_assert_true (ferry_queue_file_back_up (file, copy, &is_done, &error) && !is_done);
  g_assert_cmpint (unlink (path), ==, 0);
  g_array_append_val (other->rows, row);
  g_assert_true (ferry_queue_file_renew (file, other, &error));
  g_assert_true (ferry_queue_file_back_up (file, copy, &is_done, &error) && is_done);
  g_assert_true (ferry_queue_copy_finish (copy, &error));
  g_assert_no_error (error);
  ferry_queue_file_end_back_up (file);
  ferry_queue_file_close (file, TRUE, NULL);
  assert_copy_has (copy_path, &number, 1);
  g_assert_false (g_file_test (copy_values, G_FILE_TEST_EXISTS));
  ferry_tree_remove (AT_FDCWD, folder);
}

/* ---- no room ---- */

/* The file may not grow: what was written stays, and a later try succeeds. */
static void
test_full_disk_heals (void)
{
  g_autoptr (Place) place = place_new ();
  g_autoptr (FerryQueueContent) content = NULL;
  g_autoptr (FerryQueueContent) again = NULL;
  g_autoptr (GPtrArray) changes = make_changes ();
  g_autoptr (GError) error = NULL;
  FerryQueueFile *file = open_file (place->path, &content);
  struct rlimit before, limit;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  limit = before;
  limit.rlim_cur = 20000;
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  for (guint i = 0; i < 3; i++)
    {
      g_assert_false (ferry_queue_file_write (file, changes, &error));
      g_assert_nonnull (error);
      g_clear_error (&error);
    }
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  g_assert_true (ferry_queue_file_write (file, changes, &error));
  g_assert_no_error (error);
  ferry_queue_file_close (file, TRUE, NULL);
  file = open_file (place->path, &again);
  g_assert_cmpuint (again->rows->len, ==, N_ROWS);
  assert_whole (again);
  ferry_queue_file_close (file, TRUE, NULL);
}

int
main (int argc, char **argv)
{
  if (argc == 3 && g_str_equal (argv[1], "visit"))
    return visit (argv[2]);
  if (argc == 3 && g_str_equal (argv[1], "take"))
    return take (argv[2]);
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (ignore_damage, NULL, NULL);
  g_test_add_func ("/file/lock-names-its-process", test_lock_names_its_process);
  g_test_add_func ("/file/rows-survive", test_rows_survive);
  g_test_add_func ("/file/flipped-byte-is-found", test_flipped_byte_is_found);
  g_test_add_func ("/file/cut-file-is-found", test_cut_file_is_found);
  g_test_add_func ("/file/changed-row-is-found", test_changed_row_is_found);
  g_test_add_func ("/file/no-database-is-set-aside", test_no_database_is_set_aside);
  g_test_add_func ("/file/file-of-others-is-left-alone", test_file_of_others_is_left_alone);
  g_test_add_func ("/file/replacement-is-finished", test_replacement_is_finished);
  g_test_add_func ("/file/copies-are-left-alone", test_copies_are_left_alone);
  g_test_add_func ("/file/visitor-leaves-log-after-second-queue", test_visitor_leaves_log_after_second_queue);
  g_test_add_func ("/file/visitor-leaves-log-after-copy", test_visitor_leaves_log_after_copy);
  g_test_add_func ("/file/copy-keeps-others-out", test_copy_keeps_others_out);
  g_test_add_func ("/file/forked-child-does-not-keep-it", test_forked_child_does_not_keep_it);
  for (guint i = 0; i < G_N_ELEMENTS (harms); i++)
    {
      g_autofree char *name = g_strdup_printf ("/file/is-noticed-if-%s", harms[i].name);

      g_test_add_data_func (name, &harms[i], test_harm_is_noticed);
    }
  g_test_add_func ("/file/close-says-that-it-is-gone", test_close_says_that_it_is_gone);
  g_test_add_func ("/file/second-name-is-refused", test_second_name_is_refused);
  g_test_add_func ("/file/names-of-a-file-are-one", test_names_of_a_file_are_one);
  g_test_add_func ("/file/newer-file-is-refused", test_newer_file_is_refused);
  g_test_add_func ("/file/refusal-leaves-no-lock", test_refusal_leaves_no_lock);
  g_test_add_func ("/file/full-disk-heals", test_full_disk_heals);
  g_test_add_func ("/file/log/flipped-bit-is-told", test_flipped_bit_is_told);
  g_test_add_func ("/file/log/flipped-bit-is-told-without-index", test_flipped_bit_is_told_without_index);
  g_test_add_func ("/file/log/lost-sector-is-told", test_lost_sector_is_told);
  g_test_add_func ("/file/log/damaged-index-costs-nothing", test_damaged_index_costs_nothing);
  g_test_add_func ("/file/log/torn-tail-is-no-damage", test_torn_tail_is_no_damage);
  g_test_add_func ("/file/log/torn-tail-is-no-damage-with-old-index", test_torn_tail_is_no_damage_with_old_index);
  g_test_add_func ("/file/log/remains-are-no-damage", test_remains_are_no_damage);
  g_test_add_func ("/file/log/young-file-without-log-is-a-queue", test_young_file_without_log_is_a_queue);
  g_test_add_func ("/file/copy-is-as-the-file-at-one-time", test_copy_is_as_the_file_at_one_time);
  g_test_add_func ("/file/copy-begins-anew-with-the-file", test_copy_begins_anew_with_the_file);
  return g_test_run ();
}
