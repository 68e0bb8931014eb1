/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "engine/latest-test.h"

#include <errno.h>
#include <string.h>

static void
value_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  LatestTest *self = user_data;
  guint64 number;

  g_assert_cmpuint (self->n_closed, ==, 0);
  g_assert_cmpuint (size, ==, sizeof number);
  memcpy (&number, data, sizeof number);
  if (number <= self->latest)
    self->grows = FALSE;
  self->latest = number;
  self->n_values++;
  if (self->hook != NULL)
    self->hook (self);
}

static void
closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer user_data)
{
  LatestTest *self = user_data;

  self->n_closed++;
  self->at_closed = self->n_values;
  self->reason = ferry_exit_get_reason (exit);
}

LatestTest *
latest_test_new (FerryRouter *router)
{
  g_autoptr (GError) error = NULL;
  LatestTest *self = g_new0 (LatestTest, 1);

  self->router = router;
  self->grows = TRUE;
  ferry_router_pipe (router, FERRY_PIPE_LATEST, &self->sender, &self->receiver, &error);
  g_assert_no_error (error);
  ferry_receiver_set_handler (self->receiver, value_cb, self, NULL);
  g_signal_connect (self->receiver, "closed", G_CALLBACK (closed_cb), self);
  ferry_sender_start (self->sender, &error);
  g_assert_no_error (error);
  return self;
}

void
latest_test_free (LatestTest *self)
{
  g_signal_handlers_disconnect_by_data (self->receiver, self);
  ferry_receiver_set_handler (self->receiver, NULL, NULL, NULL);
  g_clear_object (&self->sender);
  g_clear_object (&self->receiver);
  g_free (self);
}

void
latest_test_send (LatestTest *self, guint64 number)
{
  g_autoptr (GError) error = NULL;

  ferry_sender_send_bytes (self->sender, &number, sizeof number, &error);
  g_assert_no_error (error);
}

typedef struct
{
  LatestTest *test;
  guint64 number;
} Wanted;

static gboolean
has_arrived (gpointer data)
{
  Wanted *wanted = data;

  return wanted->test->latest >= wanted->number;
}

void
latest_test_wait_value (LatestTest *self, guint64 number)
{
  Wanted wanted = {self, number};

  ferry_test_run_until (has_arrived, &wanted);
}

static gboolean
is_closed (gpointer data)
{
  return ((LatestTest *) data)->n_closed > 0;
}

void
latest_test_wait_closed (LatestTest *self)
{
  ferry_test_run_until (is_closed, self);
}

static gboolean
is_cold (gpointer data)
{
  FerryRouter *router = data;

  return router->dispatcher.hot_cells.source == NULL;
}

void
latest_test_wait_cold (FerryRouter *router)
{
  ferry_test_run_until (is_cold, router);
}

guint64
latest_test_take_rings (LatestTest *self)
{
  guint64 rings;

  /* The application never reads a doorbell, so what it counted is all there. */
  if (read (ferry_sender_get_uplink (self->sender)->doorbell, &rings, sizeof rings) == sizeof rings)
    return rings;
  g_assert_cmpint (errno, ==, EAGAIN);
  return 0;
}
