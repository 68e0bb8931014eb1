/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-downlink.c, link/ferry-link.c
 *
 * What senders are told that were turned away, and what a reader is told of pipes that were closed. */

#include "config.h"

#include "down-fixture.h"

/* What may wait for room in the down lane. */
#define LIMIT (1024 * 1024)

typedef struct
{
  FerryRoomWatch watch;
  guint n_told;
} Told;

static void
note (gpointer data)
{
  ((Told *) data)->n_told++;
}

static void
told_init (Told *self, DownEnds *ends)
{
  *self = (Told){.watch = {.func = note, .data = self}};
  ferry_link_add_room_watch (ends->link, &self->watch);
}

static void
told_clear (Told *self, DownEnds *ends)
{
  ferry_link_remove_room_watch (ends->link, &self->watch);
}

/* Sends until that is refused; returns how many messages were not. */
static guint64
fill (DownEnds *ends, guint64 first, gsize size)
{
  guint64 number = first;

  while (down_send (ends, number, size) == FERRY_DOWN_SENT)
    number++;
  return number - first;
}

static void
test_room_is_told_of_when_half_of_the_backlog_has_gone (void)
{
  g_auto (DownEnds) ends;
  Told told;
  guint64 n;
  guint64 number = 0;

  down_ends_init (&ends, MAX_MESSAGE);
  told_init (&told, &ends);
  n = fill (&ends, 0, 1000);
  while (ends.link->down.backlog_size > LIMIT / 2)
    {
      g_assert_cmpuint (told.n_told, ==, 0);
      down_take (&ends, number++, 1000);
    }
  g_assert_cmpuint (told.n_told, ==, 1);
  g_assert_cmpint (down_send (&ends, n++, 1000), ==, FERRY_DOWN_SENT);
  while (number < n)
    down_take (&ends, number++, 1000);
  g_assert_cmpuint (told.n_told, ==, 1);
  told_clear (&told, &ends);
}

static void
test_nobody_is_told_who_was_not_turned_away (void)
{
  g_auto (DownEnds) ends;
  Told told;

  down_ends_init (&ends, MAX_MESSAGE);
  told_init (&told, &ends);
  for (guint64 number = 0; number < 1000; number++)
    g_assert_cmpint (down_send (&ends, number, 1000), ==, FERRY_DOWN_SENT);
  for (guint64 number = 0; number < 1000; number++)
    down_take (&ends, number, 1000);
  g_assert_cmpuint (told.n_told, ==, 0);
  told_clear (&told, &ends);
}

/* A message that half of the backlog is too small for is tried, and told of again. */
static void
test_large_message_hears_of_room_until_there_is_enough (void)
{
  g_auto (DownEnds) ends;
  Told told;
  const gsize size = LIMIT - 100000;
  guint64 n;
  guint64 number = 0;
  guint n_told = 0;

  down_ends_init (&ends, LIMIT);
  told_init (&told, &ends);
  n = fill (&ends, 0, 1000);
  for (;;)
    {
      while (told.n_told == n_told)
        down_take (&ends, number++, 1000);
      n_told = told.n_told;
      if (down_send (&ends, n, size) == FERRY_DOWN_SENT)
        break;
      /* To be turned away is no reason to be told. */
      g_assert_cmpuint (told.n_told, ==, n_told);
    }
  g_assert_cmpuint (n_told, >, 1);
  while (number < n)
    down_take (&ends, number++, 1000);
  down_take (&ends, n, size);
  told_clear (&told, &ends);
}

static void
test_short_messages_have_room_of_their_own (void)
{
  g_auto (DownEnds) ends;
  Told told;
  guint64 n_long;
  guint64 n_short;

  down_ends_init (&ends, MAX_MESSAGE);
  told_init (&told, &ends);
  n_long = fill (&ends, 0, 1000);
  n_short = fill (&ends, n_long, 8);
  for (guint64 number = 0; number < n_long; number++)
    down_take (&ends, number, 1000);
  /* Nothing but short ones is left, and more of them than half. */
  g_assert_cmpuint (told.n_told, ==, 1);
  g_assert_cmpuint (ends.link->down.backlog_short, >, LIMIT / 2);
  for (guint64 number = n_long; number < n_long + n_short; number++)
    down_take (&ends, number, 8);
  g_assert_cmpuint (told.n_told, ==, 2);
  told_clear (&told, &ends);
}

