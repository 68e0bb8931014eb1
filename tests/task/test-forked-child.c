/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-forks.c
 *
 * A child that the application forks drops what it has inherited, and waits for nothing: a thread of its parent may
 * have had any lock at the fork. */

#include "config.h"

#include <ferry-classic.h>

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "task/task-test.h"

static int (*next_lock) (pthread_mutex_t *);
static gboolean locks_are_refused;

/* Stands before the C library's. */
int
pthread_mutex_lock (pthread_mutex_t *lock)
{
  if (locks_are_refused)
    _exit (1);
  if (next_lock == NULL)
    next_lock = (int (*) (pthread_mutex_t *)) dlsym (RTLD_NEXT, "pthread_mutex_lock");
  return next_lock (lock);
}

typedef struct
{
  TaskTest *task_test;     /* (owned) */
  FerryLauncher *launcher; /* (owned) */
  GPtrArray *objects;      /* (owned) (element-type GObject) */
} Test;

static void
add (Test *self, gpointer object)
{
  g_ptr_array_add (self->objects, object);
}

/* An object of each kind, in use. */
static void
test_init (Test *self)
{
  FerryTransport *transport;
  FerryTransport *conversation;
  FerrySender *sender;
  FerryReceiver *receiver;
  FerryDemux *demux;
  FerryProcess *process;
  FerryTask *task;
  FerryMap *map;

  self->task_test = task_test_new (FALSE, 1);
  self->launcher = task_test_launcher_new ();
  self->objects = g_ptr_array_new_with_free_func (g_object_unref);
  transport = ferry_launcher_add_transport (self->launcher, self->task_test->router, "a", NULL);
  conversation = ferry_launcher_add_transport (self->launcher, self->task_test->router, "b", NULL);
  demux = ferry_demux_new (transport);
  map = ferry_map_new (self->task_test->executor, "sleep-until-cancelled", FERRY_MAP_ORDERED);
  process = ferry_process_new (self->task_test->router, NULL, "nothing", NULL, NULL);
  task = task_test_submit (self->task_test->executor, "sleep-until-cancelled", NULL);
  task_test_wait_begun (task);
  g_assert_true (ferry_demux_start (demux, NULL));
  ferry_map_set_arguments (map, g_variant_new_parsed ("[()]"));
  ferry_map_start (map);
  g_assert_true (ferry_router_pipe (self->task_test->router, FERRY_PIPE_QUEUED, &sender, &receiver, NULL));
  g_assert_true (ferry_sender_start (sender, NULL));
  add (self, map);
  add (self, task);
  add (self, process);
  add (self, sender);
  add (self, receiver);
  add (self, demux);
  add (self, ferry_proxy_new (transport, "thing"));
  add (self, ferry_list_replica_new (g_ptr_array_index (self->objects, self->objects->len - 1)));
  add (self, ferry_channel_new (conversation));
  add (self, conversation);
  add (self, transport);
  add (self, g_object_ref (self->task_test->executor));
  add (self, g_object_ref (self->task_test->pool));
  add (self, g_object_ref (self->task_test->router));
}

static void
test_clear (Test *self)
{
  g_ptr_array_unref (self->objects);
  g_object_unref (self->launcher);
  task_test_free (self->task_test);
}

/* Returns TRUE in a new child, and FALSE in the parent once the child has ended. */
static gboolean
is_child (int *status)
{
  pid_t child = fork ();

  g_assert_cmpint (child, >=, 0);
  locks_are_refused = child == 0;
  if (child > 0)
    g_assert_cmpint (waitpid (child, status, 0), ==, child);
  return child == 0;
}

static void
drops_what_it_has_inherited (void)
{
  Test test;

  test_init (&test);
  for (guint i = 0; i < test.objects->len; i++)
    {
      GObject *object = test.objects->pdata[i];
      int status;

      if (is_child (&status))
        {
          g_object_run_dispose (object);
          _exit (0);
        }
      if (status != 0)
        g_error ("A forked child that drops a %s takes a lock", G_OBJECT_TYPE_NAME (object));
    }
  test_clear (&test);
}

static void
cannot_stop_the_router_of_its_parent (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  int status;

  if (is_child (&status))
    {
      g_autoptr (GError) error = NULL;

      ferry_router_stop (test->router, &error);
      _exit (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING) ? 0 : 2);
    }
  g_assert_cmpint (status, ==, 0);
}

static void
submits_nothing_to_the_executor_of_its_parent (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);
  int status;

  if (is_child (&status))
    {
      g_autoptr (GError) error = NULL;

      ferry_executor_submit_task (test->executor, task, &error);
      _exit (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING) ? 0 : 2);
    }
  g_assert_cmpint (status, ==, 0);
  g_assert_true (ferry_executor_submit_task (test->executor, task, NULL));
  task_test_assert_result (task, NULL);
}

int
main (int argc, char **argv)
{
  task_test_register ();
  ferry_worker_main (&argc, &argv);
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/forked-child/drops-what-it-has-inherited", drops_what_it_has_inherited);
  g_test_add_func ("/forked-child/cannot-stop-the-router-of-its-parent", cannot_stop_the_router_of_its_parent);
  g_test_add_func ("/forked-child/submits-nothing-to-the-executor-of-its-parent",
                   submits_nothing_to_the_executor_of_its_parent);
  return g_test_run ();
}
