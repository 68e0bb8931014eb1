/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-mux.c, engine/ferry-short-cut.c
 *
 * A thread with an answer that came together with something else, which is other code on the receiving thread and waits
 * for that thread; and which thread receives where answers come in bursts. */

#include "config.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ferry-thread-private.h"
#include "call/link-test.h"
#include "conversation/ferry-mux.h"

#define THEIR_XID 7

/* Takes what is sent, and what comes is brought manually. */
#define TYPE_SILENT_TRANSPORT (silent_transport_get_type ())
G_DECLARE_FINAL_TYPE (SilentTransport, silent_transport, SILENT, TRANSPORT, FerryTransport)

struct _SilentTransport
{
  FerryTransport parent_instance;
};

G_DEFINE_FINAL_TYPE (SilentTransport, silent_transport, FERRY_TYPE_TRANSPORT)

static gboolean
silent_transport_send (FerryTransport *transport, const GOutputVector *parts, guint n_parts, GError **error)
{
  return TRUE;
}

static void
silent_transport_close (FerryTransport *transport)
{
}

static void
silent_transport_class_init (SilentTransportClass *klass)
{
  FERRY_TRANSPORT_CLASS (klass)->send = silent_transport_send;
  FERRY_TRANSPORT_CLASS (klass)->close = silent_transport_close;
}

static void
silent_transport_init (SilentTransport *self)
{
}

/* A message comes, and others after it. */
static void
bring (FerryTransport *transport, FerryCallKind kind, guint64 xid, const char *method)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  FerryCallMessage message;
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  guint n_parts;

  ferry_call_message_init (&message, kind, xid, method, NULL);
  message.header.number = kind == FERRY_CALL_CANCEL ? FERRY_CANCEL_REASON_CANCELLED : 0;
  n_parts = ferry_call_message_get_parts (&message, parts);
  for (guint i = 0; i < n_parts; i++)
    g_byte_array_append (bytes, parts[i].data, (guint) parts[i].size);
  ferry_transport_receive_bytes (transport, bytes->data, bytes->len, NULL, FERRY_VALUE_UNJUDGED);
}

/* ---- who waits ---- */

typedef struct
{
  FerryMux *mux;    /* (owned) */
  GThread *thread;  /* (owned) */
  _Atomic pid_t id; /* of the thread */
  _Atomic gboolean is_through;
} Fellow;

static gpointer
wait_for_answer (gpointer data)
{
  Fellow *self = data;
  g_autoptr (GError) error = NULL;

  atomic_store (&self->id, (pid_t) syscall (SYS_gettid));
  g_assert_null (ferry_mux_transact (self->mux, "echo", NULL, -1, NULL, &error));
  g_assert_no_error (error);
  atomic_store (&self->is_through, TRUE);
  return NULL;
}

static gboolean
sleeps (Fellow *self)
{
  int call = ferry_test_get_system_call (getpid (), atomic_load (&self->id));

  return ferry_test_get_number (self->mux, "n-in-flight") == 1 && call == FERRY_SYS_FUTEX;
}

/* The answer of a worker may come before the thread sleeps. */
static void
fellow_start (Fellow *self, FerryTransport *transport)
{
  *self = (Fellow){.mux = ferry_mux_new (transport)};
  self->thread = g_thread_new ("fellow", wait_for_answer, self);
  while (!sleeps (self) && !atomic_load (&self->is_through))
    g_thread_yield ();
}

static void
fellow_end (Fellow *self)
{
  g_thread_join (self->thread);
  g_clear_object (&self->mux);
}

static void
wait_for_fellow (Fellow *self)
{
  gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC / 4;

  while (!atomic_load (&self->is_through) && g_get_monotonic_time () < deadline)
    g_thread_yield ();
  g_assert_true (atomic_load (&self->is_through));
}

/* ---- what comes behind an answer ---- */

static void
keep_call (FerryTransport *transport, FerryCall *call, GObject *owner)
{
  *(FerryCall **) g_object_get_data (owner, "call") = ferry_call_ref (call);
}