static void
test_all_who_watch_are_told (void)
{
  g_auto (DownEnds) ends;
  Told told[3];
  guint64 n;

  down_ends_init (&ends, MAX_MESSAGE);
  for (guint i = 0; i < G_N_ELEMENTS (told); i++)
    told_init (&told[i], &ends);
  n = fill (&ends, 0, 1000);
  told_clear (&told[1], &ends);
  for (guint64 number = 0; number < n; number++)
    down_take (&ends, number, 1000);
  g_assert_cmpuint (told[0].n_told, ==, 1);
  g_assert_cmpuint (told[1].n_told, ==, 0);
  g_assert_cmpuint (told[2].n_told, ==, 1);
  told_clear (&told[0], &ends);
  told_clear (&told[2], &ends);
}

/* ---- closed pipes ---- */

static void
close_pipe (DownEnds *ends, guint index, FerryPipeWord word)
{
  ferry_link_set_pipe_word (ends->link, index, word);
  ferry_link_wake_writers (ends->link);
}

/* Also after what waits for room. */
static void
test_closed_pipe_is_told_of_once_and_after_what_was_sent (void)
{
  g_auto (DownEnds) ends;
  FerryDownMessage message;
  guint64 n;

  down_ends_init (&ends, MAX_MESSAGE);
  n = fill (&ends, 0, 1000);
  g_assert_cmpint (ferry_link_send_stop (ends.link, 11), ==, FERRY_DOWN_SENT);
  close_pipe (&ends, 1, FERRY_PIPE_WORD_CLOSED);
  for (guint64 number = 0; number < n; number++)
    down_take (&ends, number, 1000);
  g_assert_cmpint (ferry_downlink_receive (ends.downlink, -1, &message), ==, FERRY_DOWN_EVENT_PIPE_CLOSED);
  g_assert_cmpuint (message.connection_id, ==, 11);
  down_assert_nothing (&ends);
}

static void
test_end_of_the_link_is_no_closed_pipe (void)
{
  g_auto (DownEnds) ends;
  FerryDownMessage message;

  down_ends_init (&ends, MAX_MESSAGE);
  close_pipe (&ends, 1, FERRY_PIPE_WORD_LINK_ENDED);
  down_assert_nothing (&ends);
  close_pipe (&ends, 0, FERRY_PIPE_WORD_LINK_ENDED);
  g_assert_cmpint (ferry_downlink_receive (ends.downlink, -1, &message), ==, FERRY_DOWN_EVENT_CLOSED);
}

static gpointer
close_soon (gpointer data)
{
  ferry_link_send_stop (((DownEnds *) data)->link, 11);
  return NULL;
}

/* Whether the reader sleeps by then or not. */
static void
test_closing_wakes_the_reader (void)
{
  for (guint i = 0; i < 200; i++)
    {
      g_auto (DownEnds) ends;
      FerryDownMessage message;
      GThread *thread;

      down_ends_init (&ends, MAX_MESSAGE);
      thread = g_thread_new ("close", close_soon, &ends);
      g_assert_cmpint (ferry_downlink_receive (ends.downlink, down_watchdog_time (), &message), ==,
                       FERRY_DOWN_EVENT_PIPE_CLOSED);
      g_thread_join (thread);
    }
}

#define ADD(name, function) g_test_add_func ("/downlink-room/" name, function)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  ADD ("room-is-told-of-when-half-of-the-backlog-has-gone", test_room_is_told_of_when_half_of_the_backlog_has_gone);
  ADD ("nobody-is-told-who-was-not-turned-away", test_nobody_is_told_who_was_not_turned_away);
  ADD ("large-message-hears-of-room-until-there-is-enough", test_large_message_hears_of_room_until_there_is_enough);
  ADD ("short-messages-have-room-of-their-own", test_short_messages_have_room_of_their_own);
  ADD ("all-who-watch-are-told", test_all_who_watch_are_told);
  ADD ("closed-pipe-is-told-of-once-and-after-what-was-sent", test_closed_pipe_is_told_of_once_and_after_what_was_sent);
  ADD ("end-of-the-link-is-no-closed-pipe", test_end_of_the_link_is_no_closed_pipe);
  ADD ("closing-wakes-the-reader", test_closing_wakes_the_reader);
  return g_test_run ();
}
