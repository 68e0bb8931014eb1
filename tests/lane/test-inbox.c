/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-inbox.c, lane/ferry-answer-waits.c */

#include "config.h"

#include "ferry-test.h"
#include "lane/ferry-answer-waits-private.h"

#define CONNECTION 7
#define N_NUMBERS 20000

/* Messages of a connection are drained into an inbox, as from a lane. */
typedef struct
{
  FerryAnswerWaits waits;
  FerryInbox inbox;
  _Atomic gint64 share;
} Scene;

/* A thread that would sleep. */
typedef struct
{
  FerryInboxWait wait;
  guint n_woken;
} Sleeper;

static void
came (FerryInboxWait *wait)
{
  ((Sleeper *) wait)->n_woken++;
}

static gboolean
accepts_letters (gpointer data, gconstpointer message, gsize size)
{
  return size > 0 && g_ascii_isalpha (*(const char *) message);
}

static void
open_scene (Scene *self)
{
  *self = (Scene){0};
  ferry_answer_waits_init (&self->waits);
  ferry_inbox_init (&self->inbox, accepts_letters, NULL);
  ferry_answer_waits_join (&self->waits, CONNECTION, &self->inbox, &self->share);
}

static void
close_scene (Scene *self)
{
  ferry_answer_waits_leave (&self->waits, &self->inbox);
  g_assert_cmpint (self->share, ==, 0);
  g_assert_false (ferry_answer_waits_has_any (&self->waits));
  ferry_inbox_clear (&self->inbox);
  ferry_answer_waits_clear (&self->waits);
}

/* Drains a message. Returns whether the inbox took it. marks (nullable). is_private: a marker can be put. */
static gboolean
drain (Scene *self, const char *message, gboolean is_private, gboolean *marks)
{
  const FerryRecordHeader header = {
    .connection_id = CONNECTION,
    .kind = FERRY_RECORD_BYTES,
    .length = (guint32) strlen (message),
  };
  FerryAnswerPass run;
  gboolean taken;

  ferry_answer_pass_begin (&run, &self->waits);
  taken = ferry_answer_pass_take (&run, &header, (const guint8 *) message, is_private);
  if (marks != NULL)
    *marks = run.marks;
  ferry_answer_pass_end (&run);
  return taken;
}

static gboolean
take (Scene *self, gboolean *mine, const char *message)
{
  g_autoptr (FerryMail) mail = ferry_inbox_take (&self->inbox, mine);
  gsize size;

  if (mail == NULL)
    return FALSE;
  g_assert_cmpmem (message, strlen (message), ferry_mail_get_message (mail, &size), size);
  return TRUE;
}

static void
messages_come_in_order_behind_one_marker (void)
{
  gboolean mine = FALSE;
  gboolean marks;
  Scene scene;

  open_scene (&scene);
  g_assert_true (drain (&scene, "a", TRUE, &marks));
  g_assert_true (marks);
  g_assert_true (drain (&scene, "b", TRUE, &marks));
  g_assert_false (marks);
  g_assert_true (ferry_inbox_is_marked (&scene.inbox));
  ferry_inbox_unmark (&scene.inbox);
  g_assert_false (ferry_inbox_is_marked (&scene.inbox));
  g_assert_true (take (&scene, &mine, "a"));
  g_assert_true (drain (&scene, "c", TRUE, &marks));
  g_assert_true (marks);
  g_assert_true (take (&scene, &mine, "b"));
  g_assert_false (take (&scene, &mine, NULL));
  g_assert_true (take (&scene, &mine, "c"));
  g_assert_false (take (&scene, &mine, NULL));
  close_scene (&scene);
}

static gboolean
take_marked (Scene *self, const char *message)
{
  g_autoptr (FerryMail) mail = ferry_inbox_take_marked (&self->inbox);
  gsize size;

  if (mail == NULL)
    return FALSE;
  g_assert_cmpmem (message, strlen (message), ferry_mail_get_message (mail, &size), size);
  return TRUE;
}

