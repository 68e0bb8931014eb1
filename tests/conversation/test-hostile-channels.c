/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-channel.c
 *
 * What a hostile worker can say over a channel. This program is its own worker. Its function "forge" does as its
 * argument says, one order after the other, with ";" between them:
 *
 *   number N             send the number, by the rules
 *   large N              send so many bytes, by the rules
 *   say METHOD [VALUE]   ask for the method, with a value in GVariant's text format; no answer is wanted
 *   ask N METHOD [VALUE] the same as call N, with an answer
 *   answer N [VALUE]     answer call N
 *   piece N              send a piece of an answer of 1 TB of call N
 *   item [VALUE]         send a message, past all rules
 *   end [VALUE]          end, with an error if there is a value
 *   window N             give room
 *   leave                say that the channel was dropped
 *   cancel N             cancel call N
 *   raw N                send N bytes of 0xa5
 *   close                close the transport
 *   exit N  kill  pause  the process
 *   N*ORDER              obey ORDER so often
 *
 * Then it returns, and with that ends as it should. */

#include "config.h"

#include <ferry-classic.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "call/forge.h"
#include "conversation/channel-test.h"
#include "conversation/ferry-channel-private.h"

#define PATIENCE (FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC)
#define TERABYTE G_GINT64_CONSTANT (1000000000000)
/* The number of requests that want no answer. */
#define ONE_WAY (G_MAXUINT64 - 1)

/* ---- what the worker does ---- */

static void
forge (FerryTransport *transport, FerryCallKind kind, guint64 xid, const char *method, const char *text, gint64 number)
{
  g_autoptr (GVariant) value = text != NULL ? g_variant_parse (NULL, text, NULL, NULL, NULL) : NULL;
  FerryCallMessage message;

  ferry_call_message_init (&message, kind, xid, method, value);
  message.header.number = number;
  if (kind == FERRY_CALL_PIECE)
    message.header.type_length = 0;
  if (kind == FERRY_CALL_REQUEST && xid == ONE_WAY)
    message.header.flags = FERRY_CALL_ONE_WAY;
  forge_message (transport, &message);
}

static void
send_fill (FerryTransport *transport, gsize size)
{
  g_autofree char *bytes = g_strnfill (size, '\xa5');
  GOutputVector part = {bytes, size};

  forge_parts (transport, &part, 1);
}

static void
forge_of_channel (FerryTransport *transport, FerryCallKind kind, const char *text, gint64 number)
{
  forge_standing (transport, kind, text != NULL ? g_variant_parse (NULL, text, NULL, NULL, NULL) : NULL, number);
}

static gboolean
send_large (FerryChannel *channel, gsize size)
{
  guint8 *bytes = g_malloc0 (size);

  return ferry_channel_send (
    channel, g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, size, TRUE, g_free, bytes), -1, NULL, NULL);
}

static void
obey_process (const char *order, int n)
{
  if (strcmp (order, "kill") == 0)
    raise (SIGKILL);
  if (strcmp (order, "exit") == 0)
    _exit (n);
  g_assert_cmpstr (order, ==, "pause");
  signal (SIGTERM, SIG_IGN);
  for (;;)
    pause ();
}

