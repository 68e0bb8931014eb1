/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-dispatch.c, engine/ferry-fair-queue.c
 *
 * Handlers that run a main loop, where two receivers share the link of one worker. */

#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "process/worker-test.h"
#include "route/ferry-pipe-private.h"
#include "route/ferry-router-private.h"

#define N_MESSAGES 5000
#define LARGE_SIZE 300000

typedef struct
{
  FerryRouter *router;
  FerryTestPipe *pipes[2]; /* the worker's own sender, and "other" */
  FerryTestPipe *local;    /* its sender is this process's */
  FerryWorker *worker;
  guint64 n_messages[2];
  guint64 next[2]; /* the number of the next message */
  guint depths[2];
  gboolean large_came[2];
  guint64 nest_at[2]; /* the message with a handler that runs a main loop; G_MAXUINT64: none */
  FerryTestCondition until[2];
  guint nested[2];
} Scene;

static Scene scene;

static void
message_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  guint i = GPOINTER_TO_UINT (user_data);
  guint64 number;

  g_assert_cmpuint (scene.depths[i]++, ==, 0);
  g_assert_cmpuint (scene.pipes[i]->n_closed, ==, 0);
  if (size == LARGE_SIZE)
    scene.large_came[i] = TRUE;
  else
    {
      memcpy (&number, data, sizeof number);
      g_assert_cmpuint (number, ==, scene.next[i]++);
      if (number == scene.nest_at[i])
        {
          ferry_test_run_until (scene.until[i], NULL);
          scene.nested[i]++;
          g_assert_cmpuint (scene.next[i], ==, number + 1);
        }
    }
  scene.depths[i]--;
}

static void
set_up (const char *first_order, const char *second_order)
{
  g_autoptr (FerryLauncher) launcher =
    worker_test_launcher_new (g_getenv ("FERRY_TEST_WORKER"), first_order, second_order, NULL);

  scene = (Scene){.router = ferry_test_router_new (), .nest_at = {G_MAXUINT64, G_MAXUINT64}};
  for (guint i = 0; i < 2; i++)
    {
      scene.pipes[i] = ferry_test_pipe_new (scene.router);
      ferry_receiver_set_handler (scene.pipes[i]->receiver, message_cb, GUINT_TO_POINTER (i), NULL);
      worker_test_add_sender (launcher, i == 0 ? "out" : "other", scene.pipes[i]);
    }
  scene.local = ferry_test_pipe_new (scene.router);
  g_assert_true (ferry_sender_start (scene.local->sender, NULL));
  scene.worker = worker_test_spawn (launcher, scene.router);
}

static void
tear_down (void)
{
  for (guint i = 0; i < 2; i++)
    {
      ferry_test_pipe_wait_closed (scene.pipes[i]);
      g_assert_cmpuint (scene.pipes[i]->n_closed, ==, 1);
      g_assert_cmpuint (scene.next[i], ==, N_MESSAGES);
    }
  ferry_test_wait_ended (scene.worker);
  for (guint i = 0; i < 2; i++)
    ferry_test_pipe_free (scene.pipes[i]);
  ferry_test_pipe_free (scene.local);
  g_object_unref (scene.worker);
  ferry_test_router_stop (scene.router);
}

static gboolean
second_has_all (gpointer data)
{
  return scene.next[1] == N_MESSAGES;
}

static gboolean
local_has_ten (gpointer data)
{
  return scene.local->n_messages == 10;
}

static gboolean
first_has_all_and_the_large_one (gpointer data)
{
  return scene.next[0] == N_MESSAGES && scene.large_came[0];
}

/* The two receivers' messages lie in turn in the same blocks. */
static void
test_the_other_receiver_of_the_worker_is_heard (void)
{
  set_up ("pair:5000", NULL);
  scene.nest_at[0] = 3;
  scene.until[0] = second_has_all;
  ferry_test_run_until (second_has_all, NULL);
  tear_down ();
  g_assert_cmpuint (scene.nested[0], ==, 1);
}

/* The handler of the one runs a loop within the loop of the other's. */
static void
test_loops_within_loops (void)
{
  set_up ("pair:5000", NULL);
  scene.nest_at[0] = 3;
  scene.until[0] = second_has_all;
  scene.nest_at[1] = 10;
  scene.until[1] = local_has_ten;
  for (guint64 i = 0; i < 10; i++)
    g_assert_true (ferry_sender_send_bytes (scene.local->sender, &i, sizeof i, NULL));
  ferry_test_run_until (second_has_all, NULL);
  tear_down ();
  g_assert_cmpuint (scene.nested[0], ==, 1);
  g_assert_cmpuint (scene.nested[1], ==, 1);
}