/* The router's thread serves other links in between. */
static void
marker_stays_until_the_inbox_is_empty (void)
{
  Sleeper sleeper = {.wait = {.came = came}};
  gboolean mine = FALSE;
  gboolean marks;
  Scene scene;

  open_scene (&scene);
  drain (&scene, "a", TRUE, NULL);
  drain (&scene, "b", TRUE, NULL);
  g_assert_true (take_marked (&scene, "a"));
  ferry_inbox_begin_wait (&scene.inbox, &sleeper.wait);
  g_assert_false (take (&scene, &mine, NULL));
  g_assert_cmpuint (sleeper.n_woken, ==, 0);
  ferry_inbox_release (&scene.inbox);
  /* It found the inbox busy, and may be what the router's thread waits for next. */
  g_assert_cmpuint (sleeper.n_woken, ==, 1);
  ferry_inbox_end_wait (&scene.inbox, &sleeper.wait);
  g_assert_true (drain (&scene, "c", TRUE, &marks));
  g_assert_false (marks);
  g_assert_true (take_marked (&scene, "b"));
  ferry_inbox_release (&scene.inbox);
  g_assert_true (take_marked (&scene, "c"));
  ferry_inbox_release (&scene.inbox);
  g_assert_true (ferry_inbox_is_marked (&scene.inbox));
  g_assert_false (take_marked (&scene, NULL));
  g_assert_false (ferry_inbox_is_marked (&scene.inbox));
  close_scene (&scene);
}

/* A worker that sends on and on would else keep a thread for ever that waits for its channel until a deadline. */
static void
messages_that_come_meanwhile_are_for_the_next_look (void)
{
  Sleeper sleeper = {.wait = {.came = came}};
  gboolean mine = FALSE;
  gboolean other = FALSE;
  Scene scene;

  open_scene (&scene);
  ferry_inbox_begin_wait (&scene.inbox, &sleeper.wait);
  drain (&scene, "a", FALSE, NULL);
  g_assert_true (take (&scene, &mine, "a"));
  drain (&scene, "b", FALSE, NULL);
  g_assert_false (take (&scene, &mine, NULL));
  g_assert_true (take (&scene, &mine, "b"));
  drain (&scene, "c", FALSE, NULL);
  /* This thread leaves, and no marker stands for the message. */
  g_assert_false (take (&scene, &other, NULL));
  g_assert_true (take (&scene, &mine, "c"));
  g_assert_false (take (&scene, &mine, NULL));
  ferry_inbox_end_wait (&scene.inbox, &sleeper.wait);
  close_scene (&scene);
}

static void
inbox_takes_a_reserve_where_the_share_is_in_use (void)
{
  const char *message = "abcdefghijklmnopqrstuvwxyz";
  Sleeper sleeper = {.wait = {.came = came}};
  gboolean mine = FALSE;
  guint n = 0;
  Scene scene;

  open_scene (&scene);
  ferry_inbox_begin_wait (&scene.inbox, &sleeper.wait);
  while (drain (&scene, message, FALSE, NULL))
    n++;
  g_assert_cmpuint (n, >, 0);
  g_assert_cmpint (scene.share, >=, FERRY_INBOX_RESERVE);
  g_assert_cmpint (scene.share, <, FERRY_INBOX_RESERVE + 1024);
  g_assert_true (ferry_inbox_end_refusal (&scene.inbox));
  g_assert_false (ferry_inbox_end_refusal (&scene.inbox));
  g_assert_true (drain (&scene, message, TRUE, NULL));
  for (n++; n > 0; n--)
    g_assert_true (take (&scene, &mine, message));
  g_assert_false (take (&scene, &mine, NULL));
  g_assert_true (drain (&scene, "last", FALSE, NULL));
  g_assert_true (take (&scene, &mine, "last"));
  g_assert_false (ferry_inbox_end_refusal (&scene.inbox));
  ferry_inbox_end_wait (&scene.inbox, &sleeper.wait);
  close_scene (&scene);
}

static void
message_that_is_not_accepted_stays_in_its_place (void)
{
  Scene scene;

  open_scene (&scene);
  g_assert_false (drain (&scene, "1", TRUE, NULL));
  g_assert_false (drain (&scene, "", TRUE, NULL));
  close_scene (&scene);
}

static void
message_needs_a_thread_that_waits_or_a_marker (void)
{
  Sleeper sleeper = {.wait = {.came = came}};
  gboolean mine = FALSE;
  gboolean marks;
  Scene scene;

  open_scene (&scene);
  g_assert_false (drain (&scene, "a", FALSE, NULL));
  ferry_inbox_begin_wait (&scene.inbox, &sleeper.wait);
  g_assert_true (ferry_answer_waits_has_any (&scene.waits));
  g_assert_true (drain (&scene, "a", FALSE, NULL));
  g_assert_cmpuint (sleeper.n_woken, ==, 1);
  g_assert_true (drain (&scene, "b", TRUE, &marks));
  g_assert_false (marks);
  ferry_inbox_end_wait (&scene.inbox, &sleeper.wait);
  g_assert_true (take (&scene, &mine, "a"));
  g_assert_true (take (&scene, &mine, "b"));
  g_assert_false (take (&scene, &mine, NULL));
  close_scene (&scene);
}

