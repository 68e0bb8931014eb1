/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-answer-waits.c
 *
 * Which thread a message is handed to. The rest is seen where threads wait: in test-direct-answers.c, and in
 * test-waiting-threads.c. */

#include "config.h"

#include "lane/ferry-answer-waits-private.h"

#include "ferry-test.h"

/* They share a list. */
#define NUMBER 1
#define OTHER_NUMBER (NUMBER + FERRY_N_ANSWER_WAIT_LISTS)

typedef struct
{
  FerryAnswerWait wait;
  guint64 place;
  FerryCompletion *completion; /* (owned) */
} Waiting;

static gboolean
is_any_answer (gpointer data, gconstpointer payload, gsize size)
{
  return TRUE;
}

static gboolean
is_no_part (gpointer data, gconstpointer payload, gsize size)
{
  return FALSE;
}

static void
waiting_begin (Waiting *self, FerryAnswerWaits *waits, guint64 connection_id, guint64 number)
{
  static const FerryCompletionFuncs none = {0};

  self->completion = ferry_completion_new (&none, 0);
  self->wait = (FerryAnswerWait){
    .connection_id = connection_id,
    .number = number,
    .completion = self->completion,
    .place = &self->place,
    .max_size = sizeof self->place,
    .is_answer = is_any_answer,
    .take_part = is_no_part,
  };
  ferry_answer_waits_add (waits, &self->wait);
}

/* Returns whether a thread has got it. */
static gboolean
bring (FerryAnswerWaits *waits, guint64 connection_id, guint64 number)
{
  const FerryRecordHeader header = {
    .length = sizeof number, .kind = FERRY_RECORD_BYTES, .connection_id = connection_id};
  FerryAnswerPass run;
  gboolean taken;

  ferry_answer_pass_begin (&run, waits);
  taken = ferry_answer_pass_take (&run, &header, (const guint8 *) &number, TRUE);
  ferry_answer_pass_end (&run);
  return taken;
}

static void
an_answer_goes_to_the_thread_of_its_number_and_connection (void)
{
  FerryAnswerWaits waits;
  Waiting one = {0};
  Waiting other = {0};

  ferry_answer_waits_init (&waits);
  waiting_begin (&one, &waits, 7, NUMBER);
  waiting_begin (&other, &waits, 7, OTHER_NUMBER);
  g_assert_false (bring (&waits, 8, NUMBER));
  g_assert_true (bring (&waits, 7, OTHER_NUMBER));
  g_assert_cmpuint (other.wait.size, ==, sizeof other.place);
  g_assert_cmpuint (other.place, ==, OTHER_NUMBER);
  g_assert_cmpuint (one.wait.size, ==, 0);
  /* Once. */
  g_assert_false (bring (&waits, 7, OTHER_NUMBER));
  g_assert_true (ferry_answer_waits_has_any (&waits));
  ferry_answer_waits_remove (&waits, &one.wait);
  g_assert_false (ferry_answer_waits_has_any (&waits));
  g_assert_false (bring (&waits, 7, NUMBER));
  ferry_completion_unref (one.completion);
  ferry_completion_unref (other.completion);
  ferry_answer_waits_clear (&waits);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/answer-waits/an-answer-goes-to-the-thread-of-its-number-and-connection",
                   an_answer_goes_to_the_thread_of_its_number_and_connection);
  return g_test_run ();
}
