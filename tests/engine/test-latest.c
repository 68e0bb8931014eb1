/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-cell-watch.c, lane/ferry-cell.c
 *
 * Pipes for latest values, from senders in this process: what arrives, how often, and what it costs. */

#include "config.h"

#include "engine/latest-test.h"

#include "route/ferry-pipe-private.h"
#include <string.h>

#ifdef FERRY_THREAD_SANITIZER
#define FEWER 100
#else
#define FEWER 1
#endif

#define MANY (10000000 / FEWER)

#define LARGEST_VALUE (FERRY_CELL_SLOT_SIZE - sizeof (FerryCellHeader))

static void
test_value_arrives (void)
{
  FerryRouter *router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);

    for (guint64 n = 1; n <= 5; n++)
      {
        latest_test_send (pipe, n);
        latest_test_wait_value (pipe, n);
      }
    g_assert_cmpuint (pipe->n_values, ==, 5);
    g_assert_cmpuint (ferry_test_get_number (pipe->receiver, "n-messages"), ==, 5);
    g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_BYTES), ==, 5 * sizeof (guint64));
  }
  route_test_stop_with_open_pipes (router);
}

static gpointer
send_many (gpointer data)
{
  for (guint64 n = 1; n <= MANY; n++)
    latest_test_send (data, n);
  return NULL;
}

static void
test_ten_million_values_while_main_loop_is_blocked_are_one_message (void)
{
  FerryRouter *router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);

    g_thread_join (g_thread_new ("test-sender", send_many, pipe));
    g_assert_cmpuint (latest_test_take_rings (pipe), ==, 1);
    latest_test_wait_value (pipe, MANY);
    latest_test_wait_cold (router);
    g_assert_cmpuint (pipe->n_values, ==, 1);
    /* All that travelled is one block, of no bytes. */
    g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_BLOCKS), ==, 1);
    g_assert_cmpuint (latest_test_take_rings (pipe), ==, 0);
  }
  route_test_stop_with_open_pipes (router);
}

static void
test_torrent_is_newer_each_time_and_ends_with_the_last (void)
{
  FerryRouter *router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);
    GThread *thread = g_thread_new ("test-sender", send_many, pipe);

    latest_test_wait_value (pipe, MANY);
    g_thread_join (thread);
    g_assert_true (pipe->grows);
  }
  route_test_stop_with_open_pipes (router);
}

static void
test_cold_cell_costs_nothing_and_rings_once (void)
{
  FerryRouter *router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);

    g_assert_null (router->dispatcher.hot_cells.source);
    for (guint64 n = 1; n <= 20; n += 2)
      {
        latest_test_send (pipe, n);
        latest_test_wait_value (pipe, n);
        g_assert_nonnull (router->dispatcher.hot_cells.source);
        g_assert_cmpuint (latest_test_take_rings (pipe), ==, 1);
        /* Hot: the next tick looks by itself. */
        latest_test_send (pipe, n + 1);
        g_assert_cmpuint (latest_test_take_rings (pipe), ==, 0);
        latest_test_wait_value (pipe, n + 1);
        latest_test_wait_cold (router);
      }
    g_assert_cmpuint (pipe->n_values, ==, 20);
  }
  route_test_stop_with_open_pipes (router);
}

static void
test_overtaken_values_are_counted (void)
{
  FerryRouter *router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);
    g_autoptr (LatestTest) other = latest_test_new (router);

    for (guint64 n = 1; n <= 10; n++)
      latest_test_send (pipe, n);
    latest_test_wait_value (pipe, 10);
    latest_test_send (other, 1);
    latest_test_wait_value (other, 1);
    g_assert_cmpuint (pipe->n_values + ferry_test_get_number (pipe->receiver, "n-overtaken"), ==, 10);
    g_assert_cmpuint (ferry_test_get_number (pipe->receiver, "n-overtaken"), >, 0);
    g_assert_cmpuint (ferry_test_get_number (other->receiver, "n-overtaken"), ==, 0);
    g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_OVERTAKEN), ==,
                      ferry_test_get_number (pipe->receiver, "n-overtaken"));
  }
  route_test_stop_with_open_pipes (router);
}

