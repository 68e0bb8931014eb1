/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: classic/ferry-background.c
 *
 * Results that wait for an application: each is given until one has answered for it. */

#include "config.h"

#include <fcntl.h>
#include <ferry-classic.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "call/transport-test.h"

/* An application, joined to the background by a pair of transports. */
typedef struct
{
  FerryTransport *ends[2]; /* (owned): the worker's, its own */
  FerryDemux *demux;       /* (owned) */
  _Atomic guint n_given;   /* the handler's thread writes the others, and then this */
  guint64 numbers[16];
  guint32 values[16];
  FerryInvocation *kept; /* (owned) (nullable): of one that does not answer */
} Application;

typedef enum
{
  ANSWERS,
  FAILS,
  KEEPS_SILENT,
} Manner;

static void
note (Application *self, FerryInvocation *invocation)
{
  guint n = atomic_load (&self->n_given);
  g_autoptr (GVariant) value = NULL;

  g_assert_cmpuint (n, <, G_N_ELEMENTS (self->numbers));
  g_variant_get (ferry_invocation_get_arguments (invocation), "(tv)", &self->numbers[n], &value);
  self->values[n] = g_variant_get_uint32 (value);
}

static void
said (Application *self)
{
  atomic_fetch_add (&self->n_given, 1);
  transport_test_wake ();
}

static void
answer (FerryInvocation *invocation, gpointer data)
{
  note (data, invocation);
  ferry_invocation_return_value (invocation, NULL);
  said (data);
}

static void
fail (FerryInvocation *invocation, gpointer data)
{
  note (data, invocation);
  ferry_invocation_return_new_error (invocation, FERRY_ERROR, FERRY_ERROR_BAD_RESULT, "The disk is full");
  said (data);
}

static void
keep_silent (FerryInvocation *invocation, gpointer data)
{
  Application *self = data;

  note (self, invocation);
  self->kept = ferry_invocation_ref (invocation);
  said (self);
}

static void
attach (Application *self, FerryBackground *background, Manner manner)
{
  static const FerryDemuxHandler handlers[] = {answer, fail, keep_silent};
  g_autoptr (GError) error = NULL;

  *self = (Application){.n_given = 0};
  ferry_transport_new_pair (&self->ends[0], &self->ends[1]);
  self->demux = ferry_demux_new (self->ends[1]);
  ferry_demux_set_threads (self->demux, 1);
  ferry_demux_add_handler (self->demux, "result", handlers[manner], self, NULL);
  g_assert_true (ferry_demux_start (self->demux, &error));
  g_assert_true (ferry_background_attach (background, self->ends[0], &error));
  g_assert_no_error (error);
}

static void
wait_given (Application *self, guint n)
{
  transport_test_wait_count (&self->n_given, n);
}

/* As when it is killed: its end is closed, and nothing is answered any more. */
static void
end (Application *self)
{
  ferry_transport_close (self->ends[1]);
  ferry_demux_stop (self->demux);
  g_clear_pointer (&self->kept, ferry_invocation_unref);
  g_object_unref (self->demux);
  g_object_unref (self->ends[0]);
  g_object_unref (self->ends[1]);
}

static void
put (FerryBackground *background, guint32 value)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_background_put (background, g_variant_new_uint32 (value), -1, NULL, &error));
  g_assert_no_error (error);
}

static gboolean
is_empty (gpointer background)
{
  return ferry_test_get_number (background, "n-results") == 0;
}

static void
test_what_comes_while_nobody_is_attached_is_given_to_who_attaches (void)
{
  FerryBackground *background = ferry_background_new ("result", 10);
  Application application;

  put (background, 70);
  put (background, 71);
  g_assert_cmpuint (ferry_test_get_number (background, "n-results"), ==, 2);
  attach (&application, background, ANSWERS);
  wait_given (&application, 2);
  put (background, 72);
  wait_given (&application, 3);
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpuint (application.numbers[i], ==, i + 1);
      g_assert_cmpuint (application.values[i], ==, 70 + i);
    }
  transport_test_wait (is_empty, background);
  g_assert_finalize_object (background);
  end (&application);
}

static void
assert_stays_until_it_is_answered (Manner manner)
{
  FerryBackground *background = ferry_background_new ("result", 10);
  Application first;
  Application second;

  put (background, 70);
  put (background, 71);
  attach (&first, background, manner);
  wait_given (&first, 1);
  end (&first);
  g_assert_cmpuint (ferry_test_get_number (background, "n-results"), ==, 2);
  attach (&second, background, ANSWERS);
  wait_given (&second, 2);
  g_assert_cmpuint (second.numbers[0], ==, 1);
  g_assert_cmpuint (second.values[0], ==, 70);
  g_assert_cmpuint (second.numbers[1], ==, 2);
  transport_test_wait (is_empty, background);
  g_assert_finalize_object (background);
  end (&second);
}

static void
test_what_an_application_took_up_and_did_not_answer_is_given_again (void)
{
  assert_stays_until_it_is_answered (KEEPS_SILENT);
}

static void
test_what_an_application_failed_to_take_is_given_to_the_next_one (void)
{
  assert_stays_until_it_is_answered (FAILS);
}