static void
obey_words (FerryChannel *channel, const char *order, const char *one, const char *two, const char *three)
{
  FerryTransport *transport = ferry_test_get_object (channel, "transport");
  guint64 n = one != NULL ? g_ascii_strtoull (one, NULL, 10) : 0;

  if (strcmp (order, "number") == 0)
    g_assert_true (ferry_channel_send (channel, g_variant_new_uint32 ((guint32) n), -1, NULL, NULL));
  else if (strcmp (order, "large") == 0)
    g_assert_true (send_large (channel, n));
  else if (strcmp (order, "say") == 0)
    forge (transport, FERRY_CALL_REQUEST, ONE_WAY, one, two, 0);
  else if (strcmp (order, "ask") == 0)
    forge (transport, FERRY_CALL_REQUEST, n, two, three, 0);
  else if (strcmp (order, "answer") == 0)
    forge (transport, FERRY_CALL_ANSWER, n, NULL, two, 0);
  else if (strcmp (order, "piece") == 0)
    forge (transport, FERRY_CALL_PIECE, n, NULL, "'x'", TERABYTE);
  else if (strcmp (order, "item") == 0)
    forge_of_channel (transport, FERRY_CALL_ITEM, one, 0);
  else if (strcmp (order, "end") == 0)
    forge_of_channel (transport, one != NULL ? FERRY_CALL_ERROR : FERRY_CALL_ANSWER, one, 0);
  else if (strcmp (order, "window") == 0)
    forge_of_channel (transport, FERRY_CALL_WINDOW, NULL, (gint64) n);
  else if (strcmp (order, "leave") == 0)
    forge_of_channel (transport, FERRY_CALL_CANCEL, NULL, FERRY_CANCEL_REASON_CANCELLED);
  else if (strcmp (order, "cancel") == 0)
    forge (transport, FERRY_CALL_CANCEL, n, NULL, NULL, FERRY_CANCEL_REASON_CANCELLED);
  else if (strcmp (order, "raw") == 0)
    send_fill (transport, n);
  else if (strcmp (order, "close") == 0)
    ferry_transport_close (transport);
  else
    obey_process (order, (int) n);
}

static void
obey (FerryChannel *channel, const char *order)
{
  const char *star = strchr (order, '*');
  guint64 times = star != NULL ? g_ascii_strtoull (order, NULL, 10) : 1;
  const char *what = star != NULL ? star + 1 : order;
  /* A value may have blanks in it. */
  gboolean is_value_second = g_str_has_prefix (what, "item ") || g_str_has_prefix (what, "end ");
  g_auto (GStrv) words = g_strsplit (what, " ", is_value_second ? 2 : g_str_has_prefix (what, "ask ") ? 4 : 3);
  guint n = g_strv_length (words);

  for (guint64 i = 0; i < times; i++)
    obey_words (channel, words[0], n > 1 ? words[1] : NULL, n > 2 ? words[2] : NULL, n > 3 ? words[3] : NULL);
}

static gboolean
be_hostile (FerryChannel *channel, GVariant *arguments, GError **error)
{
  g_auto (GStrv) orders = g_strsplit (g_variant_get_string (arguments, NULL), ";", -1);

  for (char **order = orders; *order != NULL; order++)
    obey (channel, *order);
  return TRUE;
}

/* ---- what becomes of it ---- */

/* The number of the standing call. */
#define STANDING "18446744073709551615"

typedef struct
{
  const char *name;
  const char *orders;
  guint n_messages;    /* that are there to be taken */
  int code;            /* of FERRY_ERROR, with which it ends; -1 for the good end */
  const char *words;   /* of that error */
  guint n_failures;    /* how many of the messages are errors */
  gboolean is_fault;   /* the worker was ended for it */
  gboolean if_untaken; /* it is a fault only where nothing is taken meanwhile */
  gboolean is_lost;    /* the worker ends itself behind it, and may have done so before the test looks */
} Row;

#define FAULT(n_messages, words) n_messages, FERRY_ERROR_PROTOCOL, words, 0, TRUE
#define GOOD(n_messages) n_messages, -1, ""