/* A link takes 1,000 rings with nothing between them for an attack; a value that is taken is something. */
static void
test_thousands_of_honest_rings_are_no_storm (void)
{
  const guint64 n_rings = 1100;
  FerryRouter *router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);

    g_object_set (router, "latest-interval", (gint64) 1000, NULL);
    for (guint64 n = 1; n <= n_rings; n++)
      {
        latest_test_send (pipe, n);
        latest_test_wait_value (pipe, n);
        latest_test_wait_cold (router);
      }
    g_assert_cmpuint (latest_test_take_rings (pipe), ==, n_rings);
    g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_PROTOCOL_ERRORS), ==, 0);
    g_assert_cmpuint (pipe->n_closed, ==, 0);
  }
  route_test_stop_with_open_pipes (router);
}

/* Looks when the router says that it delivered, and sends another value. */
typedef struct
{
  gint64 interval;
  gint64 delivered_at;
} Pace;

static void
check_pace (LatestTest *self)
{
  Pace *pace = self->data;
  FerryPipe *pipe = ferry_pipes_find (&self->router->pipes, ferry_receiver_get_connection_id (self->receiver));

  if (pace->delivered_at != 0)
    g_assert_cmpint (pipe->watch->delivered_at - pace->delivered_at, >=, pace->interval);
  pace->delivered_at = pipe->watch->delivered_at;
  latest_test_send (self, self->latest + 1);
}

static void
test_one_value_an_interval_is_delivered (void)
{
  FerryRouter *router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);
    g_autoptr (LatestTest) other = latest_test_new (router);
    Pace pace = {.interval = 20000};
    Pace other_pace = {.interval = 20000};

    g_object_set (router, "latest-interval", pace.interval, NULL);
    pipe->hook = check_pace;
    pipe->data = &pace;
    other->hook = check_pace;
    other->data = &other_pace;
    latest_test_send (pipe, 1);
    latest_test_wait_value (pipe, 3);
    /* Becomes hot in the middle of the first one's interval. */
    while (g_get_monotonic_time () < router->dispatcher.hot_cells.began + pace.interval / 2)
      g_main_context_iteration (NULL, FALSE);
    latest_test_send (other, 1);
    latest_test_wait_value (other, 8);
    g_assert_cmpuint (pipe->n_values, >, 5);
  }
  route_test_stop_with_open_pipes (router);
}

static void
test_interval_is_a_setting (void)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new_stopped (NULL);
  gint64 interval;

  g_object_get (router, "latest-interval", &interval, NULL);
  g_assert_cmpint (interval, ==, 16667);
  g_object_set (router, "latest-interval", (gint64) 250000, NULL);
  g_object_get (router, "latest-interval", &interval, NULL);
  g_assert_cmpint (interval, ==, 250000);
}

static void
variant_cb (FerryReceiver *receiver, GVariant *message, gpointer user_data)
{
  GVariant **latest = user_data;

  g_clear_pointer (latest, g_variant_unref);
  *latest = g_variant_ref (message);
}

static gboolean
is_there (gpointer data)
{
  return *(GVariant **) data != NULL;
}

/* Sends a GVariant as a value, and returns what `message` brought. */
static GVariant *
pass_variant (LatestTest *self, GVariant *variant)
{
  g_autoptr (GError) error = NULL;
  GVariant *message = NULL;
  gulong handler = g_signal_connect (self->receiver, "message", G_CALLBACK (variant_cb), &message);

  ferry_receiver_set_handler (self->receiver, NULL, NULL, NULL);
  ferry_sender_send (self->sender, variant, &error);
  g_assert_no_error (error);
  ferry_test_run_until (is_there, &message);
  g_signal_handler_disconnect (self->receiver, handler);
  return message;
}