/* It has a block of its own, behind those that wait. */
static void
test_a_large_message_is_heard (void)
{
  set_up ("pair:5000", "large:300000");
  scene.nest_at[1] = 3;
  scene.until[1] = first_has_all_and_the_large_one;
  ferry_test_run_until (second_has_all, NULL);
  tear_down ();
  g_assert_true (scene.large_came[0]);
  g_assert_cmpuint (scene.nested[1], ==, 1);
}

/* ---- latest values ---- */

/* More than a worker's share of the local queue. */
#define MANY 200000

typedef struct _Dialog Dialog;

/* A cell-worker: a queued pipe and two for latest values. */
struct _Dialog
{
  FerryRouter *router;
  FerryTestPipe *messages; /* "second" */
  FerryTestPipe *values;   /* "out" */
  FerryTestPipe *others;   /* "other" */
  FerryWorker *worker;
  int told;                    /* (owned): each byte lets the worker go on */
  void (*nest) (Dialog *self); /* (nullable): in the first message or value of `nests` */
  FerryReceiver *nests;        /* (unowned) */
  guint n_nested;              /* how many loops have ended */
};

static FerryTestPipe *
get_pipe (Dialog *self, FerryReceiver *receiver)
{
  return receiver == self->messages->receiver ? self->messages
         : receiver == self->values->receiver ? self->values
                                              : self->others;
}

static void
dialog_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  Dialog *self = user_data;
  FerryTestPipe *pipe = get_pipe (self, receiver);

  g_assert_cmpuint (pipe->n_closed, ==, 0);
  pipe->n_messages++;
  if (receiver != self->nests || self->nest == NULL)
    return;
  g_steal_pointer (&self->nest) (self);
  self->n_nested++;
  g_assert_cmpuint (pipe->n_messages, ==, 1);
}

static FerryTestPipe *
add_pipe (Dialog *self, FerryLauncher *launcher, const char *name, FerryPipeFlags flags)
{
  FerryTestPipe *pipe = ferry_test_pipe_new_with_flags (self->router, flags);

  ferry_receiver_set_handler (pipe->receiver, dialog_cb, self, NULL);
  worker_test_add_sender (launcher, name, pipe);
  return pipe;
}

/* Takes launcher over. */
static void
dialog_init (Dialog *self, FerryLauncher *launcher)
{
  int fds[2];

  *self = (Dialog){.router = ferry_test_router_new ()};
  self->messages = add_pipe (self, launcher, "second", FERRY_PIPE_QUEUED);
  self->values = add_pipe (self, launcher, "out", FERRY_PIPE_LATEST);
  self->others = add_pipe (self, launcher, "other", FERRY_PIPE_LATEST);
  g_assert_no_errno (pipe2 (fds, O_CLOEXEC));
  ferry_launcher_take_stream_fd (launcher, FERRY_STREAM_STDIN, fds[0]);
  self->told = fds[1];
  self->worker = worker_test_spawn (launcher, self->router);
  g_object_unref (launcher);
}

static void
dialog_tell (Dialog *self)
{
  g_assert_cmpint (write (self->told, "", 1), ==, 1);
}

/* Has the worker end, which waits for that: nothing comes with the end that did not come before. */
static void
dialog_clear (Dialog *self)
{
  dialog_tell (self);
  ferry_test_pipe_wait_closed (self->messages);
  ferry_test_wait_ended (self->worker);
  g_assert_cmpint (ferry_exit_get_exit_status (ferry_test_get_object (self->worker, "exit")), ==, 0);
  ferry_test_pipe_free (self->messages);
  ferry_test_pipe_free (self->values);
  ferry_test_pipe_free (self->others);
  g_object_unref (self->worker);
  close (self->told);
  ferry_test_router_stop (self->router);
}

static gboolean
is_cold (gpointer data)
{
  return ((Dialog *) data)->router->dispatcher.hot_cells.source == NULL;
}

/* The second value rings as the first one does, since the cell is cold again. */
static void
hear_two_values (Dialog *self)
{
  dialog_tell (self);
  ferry_test_pipe_wait_count (self->values, 1);
  ferry_test_run_until (is_cold, self);
  dialog_tell (self);
  ferry_test_pipe_wait_count (self->values, 2);
}

