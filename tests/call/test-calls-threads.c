/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: call/ferry-transport.c, call/ferry-request.c, call/ferry-call.c, call/ferry-room.c
 *
 * Many threads ask at once, while a pump thread each way delivers. */

#include "config.h"

#include "call/call-test.h"

#include <stdatomic.h>

#define ASKING 0
#define ASKED 1
#define N_THREADS 4
#define N_REQUESTS 3000

typedef struct
{
  CallTestPair *pair;
  _Atomic guint n_done;
  _Atomic guint n_failed;
  _Atomic guint n_wrong;
  guint n_asked[N_THREADS]; /* written by a thread each */
} Scene;

typedef struct
{
  Scene *scene;
  guint number;
  GThread *thread;
} Asker;

/* What the answer must be. */
typedef struct
{
  Scene *scene;
  guint32 number;
} Question;

static void
note_answer (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  Question *question = data;

  if (error != NULL)
    question->scene->n_failed++;
  else if (g_variant_get_uint32 (result) != question->number)
    question->scene->n_wrong++;
  question->scene->n_done++;
  g_free (question);
}

static const FerryAnswerFuncs answer_funcs = {.done = note_answer};

static gboolean
ask (Scene *scene, guint32 number)
{
  FerryRequest request = {.method = "echo", .arguments = g_variant_new_uint32 (number)};
  Question *question = g_new (Question, 1);

  *question = (Question){scene, number};
  if (ferry_transport_ask (scene->pair->ends[ASKING], &request, &answer_funcs, question, NULL) != 0)
    return TRUE;
  g_free (question);
  return FALSE;
}

static gpointer
ask_all (gpointer data)
{
  Asker *self = data;

  for (guint32 i = 0; i < N_REQUESTS && ask (self->scene, self->number * N_REQUESTS + i); i++)
    self->scene->n_asked[self->number]++;
  return NULL;
}

static void
start (Scene *scene, Asker *askers)
{
  for (guint i = 0; i < N_THREADS; i++)
    {
      askers[i] = (Asker){.scene = scene, .number = i};
      askers[i].thread = g_thread_new ("ask", ask_all, &askers[i]);
    }
}

static guint
join (Scene *scene, Asker *askers)
{
  guint n = 0;

  for (guint i = 0; i < N_THREADS; i++)
    {
      g_thread_join (askers[i].thread);
      n += scene->n_asked[i];
    }
  return n;
}

static guint64 last_xid; /* of the pump that delivers requests */

static void
echo_in_order (FerryTransport *self, FerryCall *call, GObject *owner)
{
  g_assert_cmpuint (ferry_call_get_xid (call), ==, last_xid + 1);
  last_xid = ferry_call_get_xid (call);
  ferry_call_answer (call, ferry_call_get_arguments (call), NULL);
}

static void
test_each_thread_gets_its_answers (void)
{
  Scene scene = {.pair = call_test_pair_new (NULL, echo_in_order)};
  Asker askers[N_THREADS];
  GThread *requests;
  GThread *answers;

  last_xid = 0;
  requests = call_test_pair_start_pump (scene.pair, ASKING);
  answers = call_test_pair_start_pump (scene.pair, ASKED);
  start (&scene, askers);
  g_assert_cmpuint (join (&scene, askers), ==, N_THREADS * N_REQUESTS);
  call_test_pair_stop_pump (scene.pair, ASKING, requests);
  call_test_pair_stop_pump (scene.pair, ASKED, answers);
  g_assert_cmpuint (scene.n_done, ==, N_THREADS * N_REQUESTS);
  g_assert_cmpuint (scene.n_failed, ==, 0);
  g_assert_cmpuint (scene.n_wrong, ==, 0);
  call_test_pair_free (scene.pair);
}

