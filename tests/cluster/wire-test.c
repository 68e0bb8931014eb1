/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "cluster/wire-test.h"

#include <string.h>

#include "base/ferry-error.h"

/* The bytes of a message: these, and a row of one byte. */
typedef struct
{
  guint64 generation;
  guint64 number;
  guint64 size;
} Message;

typedef struct
{
  WireTestEnd *to;
  GBytes *packet; /* (owned) */
  gint64 time;
} UnderWay;

/* The number of a message that is not in order. */
#define EXTRA G_MAXUINT64

/* There is one wire at a time. */
static gint64 now;

gint64
wire_test_get_time (void)
{
  return now;
}

/* ---- the wire ---- */

static void
under_way_free (gpointer data)
{
  g_bytes_unref (((UnderWay *) data)->packet);
  g_free (data);
}

static void
put_under_way (WireTestEnd *to, GBytes *packet)
{
  WireTest *test = to->test;
  const WireTestWeather *weather = &test->weather;
  gint64 span = weather->max_delay - weather->min_delay;
  gint64 delay = weather->min_delay + (span > 0 ? (gint64) (g_rand_double (test->random) * (double) span) : 0);
  UnderWay *item = g_new (UnderWay, 1);
  GList *before = test->under_way.tail;

  *item = (UnderWay){to, g_bytes_ref (packet), now + delay};
  while (before != NULL && ((UnderWay *) before->data)->time > item->time)
    before = before->prev;
  if (before != NULL)
    g_queue_insert_after (&test->under_way, before, item);
  else
    g_queue_push_head (&test->under_way, item);
}

static void
send_packet (gpointer data, GBytes *packet)
{
  WireTestEnd *from = data;
  WireTest *test = from->test;

  if (from->is_dead)
    return;
  test->n_packets++;
  if (test->is_cut || (test->filter != NULL && !test->filter (from, packet, test->filter_data)))
    return;
  if (g_rand_double (test->random) < test->weather.loss)
    return;
  put_under_way (from->other, packet);
  if (g_rand_double (test->random) < test->weather.doubled)
    put_under_way (from->other, packet);
}

static void
note_finished (gpointer data)
{
  ((WireTestEnd *) data)->port = NULL;
}

static void
note_freed (gpointer data)
{
  ((WireTestEnd *) data)->n_freed++;
}

static const FerryWire wire = {.send = send_packet, .free = note_freed};

/* ---- the ends ---- */

/* The row is as long as the message says, and of the byte that it must have. */
static void
check_message (WireTestEnd *self, const Message *message, const FerryBody *body)
{
  const guint8 *row = (const guint8 *) body->data + sizeof *message;
  gsize n = body->size - sizeof *message;

  g_assert_cmpuint (body->size, ==, message->size);
  g_assert_true (n == 0 || row[0] == (guint8) message->number);
  g_assert_true (n <= 1 || memcmp (row, row + 1, n - 1) == 0);
  if (self->sender == 0)
    self->sender = message->generation;
  g_assert_cmpuint (message->generation, ==, self->sender);
  g_assert_cmpuint (message->number, ==, self->n_received);
}

static void
call_came (FerryTransport *transport, FerryCall *call, GObject *owner)
{
  WireTestEnd *self = g_object_get_data (owner, "end");
  Message message;
  FerryBody body;

  if (self->ignores)
    {
      self->n_ignored++;
      if (self->call == NULL && (ferry_call_get_flags (call) & FERRY_CALL_ONE_WAY) == 0)
        self->call = ferry_call_ref (call);
      return;
    }
  g_assert_true (ferry_call_get_body (call, &body));
  g_assert_cmpuint (body.size, >=, sizeof message);
  memcpy (&message, body.data, sizeof message);
  if (message.number == EXTRA)
    {
      g_assert_cmpuint (body.size, ==, message.size);
      self->n_extra++;
      return;
    }
  check_message (self, &message, &body);
  self->n_received++;
  self->last_size = body.size;
  if (self->received != NULL)
    self->received (self, message.number);
}

/* A session that has ended is gone for the end. */
static void
end_came (FerryTransport *transport, GObject *owner)
{
  WireTestEnd *self = g_object_get_data (owner, "end");

  if (self->session == NULL || FERRY_TRANSPORT (self->session) != transport)
    return;
  self->n_ended++;
  g_clear_error (&self->reason);
  g_object_get (transport, "reason", &self->reason, NULL);
}

