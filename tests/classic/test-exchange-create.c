/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: classic/ferry-exchange.c, classic/ferry-polled-transport.c
 *
 * An exchange without a router, of channels to children that are forked from this program. */

#include "config.h"

#include <signal.h>
#include <unistd.h>

#include "classic/create-test.h"

typedef struct
{
  FerryExchange *exchange; /* (owned) */
  guint n_values;
  guint n_failures;
  guint n_errors;
  guint64 sum;
  guint most_running; /* at a time */
} Heard;

static void
take_data (FerryExchange *exchange, FerryChannel *channel, GVariant *value, GError *failure, GError *error,
           gpointer data)
{
  Heard *heard = data;

  g_assert_nonnull (channel);
  g_assert_cmpuint ((value != NULL) + (failure != NULL) + (error != NULL), ==, 1);
  heard->n_values += value != NULL;
  heard->n_failures += failure != NULL;
  heard->n_errors += error != NULL;
  if (value != NULL)
    heard->sum += g_variant_get_uint32 (value);
}

static void
note_running (GListModel *active, guint position, guint removed, guint added, gpointer data)
{
  Heard *heard = data;

  heard->most_running = MAX (heard->most_running, g_list_model_get_n_items (active));
}

static Heard *
heard_new (void)
{
  Heard *heard = g_new0 (Heard, 1);

  heard->exchange = ferry_exchange_new (NULL, NULL);
  g_signal_connect (heard->exchange, "data", G_CALLBACK (take_data), heard);
  g_signal_connect (ferry_exchange_get_active (heard->exchange), "items-changed", G_CALLBACK (note_running), heard);
  return heard;
}

static void
heard_free (Heard *heard)
{
  g_signal_handlers_disconnect_by_data (ferry_exchange_get_active (heard->exchange), heard);
  g_assert_finalize_object (heard->exchange);
  g_free (heard);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Heard, heard_free)

static void
create (Heard *heard, CreateTestFunc func, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryChannel) channel = ferry_exchange_create (heard->exchange, PATIENCE, &error);

  g_assert_no_error (error);
  g_assert_nonnull (channel);
  if (ferry_channel_get_identifier (channel) != NULL)
    return;
  func (channel, data);
  ferry_channel_exit (channel, 0);
}

static void
finish (Heard *heard)
{
  g_autoptr (GError) error = NULL;

  ferry_exchange_finish (heard->exchange, PATIENCE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ferry_test_get_number (heard->exchange, "n-active"), ==, 0);
}

/* The higher the number, the more it has to say. */
static void
count (FerryChannel *channel, gpointer number)
{
  for (guint i = 0; i < GPOINTER_TO_UINT (number); i++)
    create_test_send (channel, i);
}

static void
uneven_children_are_heard_to_the_end (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (Heard) heard = heard_new ();
  guint64 sum = 0;
  guint n = 0;

  g_object_set (heard->exchange, "limit", 5, NULL);
  for (guint i = 0; i < 40; i++)
    {
      guint size = i % 7 == 0 ? 1000 : i;

      n += size;
      sum += (guint64) size * (size > 0 ? size - 1 : 0) / 2;
      create (heard, count, GUINT_TO_POINTER (size));
    }
  finish (heard);
  g_assert_cmpuint (heard->n_values, ==, n);
  g_assert_cmpuint (heard->sum, ==, sum);
  g_assert_cmpuint (heard->n_errors, ==, 0);
  g_assert_cmpuint (heard->most_running, ==, 5);
}

static void
receive_all (FerryChannel *channel, gpointer data)
{
  g_autoptr (GVariant) value = NULL;

  while (ferry_channel_receive (channel, PATIENCE, NULL, &value, NULL, NULL) && value != NULL)
    g_clear_pointer (&value, g_variant_unref);
}

/* A program with threads could not create a second one. */
static void
another_is_created_when_one_was_removed (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (Heard) heard = heard_new ();

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (FerryChannel) channel = NULL;

      create (heard, receive_all, NULL);
      channel = g_list_model_get_item (ferry_exchange_get_active (heard->exchange), 0);
      g_assert_true (ferry_exchange_remove (heard->exchange, channel));
      create_test_assert_exit (channel, 0, 0);
    }
  finish (heard);
}

static void
die (FerryChannel *channel, gpointer number)
{
  create_test_send (channel, 1);
  raise (SIGKILL);
}

static void
raise_error (FerryChannel *channel, gpointer number)
{
  g_autoptr (GError) failure = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "No such thing");

  ferry_channel_send_error (channel, failure, -1, NULL, NULL);
  ferry_channel_fail (channel, failure);
}

