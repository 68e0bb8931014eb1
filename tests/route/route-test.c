/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "route/route-test.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "route/ferry-sender-private.h"

static GMutex warnings_lock;
static GString *warnings;

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  const char *message = NULL;
  gboolean ours = FALSE;

  for (gsize i = 0; i < n_fields; i++)
    {
      if (strcmp (fields[i].key, "MESSAGE") == 0)
        message = fields[i].value;
      else if (strcmp (fields[i].key, "GLIB_DOMAIN") == 0)
        ours = strcmp (fields[i].value, "Ferry") == 0;
    }
  if (!ours || (level & G_LOG_LEVEL_WARNING) == 0)
    return g_log_writer_default (level, fields, n_fields, user_data);
  g_mutex_lock (&warnings_lock);
  g_string_append_printf (warnings, "%s\n", message);
  g_mutex_unlock (&warnings_lock);
  return G_LOG_WRITER_HANDLED;
}

void
route_test_init (int *argc, char ***argv)
{
  g_test_init (argc, argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  warnings = g_string_new (NULL);
  g_log_set_writer_func (write_log, NULL, NULL);
}

void
route_test_add_untraceable (const char *path, GTestFunc func)
{
#ifndef FERRY_THREAD_SANITIZER
  g_test_add_func (path, func);
#endif
}

char *
route_test_take_warnings (void)
{
  char *taken;

  g_mutex_lock (&warnings_lock);
  taken = g_strdup (warnings->str);
  g_string_truncate (warnings, 0);
  g_mutex_unlock (&warnings_lock);
  return taken;
}

void
route_test_assert_warned (const char *pattern)
{
  g_autofree char *taken = route_test_take_warnings ();
  g_autofree char *line = g_strconcat (pattern, "\n", NULL);

  if (!g_pattern_match_simple (line, taken))
    g_error ("Warned \"%s\", not \"%s\"", taken, pattern);
}

void
route_test_raise (gint *flag)
{
  g_atomic_int_set (flag, TRUE);
  g_main_context_wakeup (NULL);
}

static gboolean
is_raised (gpointer data)
{
  return g_atomic_int_get ((gint *) data);
}

void
route_test_wait_raised (gint *flag)
{
  ferry_test_run_until (is_raised, flag);
}

void
route_test_settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

void
route_test_pipe (FerryRouter *router, FerrySender **sender, FerryReceiver **receiver)
{
  g_autoptr (GError) error = NULL;

  ferry_router_pipe (router, FERRY_PIPE_QUEUED, sender, receiver, &error);
  g_assert_no_error (error);
}

FerryTestPipe *
route_test_started_pipe (FerryRouter *router)
{
  g_autoptr (GError) error = NULL;
  FerryTestPipe *pipe = ferry_test_pipe_new (router);

  ferry_sender_start (pipe->sender, &error);
  g_assert_no_error (error);
  return pipe;
}

void
route_test_stop_with_open_pipes (FerryRouter *router)
{
  ferry_test_router_stop (router);
  route_test_assert_warned ("The router is stopped with * open pipe*: *");
}

void
route_test_send_numbers (FerrySender *sender, guint64 first, guint64 n)
{
  for (guint64 i = first; i < first + n; i++)
    {
      g_autoptr (GError) error = NULL;

      ferry_sender_send_parts (sender, &(FerryPart){&i, sizeof i}, 1, 0, &error);
      g_assert_no_error (error);
    }
}

static FerryLaneControl *
get_lane (FerrySender *sender)
{
  return ferry_segment_get_up (&ferry_sender_get_uplink (sender)->segment);
}

static gint64
get_deadline (void)
{
  return g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;
}

typedef struct
{
  gint parked;
  gint leave;
} Park;

static void
wait_until_set (gint *flag)
{
  gint64 deadline = get_deadline ();

  while (!g_atomic_int_get (flag))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
}

static void
park_monitor (gpointer owner, gpointer data)
{
  Park *park = data;

  g_atomic_int_set (&park->parked, TRUE);
  wait_until_set (&park->leave);
  g_atomic_int_set (&park->parked, FALSE);
}

static void
raise_flag (gpointer owner, gpointer data)
{
  g_atomic_int_set ((gint *) data, TRUE);
}

void
route_test_wait_monitor (FerrySender *sender)
{
  gint passed = FALSE;

  g_assert_true (ferry_commands_add (ferry_monitor_get_commands (ferry_sender_get_pipe (sender)->monitor), raise_flag,
                                     &passed, NULL));
  wait_until_set (&passed);
}

void
route_test_wait_drained (FerrySender *sender)
{
  const FerryLaneWriter *writer = &ferry_sender_get_uplink (sender)->writer;
  gint64 deadline = get_deadline ();

  /* A sender does not wake the monitor while the main loop is at work, and here it is. */
  route_test_wait_monitor (sender);
  while (atomic_load (&writer->control->reader.head) != writer->tail)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
}

/* The monitor stands still meanwhile: it would else make many small blocks of them, of which a few only may be out. */
void
route_test_burst (FerrySender *sender, guint64 first, guint64 n)
{
  Park park = {FALSE, FALSE};

  g_assert_true (ferry_commands_add (ferry_monitor_get_commands (ferry_sender_get_pipe (sender)->monitor), park_monitor,
                                     &park, NULL));
  wait_until_set (&park.parked);
  route_test_send_numbers (sender, first, n);
  g_atomic_int_set (&park.leave, TRUE);
  while (g_atomic_int_get (&park.parked))
    g_thread_yield ();
  route_test_wait_drained (sender);
}

/* monitor: makes each link begin another block with its next record. */
static void
begin_blocks (gpointer owner, gpointer data)
{
  for (GList *node = ferry_monitor_get_shared_queue (owner)->links.head; node != NULL; node = node->next)
    atomic_store (&((FerryLink *) node->data)->out.latest, NULL);
  raise_flag (owner, data);
}

guint64
route_test_use_up_window (FerryRouter *router, FerrySender *sender)
{
  guint64 queued = ferry_router_get_counter (router, FERRY_COUNTER_QUEUED_BYTES);
  const guint64 n = FERRY_LINK_WINDOW / FERRY_BLOCK_SIZE;
  gint64 deadline = get_deadline ();

  for (guint64 i = 0; i < n; i++)
    {
      gint begun = FALSE;

      g_assert_true (ferry_commands_add (ferry_monitor_get_commands (ferry_sender_get_pipe (sender)->monitor),
                                         begin_blocks, &begun, NULL));
      wait_until_set (&begun);
      route_test_send_numbers (sender, i, 1);
      queued += FERRY_BLOCK_SIZE;
      while (ferry_router_get_counter (router, FERRY_COUNTER_QUEUED_BYTES) < queued)
        {
          g_assert_cmpint (g_get_monotonic_time (), <, deadline);
          g_thread_yield ();
        }
    }
  return n;
}

guint64
route_test_fill (FerryRouter *router, FerrySender *sender)
{
  guint64 n = route_test_use_up_window (router, sender);
  g_autoptr (GError) error = NULL;

  while (ferry_sender_send_parts (sender, &(FerryPart){&n, sizeof n}, 1, 0, &error))
    n++;
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  return n;
}

guint
route_test_count_waits (FerrySender *sender)
{
  return atomic_load (&get_lane (sender)->writer.writer_waiting);
}

void
route_test_wait_waiting (FerrySender *sender, guint before)
{
  gint64 deadline = get_deadline ();

  while (route_test_count_waits (sender) == before)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
}

static gpointer
send_on_thread (gpointer data)
{
  RouteTestSend *send = data;
  g_autofree guint8 *zeroes = send->data == NULL ? g_malloc0 (send->size) : NULL;

  ferry_sender_send_bytes (send->sender, zeroes != NULL ? zeroes : send->data, send->size, &send->error);
  send->ended = g_get_monotonic_time ();
  route_test_raise (&send->done);
  return NULL;
}

RouteTestSend *
route_test_send_new (FerrySender *sender, gconstpointer data, gsize size, gint64 timeout, GCancellable *cancellable)
{
  RouteTestSend *send = g_new0 (RouteTestSend, 1);

  *send = (RouteTestSend){.sender = sender, .data = data, .size = size};
  g_object_set (sender, "timeout", timeout, "cancellable", cancellable, NULL);
  send->thread = g_thread_new ("test-send", send_on_thread, send);
  return send;
}

void
route_test_send_finish (RouteTestSend *send, GQuark domain, int code)
{
  g_thread_join (send->thread);
  if (domain == 0)
    g_assert_no_error (send->error);
  else
    g_assert_error (send->error, domain, code);
  g_clear_error (&send->error);
  g_free (send);
}

typedef struct
{
  FerrySender *sender; /* (unowned) */
  gint wanted;         /* any, atomic: how many messages are to be sent; -1 ends the sending thread */
  FerryLink *link;     /* (unowned): the sender's */
  gboolean asks;       /* each message is wanted by one of the application */
} Conversation;

typedef struct
{
  guint64 connection_id;
  FerryLink *link; /* (unowned) (nullable) */
  gint found;
} Search;

/* monitor */
static void
find_link (gpointer owner, gpointer data)
{
  Search *self = data;

  for (GList *node = ferry_monitor_get_shared_queue (owner)->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      if (g_array_index (link->connection_ids, guint64, 0) == self->connection_id)
        self->link = link;
    }
  g_atomic_int_set (&self->found, TRUE);
}

FerryLink *
route_test_get_link (FerrySender *sender)
{
  Search search = {.connection_id = ferry_sender_get_connection_id (sender)};

  g_assert_true (ferry_commands_add (ferry_monitor_get_commands (ferry_sender_get_pipe (sender)->monitor), find_link,
                                     &search, NULL));
  wait_until_set (&search.found);
  return search.link;
}

static gpointer
send_what_is_wanted (gpointer data)
{
  Conversation *self = data;
  guint64 n_sent = 0;
  gint wanted;

  while ((wanted = g_atomic_int_get (&self->wanted)) >= 0)
    if (n_sent < (guint64) wanted)
      route_test_send_numbers (self->sender, n_sent++, 1);
    else
      g_thread_yield ();
  return NULL;
}

static void
want_next (FerryReceiver *receiver, gconstpointer bytes, gsize size, const GVariantType *type, gpointer data)
{
  Conversation *self = data;

  /* A link of this process has no messages for its sender, so the message that asks for the next one is only counted.
   */
  if (self->asks)
    atomic_fetch_add (&self->link->down.n_sent, 1);
  g_atomic_int_inc (&self->wanted);
}

static void
ignore (FerryReceiver *receiver, gconstpointer bytes, gsize size, const GVariantType *type, gpointer data)
{
}

static void
exchange_until (FerryTestPipe *pipe, gboolean asks, FerryCondition condition, gpointer data)
{
  Conversation self = {.sender = pipe->sender, .wanted = 1, .link = route_test_get_link (pipe->sender), .asks = asks};
  GThread *thread;

  ferry_receiver_set_handler (pipe->receiver, want_next, &self, NULL);
  thread = g_thread_new ("sender", send_what_is_wanted, &self);
  ferry_test_run_until (condition, data);
  /* The last message may come later. */
  ferry_receiver_set_handler (pipe->receiver, ignore, NULL, NULL);
  g_atomic_int_set (&self.wanted, -1);
  g_thread_join (thread);
}

void
route_test_converse_until (FerryTestPipe *pipe, FerryCondition condition, gpointer data)
{
  exchange_until (pipe, TRUE, condition, data);
}

void
route_test_stream_until (FerryTestPipe *pipe, FerryCondition condition, gpointer data)
{
  exchange_until (pipe, FALSE, condition, data);
}