static void
test_variants_keep_their_types (void)
{
  static const char *const texts[] = {"(uint32 5, 'half')", "@mv nothing", "{'fraction': <0.5>}", "''", "()"};
  FerryRouter *router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);

    for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
      {
        g_autoptr (GVariant) sent = g_variant_ref_sink (g_variant_new_parsed (texts[i]));
        g_autoptr (GVariant) message = pass_variant (pipe, sent);

        g_assert_cmpvariant (message, sent);
        g_assert_false (g_variant_is_floating (message));
      }
  }
  route_test_stop_with_open_pipes (router);
}

static void
test_bytes_arrive_as_array_of_bytes (void)
{
  FerryRouter *router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);
    g_autoptr (GVariant) message = NULL;

    ferry_receiver_set_handler (pipe->receiver, NULL, NULL, NULL);
    g_signal_connect (pipe->receiver, "message", G_CALLBACK (variant_cb), &message);
    ferry_sender_send_bytes (pipe->sender, "abc", 3, NULL);
    ferry_test_run_until (is_there, &message);
    g_assert_cmpstr (g_variant_get_type_string (message), ==, "ay");
    g_assert_cmpmem (g_variant_get_data (message), g_variant_get_size (message), "abc", 3);
    g_signal_handlers_disconnect_by_data (pipe->receiver, &message);
  }
  route_test_stop_with_open_pipes (router);
}

static void
test_type_that_is_too_long_arrives_in_a_box (void)
{
  FerryRouter *router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);
    g_autoptr (GVariant) bytes = g_variant_ref_sink (g_variant_new_byte (1));
    g_autoptr (GPtrArray) children = g_ptr_array_new ();
    g_autoptr (GVariant) tuple = NULL;
    g_autoptr (GVariant) message = NULL;
    g_autoptr (GVariant) inner = NULL;

    for (guint i = 0; i < FERRY_MAX_TYPE_STRING; i++)
      g_ptr_array_add (children, bytes);
    tuple = g_variant_ref_sink (g_variant_new_tuple ((GVariant *const *) children->pdata, children->len));
    message = pass_variant (pipe, tuple);
    g_assert_cmpstr (g_variant_get_type_string (message), ==, "v");
    inner = g_variant_get_variant (message);
    g_assert_cmpvariant (inner, tuple);
  }
  route_test_stop_with_open_pipes (router);
}

static void
assert_bytes_fit (LatestTest *self, gsize size, gboolean fit)
{
  g_autofree guint8 *data = g_malloc0 (size);
  g_autoptr (GVariant) variant =
    g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, data, size, TRUE, NULL, NULL));
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (ferry_sender_send_bytes (self->sender, data, size, &error), ==, fit);
  if (!fit)
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_clear_error (&error);
  /* The type string takes 8 bytes. */
  g_assert_cmpint (size < 8 || ferry_sender_send (self->sender, variant, &error), ==, size + 8 <= LARGEST_VALUE);
  if (error != NULL)
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
}

static void
size_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  *(gsize *) user_data = size;
}

static gboolean
is_nonzero (gpointer data)
{
  return *(gsize *) data != 0;
}

static void
test_values_that_do_not_fit_are_refused (void)
{
  FerryRouter *router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);
    gsize size = 0;

    ferry_receiver_set_handler (pipe->receiver, size_cb, &size, NULL);
    assert_bytes_fit (pipe, LARGEST_VALUE + 1, FALSE);
    assert_bytes_fit (pipe, FERRY_MAX_RECORD_PAYLOAD, FALSE);
    assert_bytes_fit (pipe, 1000000, FALSE);
    assert_bytes_fit (pipe, LARGEST_VALUE, TRUE);
    ferry_test_run_until (is_nonzero, &size);
    g_assert_cmpuint (size, ==, LARGEST_VALUE);
    assert_bytes_fit (pipe, LARGEST_VALUE - 7, TRUE);
    assert_bytes_fit (pipe, LARGEST_VALUE - 8, TRUE);
  }
  route_test_stop_with_open_pipes (router);
}