static void
finish (WireTestEnd *self)
{
  if (self->port != NULL)
    ferry_session_port_finish (self->port);
  g_assert_null (self->port);
  g_assert_cmpuint (self->n_freed, ==, self->generation);
  g_clear_object (&self->session);
}

void
wire_test_open (WireTestEnd *self)
{
  g_autoptr (GObject) owner = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (GError) error = NULL;

  finish (self);
  self->is_dead = FALSE;
  self->generation++;
  self->n_sent = 0;
  self->sender = 0;
  self->n_received = 0;
  self->session = ferry_session_new (&wire, self, self->test->timers, self->test->loop, &self->settings);
  self->port = ferry_session_get_port (self->session);
  g_object_set_data (owner, "end", self);
  ferry_transport_take_calls (FERRY_TRANSPORT (self->session), call_came, owner, &error);
  g_assert_no_error (error);
  ferry_transport_watch_end (FERRY_TRANSPORT (self->session), end_came, owner);
  g_object_set_data_full (G_OBJECT (self->session), "owner", g_steal_pointer (&owner), g_object_unref);
}

void
wire_test_kill (WireTestEnd *self)
{
  self->is_dead = TRUE;
  finish (self);
}

static void
drop_ended (WireTestEnd *self)
{
  gboolean closed = FALSE;

  if (self->session != NULL)
    g_object_get (self->session, "closed", &closed, NULL);
  if (closed)
    g_clear_object (&self->session);
}

/* For an end without a session: what a service does that serves many. */
static void
arrive_without_session (WireTestEnd *self, gconstpointer data, gsize size)
{
  g_autoptr (GBytes) refusal = NULL;

  if (ferry_session_is_opened_by (data, size))
    {
      wire_test_open (self);
      g_assert_true (ferry_session_port_receive (self->port, data, size));
      return;
    }
  refusal = ferry_session_make_refusal (data, size);
  if (refusal != NULL)
    send_packet (self, refusal);
}

void
wire_test_arrive (WireTestEnd *self, gconstpointer data, gsize size)
{
  if (self->is_dead)
    return;
  if (self->port == NULL)
    arrive_without_session (self, data, size);
  else if (!ferry_session_port_receive (self->port, data, size))
    {
      g_assert_null (self->port);
      wire_test_open (self);
      g_assert_true (ferry_session_port_receive (self->port, data, size));
    }
}

/* Returns the number of the request, or 0 where there is no room. */
static guint64
send_message (WireTestEnd *self, gsize size, guint64 number)
{
  gsize whole = MAX (size, sizeof (Message));
  g_autofree guint8 *bytes = g_malloc (whole);
  const Message message = {self->generation, number, whole};
  const FerryRequest request = {.method = "m", .flags = FERRY_CALL_ONE_WAY, .packed = {bytes, whole}};
  g_autoptr (GError) error = NULL;
  guint64 xid;

  memcpy (bytes, &message, sizeof message);
  memset (bytes + sizeof message, (int) (guint8) message.number, whole - sizeof message);
  xid = ferry_transport_ask (FERRY_TRANSPORT (self->session), &request, NULL, NULL, &error);
  if (xid != 0)
    return xid;
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  self->n_refused++;
  return 0;
}

gboolean
wire_test_send (WireTestEnd *self, gsize size)
{
  if (send_message (self, size, self->n_sent) == 0)
    return FALSE;
  self->n_sent++;
  return TRUE;
}

guint64
wire_test_send_extra (WireTestEnd *self, gsize size)
{
  return send_message (self, size, EXTRA);
}

/* ---- time ---- */

/* A session keeps no more than its settings say, however many packets come. */
static void
check_memory (WireTestEnd *self)
{
  FerrySessionCounts counts = ferry_session_get_counts (self->session);
  gsize max_packet = self->settings.max_packet != 0 ? self->settings.max_packet : FERRY_SESSION_LARGEST_PACKET;
  guint64 window = self->settings.window_bytes;
  guint64 max_message = self->settings.max_message;

  if (window != 0)
    {
      g_assert_cmpuint (counts.under_way, <=, MAX (window, max_packet));
      g_assert_cmpuint (counts.held, <=, MAX (window, self->other->settings.max_packet));
    }
  if (max_message != 0)
    {
      g_assert_cmpuint (counts.assembled, <=, max_message);
      if (self->settings.max_queued != 0)
        g_assert_cmpuint (counts.queued, <=, self->settings.max_queued + max_message + 16);
    }
}

