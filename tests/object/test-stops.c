/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-exporter.c
 *
 * What comes while an exporter is started or stopped, and what becomes of what was asked when it is stopped twice. */

#include "config.h"

#include <locale.h>
#include <stdatomic.h>

#include "conversation/ferry-demux-private.h"
#include "ferry-test.h"
#include "object-test.h"
#include "object/ferry-exporter-private.h"
#include "object/packed-message.h"

#define N_ASKED 3

/* So many that to go through them takes milliseconds. */
#define N_ENTRIES 200000
#define N_ROUNDS 8

typedef struct
{
  FerryTransport *here; /* (owned), as what follows */
  FerryTransport *there;
  FerryExporter *exporter;
  TestCounter *counter;
  FerryProxy *proxy;
} Scene;

static gboolean
is_heard (gpointer data)
{
  Scene *self = data;

  ferry_exporter_process_requests (self->exporter);
  return ferry_proxy_get_listening (self->proxy);
}

static gboolean
is_unheard (gpointer data)
{
  return !is_heard (data);
}

static void
set_up (Scene *self, gconstpointer data)
{
  g_autoptr (FerryInterface) interface = test_counter_create_interface ();
  g_autoptr (GError) error = NULL;

  ferry_transport_new_pair (&self->here, &self->there);
  self->counter = test_counter_new ("counter");
  self->exporter = ferry_exporter_new ();
  g_object_set (self->exporter, "manual", TRUE, NULL);
  ferry_exporter_export (self->exporter, "counter", G_OBJECT (self->counter), interface, FERRY_CALL_POLICY_SERIAL,
                         &error);
  g_assert_no_error (error);
  ferry_exporter_add_transport (self->exporter, self->there, &error);
  g_assert_no_error (error);
  ferry_exporter_start (self->exporter);
  self->proxy = ferry_proxy_new (self->here, "counter");
  ferry_test_look_until (is_heard, self);
}

static gboolean
has_no_counters (gpointer data)
{
  return test_counter_count () == 0;
}

static void
tear_down (Scene *self, gconstpointer data)
{
  g_clear_object (&self->proxy);
  ferry_transport_close (self->here);
  g_object_unref (self->here);
  g_object_unref (self->there);
  g_clear_object (&self->exporter);
  g_clear_object (&self->counter);
  ferry_test_look_until (has_no_counters, NULL);
}

/* ---- two stops ---- */

typedef struct
{
  FerryExporter *exporter;
  guint n;
} Pending;

static gboolean
are_pending (gpointer data)
{
  Pending *self = data;

  /* They are counted a moment before the thread that processes them would find them. */
  return ferry_exporter_get_n_pending (self->exporter) == self->n &&
         g_main_context_pending (ferry_exporter_get_context (self->exporter));
}

typedef struct
{
  gboolean over;
  GError *error; /* (owned) (nullable) */
} Answer;

static void
answered_cb (GObject *mux, GAsyncResult *result, gpointer data)
{
  Answer *self = data;
  g_autoptr (GVariant) value G_GNUC_UNUSED = ferry_mux_transact_finish (FERRY_MUX (mux), result, &self->error);

  self->over = TRUE;
}

/* Whatever is heard here of the exporter's state. Returns when they lie there, beside so many others. */
static void
ask (Scene *self, Answer *answers, guint n_others)
{
  g_autoptr (FerryMux) mux = ferry_mux_new (self->here);
  Pending pending = {self->exporter, n_others + N_ASKED};

  for (guint i = 0; i < N_ASKED; i++)
    {
      FerryChainRequest request = {.root = {"counter", 0, 0}, .n_steps = 1, .steps = g_new0 (FerryStep, 1)};

      request.steps[0] = (FerryStep){FERRY_STEP_CALL, "add", g_variant_ref_sink (g_variant_new ("(i)", 1))};
      ferry_mux_transact_async (mux, FERRY_OBJECT_METHOD_VIEW, packed_request (&request), -1, NULL, answered_cb,
                                &answers[i]);
      ferry_chain_request_clear (&request);
    }
  ferry_test_look_until (are_pending, &pending);
}

/* code: 0: they are done. */
static void
assert_answers (Answer *answers, int code)
{
  for (guint i = 0; i < N_ASKED; i++)
    {
      ferry_test_wait_flag (&answers[i].over);
      if (code == 0)
        g_assert_no_error (answers[i].error);
      else
        g_assert_error (answers[i].error, FERRY_ERROR, code);
      g_clear_error (&answers[i].error);
    }
}