static void
one_thread_at_a_time_takes_messages (void)
{
  gboolean first = FALSE;
  gboolean second = FALSE;
  Scene scene;

  open_scene (&scene);
  drain (&scene, "a", TRUE, NULL);
  drain (&scene, "b", TRUE, NULL);
  g_assert_true (take (&scene, &first, "a"));
  g_assert_false (take (&scene, &second, NULL));
  g_assert_true (take (&scene, &first, "b"));
  g_assert_false (take (&scene, &first, NULL));
  drain (&scene, "c", TRUE, NULL);
  g_assert_true (take (&scene, &second, "c"));
  g_assert_false (take (&scene, &second, NULL));
  close_scene (&scene);
}

static void
end_comes_last (void)
{
  gboolean mine = FALSE;
  FerryMail *mail;
  gsize size;
  Scene scene;

  open_scene (&scene);
  drain (&scene, "a", TRUE, NULL);
  ferry_inbox_put_end (&scene.inbox, g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The end"));
  g_assert_true (take (&scene, &mine, "a"));
  mail = ferry_inbox_take (&scene.inbox, &mine);
  g_assert_null (ferry_mail_get_message (mail, &size));
  g_assert_error (mail->end, FERRY_ERROR, FERRY_ERROR_CLOSED);
  ferry_mail_free (mail);
  close_scene (&scene);
}

/* A worker's link would else be short of what lies in an inbox that is gone. */
static void
inbox_that_leaves_gives_its_share_back (void)
{
  gboolean mine = FALSE;
  gsize left;
  Scene scene;

  open_scene (&scene);
  drain (&scene, "abc", TRUE, NULL);
  drain (&scene, "def", TRUE, NULL);
  take (&scene, &mine, "abc");
  left = (gsize) scene.share;
  g_assert_cmpuint (left, >=, 3);
  g_assert_cmpuint (ferry_answer_waits_leave (&scene.waits, &scene.inbox), ==, left);
  g_assert_cmpint (scene.share, ==, 0);
  g_assert_true (take (&scene, &mine, "def"));
  close_scene (&scene);
}

/* Threads that wait, and one that drains. */
typedef struct
{
  FerryInboxWait wait;
  Scene *scene;
  _Atomic guint *n_taken; /* written by the one thread that takes */
  pthread_mutex_t lock;
  pthread_cond_t woken;
  gboolean has_mail; /* lock */
} Waiting;

static void
wake_waiting (FerryInboxWait *wait)
{
  Waiting *self = (Waiting *) wait;

  pthread_mutex_lock (&self->lock);
  self->has_mail = TRUE;
  pthread_cond_signal (&self->woken);
  pthread_mutex_unlock (&self->lock);
}

/* Takes what there is. Relaxed: the inbox orders the threads that take. */
static void
take_numbers (Waiting *self)
{
  gboolean mine = FALSE;
  FerryMail *mail;
  gsize size;

  while ((mail = ferry_inbox_take (&self->scene->inbox, &mine)) != NULL)
    {
      gconstpointer message = ferry_mail_get_message (mail, &size);
      g_autofree char *text = g_strndup (message, size);
      guint n = atomic_load_explicit (self->n_taken, memory_order_relaxed);

      g_assert_cmpuint (g_ascii_strtoull (text + 1, NULL, 10), ==, n);
      atomic_store_explicit (self->n_taken, n + 1, memory_order_relaxed);
      ferry_mail_free (mail);
    }
}

static gpointer
take_all (gpointer data)
{
  Waiting *self = data;

  ferry_inbox_begin_wait (&self->scene->inbox, &self->wait);
  take_numbers (self);
  while (atomic_load_explicit (self->n_taken, memory_order_relaxed) < N_NUMBERS)
    {
      pthread_mutex_lock (&self->lock);
      while (!self->has_mail)
        pthread_cond_wait (&self->woken, &self->lock);
      self->has_mail = FALSE;
      pthread_mutex_unlock (&self->lock);
      take_numbers (self);
    }
  ferry_inbox_end_wait (&self->scene->inbox, &self->wait);
  take_numbers (self);
  return NULL;
}

static void
threads_that_wait_take_all_messages_in_order (void)
{
  Waiting waiting[3];
  GThread *threads[G_N_ELEMENTS (waiting)];
  _Atomic guint n_taken = 0;
  Scene scene;

  open_scene (&scene);
  for (guint i = 0; i < G_N_ELEMENTS (waiting); i++)
    {
      waiting[i] =
        (Waiting){{.came = wake_waiting}, &scene, &n_taken, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, FALSE};
      threads[i] = g_thread_new ("waiting", take_all, &waiting[i]);
    }
  for (guint i = 0; i < N_NUMBERS; i++)
    {
      g_autofree char *message = g_strdup_printf ("n%010u", i);

      /* A thread may not wait yet, or not any more: then it takes them at the beginning or at the end of its wait. */
      drain (&scene, message, TRUE, NULL);
    }
  while (atomic_load_explicit (&n_taken, memory_order_relaxed) < N_NUMBERS)
    ferry_inbox_wake (&scene.inbox);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    {
      /* Of the end, which another thread has met. */
      ferry_inbox_wake (&scene.inbox);
      g_thread_join (threads[i]);
    }
  close_scene (&scene);
}

static GBytes *
drain_whole (Scene *self, GBytes *whole, gboolean may_keep)
{
  gboolean mine = FALSE;
  FerryAnswerPass run;
  g_autoptr (FerryMail) mail = NULL;

  ferry_answer_pass_begin (&run, &self->waits);
  g_assert_true (ferry_answer_pass_take_whole (&run, CONNECTION, whole, FERRY_VALUE_UNJUDGED, may_keep));
  ferry_answer_pass_end (&run);
  g_assert_cmpint (self->share >= (gint64) g_bytes_get_size (whole), ==, !may_keep);
  mail = ferry_inbox_take (&self->inbox, &mine);
  g_assert_null (ferry_inbox_take (&self->inbox, &mine));
  return g_bytes_ref (mail->whole);
}

/* An application that keeps many large messages would else stall its link. */
static void
large_message_that_may_not_be_kept_is_copied (void)
{
  const gsize size = 1000;
  g_autofree char *data = g_strnfill (size, 'a');
  g_autoptr (GBytes) whole = g_bytes_new (data, size);
  g_autoptr (GBytes) kept = NULL;
  g_autoptr (GBytes) copied = NULL;
  Scene scene;

  open_scene (&scene);
  kept = drain_whole (&scene, whole, TRUE);
  g_assert_true (kept == whole);
  copied = drain_whole (&scene, whole, FALSE);
  g_assert_true (copied != whole);
  g_assert_true (g_bytes_equal (copied, whole));
  close_scene (&scene);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/inbox/messages-come-in-order-behind-one-marker", messages_come_in_order_behind_one_marker);
  g_test_add_func ("/inbox/marker-stays-until-the-inbox-is-empty", marker_stays_until_the_inbox_is_empty);
  g_test_add_func ("/inbox/messages-that-come-meanwhile-are-for-the-next-look",
                   messages_that_come_meanwhile_are_for_the_next_look);
  g_test_add_func ("/inbox/inbox-takes-a-reserve-where-the-share-is-in-use",
                   inbox_takes_a_reserve_where_the_share_is_in_use);
  g_test_add_func ("/inbox/message-that-is-not-accepted-stays-in-its-place",
                   message_that_is_not_accepted_stays_in_its_place);
  g_test_add_func ("/inbox/message-needs-a-thread-that-waits-or-a-marker",
                   message_needs_a_thread_that_waits_or_a_marker);
  g_test_add_func ("/inbox/one-thread-at-a-time-takes-messages", one_thread_at_a_time_takes_messages);
  g_test_add_func ("/inbox/threads-that-wait-take-all-messages-in-order", threads_that_wait_take_all_messages_in_order);
  g_test_add_func ("/inbox/end-comes-last", end_comes_last);
  g_test_add_func ("/inbox/inbox-that-leaves-gives-its-share-back", inbox_that_leaves_gives_its_share_back);
  g_test_add_func ("/inbox/large-message-that-may-not-be-kept-is-copied", large_message_that_may_not_be_kept_is_copied);
  return g_test_run ();
}
