/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "cluster/bus-test.h"

static void
changed (gpointer data)
{
  BusTestEnd *self = data;

  self->n_changed++;
}

static void
present (gpointer data, const char *host, const char *id, GVariant *facts)
{
  BusTestEnd *self = data;
  g_autofree char *text = g_variant_print (facts, FALSE);

  g_assert_cmpuint (strlen (id), ==, 16);
  g_string_append_printf (self->present, "%s %s ", host, text);
}

static void
packet_came (gpointer data, const char *peer, const char *id, GBytes *packet)
{
  BusTestEnd *self = data;
  gint64 end = g_get_monotonic_time () + self->time_of_packet;

  g_ptr_array_add (self->packets, g_bytes_ref (packet));
  g_free (self->peer);
  g_free (self->id);
  self->peer = g_strdup (peer);
  self->id = g_strdup (id);
  while (g_get_monotonic_time () < end)
    ;
}

BusTestEnd *
bus_test_end_new (FerryRouter *router, const FerryBusSettings *settings)
{
  static const FerryBusFuncs funcs = {changed, present, packet_came};
  BusTestEnd *self = g_new0 (BusTestEnd, 1);
  g_autoptr (GError) error = NULL;

  self->present = g_string_new (NULL);
  self->packets = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  self->bus = ferry_bus_new (router, settings, &funcs, self, &error);
  g_assert_no_error (error);
  return self;
}

void
bus_test_end_free (BusTestEnd *self)
{
  ferry_bus_close (self->bus);
  ferry_bus_unref (self->bus);
  g_string_free (self->present, TRUE);
  g_ptr_array_unref (self->packets);
  g_free (self->peer);
  g_free (self->id);
  g_free (self);
}

typedef struct
{
  BusTestEnd *end;
  FerryClusterState state;
  FerryError code;
  const char *text;
  guint n;
} Wish;

static gboolean
has_state (gpointer data)
{
  Wish *wish = data;

  return ferry_bus_get_state (wish->end->bus) == wish->state;
}

void
bus_test_end_wait_state (BusTestEnd *self, FerryClusterState state)
{
  ferry_test_run_until (has_state, &(Wish){.end = self, .state = state});
}

static gboolean
has_error (gpointer data)
{
  Wish *wish = data;
  const GError *error = ferry_bus_get_error (wish->end->bus);

  return g_error_matches (error, FERRY_ERROR, (gint) wish->code) && g_pattern_match_simple (wish->text, error->message);
}

void
bus_test_end_wait_error (BusTestEnd *self, FerryError code, const char *pattern)
{
  ferry_test_run_until (has_error, &(Wish){.end = self, .code = code, .text = pattern});
  g_test_message ("%s", ferry_bus_get_error (self->bus)->message);
}

static gboolean
has_present (gpointer data)
{
  Wish *wish = data;

  return strstr (wish->end->present->str, wish->text) != NULL;
}

void
bus_test_end_wait_present (BusTestEnd *self, const char *text)
{
  ferry_test_run_until (has_present, &(Wish){.end = self, .text = text});
  g_string_truncate (self->present, 0);
}

static gboolean
has_packets (gpointer data)
{
  Wish *wish = data;

  return wish->end->packets->len >= wish->n;
}

void
bus_test_end_wait_packets (BusTestEnd *self, guint n)
{
  ferry_test_run_until (has_packets, &(Wish){.end = self, .n = n});
}

void
bus_test_end_send (BusTestEnd *self, const char *peer, const char *id, const char *text)
{
  g_autoptr (GBytes) packet = g_bytes_new (text, strlen (text));
  FerryWire wire;
  gpointer data;

  ferry_bus_make_wire (self->bus, peer, id, &wire, &data);
  wire.send (data, packet);
  wire.free (data);
}