static void
stop_twice (Scene *self, FerryStopMode first, FerryStopMode second, int code)
{
  Answer before[N_ASKED] = {0};
  Answer between[N_ASKED] = {0};

  ask (self, before, 0);
  ferry_exporter_stop (self->exporter, first);
  ask (self, between, N_ASKED);
  ferry_exporter_stop (self->exporter, second);
  ferry_exporter_process_requests (self->exporter);
  assert_answers (before, code);
  assert_answers (between, FERRY_ERROR_NOT_LISTENING);
}

static void
test_refused_stays_refused (Scene *self, gconstpointer data)
{
  stop_twice (self, FERRY_STOP_MODE_REFUSE, FERRY_STOP_MODE_DRAIN, FERRY_ERROR_REFUSED);
  g_assert_cmpint (test_counter_get_value (self->counter), ==, 0);
}

static void
test_promised_stays_promised (Scene *self, gconstpointer data)
{
  stop_twice (self, FERRY_STOP_MODE_DRAIN, FERRY_STOP_MODE_REFUSE, 0);
  g_assert_cmpint (test_counter_get_value (self->counter), ==, N_ASKED);
}

static void
test_same_stop (Scene *self, gconstpointer data)
{
  stop_twice (self, FERRY_STOP_MODE_DRAIN, FERRY_STOP_MODE_DRAIN, 0);
  g_assert_cmpint (test_counter_get_value (self->counter), ==, N_ASKED);
}

/* ---- calls that wait for the exporter's thread ---- */

typedef struct
{
  FerryExporter *exporter;
  _Atomic gboolean over;
  GError *error; /* (owned) (nullable) */
} LocalCall;

static gpointer
call_thread (gpointer data)
{
  LocalCall *self = data;
  g_autoptr (FerryProxy) proxy = ferry_proxy_new_local (self->exporter, "counter");

  ferry_proxy_call (proxy, "hold", NULL, -1, NULL, NULL, NULL, &self->error);
  atomic_store (&self->over, TRUE);
  return NULL;
}

/* A call was accepted on its own thread, and continues on the exporter's. */
static gboolean
is_pending (gpointer exporter)
{
  return g_main_context_pending (ferry_exporter_get_context (exporter));
}

static gboolean
is_over (gpointer data)
{
  LocalCall *self = data;

  ferry_exporter_process_requests (self->exporter);
  return atomic_load (&self->over);
}

/* data: whether another call has the object's turn. */
static void
test_accepted (Scene *self, gconstpointer data)
{
  GMainContext *context = ferry_exporter_get_context (self->exporter);
  LocalCall calls[2] = {{self->exporter}, {self->exporter}};
  GThread *threads[2] = {NULL};

  g_assert_true (g_main_context_acquire (context));
  if (data != NULL)
    {
      threads[0] = g_thread_new ("holds", call_thread, &calls[0]);
      ferry_test_look_until (is_pending, self->exporter);
      ferry_exporter_process_requests (self->exporter);
      g_assert_cmpuint (test_counter_get_n_held (self->counter), ==, 1);
    }
  threads[1] = g_thread_new ("waits", call_thread, &calls[1]);
  ferry_test_look_until (is_pending, self->exporter);
  ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_REFUSE);
  ferry_test_look_until (is_over, &calls[1]);
  g_thread_join (threads[1]);
  g_assert_error (calls[1].error, FERRY_ERROR, FERRY_ERROR_REFUSED);
  g_clear_error (&calls[1].error);
  if (data != NULL)
    {
      test_counter_let_go (self->counter);
      ferry_test_look_until (is_over, &calls[0]);
      g_thread_join (threads[0]);
      g_assert_no_error (calls[0].error);
    }
  g_assert_cmpuint (test_counter_get_n_held (self->counter), ==, 0);
  g_main_context_release (context);
}

/* ---- who comes meanwhile ---- */

typedef struct
{
  FerryExporter *exporter;
  GObject *session; /* the one that counts as many */
  FerryTransport *there;
  FerryProxy *proxy;
  gboolean listened; /* before */
  _Atomic gboolean over;
} Joining;

/* Comes when the exporter has listed those that it tells. */
static gpointer
join_thread (gpointer data)
{
  Joining *self = data;
  g_autoptr (GError) error = NULL;

  while (g_atomic_int_get (&self->session->ref_count) < 2 * N_ENTRIES && !atomic_load (&self->over))
    ;
  ferry_exporter_add_transport (self->exporter, self->there, &error);
  g_assert_no_error (error);
  while (ferry_proxy_get_listening (self->proxy) != self->listened && !atomic_load (&self->over))
    ferry_exporter_process_requests (self->exporter);
  return NULL;
}

