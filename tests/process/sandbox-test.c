/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "process/sandbox-test.h"

#include <string.h>

#include "base/ferry-base-private.h"

SandboxTest *
sandbox_test_new (void)
{
  SandboxTest *self = g_new0 (SandboxTest, 1);

  self->router = ferry_test_router_new ();
  self->launcher = worker_test_launcher_new ("sandboxed-worker", "exit:0", NULL);
  self->sandbox = ferry_sandbox_new ();
  g_object_set (self->sandbox, "policy", FERRY_SANDBOX_POLICY_PREFERRED, NULL);
  g_object_set (self->launcher, "sandbox", self->sandbox, NULL);
  self->outcomes = g_array_new (FALSE, FALSE, sizeof (int));
  return self;
}

static void
forget_worker (SandboxTest *self)
{
  g_clear_pointer (&self->pipe, ferry_test_pipe_free);
  g_clear_object (&self->worker);
  g_clear_pointer (&self->buffer, g_bytes_unref);
  g_array_set_size (self->outcomes, 0);
}

void
sandbox_test_free (SandboxTest *self)
{
  forget_worker (self);
  g_object_unref (self->sandbox);
  g_object_unref (self->launcher);
  ferry_test_router_stop (self->router);
  g_array_unref (self->outcomes);
  g_free (self);
}

static void
message_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  SandboxTest *self = user_data;
  int outcome;

  g_assert_cmpuint (size, ==, sizeof outcome);
  memcpy (&outcome, data, sizeof outcome);
  g_array_append_val (self->outcomes, outcome);
}

static void
buffer_cb (FerryReceiver *receiver, GVariant *metadata, GBytes *bytes, gpointer user_data)
{
  SandboxTest *self = user_data;

  g_clear_pointer (&self->buffer, g_bytes_unref);
  self->buffer = g_bytes_ref (bytes);
}

static void
set_orders (SandboxTest *self, const char *orders)
{
  g_autofree char *path = ferry_test_build_path ("sandboxed-worker");
  g_autofree char *line = g_strconcat (path, " ", orders, NULL);
  g_auto (GStrv) argv = g_strsplit (line, " ", -1);

  g_object_set (self->launcher, "argv", (const char *const *) argv, NULL);
}

void
sandbox_test_start (SandboxTest *self, const char *orders)
{
  forget_worker (self);
  set_orders (self, orders);
  self->pipe = ferry_test_pipe_new (self->router);
  ferry_receiver_set_handler (self->pipe->receiver, message_cb, self, NULL);
  g_signal_connect_data (self->pipe->receiver, "buffer", G_CALLBACK (buffer_cb), self, NULL, 0);
  worker_test_add_sender (self->launcher, "out", self->pipe);
  self->worker = worker_test_spawn (self->launcher, self->router);
}

int
sandbox_test_try (SandboxTest *self, const char *order)
{
  sandbox_test_start (self, order);
  ferry_test_wait_ended (self->worker);
  if (!ferry_exit_is_success (ferry_test_get_object (self->worker, "exit")))
    g_error ("%s: %s", order, ferry_exit_get_message (ferry_test_get_object (self->worker, "exit")));
  /* What executes another program has nothing more to say. */
  if (self->outcomes->len == 0 && g_str_has_prefix (order, "execute:"))
    return 0;
  g_assert_cmpuint (self->outcomes->len, ==, 1);
  return g_array_index (self->outcomes, int, 0);
}

static gboolean
has_outcome (gpointer data)
{
  return ((SandboxTest *) data)->outcomes->len > 0;
}

void
sandbox_test_wait_outcome (SandboxTest *self)
{
  ferry_test_run_until (has_outcome, self);
}

gboolean
sandbox_test_has (FerrySandboxStrength layers)
{
  FerrySandboxStrength missing = layers & ~ferry_sandbox_get_strength ();
  g_autofree char *names = ferry_sandbox_describe_strength (missing);
  g_autofree char *message = g_strdup_printf ("this system lacks %s, as its strength says", names);

  if (missing != 0)
    g_test_skip (message);
  return missing == 0;
}