static void
test_close_meanwhile_fails_each_once (void)
{
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "The worker was killed");

  for (guint round = 0; round < 5; round++)
    {
      Scene scene = {.pair = call_test_pair_new (NULL, echo_in_order)};
      Asker askers[N_THREADS];
      GThread *requests;
      GThread *answers;
      guint n;

      last_xid = 0;
      requests = call_test_pair_start_pump (scene.pair, ASKING);
      answers = call_test_pair_start_pump (scene.pair, ASKED);
      start (&scene, askers);
      while (scene.n_done < 50 * round)
        g_thread_yield ();
      ferry_transport_end (scene.pair->ends[ASKING], reason);
      n = join (&scene, askers);
      call_test_pair_stop_pump (scene.pair, ASKING, requests);
      /* An answer may be heard by this pump until it stops. */
      call_test_pair_stop_pump (scene.pair, ASKED, answers);
      g_assert_cmpuint (n, ==, scene.n_done);
      g_assert_cmpuint (scene.n_wrong, ==, 0);
      call_test_pair_free (scene.pair);
    }
}

/* ---- calls are answered elsewhere, and cancelled meanwhile ---- */

/* Calls on their way to the thread that answers them. */
static GQueue calls = G_QUEUE_INIT;
static pthread_mutex_t calls_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t calls_changed = PTHREAD_COND_INITIALIZER;
static _Atomic guint n_cancels;

static void
note_cancel (FerryCall *call, gpointer data)
{
  n_cancels++;
}

static void
queue_call (FerryTransport *self, FerryCall *call, GObject *owner)
{
  ferry_call_set_cancel_func (call, note_cancel, NULL);
  pthread_mutex_lock (&calls_lock);
  g_queue_push_tail (&calls, ferry_call_ref (call));
  pthread_cond_signal (&calls_changed);
  pthread_mutex_unlock (&calls_lock);
}

static FerryCall *
take_call (void)
{
  FerryCall *call;

  pthread_mutex_lock (&calls_lock);
  while ((call = g_queue_pop_head (&calls)) == NULL)
    pthread_cond_wait (&calls_changed, &calls_lock);
  pthread_mutex_unlock (&calls_lock);
  return call;
}

static gpointer
answer_calls (gpointer data)
{
  for (guint i = 0; i < N_REQUESTS; i++)
    {
      FerryCall *call = take_call ();

      /* Every third is dropped. */
      if (i % 3 != 0)
        g_assert_true (ferry_call_answer (call, ferry_call_get_arguments (call), NULL));
      ferry_call_unref (call);
    }
  return NULL;
}

static void
test_answers_and_cancels_meet (void)
{
  Scene scene = {.pair = call_test_pair_new (NULL, queue_call)};
  GThread *requests;
  GThread *answers;
  GThread *worker;

  n_cancels = 0;
  requests = call_test_pair_start_pump (scene.pair, ASKING);
  answers = call_test_pair_start_pump (scene.pair, ASKED);
  worker = g_thread_new ("answer", answer_calls, NULL);
  for (guint32 i = 0; i < N_REQUESTS; i++)
    {
      g_assert_true (ask (&scene, i));
      ferry_transport_cancel (scene.pair->ends[ASKING], i + 1, FERRY_CANCEL_REASON_CANCELLED);
    }
  g_thread_join (worker);
  call_test_pair_stop_pump (scene.pair, ASKING, requests);
  call_test_pair_stop_pump (scene.pair, ASKED, answers);
  g_assert_cmpuint (scene.n_done, ==, N_REQUESTS);
  g_assert_cmpuint (scene.n_failed, ==, N_REQUESTS / 3);
  g_assert_cmpuint (scene.n_wrong, ==, 0);
  g_assert_cmpuint (n_cancels, <=, N_REQUESTS);
  call_test_pair_free (scene.pair);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/calls-threads/each-thread-gets-its-answers", test_each_thread_gets_its_answers);
  g_test_add_func ("/calls-threads/close-meanwhile-fails-each-once", test_close_meanwhile_fails_each_once);
  g_test_add_func ("/calls-threads/answers-and-cancels-meet", test_answers_and_cancels_meet);
  return g_test_run ();
}