static void
child_that_fails_disturbs_no_other (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (Heard) heard = heard_new ();

  for (guint i = 0; i < 30; i++)
    create (heard, i % 3 == 0 ? die : i % 3 == 1 ? raise_error : count, GUINT_TO_POINTER (1));
  finish (heard);
  g_assert_cmpuint (heard->n_values, ==, 20);
  g_assert_cmpuint (heard->sum, ==, 10);
  g_assert_cmpuint (heard->n_failures, ==, 10);
  g_assert_cmpuint (heard->n_errors, ==, 20);
}

static void
wait_for_word (FerryChannel *channel, gpointer number)
{
  create_test_take (channel);
  create_test_send (channel, GPOINTER_TO_UINT (number));
}

static void
ready_names_those_with_news (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (FerryExchange) exchange = ferry_exchange_new (NULL, NULL);
  FerryChannel *channels[3];
  g_autoptr (GPtrArray) nothing = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (channels); i++)
    {
      channels[i] = create_test_start (wait_for_word, GUINT_TO_POINTER (i));
      ferry_exchange_add (exchange, channels[i]);
    }
  nothing = ferry_exchange_ready (exchange, 0, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (nothing->len, ==, 0);
  g_assert_null (ferry_exchange_ready (exchange, 1, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_clear_error (&error);
  for (guint i = G_N_ELEMENTS (channels); i-- > 0;)
    {
      g_autoptr (GPtrArray) ready = NULL;

      create_test_send (channels[i], 0);
      ready = ferry_exchange_ready (exchange, PATIENCE, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (ready->len, ==, 1);
      g_assert_true (ready->pdata[0] == channels[i]);
      g_assert_cmpuint (create_test_take (channels[i]), ==, i);
      create_test_assert_good_end (channels[i]);
      create_test_assert_exit (channels[i], 0, 0);
    }
  for (guint i = 0; i < G_N_ELEMENTS (channels); i++)
    g_object_unref (channels[i]);
  ferry_exchange_finish (exchange, PATIENCE, &error);
  g_assert_no_error (error);
}

static void
wait_for_ever (FerryChannel *channel, gpointer data)
{
  for (;;)
    pause ();
}

static void
creating_beyond_the_limit_ends_with_its_time (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (Heard) heard = heard_new ();
  g_autoptr (FerryChannel) first = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (heard->exchange, "limit", 1, NULL);
  create (heard, wait_for_ever, NULL);
  first = g_list_model_get_item (ferry_exchange_get_active (heard->exchange), 0);
  g_assert_null (ferry_exchange_create (heard->exchange, 1000, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  ferry_channel_send_signal (first, SIGKILL);
  create (heard, count, GUINT_TO_POINTER (3));
  finish (heard);
  g_assert_cmpuint (heard->n_values, ==, 3);
  g_assert_cmpuint (heard->n_errors, ==, 1);
}

static void
try_exchange (FerryChannel *channel, gpointer data)
{
  Heard *heard = data;
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_exchange_ready (heard->exchange, -1, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  create_test_send (channel, 1);
}

static void
exchange_is_no_childs_business (void)
{
  g_autoptr (CreateTest) test = create_test_new ();
  g_autoptr (Heard) heard = heard_new ();

  create (heard, wait_for_word, GUINT_TO_POINTER (1));
  create (heard, try_exchange, heard);
  {
    g_autoptr (FerryChannel) first = g_list_model_get_item (ferry_exchange_get_active (heard->exchange), 0);

    create_test_send (first, 0);
  }
  finish (heard);
  g_assert_cmpuint (heard->sum, ==, 2);
  g_assert_cmpuint (heard->n_errors, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/exchange-create/uneven-children-are-heard-to-the-end", uneven_children_are_heard_to_the_end);
  g_test_add_func ("/exchange-create/another-is-created-when-one-was-removed", another_is_created_when_one_was_removed);
  g_test_add_func ("/exchange-create/child-that-fails-disturbs-no-other", child_that_fails_disturbs_no_other);
  g_test_add_func ("/exchange-create/ready-names-those-with-news", ready_names_those_with_news);
  g_test_add_func ("/exchange-create/creating-beyond-the-limit-ends-with-its-time",
                   creating_beyond_the_limit_ends_with_its_time);
  g_test_add_func ("/exchange-create/exchange-is-no-childs-business", exchange_is_no_childs_business);
  return g_test_run ();
}