#define N_THREADS 4
#define N_EACH ((guint64) 20000 / FEWER)

typedef struct
{
  FerrySender *sender;
  guint64 thread;
} Share;

/* A value of words that all name its sender, and its number. */
static gpointer
send_share (gpointer data)
{
  Share *share = data;

  for (guint64 n = 1; n <= N_EACH; n++)
    {
      guint64 words[20];

      for (guint i = 0; i < G_N_ELEMENTS (words); i++)
        words[i] = share->thread << 32 | n;
      g_assert_true (ferry_sender_send_bytes (share->sender, words, sizeof words, NULL));
    }
  return NULL;
}

static void
share_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  guint64 *latest = user_data;
  const guint64 *words = data;
  guint64 thread = words[0] >> 32;
  guint64 n = words[0] & G_MAXUINT32;

  g_assert_cmpuint (size, ==, 160);
  for (guint i = 0; i < 20; i++)
    g_assert_cmpuint (words[i], ==, words[0]);
  g_assert_cmpuint (n, >, latest[thread]);
  latest[thread] = n;
}

static gboolean
one_is_through (gpointer data)
{
  guint64 *latest = data;

  for (guint i = 0; i < N_THREADS; i++)
    if (latest[i] == N_EACH)
      return TRUE;
  return FALSE;
}

static void
test_several_threads_write_whole_values (void)
{
  FerryRouter *router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);
    guint64 latest[N_THREADS] = {0};
    Share shares[N_THREADS];
    GThread *threads[N_THREADS];

    ferry_receiver_set_handler (pipe->receiver, share_cb, latest, NULL);
    for (guint i = 0; i < N_THREADS; i++)
      {
        shares[i] = (Share){pipe->sender, i};
        threads[i] = g_thread_new ("test-sender", send_share, &shares[i]);
      }
    /* The very last value is some thread's last one. */
    ferry_test_run_until (one_is_through, latest);
    for (guint i = 0; i < N_THREADS; i++)
      g_thread_join (threads[i]);
    latest_test_wait_cold (router);
  }
  route_test_stop_with_open_pipes (router);
}

static gboolean
has_thirty (gpointer data)
{
  return ((LatestTest *) data)->n_values >= 30;
}

static void
send_next (LatestTest *self)
{
  latest_test_send (self, self->latest + 1);
}

static void
test_route_until_delivers_latest_values (void)
{
  FerryRouter *router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);
    g_autoptr (GError) error = NULL;

    g_object_set (router, "latest-interval", (gint64) 2000, NULL);
    pipe->hook = send_next;
    latest_test_send (pipe, 1);
    ferry_router_route_until (router, has_thirty, pipe, FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (pipe->n_values, ==, 30);
  }
  route_test_stop_with_open_pipes (router);
}

static void
nest (LatestTest *self)
{
  gint64 until = g_get_monotonic_time () + 20000;

  if (self->latest != 1)
    return;
  latest_test_send (self, 2);
  while (g_get_monotonic_time () < until)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (self->latest, ==, 1);
}

static void
test_nothing_is_delivered_in_a_nested_loop (void)
{
  FerryRouter *router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);

    g_object_set (router, "latest-interval", (gint64) 1000, NULL);
    pipe->hook = nest;
    latest_test_send (pipe, 1);
    latest_test_wait_value (pipe, 2);
    g_assert_cmpuint (pipe->n_values, ==, 2);
  }
  route_test_stop_with_open_pipes (router);
}

/* Never lets go of the processor for what comes at the router's priority. */
static gboolean
paint (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

static void
test_values_flow_whatever_is_painted (void)
{
  FerryRouter *router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);
    guint painter = g_idle_add_full (G_PRIORITY_HIGH_IDLE + 20, paint, NULL, NULL);

    pipe->hook = send_next;
    latest_test_send (pipe, 1);
    latest_test_wait_value (pipe, 4);
    g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_AGED_DISPATCHES), >, 0);
    g_source_remove (painter);
  }
  route_test_stop_with_open_pipes (router);
}