static void
wait_in_cancel (FerryCall *call, gpointer data)
{
  wait_for_fellow (data);
}

static void
is_woken_before_a_cancel_is_heard (void)
{
  g_autoptr (FerryTransport) transport = g_object_new (TYPE_SILENT_TRANSPORT, NULL);
  g_autoptr (GObject) owner = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (FerryCall) call = NULL;
  Fellow fellow;

  g_object_set_data (owner, "call", &call);
  g_assert_true (ferry_transport_take_calls (transport, keep_call, owner, NULL));
  bring (transport, FERRY_CALL_REQUEST, THEIR_XID, "work");
  g_assert_nonnull (call);
  ferry_call_set_cancel_func (call, wait_in_cancel, &fellow);
  fellow_start (&fellow, transport);
  bring (transport, FERRY_CALL_ANSWER, 1, NULL);
  bring (transport, FERRY_CALL_CANCEL, THEIR_XID, NULL);
  g_assert_cmpuint (ferry_call_get_cancelled (call), !=, 0);
  fellow_end (&fellow);
}

static void
wait_in_answer (GVariant *result, const GError *error, gpointer data)
{
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  wait_for_fellow (data);
}

static void
is_woken_before_the_end_is_heard (void)
{
  g_autoptr (FerryTransport) transport = g_object_new (TYPE_SILENT_TRANSPORT, NULL);
  Fellow fellow;
  g_autoptr (FerryMux) mux = ferry_mux_new (transport);

  fellow_start (&fellow, transport);
  g_assert_cmpuint (ferry_mux_transact_with_func (mux, "echo", NULL, wait_in_answer, &fellow, NULL), ==, 2);
  bring (transport, FERRY_CALL_ANSWER, 1, NULL);
  ferry_transport_receive_bytes (transport, "no message", 10, NULL, FERRY_VALUE_UNJUDGED);
  g_assert_true (ferry_test_get_number (transport, "closed"));
  fellow_end (&fellow);
}

/* ---- on the router's thread ---- */

typedef struct
{
  Fellow fellow;
  gboolean called;
} Scene;

static void
wait_in_handler (GVariant *result, const GError *error, gpointer data)
{
  Scene *scene = data;

  g_assert_no_error (error);
  wait_for_fellow (&scene->fellow);
  scene->called = TRUE;
}

/* The answers are those of two transports of a worker, and both lie in its lane before the first one is looked at. */
static void
is_woken_before_another_pipe_is_heard (void)
{
  g_auto (LinkTest) test = {0};
  g_autofree char *before = NULL;
  g_autoptr (FerryMux) mux = NULL;

  /* Otherwise the thread would drain the lane itself. */
  before = g_strdup (g_getenv ("FERRY_TEST_SHORT_CUT"));
  g_setenv ("FERRY_TEST_SHORT_CUT", "0", TRUE);
  link_test_init (&test);
  if (before != NULL)
    g_setenv ("FERRY_TEST_SHORT_CUT", before, TRUE);
  else
    g_unsetenv ("FERRY_TEST_SHORT_CUT");
  mux = ferry_mux_new (test.b);
  link_test_assert_answers (test.a, "name", NULL, "'a'");
  for (guint i = 0; i < 200; i++)
    {
      Scene scene = {0};

      fellow_start (&scene.fellow, test.a);
      g_assert_cmpuint (ferry_mux_transact_with_func (mux, "name", NULL, wait_in_handler, &scene, NULL), >, 0);
      ferry_test_wait_flag (&scene.called);
      fellow_end (&scene.fellow);
    }
  g_clear_object (&mux);
  link_test_close (&test);
}

/* ---- a conversation ---- */

#define N_UNDER_WAY 64
#define N_CONVERSED 50000
#define MAX_ROUNDS 20

/* The machine is looked at once for so many messages. At work are then the main loop, the monitor and the worker. */
#define LOOK_EVERY 1000
#define N_AT_WORK 4
#define PATIENCE_SECONDS 20