static void
test_latest_values_are_heard (void)
{
  Dialog dialog;

  dialog_init (&dialog, worker_test_launcher_new ("cell-worker", "message:1", "await", "send:1", "await", "send:1",
                                                  "await", NULL));
  dialog.nests = dialog.messages->receiver;
  dialog.nest = hear_two_values;
  ferry_test_pipe_wait_count (dialog.messages, 1);
  g_assert_cmpuint (dialog.n_nested, ==, 1);
  dialog_clear (&dialog);
}

static void
hear_the_other_value (Dialog *self)
{
  dialog_tell (self);
  ferry_test_pipe_wait_count (self->others, 1);
}

static void
test_the_other_latest_value_is_heard (void)
{
  Dialog dialog;

  dialog_init (&dialog, worker_test_launcher_new ("cell-worker", "send:1", "await", "other:1", "await", NULL));
  dialog.nests = dialog.values->receiver;
  dialog.nest = hear_the_other_value;
  ferry_test_pipe_wait_count (dialog.values, 1);
  g_assert_cmpuint (dialog.n_nested, ==, 1);
  dialog_clear (&dialog);
}

/* The value's handler runs a loop within that of the message's. */
static void
hear_a_value_that_nests (Dialog *self)
{
  self->nests = self->values->receiver;
  self->nest = hear_the_other_value;
  dialog_tell (self);
  ferry_test_pipe_wait_count (self->values, 1);
  g_assert_cmpuint (self->n_nested, ==, 1);
}

static void
test_latest_values_are_heard_in_loops_within_loops (void)
{
  Dialog dialog;

  dialog_init (&dialog, worker_test_launcher_new ("cell-worker", "message:1", "await", "send:1", "await", "other:1",
                                                  "await", NULL));
  dialog.nests = dialog.messages->receiver;
  dialog.nest = hear_a_value_that_nests;
  ferry_test_pipe_wait_count (dialog.messages, 1);
  g_assert_cmpuint (dialog.n_nested, ==, 2);
  dialog_clear (&dialog);
}

static void
hear_many_messages (Dialog *self)
{
  dialog_tell (self);
  ferry_test_pipe_wait_count (self->messages, MANY);
}

static void
test_a_flood_is_heard_while_a_value_is_handled (void)
{
  Dialog dialog;

  dialog_init (&dialog, worker_test_launcher_new ("cell-worker", "send:1", "await", "burst:200000", "await", NULL));
  dialog.nests = dialog.values->receiver;
  dialog.nest = hear_many_messages;
  ferry_test_pipe_wait_count (dialog.values, 1);
  g_assert_cmpuint (dialog.n_nested, ==, 1);
  dialog_clear (&dialog);
}

/* ---- what is logged ---- */

static guint n_told; /* how often the log has told of a nested loop */

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0 && strstr (fields[i].value, "runs a main loop") != NULL)
      {
        g_assert_cmpint (level & G_LOG_LEVEL_MASK, ==, G_LOG_LEVEL_MESSAGE);
        n_told++;
        return G_LOG_WRITER_HANDLED;
      }
  return g_log_writer_default (level, fields, n_fields, user_data);
}

static gboolean
is_told (gpointer data)
{
  return n_told > 0;
}

static gboolean
has_a_row (gpointer data)
{
  Dialog *self = data;
  FerryPipe *pipe = ferry_pipes_find (&self->router->pipes, ferry_receiver_get_connection_id (self->values->receiver));

  return pipe->watch->link->turn.first != NULL;
}

/* The router has looked at all that waits then. */
static void
hear_nothing_of_the_worker (Dialog *self)
{
  FerryTestPipe *local = ferry_test_pipe_new (self->router);

  g_assert_true (ferry_sender_start (local->sender, NULL));
  for (guint64 i = 0; i < 10; i++)
    g_assert_true (ferry_sender_send_bytes (local->sender, &i, sizeof i, NULL));
  ferry_test_pipe_wait_count (local, 10);
  ferry_test_pipe_free (local);
}

static void
have_the_other_value_wait (Dialog *self)
{
  dialog_tell (self);
  ferry_test_run_until (has_a_row, self);
  hear_nothing_of_the_worker (self);
  g_assert_cmpuint (self->others->n_messages, ==, 0);
}

/* The handler of the value that waited runs a loop too. */
static void
have_a_value_wait (Dialog *self)
{
  dialog_tell (self);
  ferry_test_run_until (is_told, NULL);
  g_assert_cmpuint (self->values->n_messages, ==, 0);
  self->nests = self->values->receiver;
  self->nest = have_the_other_value_wait;
}