/* Returns (transfer full). */
static GObject *
get_session (FerryExporter *exporter)
{
  g_autoptr (GPtrArray) sessions = ferry_exporter_list_sessions (exporter);

  return g_object_ref (sessions->pdata[0]);
}

/* The one that there is counts as many: that gives others time. */
static void
add_entries (FerryExporter *exporter, GObject *session)
{
  for (guint i = 1; i < N_ENTRIES; i++)
    ferry_exporter_add_session (exporter, session);
}

static void
remove_entries (FerryExporter *exporter, GObject *session)
{
  for (guint i = 1; i < N_ENTRIES; i++)
    g_object_unref (ferry_exporter_steal_session (exporter, session));
}

static void
join_while_it_changes (Scene *self, gboolean starts)
{
  Scene late = {.exporter = self->exporter};
  g_autoptr (GObject) session = get_session (self->exporter);
  Joining joining = {.exporter = self->exporter, .session = session, .listened = !starts};
  GThread *thread;

  ferry_transport_new_pair (&late.here, &late.there);
  joining.there = late.there;
  joining.proxy = late.proxy = ferry_proxy_new (late.here, "counter");
  add_entries (self->exporter, session);
  thread = g_thread_new ("join", join_thread, &joining);
  if (starts)
    ferry_exporter_start (self->exporter);
  else
    ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_DRAIN);
  atomic_store (&joining.over, TRUE);
  g_thread_join (thread);
  remove_entries (self->exporter, session);
  ferry_test_look_until (starts ? is_heard : is_unheard, &late);
  g_clear_object (&late.proxy);
  ferry_transport_close (late.here);
  ferry_transport_wait_closed (late.there);
  g_object_unref (late.here);
  g_object_unref (late.there);
}

static void
test_join (Scene *self, gconstpointer data)
{
  for (guint i = 0; i < N_ROUNDS; i++)
    {
      join_while_it_changes (self, i % 2 == 1);
      ferry_test_look_until (i % 2 == 1 ? is_heard : is_unheard, self);
    }
}

/* A handler that is told of the start, or the stop. */
static void
add_in_handler_cb (FerryExporter *exporter, GParamSpec *pspec, gpointer data)
{
  Scene *late = data;
  g_autoptr (GError) error = NULL;

  ferry_exporter_add_transport (exporter, late->there, &error);
  g_assert_no_error (error);
  /* And goes back to what was before. */
  g_signal_handlers_disconnect_by_data (exporter, data);
  if (ferry_exporter_get_listening (exporter))
    ferry_exporter_stop (exporter, FERRY_STOP_MODE_DRAIN);
  else
    ferry_exporter_start (exporter);
}

static void
test_join_in_handler (Scene *self, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      Scene late = {.exporter = self->exporter};

      ferry_transport_new_pair (&late.here, &late.there);
      late.proxy = ferry_proxy_new (late.here, "counter");
      g_signal_connect (self->exporter, "notify::listening", G_CALLBACK (add_in_handler_cb), &late);
      if (i == 0)
        ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_DRAIN);
      else
        ferry_exporter_start (self->exporter);
      ferry_test_look_until (i == 0 ? is_heard : is_unheard, &late);
      ferry_test_look_until (i == 0 ? is_heard : is_unheard, self);
      if (i == 0)
        ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_DRAIN);
      g_clear_object (&late.proxy);
      ferry_transport_close (late.here);
      ferry_transport_wait_closed (late.there);
      g_object_unref (late.here);
      g_object_unref (late.there);
    }
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

#define ADD(name, test) g_test_add ("/object-stops/" name, Scene, NULL, set_up, test, tear_down)
  ADD ("what-a-stop-refuses-no-other-stop-fulfils", test_refused_stays_refused);
  ADD ("what-a-stop-fulfils-no-other-stop-refuses", test_promised_stays_promised);
  ADD ("what-comes-behind-a-stop-is-not-before-the-next-one", test_same_stop);
  ADD ("an-accepted-call-that-has-not-begun-is-refused", test_accepted);
  g_test_add ("/object-stops/an-accepted-call-that-comes-to-a-busy-object-is-refused", Scene, "busy", set_up,
              test_accepted, tear_down);
  ADD ("who-comes-while-it-is-started-or-stopped-hears-of-it", test_join);
  ADD ("who-comes-while-handlers-are-told-hears-the-latest", test_join_in_handler);

  return g_test_run ();
}