static const Row rows[] = {
  {"ends-one-that-sends-beyond-the-window", "1000*item 7;pause", FAULT (64, "beyond its window"), TRUE},
  {"passes-over-what-comes-behind-its-end", "number 1;end;1000*item 7;exit 0", GOOD (1)},
  {"passes-over-all-ends-but-the-first", "number 1;end;1000*end;exit 0", GOOD (1)},
  {"ends-one-that-sends-nothing", "number 1;item;pause", FAULT (1, "a type of impossible length")},
  {"ends-one-that-marks-as-nobody-does", "number 1;item (byte 3, <7>);pause", FAULT (1, "a mark that no message has")},
  {"ends-one-that-gives-no-room", "window 0;pause", FAULT (0, "number out of range")},
  {"ends-one-that-gives-more-room-than-a-window-has", "window 1000000;pause", FAULT (0, "a window that is too large")},
  {"passes-over-room-that-there-is-not", "window 1000;number 1", GOOD (1)},
  {"ends-one-that-asks-what-is-asked-already", "ask " STANDING " ferry.channel;pause", FAULT (0, "is asked twice")},
  {"ends-one-that-ends-with-a-giant", "number 1;piece " STANDING ";pause", FAULT (1, "larger than this end accepts")},
  {"takes-what-one-has-sent-that-leaves", "number 1;leave", GOOD (1)},
  {"ends-one-that-sends-garbage", "3*number 7;raw 5000;pause", FAULT (3, "an unknown kind")},
  {"ends-one-that-sends-little", "raw 3;pause", FAULT (0, "less than a header")},
  {"ends-one-that-sends-nothing-at-all", "raw 0;pause", FAULT (0, "less than a header")},
  {"ends-one-that-sends-much-garbage", "raw 3000000;pause", FAULT (0, "an unknown kind")},
  {"loses-nothing-to-a-kill", "50*number 7;kill", 50, FERRY_ERROR_WORKER_LOST, "signal 9"},
  {"loses-nothing-to-an-exit", "50*number 7;exit 7", 50, FERRY_ERROR_WORKER_LOST, "status 7"},
  {"loses-nothing-to-a-kill-behind-garbage", "50*number 7;raw 100;kill", FAULT (50, "an unknown kind"), FALSE, TRUE},
  {"ends-one-that-closes-and-stays", "2*number 7;close;pause", 2, FERRY_ERROR_CLOSED, "The worker closed"},
  {"refuses-what-no-channel-has", "ask 5 anything 7;ask 6 anything;number 1", GOOD (1)},
  {"passes-over-what-no-channel-has", "1000*say anything 7;number 1", GOOD (1)},
  {"passes-over-answers-to-nothing", "1000*answer 77 7;answer 1;number 1", GOOD (1)},
  {"passes-over-pieces-of-nothing", "1000*piece 77;number 1", GOOD (1)},
  {"passes-over-cancels-of-nothing", "1000*cancel 77;number 1", GOOD (1)},
  {"takes-an-error-that-is-none-for-one", "item (byte 2, <'x'>);item (byte 2, <()>);number 1", 3, -1, "", 2},
  {"ends-one-that-ends-with-what-is-no-error", "number 1;end 'x';pause", FAULT (1, "an error that is of another type")},
  {"takes-a-giant", "large 30000000;number 1", GOOD (2)},
};

static FerryChannel *
start_row (ChannelTest *test, const Row *row)
{
  return channel_test_start (test, "forge", g_variant_new_string (row->orders));
}

static void
take_messages (FerryChannel *channel, const Row *row)
{
  guint n_failures = 0;

  for (guint i = 0; i < row->n_messages; i++)
    {
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GError) failure = NULL;
      g_autoptr (GError) error = NULL;

      ferry_channel_receive (channel, PATIENCE, NULL, &value, &failure, &error);
      g_assert_no_error (error);
      g_assert_cmpuint ((value != NULL) + (failure != NULL), ==, 1);
      n_failures += failure != NULL;
    }
  g_assert_cmpuint (n_failures, ==, row->n_failures);
}

static gboolean
has_faults (gpointer router)
{
  return ferry_router_get_counter (router, FERRY_COUNTER_PROTOCOL_ERRORS) > 0;
}