static void
test_what_waits_is_logged_once (void)
{
  Dialog dialog;

  n_told = 0;
  dialog_init (&dialog, worker_test_launcher_new ("cell-worker", "message:1", "await", "send:1", "await", "other:1",
                                                  "await", NULL));
  dialog.messages->receiver->internal = dialog.values->receiver->internal = TRUE;
  dialog.nests = dialog.messages->receiver;
  dialog.nest = have_a_value_wait;
  ferry_test_pipe_wait_count (dialog.others, 1);
  g_assert_cmpuint (dialog.n_nested, ==, 2);
  dialog_clear (&dialog);
  g_assert_cmpuint (n_told, ==, 1);
}

static void
wait_until_told_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type,
                    gpointer user_data)
{
  guint *n_messages = user_data;

  if ((*n_messages)++ > 0)
    return;
  ferry_test_run_until (is_told, NULL);
  g_assert_cmpuint (*n_messages, ==, 1);
}

static gboolean
has_hundred (gpointer data)
{
  return *(guint *) data == 100;
}

/* They came together. */
static void
test_what_waits_behind_the_message_in_its_block_is_logged (void)
{
  FerryRouter *router = ferry_test_router_new ();
  FerryTestPipe *pipe = ferry_test_pipe_new (router);
  guint n_messages = 0;

  n_told = 0;
  pipe->receiver->internal = TRUE;
  ferry_receiver_set_handler (pipe->receiver, wait_until_told_cb, &n_messages, NULL);
  g_assert_true (ferry_sender_start (pipe->sender, NULL));
  for (guint64 i = 0; i < 100; i++)
    g_assert_true (ferry_sender_send_bytes (pipe->sender, &i, sizeof i, NULL));
  ferry_test_run_until (has_hundred, &n_messages);
  g_assert_cmpuint (n_told, ==, 1);
  ferry_test_pipe_free (pipe);
  ferry_test_router_stop (router);
}

/* What the loop further out has delivered is still in the row. */
static void
hear_the_other_value_that_nests (Dialog *self)
{
  self->nests = self->others->receiver;
  self->nest = hear_nothing_of_the_worker;
  hear_the_other_value (self);
  g_assert_cmpuint (self->n_nested, ==, 1);
}

static void
test_nothing_is_logged_where_nothing_waits (void)
{
  Dialog dialog;

  n_told = 0;
  dialog_init (&dialog, worker_test_launcher_new ("cell-worker", "await", "send:1", "await", "other:1", "await", NULL));
  dialog.others->receiver->internal = TRUE;
  dialog.nests = dialog.values->receiver;
  dialog.nest = hear_the_other_value_that_nests;
  /* A value may come before the news that its worker has attached, which would wait. */
  worker_test_wait_open (dialog.worker);
  dialog_tell (&dialog);
  ferry_test_pipe_wait_count (dialog.values, 1);
  g_assert_cmpuint (dialog.n_nested, ==, 2);
  dialog_clear (&dialog);
  g_assert_cmpuint (n_told, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_log_set_writer_func (write_log, NULL, NULL);
  g_test_add_func ("/nested-loops/the-other-receiver-of-the-worker-is-heard",
                   test_the_other_receiver_of_the_worker_is_heard);
  g_test_add_func ("/nested-loops/may-be-within-nested-loops", test_loops_within_loops);
  g_test_add_func ("/nested-loops/a-large-message-is-heard", test_a_large_message_is_heard);
  g_test_add_func ("/nested-loops/latest-values-are-heard", test_latest_values_are_heard);
  g_test_add_func ("/nested-loops/the-other-latest-value-is-heard", test_the_other_latest_value_is_heard);
  g_test_add_func ("/nested-loops/latest-values-are-heard-in-loops-within-loops",
                   test_latest_values_are_heard_in_loops_within_loops);
  g_test_add_func ("/nested-loops/a-flood-is-heard-while-a-value-is-handled",
                   test_a_flood_is_heard_while_a_value_is_handled);
  g_test_add_func ("/nested-loops/what-waits-is-logged-once", test_what_waits_is_logged_once);
  g_test_add_func ("/nested-loops/what-waits-behind-the-message-in-its-block-is-logged",
                   test_what_waits_behind_the_message_in_its_block_is_logged);
  g_test_add_func ("/nested-loops/nothing-is-logged-where-nothing-waits", test_nothing_is_logged_where_nothing_waits);
  return g_test_run ();
}