static void
test_who_attaches_takes_the_place_of_who_did (void)
{
  FerryBackground *background = ferry_background_new ("result", 10);
  Application first;
  Application second;

  attach (&first, background, ANSWERS);
  put (background, 1);
  wait_given (&first, 1);
  transport_test_wait (is_empty, background);
  attach (&second, background, ANSWERS);
  put (background, 2);
  wait_given (&second, 1);
  g_assert_cmpuint (atomic_load (&first.n_given), ==, 1);
  transport_test_wait (is_empty, background);
  ferry_background_detach (background);
  ferry_background_detach (background);
  put (background, 3);
  g_assert_cmpuint (ferry_test_get_number (background, "n-results"), ==, 1);
  g_assert_finalize_object (background);
  end (&first);
  end (&second);
}

static gpointer
put_main (gpointer background)
{
  put (background, 3);
  return NULL;
}

static void
test_no_more_wait_than_may (void)
{
  FerryBackground *background = ferry_background_new ("result", 2);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Application application;
  GThread *thread;

  put (background, 1);
  put (background, 2);
  g_assert_false (ferry_background_put (background, g_variant_new_uint32 (3), 0, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  g_clear_error (&error);
  g_assert_false (ferry_background_put (background, g_variant_new_uint32 (3), 1000, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_clear_error (&error);
  g_cancellable_cancel (cancellable);
  g_assert_false (ferry_background_put (background, g_variant_new_uint32 (3), -1, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  thread = g_thread_new ("put", put_main, background);
  attach (&application, background, ANSWERS);
  wait_given (&application, 3);
  g_thread_join (thread);
  g_assert_cmpuint (application.values[2], ==, 3);
  transport_test_wait (is_empty, background);
  g_assert_finalize_object (background);
  end (&application);
}

/* ---- as the messages of a channel ---- */

#define PATIENCE (FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC)

/* Returns the application's end. */
static FerryChannel *
attach_channel (FerryBackground *background)
{
  g_autoptr (FerryTransport) one = NULL;
  g_autoptr (FerryTransport) other = NULL;
  g_autoptr (FerryChannel) channel = NULL;
  g_autoptr (GError) error = NULL;

  ferry_transport_new_pair (&one, &other);
  channel = ferry_channel_new (one);
  g_assert_true (ferry_background_attach_channel (background, channel, &error));
  g_assert_no_error (error);
  return ferry_channel_new (other);
}

/* NULL: the good end. */
static GVariant *
take (FerryChannel *channel)
{
  g_autoptr (GError) error = NULL;
  GVariant *value = NULL;

  g_assert_true (ferry_channel_receive (channel, PATIENCE, NULL, &value, NULL, &error));
  g_assert_no_error (error);
  return value;
}

static void
assert_taken (FerryChannel *channel, guint32 expected)
{
  g_autoptr (GVariant) value = take (channel);

  g_assert_nonnull (value);
  g_assert_cmpuint (g_variant_get_uint32 (value), ==, expected);
}

static void
test_results_are_messages_and_end_when_there_are_no_more (void)
{
  FerryBackground *background = ferry_background_new ("result", 10);
  g_autoptr (FerryChannel) channel = NULL;
  g_autoptr (GError) error = NULL;

  put (background, 70);
  channel = attach_channel (background);
  put (background, 71);
  assert_taken (channel, 70);
  assert_taken (channel, 71);
  put (background, 72);
  ferry_background_finish (background);
  g_assert_false (ferry_background_put (background, g_variant_new_uint32 (73), -1, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  assert_taken (channel, 72);
  g_assert_null (take (channel));
  g_assert_finalize_object (background);
}

static gboolean
has_one (gpointer background)
{
  return ferry_test_get_number (background, "n-results") == 1;
}

static gboolean
has_two (gpointer background)
{
  return ferry_test_get_number (background, "n-results") == 2;
}

static void
test_message_that_was_not_taken_is_given_to_the_next_one (void)
{
  FerryBackground *background = ferry_background_new ("result", 10);
  FerryChannel *channel;

  put (background, 70);
  put (background, 71);
  put (background, 72);
  channel = attach_channel (background);
  assert_taken (channel, 70);
  /* That this one was taken is heard before another one attaches. The next one has come by now, or reaches no end.
   */
  transport_test_wait (has_two, background);
  g_object_unref (channel);
  channel = attach_channel (background);
  assert_taken (channel, 71);
  transport_test_wait (has_one, background);
  g_object_unref (channel);
  ferry_background_finish (background);
  channel = attach_channel (background);
  assert_taken (channel, 72);
  g_assert_null (take (channel));
  g_object_unref (channel);
  g_assert_finalize_object (background);
}

/* The process that is told that all is over may end in the next instant. */
static void
test_worker_that_waited_has_told_of_the_end (void)
{
  for (guint i = 0; i < 100; i++)
    {
      FerryBackground *background = ferry_background_new ("result", 10);
      g_autoptr (FerryTransport) one = NULL;
      g_autoptr (FerryTransport) other = NULL;
      g_autoptr (FerryChannel) kept = NULL;
      g_autoptr (FerryChannel) channel = NULL;
      g_autoptr (GError) error = NULL;

      ferry_transport_new_pair (&one, &other);
      kept = ferry_channel_new (one);
      channel = ferry_channel_new (other);
      g_assert_true (ferry_background_attach_channel (background, kept, &error));
      put (background, i);
      ferry_background_finish (background);
      assert_taken (channel, i);
      g_assert_true (ferry_background_wait_taken (background, PATIENCE, NULL, &error));
      ferry_transport_close (one);
      g_assert_null (take (channel));
      g_assert_finalize_object (background);
    }
}

#define LIMIT (4 * G_USEC_PER_SEC)

typedef struct
{
  FerryChannel *channel;
  int order;
  const char *go; /* of the stopper */
} Stopped;

/* The stop begins when the worker waits, and results are taken after it. */
static gpointer
take_after_stop (gpointer data)
{
  const Stopped *self = data;

  g_assert_cmpint (write (self->order, "", 1), ==, 1);
  close (open (self->go, O_RDONLY | O_CLOEXEC));
  assert_taken (self->channel, 70);
  return NULL;
}

static void
test_the_time_of_a_stop_is_not_the_limits (void)
{
  FerryBackground *background = ferry_background_new ("result", 10);
  g_autofree char *go = g_build_filename (g_get_user_runtime_dir (), "go", NULL);
  g_autoptr (GError) error = NULL;
  Stopped self = {.go = go};
  GThread *thread;
  GPid stopper;

  g_assert_no_errno (mkfifo (go, 0600));
  stopper = ferry_test_fork_stopper (go, LIMIT + G_USEC_PER_SEC, &self.order);
  put (background, 70);
  self.channel = attach_channel (background);
  ferry_background_finish (background);
  thread = g_thread_new ("taker", take_after_stop, &self);
  g_assert_true (ferry_background_wait_taken (background, LIMIT, NULL, &error));
  g_assert_no_error (error);
  g_thread_join (thread);
  g_assert_cmpint (waitpid (stopper, NULL, 0), ==, stopper);
  close (self.order);
  g_assert_finalize_object (background);
  g_object_unref (self.channel);
}

static void
test_worker_waits_until_all_are_taken (void)
{
  FerryBackground *background = ferry_background_new ("result", 10);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (FerryChannel) channel = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_background_wait_taken (background, 0, NULL, &error));
  put (background, 70);
  g_assert_false (ferry_background_wait_taken (background, 1000, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_clear_error (&error);
  g_cancellable_cancel (cancellable);
  g_assert_false (ferry_background_wait_taken (background, -1, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  channel = attach_channel (background);
  ferry_background_finish (background);
  assert_taken (channel, 70);
  g_assert_true (ferry_background_wait_taken (background, PATIENCE, NULL, &error));
  g_assert_no_error (error);
  /* It was told so, and nothing more comes that would tell it. */
  g_assert_finalize_object (background);
  g_assert_null (take (channel));
}

static void
test_background_without_a_name_that_can_be_sent_is_a_mistake (void)
{
  g_autofree char *too_long = g_strnfill (256, 'm');
  const char *const names[] = {NULL, "", too_long};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "*ferry_background_new*method*");
      g_assert_null (ferry_background_new (names[i], 10));
      g_test_assert_expected_messages ();
    }
  too_long[255] = '\0';
  g_object_unref (ferry_background_new (too_long, 10));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/background/what-comes-while-nobody-is-attached-is-given-to-who-attaches",
                   test_what_comes_while_nobody_is_attached_is_given_to_who_attaches);
  g_test_add_func ("/background/what-an-application-took-up-and-did-not-answer-is-given-again",
                   test_what_an_application_took_up_and_did_not_answer_is_given_again);
  g_test_add_func ("/background/what-an-application-failed-to-take-is-given-to-the-next-one",
                   test_what_an_application_failed_to_take_is_given_to_the_next_one);
  g_test_add_func ("/background/who-attaches-takes-the-place-of-who-did", test_who_attaches_takes_the_place_of_who_did);
  g_test_add_func ("/background/no-more-wait-than-may", test_no_more_wait_than_may);
  g_test_add_func ("/background/results-are-messages-and-end-when-there-are-no-more",
                   test_results_are_messages_and_end_when_there_are_no_more);
  g_test_add_func ("/background/message-that-was-not-taken-is-given-to-the-next-one",
                   test_message_that_was_not_taken_is_given_to_the_next_one);
  g_test_add_func ("/background/worker-that-waited-has-told-of-the-end", test_worker_that_waited_has_told_of_the_end);
  g_test_add_func ("/background/worker-waits-until-all-are-taken", test_worker_waits_until_all_are_taken);
  g_test_add_func ("/background/the-time-of-a-stop-is-not-the-limits", test_the_time_of_a_stop_is_not_the_limits);
  g_test_add_func ("/background/background-without-a-name-that-can-be-sent-is-a-mistake",
                   test_background_without_a_name_that_can_be_sent_is_a_mistake);
  return g_test_run ();
}
