/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "queue/queue-test.h"

#include <fcntl.h>
#include <sqlite3.h>

#include "base/ferry-tree-private.h"

typedef struct
{
  gboolean done;
  GError *error; /* (owned) (nullable) */
} Answer;

static void
opened (GObject *queue, GAsyncResult *result, gpointer data)
{
  Answer *answer = data;

  ferry_queue_open_finish (FERRY_QUEUE (queue), result, &answer->error);
  answer->done = TRUE;
}

static void
flushed (GObject *queue, GAsyncResult *result, gpointer data)
{
  Answer *answer = data;

  ferry_queue_flush_finish (FERRY_QUEUE (queue), result, &answer->error);
  answer->done = TRUE;
}

static void
closed (GObject *queue, GAsyncResult *result, gpointer data)
{
  Answer *answer = data;

  ferry_queue_close_finish (FERRY_QUEUE (queue), result, &answer->error);
  answer->done = TRUE;
}

QueueTest *
queue_test_new (guint max_workers)
{
  return queue_test_new_for (task_test_new (TRUE, max_workers));
}

QueueTest *
queue_test_new_for (TaskTest *test)
{
  QueueTest *self = g_new0 (QueueTest, 1);

  self->test = test;
  self->folder = g_dir_make_tmp ("ferry-queue-XXXXXX", NULL);
  self->path = g_build_filename (self->folder, "queue.db", NULL);
  queue_test_make (self);
  queue_test_open (self);
  return self;
}

void
queue_test_free (QueueTest *self)
{
  if (self->queue != NULL)
    ferry_test_finalize (g_steal_pointer (&self->queue));
  task_test_free (self->test);
  ferry_test_wait_unlocked (self->path);
  ferry_tree_remove (AT_FDCWD, self->folder);
  g_free (self->path);
  g_free (self->folder);
  g_free (self);
}

void
queue_test_make (QueueTest *self)
{
  g_assert_null (self->queue);
  self->queue = ferry_queue_new (self->test->executor, self->path);
  if (self->death_limit > 0)
    g_object_set (self->queue, "death-limit", self->death_limit, NULL);
}

void
queue_test_open (QueueTest *self)
{
  Answer answer = {0};

  ferry_queue_open_async (self->queue, NULL, opened, &answer);
  ferry_test_wait_flag (&answer.done);
  g_assert_no_error (answer.error);
}

GError *
queue_test_fail_to_open (FerryQueue *queue)
{
  Answer answer = {0};

  ferry_queue_open_async (queue, NULL, opened, &answer);
  ferry_test_wait_flag (&answer.done);
  g_assert_nonnull (answer.error);
  return answer.error;
}

void
queue_test_flush (QueueTest *self)
{
  Answer answer = {0};

  ferry_queue_flush_async (self->queue, NULL, flushed, &answer);
  ferry_test_wait_flag (&answer.done);
  g_assert_no_error (answer.error);
}

void
queue_test_close (QueueTest *self)
{
  Answer answer = {0};

  ferry_queue_close_async (self->queue, NULL, closed, &answer);
  ferry_test_wait_flag (&answer.done);
  g_assert_no_error (answer.error);
  ferry_test_finalize (g_steal_pointer (&self->queue));
}

GError *
queue_test_fail_to_close (QueueTest *self)
{
  Answer answer = {0};

  ferry_queue_close_async (self->queue, NULL, closed, &answer);
  ferry_test_wait_flag (&answer.done);
  g_assert_nonnull (answer.error);
  return answer.error;
}

/* Another queue may have the file once the thread of this one has left it. */
void
queue_test_crash (QueueTest *self)
{
  queue_test_flush (self);
  ferry_test_finalize (g_steal_pointer (&self->queue));
}

static gboolean
is_free (gpointer data)
{
  QueueTest *self = data;
  Answer answer = {0};

  queue_test_make (self);
  ferry_queue_open_async (self->queue, NULL, opened, &answer);
  ferry_test_wait_flag (&answer.done);
  if (answer.error == NULL)
    return TRUE;
  g_assert_error (answer.error, FERRY_ERROR, FERRY_ERROR_BUSY);
  g_clear_error (&answer.error);
  ferry_test_finalize (g_steal_pointer (&self->queue));
  return FALSE;
}

void
queue_test_restart (QueueTest *self)
{
  ferry_test_look_until (is_free, self);
}

FerryTask *
queue_test_submit (QueueTest *self, const char *function, const char *arguments, const char *key)
{
  GVariant *value = arguments != NULL ? g_variant_new_string (arguments) : NULL;
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, function, value);

  return queue_test_submit_task (self, task, key);
}

FerryTask *
queue_test_submit_task (QueueTest *self, FerryTask *task, const char *key)
{
  g_autoptr (GError) error = NULL;
  FerryTask *submitted = ferry_queue_submit (self->queue, task, key, &error);

  g_assert_no_error (error);
  g_assert_nonnull (submitted);
  return submitted;
}

FerryTask *
queue_test_get (QueueTest *self, const char *key)
{
  FerryTask *task = ferry_queue_lookup (self->queue, key);

  g_assert_nonnull (task);
  return task;
}

char *
queue_test_list (QueueTest *self)
{
  GString *keys = g_string_new (NULL);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->queue));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (G_LIST_MODEL (self->queue), i);

      g_string_append_printf (keys, "%s%s", i > 0 ? " " : "", ferry_queue_get_key (self->queue, task));
    }
  return g_string_free (keys, FALSE);
}

char *
queue_test_ask (QueueTest *self, const char *statement)
{
  sqlite3 *database = NULL;
  sqlite3_stmt *prepared = NULL;
  char *answer = NULL;

  g_assert_cmpint (sqlite3_open (self->path, &database), ==, SQLITE_OK);
  /* The queue may be writing. */
  g_assert_cmpint (sqlite3_busy_timeout (database, G_MAXINT), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (database, statement, -1, &prepared, NULL), ==, SQLITE_OK);
  if (sqlite3_step (prepared) == SQLITE_ROW)
    answer = g_strdup ((const char *) sqlite3_column_text (prepared, 0));
  g_assert_cmpint (sqlite3_finalize (prepared), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_close (database), ==, SQLITE_OK);
  return answer;
}