/* One that hangs hangs no more once nothing listens. */
static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) honest = channel_test_start (test, "echo", NULL);
  g_autoptr (FerryChannel) channel = start_row (test, row);

  /* Nothing is taken before all is there. Of a worker that is gone, no fault is counted. */
  if (row->is_fault && !row->is_lost)
    ferry_test_run_until (has_faults, test->router);
  take_messages (channel, row);
  if (row->code < 0)
    channel_test_assert_good_end (channel);
  else
    channel_test_assert_bad_end (channel, FERRY_ERROR, row->code, row->words);
  g_assert_cmpuint (ferry_router_get_counter (test->router, FERRY_COUNTER_PROTOCOL_ERRORS), <=, row->is_fault);
  g_assert_true (has_faults (test->router) || !row->is_fault || row->is_lost);
  channel_test_send (honest, 5);
  channel_test_assert_next (honest, 5);
  ferry_channel_close (honest);
  channel_test_assert_good_end (honest);
}

static void
test_errors_keep_their_domains (void)
{
  static const Row row = {"", "item (byte 2, <('load-error-quark', 3, 'Too heavy', '', @as [])>);"
                              "end ('ship-error-quark', 4, 'Sunk', '', @as [])"};
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryChannel) channel = start_row (test, &row);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (g_quark_try_string ("load-error-quark") + g_quark_try_string ("ship-error-quark"), ==, 0);
  ferry_channel_receive (channel, PATIENCE, NULL, &value, &failure, &error);
  g_assert_no_error (error);
  g_assert_error (failure, g_quark_from_string ("load-error-quark"), 3);
  g_assert_cmpstr (failure->message, ==, "Too heavy");
  channel_test_assert_bad_end (channel, g_quark_from_string ("ship-error-quark"), 4, "Sunk");
}

/* ---- all of them, and honest ones, in an exchange ---- */

typedef struct
{
  guint64 sum;        /* of what honest ones sent */
  GHashTable *errors; /* (element-type FerryChannel): those that ended badly */
} Heard;

static void
take_data (FerryExchange *exchange, FerryChannel *channel, GVariant *value, GError *failure, GError *error,
           gpointer data)
{
  Heard *heard = data;

  g_assert_nonnull (channel);
  if (error != NULL)
    g_assert_true (g_hash_table_add (heard->errors, g_object_ref (channel)));
  else if (g_str_equal (ferry_channel_get_function (channel), "square"))
    heard->sum += g_variant_get_uint32 (value);
}

static void
test_all_in_an_exchange (void)
{
  g_autoptr (ChannelTest) test = channel_test_new ();
  g_autoptr (FerryExchange) exchange = ferry_exchange_new (test->router, test->launcher);
  g_autoptr (GError) error = NULL;
  Heard heard = {0, g_hash_table_new_full (NULL, NULL, g_object_unref, NULL)};
  guint64 sum = 0;
  guint n_bad = 0;

  g_object_set (exchange, "limit", 3, NULL);
  g_signal_connect (exchange, "data", G_CALLBACK (take_data), &heard);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      if (rows[i].if_untaken)
        continue;
      g_assert_true (ferry_exchange_start (exchange, "forge", g_variant_new_string (rows[i].orders), NULL));
      g_assert_true (ferry_exchange_start (exchange, "square", g_variant_new_uint32 (i), NULL));
      sum += i * i;
      n_bad += rows[i].code >= 0;
    }
  ferry_exchange_finish (exchange, PATIENCE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ferry_test_get_number (exchange, "n-active"), ==, 0);
  g_assert_cmpuint (heard.sum, ==, sum);
  g_assert_cmpuint (g_hash_table_size (heard.errors), ==, n_bad);
  g_hash_table_unref (heard.errors);
}

int
main (int argc, char **argv)
{
  ferry_channel_function_register ("forge", "s", be_hostile);
  channel_test_init (&argc, &argv);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/hostile-channels/", rows[i].name, NULL);

      g_test_add_data_func (path, &rows[i], test_row);
    }
  g_test_add_func ("/hostile-channels/errors-keep-their-domains", test_errors_keep_their_domains);
  g_test_add_func ("/hostile-channels/all-of-them-leave-an-exchange-to-the-others", test_all_in_an_exchange);
  return g_test_run ();
}