static void
work_and_send_next (LatestTest *self)
{
  gint64 until = g_get_monotonic_time () + 1000;
  guint *n_deliveries = self->data;

  *n_deliveries += 1;
  while (g_get_monotonic_time () < until)
    ;
  send_next (self);
}

#define N_BUSY 50
#define N_ROUNDS 5

/* All cells together ask for more time than there is. A block that is there has its turn after a few of them, and not
 * after all. */
static void
test_busy_cells_leave_queued_messages_their_share (void)
{
  FerryRouter *router = ferry_test_router_new ();

  {
    LatestTest *busy[N_BUSY];
    g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
    guint n_deliveries = 0;

    g_object_set (router, "latest-interval", (gint64) 1000, NULL);
    for (guint i = 0; i < N_BUSY; i++)
      {
        busy[i] = latest_test_new (router);
        busy[i]->hook = work_and_send_next;
        busy[i]->data = &n_deliveries;
        latest_test_send (busy[i], 1);
      }
    for (guint i = 0; i < N_BUSY; i++)
      latest_test_wait_value (busy[i], 2);
    n_deliveries = 0;
    for (guint i = 0; i < N_ROUNDS; i++)
      {
        route_test_burst (pipe->sender, i * 100, 100);
        ferry_test_pipe_wait_count (pipe, i * 100 + 100);
      }
    g_assert_cmpuint (n_deliveries, <, N_ROUNDS * N_BUSY / 4);
    for (guint i = 0; i < N_BUSY; i++)
      latest_test_free (busy[i]);
  }
  route_test_stop_with_open_pipes (router);
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  g_test_add_func ("/latest/value-arrives", test_value_arrives);
  g_test_add_func ("/latest/ten-million-values-while-main-loop-is-blocked-are-one-message",
                   test_ten_million_values_while_main_loop_is_blocked_are_one_message);
  g_test_add_func ("/latest/torrent-is-newer-each-time-and-ends-with-the-last",
                   test_torrent_is_newer_each_time_and_ends_with_the_last);
  g_test_add_func ("/latest/overtaken-values-are-counted", test_overtaken_values_are_counted);
  g_test_add_func ("/latest/cold-cell-costs-nothing-and-rings-once", test_cold_cell_costs_nothing_and_rings_once);
  g_test_add_func ("/latest/thousands-of-honest-rings-are-no-storm", test_thousands_of_honest_rings_are_no_storm);
  g_test_add_func ("/latest/one-value-an-interval-is-delivered", test_one_value_an_interval_is_delivered);
  g_test_add_func ("/latest/interval-is-a-setting", test_interval_is_a_setting);
  g_test_add_func ("/latest/variants-keep-their-types", test_variants_keep_their_types);
  g_test_add_func ("/latest/bytes-arrive-as-array-of-bytes", test_bytes_arrive_as_array_of_bytes);
  g_test_add_func ("/latest/type-that-is-too-long-arrives-in-a-box", test_type_that_is_too_long_arrives_in_a_box);
  g_test_add_func ("/latest/values-that-do-not-fit-are-refused", test_values_that_do_not_fit_are_refused);
  g_test_add_func ("/latest/several-threads-write-whole-values", test_several_threads_write_whole_values);
  g_test_add_func ("/latest/route-until-delivers-latest-values", test_route_until_delivers_latest_values);
  g_test_add_func ("/latest/nothing-is-delivered-in-a-nested-loop", test_nothing_is_delivered_in_a_nested_loop);
  g_test_add_func ("/latest/values-flow-whatever-is-painted", test_values_flow_whatever_is_painted);
  g_test_add_func ("/latest/busy-cells-leave-queued-messages-their-share",
                   test_busy_cells_leave_queued_messages_their_share);
  return g_test_run ();
}
