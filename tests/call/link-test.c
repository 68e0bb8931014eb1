/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "call/link-test.h"

#include <string.h>

FerryTransport *
link_test_add_transport (FerryLauncher *launcher, FerryRouter *router, const char *name)
{
  g_autoptr (GError) error = NULL;
  FerryTransport *transport = ferry_launcher_add_transport (launcher, router, name, &error);

  g_assert_no_error (error);
  return transport;
}

void
link_test_init_unspawned (LinkTest *self, const char *what, const char *second)
{
  *self = (LinkTest){.n_fds = ferry_test_count_fds ()};
  self->router = ferry_test_router_new ();
  self->launcher = worker_test_launcher_new (LINK_TEST_WORKER, what, "a", second, NULL);
  self->a = link_test_add_transport (self->launcher, self->router, "a");
}

/* The worker gets both at its start. */
void
link_test_init (LinkTest *self)
{
  link_test_init_unspawned (self, "answer", "b");
  self->b = link_test_add_transport (self->launcher, self->router, "b");
  self->worker = worker_test_spawn (self->launcher, self->router);
}

static gboolean
has_closed_its_descriptors (gpointer data)
{
  return ferry_test_count_fds () == ((LinkTest *) data)->n_fds;
}

void
link_test_clear (LinkTest *self)
{
  g_clear_object (&self->a);
  g_clear_object (&self->b);
  g_clear_object (&self->launcher);
  if (self->worker != NULL)
    ferry_test_wait_ended (self->worker);
  g_clear_object (&self->worker);
  g_assert_cmpuint (ferry_test_get_number (self->router, "n-pipes"), ==, 0);
  ferry_test_router_stop (self->router);
  /* A stopped router leaves a worker that has not ended yet to a thread, which keeps a descriptor of it until then. */
  ferry_test_look_until (has_closed_its_descriptors, self);
}

/* The worker ends because its transports did, and finds nothing wrong with that. */
void
link_test_close (LinkTest *self)
{
  g_clear_object (&self->a);
  g_clear_object (&self->b);
  worker_test_assert_exit (self->worker, FERRY_CLOSE_REASON_EXITED, "status 0");
}

CallTestAnswer *
link_test_ask (FerryTransport *transport, const char *method, GVariant *arguments)
{
  return call_test_ask (transport, method, arguments);
}

static gboolean
is_done (gpointer data)
{
  return ((CallTestAnswer *) data)->n_done > 0;
}

void
link_test_wait_done (CallTestAnswer *answer)
{
  ferry_test_run_until (is_done, answer);
}

void
link_test_assert_answers (FerryTransport *transport, const char *method, GVariant *arguments, const char *text)
{
  g_autoptr (CallTestAnswer) answer = link_test_ask (transport, method, arguments);

  link_test_wait_done (answer);
  call_test_assert_result (answer, text);
}

void
link_test_assert_code (FerryTransport *transport, const char *method, const char *name, int code)
{
  g_autofree char *text = g_strdup_printf ("%d", code);

  link_test_assert_answers (transport, method, g_variant_new_string (name), text);
}

void
link_test_assert_cannot_ask (FerryTransport *transport, int code, const char *words)
{
  FerryRequest request = {.method = "echo"};
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (ferry_transport_ask (transport, &request, &call_test_answer_funcs, NULL, &error), ==, 0);
  g_assert_error (error, FERRY_ERROR, code);
  g_assert_nonnull (strstr (error->message, words));
}

void
link_test_assert_closed (FerryTransport *transport, int code, const char *words)
{
  g_autoptr (GError) reason = NULL;

  g_object_get (transport, "reason", &reason, NULL);
  g_assert_true (ferry_test_get_number (transport, "closed"));
  g_assert_error (reason, FERRY_ERROR, code);
  if (strstr (reason->message, words) == NULL)
    g_error ("Closed with '%s', not '… %s …'", reason->message, words);
}

static gboolean
is_closed (gpointer data)
{
  return ferry_test_get_number (data, "closed");
}

void
link_test_wait_closed (FerryTransport *transport, int code, const char *words)
{
  ferry_test_run_until (is_closed, transport);
  link_test_assert_closed (transport, code, words);
}