typedef struct
{
  FerryMux *mux; /* (unowned) */
  char text[512];
  guint n_left;
  guint n_under_way;
  guint n_busy; /* at how many looks the machine had other work */
} Conversation;

static void ask_next (Conversation *self);

/* Returns how many threads of the machine run or wait for a processor, 0 where that is not known. */
static guint
count_runnable (void)
{
  g_autofree char *text = NULL;
  guint n = 0;

  if (!g_file_get_contents ("/proc/loadavg", &text, NULL, NULL) || sscanf (text, "%*s %*s %*s %u/", &n) != 1)
    return 0;
  return n;
}

static void
ask_again (GVariant *result, const GError *error, gpointer data)
{
  Conversation *self = data;

  g_assert_no_error (error);
  self->n_under_way--;
  if (self->n_left > 0)
    ask_next (self);
}

static void
ask_next (Conversation *self)
{
  if (self->n_left % LOOK_EVERY == 0)
    self->n_busy += count_runnable () > N_AT_WORK;
  self->n_left--;
  self->n_under_way++;
  g_assert_cmpuint (
    ferry_mux_transact_with_func (self->mux, "echo", g_variant_new_string (self->text), ask_again, self, NULL), >, 0);
}

static gboolean
is_over (gpointer data)
{
  return ((Conversation *) data)->n_under_way == 0;
}

/* Returns how often the monitor went to sleep meanwhile. is_busy: whether the machine had other work, at one look in
 * ten or more. */
static guint64
converse (FerryMux *mux, gboolean *is_busy)
{
  const guint64 before = ferry_test_count_sleeps_of ("ferry-monitor");
  Conversation conversation = {.mux = mux, .n_left = N_CONVERSED};

  memset (conversation.text, 'a', sizeof conversation.text - 1);
  for (guint i = 0; i < N_UNDER_WAY; i++)
    ask_next (&conversation);
  ferry_test_run_until (is_over, &conversation);
  *is_busy = conversation.n_busy >= N_CONVERSED / LOOK_EVERY / 10;
  return ferry_test_count_sleeps_of ("ferry-monitor") - before;
}

/* The monitor may hold the drain lock at first, and takes it whenever the main loop is late to poll. But a burst of
 * answers is not what it drains better, and it sleeps once for each burst where it thinks so. Where the main loop waits
 * for a processor, it is late in most conversations, so only those count for which the machine had no other work. */
static void
is_left_to_the_main_loop (void)
{
  g_auto (LinkTest) test = {0};
  g_autoptr (FerryMux) mux = NULL;
  const gint64 deadline = g_get_monotonic_time () + PATIENCE_SECONDS * G_USEC_PER_SEC;
  gboolean is_busy;
  guint n = 0;

  link_test_init (&test);
  mux = ferry_mux_new (test.a);
  /* The monitor's thread has its name when the first answer is there. */
  link_test_assert_answers (test.a, "name", NULL, "'a'");
  while (converse (mux, &is_busy) > N_CONVERSED / N_UNDER_WAY / 4)
    {
      n += !is_busy;
      g_assert_cmpuint (n, <, MAX_ROUNDS);
      if (is_busy && g_get_monotonic_time () >= deadline)
        {
          g_test_skip ("This machine has other work, and the main loop is late");
          break;
        }
    }
  g_clear_object (&mux);
  link_test_close (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mux-runs/who-waits-is-woken-before-a-cancel-is-heard", is_woken_before_a_cancel_is_heard);
  g_test_add_func ("/mux-runs/who-waits-is-woken-before-the-end-is-heard", is_woken_before_the_end_is_heard);
  g_test_add_func ("/mux-runs/who-waits-is-woken-before-another-pipe-is-heard", is_woken_before_another_pipe_is_heard);
  if (ferry_test_has_short_cut ())
    g_test_add_func ("/mux-runs/a-conversation-is-left-to-the-main-loop", is_left_to_the_main_loop);
  return g_test_run ();
}