void
wire_test_settle (WireTest *self)
{
  while (g_main_context_iteration (self->loop, FALSE))
    ;
  for (guint i = 0; i < G_N_ELEMENTS (self->ends); i++)
    {
      drop_ended (&self->ends[i]);
      if (self->ends[i].session != NULL)
        check_memory (&self->ends[i]);
    }
}

gboolean
wire_test_step (WireTest *self, gint64 end)
{
  UnderWay *first;
  gint64 timer;

  wire_test_settle (self);
  timer = ferry_timers_get_first (self->timers);
  first = g_queue_peek_head (&self->under_way);
  if (MIN (timer, first != NULL ? first->time : G_MAXINT64) > end)
    {
      now = end;
      return FALSE;
    }
  if (first == NULL || timer <= first->time)
    {
      now = MAX (now, timer);
      ferry_timers_run_one (self->timers, now);
      return TRUE;
    }
  g_queue_pop_head (&self->under_way);
  now = MAX (now, first->time);
  wire_test_arrive (first->to, g_bytes_get_data (first->packet, NULL), g_bytes_get_size (first->packet));
  under_way_free (first);
  return TRUE;
}

void
wire_test_stop (WireTest *self, gint64 microseconds)
{
  now += microseconds;
}

void
wire_test_run (WireTest *self, gint64 microseconds)
{
  gint64 end = now + microseconds;

  while (wire_test_step (self, end))
    ;
  wire_test_settle (self);
}

void
wire_test_open_both (WireTest *self)
{
  gint64 end = now + 600 * G_USEC_PER_SEC;

  for (guint i = 0; i < G_N_ELEMENTS (self->ends); i++)
    wire_test_open (&self->ends[i]);
  while (!ferry_session_is_open (self->ends[0].session) || !ferry_session_is_open (self->ends[1].session))
    g_assert_true (wire_test_step (self, end));
}

void
wire_test_run_until_received (WireTest *self, gint64 microseconds)
{
  const WireTestEnd *ends = self->ends;
  gint64 end = now + microseconds;

  while (ends[0].n_received < ends[1].n_sent || ends[1].n_received < ends[0].n_sent)
    g_assert_true (wire_test_step (self, end));
  wire_test_settle (self);
}

void
wire_test_run_until_ended (WireTestEnd *self, gint64 microseconds, int code)
{
  guint before = self->n_ended;
  gint64 end = now + microseconds;

  while (self->n_ended == before)
    g_assert_true (wire_test_step (self->test, end));
  g_assert_error (self->reason, FERRY_ERROR, code);
  wire_test_settle (self->test);
}

/* ---- the whole ---- */

WireTest *
wire_test_new (guint32 seed)
{
  WireTest *self = g_new0 (WireTest, 1);

  /* Far from 0, and from the clock of the machine. */
  now = 1000 * G_USEC_PER_SEC;
  self->stopped = g_main_context_new ();
  self->loop = g_main_context_new ();
  self->timers = ferry_timers_new (self->stopped);
  self->random = g_rand_new_with_seed (seed);
  self->weather = (WireTestWeather){.min_delay = 1000, .max_delay = 1000};
  g_queue_init (&self->under_way);
  for (guint i = 0; i < G_N_ELEMENTS (self->ends); i++)
    self->ends[i] = (WireTestEnd){
      .test = self,
      .other = &self->ends[1 - i],
      .settings =
        {
          .peer = i == 0 ? "The host 'b'" : "The application 'a'",
          .get_time = wire_test_get_time,
          .finished = note_finished,
          .finished_data = &self->ends[i],
        },
    };
  return self;
}

void
wire_test_free (WireTest *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->ends); i++)
    {
      g_clear_pointer (&self->ends[i].call, ferry_call_unref);
      finish (&self->ends[i]);
      g_clear_error (&self->ends[i].reason);
    }
  while (g_main_context_iteration (self->loop, FALSE))
    ;
  /* Every session has let go of its timers. */
  g_assert_cmpuint (ferry_timers_get_n (self->timers), ==, 0);
  g_queue_clear_full (&self->under_way, under_way_free);
  ferry_timers_free (self->timers);
  g_main_context_unref (self->loop);
  g_main_context_unref (self->stopped);
  g_rand_free (self->random);
  g_free (self);
}
