/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* As many workers with a pipe each, and one worker with as many pipes. Each pipe carries a message when its worker
 * begins, and another for each signal that the worker gets. At the end the workers are killed. */

#include "config.h"

#include "bench-scale.h"

#include <signal.h>

#include "bench-scale-worker.h"
#include "bench-team.h"

typedef struct
{
  BenchScale *scale;
  FerryRouter *router;          /* (owned) */
  FerryForkServer *fork_server; /* (owned) */
  FerryLauncher *launcher;      /* (owned) */
  GPtrArray *workers;           /* (owned) (element-type FerryWorker) */
  GPtrArray *receivers;         /* (owned) (element-type FerryReceiver) */
  guint n_messages;
  guint n_closed;
} Links;

static void
message_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  ((Links *) user_data)->n_messages++;
}

static void
closed_cb (FerryReceiver *receiver, FerryExit *exit, Links *self)
{
  if (self->n_messages < self->receivers->len)
    bench_fail (ferry_exit_get_message (exit), NULL);
  self->n_closed++;
}

static void
add_pipe (Links *self, guint number)
{
  g_autofree char *name = g_strdup_printf (BENCH_SCALE_SENDER, number);
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autoptr (GError) error = NULL;

  if (!ferry_router_pipe (self->router, FERRY_PIPE_QUEUED, &sender, &receiver, &error) ||
      !ferry_launcher_add_sender (self->launcher, name, sender, &error))
    bench_fail ("a pipe", error);
  ferry_receiver_set_handler (receiver, message_cb, self, NULL);
  g_signal_connect (receiver, "closed", G_CALLBACK (closed_cb), self);
  g_ptr_array_add (self->receivers, g_steal_pointer (&receiver));
}

static void
spawn (Links *self, guint n_pipes)
{
  g_autofree char *number = g_strdup_printf ("%u", n_pipes);
  g_autoptr (GError) error = NULL;
  FerryWorker *worker;

  for (guint i = 0; i < n_pipes; i++)
    add_pipe (self, i);
  ferry_launcher_setenv (self->launcher, BENCH_SCALE_PIPES, number);
  worker = ferry_launcher_spawn (self->launcher, self->router, &error);
  if (worker == NULL)
    bench_fail ("a worker", error);
  g_ptr_array_add (self->workers, worker);
}

static void
open (Links *self, BenchScale *scale)
{
  g_autofree char *path = bench_path_beside ("bench-scale-worker");
  const char *const argv[] = {path, NULL};
  g_autoptr (FerryLauncher) base = ferry_launcher_new (argv);
  g_autoptr (FerryWorker) process = NULL;
  g_autoptr (GError) error = NULL;

  *self = (Links){.scale = scale,
                  .router = bench_router_open (),
                  .fork_server = ferry_fork_server_new (base),
                  .launcher = ferry_launcher_new (argv),
                  .workers = g_ptr_array_new_with_free_func (g_object_unref),
                  .receivers = g_ptr_array_new_with_free_func (g_object_unref)};
  ferry_launcher_set_fork_server (self->launcher, self->fork_server);
  if (!ferry_fork_server_start (self->fork_server, self->router, &error))
    bench_fail ("the fork server", error);
  g_object_get (self->fork_server, "worker", &process, NULL);
  while (ferry_worker_get_state (process) != FERRY_WORKER_STATE_OPEN)
    g_main_context_iteration (NULL, TRUE);
  bench_scale_set_helper (scale, ferry_worker_get_pid (process));
}

static void
close_all (Links *self)
{
  g_ptr_array_unref (self->receivers);
  g_ptr_array_unref (self->workers);
  g_object_unref (self->launcher);
  g_object_unref (self->fork_server);
  bench_router_close (self->router);
}

static void
measure (BenchScale *scale, guint n_workers, guint n_pipes)
{
  const guint n_all = n_workers * n_pipes;
  Links self;

  open (&self, scale);
  bench_scale_begin_memory (scale);
  bench_scale_begin (scale);
  for (guint i = 0; i < n_workers; i++)
    spawn (&self, n_pipes);
  bench_scale_run_until (&self.n_messages, n_all);
  bench_scale_end_with_helper (scale, "set-up", "set-up/fork-server");
  bench_scale_end_memory (scale, TRUE);
  bench_scale_begin (scale);
  for (guint i = 0; i < n_workers; i++)
    ferry_worker_send_signal (self.workers->pdata[i], SIGUSR1, NULL);
  bench_scale_run_until (&self.n_messages, 2 * n_all);
  bench_scale_end (scale, "use");
  bench_scale_begin (scale);
  for (guint i = 0; i < n_workers; i++)
    ferry_worker_force_exit (self.workers->pdata[i]);
  bench_scale_run_until (&self.n_closed, n_all);
  bench_scale_end_with_helper (scale, "tear-down", "tear-down/fork-server");
  bench_scale_set_helper (scale, 0);
  close_all (&self);
}

static void
run_links (BenchScale *scale, guint count)
{
  measure (scale, count, 1);
}

static void
run_grants (BenchScale *scale, guint count)
{
  measure (scale, 1, count);
}

const BenchThing bench_scale_links = {"links", 1, run_links};
const BenchThing bench_scale_grants = {"grants", 1, run_grants};
