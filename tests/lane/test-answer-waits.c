/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-answer-waits.c
 *
 * What holds of the locks while threads are woken, and which threads are listed. The rest is seen where threads wait:
 * in test-direct-answers.c, and in test-waiting-threads.c. */

#include "config.h"

#include "lane/ferry-answer-waits-private.h"

#include "ferry-test.h"

/* How often another thread is given the time to do what it must not. */
#define N_YIELDS 1000

typedef struct
{
  FerryAnswerWaits waits;
  _Atomic gboolean done;
} Test;

static gpointer
sync_with_run (gpointer data)
{
  Test *self = data;

  ferry_answer_waits_sync (&self->waits);
  atomic_store (&self->done, TRUE);
  return NULL;
}

/* What threads sleep in is freed then. */
static void
a_sync_waits_until_threads_are_woken (void)
{
  Test test = {0};
  GThread *thread;

  ferry_answer_waits_init (&test.waits);
  /* As at the end of a run. */
  pthread_mutex_lock (&test.waits.waking);
  thread = g_thread_new ("sync", sync_with_run, &test);
  for (guint i = 0; i < N_YIELDS; i++)
    g_thread_yield ();
  g_assert_false (atomic_load (&test.done));
  pthread_mutex_unlock (&test.waits.waking);
  g_thread_join (thread);
  g_assert_true (atomic_load (&test.done));
  ferry_answer_waits_clear (&test.waits);
}

static gpointer
add_and_remove (gpointer data)
{
  Test *self = data;
  FerryAnswerWait wait = {.number = 1};

  ferry_answer_waits_add (&self->waits, &wait);
  ferry_answer_waits_remove (&self->waits, &wait);
  return NULL;
}

static void
threads_come_and_go_while_others_are_woken (void)
{
  Test test = {0};

  ferry_answer_waits_init (&test.waits);
  pthread_mutex_lock (&test.waits.waking);
  g_thread_join (g_thread_new ("waiting", add_and_remove, &test));
  pthread_mutex_unlock (&test.waits.waking);
  g_assert_false (ferry_answer_waits_has_any (&test.waits));
  ferry_answer_waits_clear (&test.waits);
}

static void
a_thread_is_listed_once_by_who_ends_its_time_with_the_lane (void)
{
  FerryAnswerWaits waits;
  FerryAnswerWait wait = {.number = 1};
  FerryLease lease;

  ferry_answer_waits_init (&waits);
  ferry_lease_init (&lease, NULL, FERRY_LEASE_OFFERED);
  g_assert_true (ferry_lease_begin (&lease, &wait, FERRY_LEASE_PAUSED));
  ferry_answer_waits_recall (&waits, &wait, &lease);
  g_assert_false (ferry_answer_waits_add_after_lease (&waits, &wait, &lease));
  g_assert_cmpuint (ferry_lease_get_state (&lease), ==, FERRY_LEASE_RECALLED);
  g_assert_true (wait.is_listed && ferry_answer_waits_has_any (&waits));
  ferry_answer_waits_remove (&waits, &wait);
  g_assert_false (wait.is_listed || ferry_answer_waits_has_any (&waits));
  ferry_answer_waits_clear (&waits);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/answer-waits/a-sync-waits-until-threads-are-woken", a_sync_waits_until_threads_are_woken);
  g_test_add_func ("/answer-waits/threads-come-and-go-while-others-are-woken",
                   threads_come_and_go_while_others_are_woken);
  g_test_add_func ("/answer-waits/a-thread-is-listed-once-by-who-ends-its-time-with-the-lane",
                   a_thread_is_listed_once_by_who_ends_its_time_with_the_lane);
  return g_test_run ();
}
