/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "cluster/host-test.h"

#include <string.h>

#include "cluster/loop-pair.h"

/* ---- the host ---- */

static void
note_drained (gpointer data)
{
  ((HostTest *) data)->drained = TRUE;
}

HostTest *
host_test_new (gboolean in_threads, guint n_workers)
{
  static const char *const functions[] = {
    "add",           "bytes",   "complain",
    "crash",         "commit",  "echo",
    "fail",          "gate",    "hang",
    "nothing",       "note",    "print",
    "read-fifo",     "report",  "report-and-take-back",
    "send",          "send-as", "sleep-until-cancelled",
    "spin-for-ever", "yield",   NULL,
  };
  HostTest *self = g_new0 (HostTest, 1);

  self->task = task_test_new (in_threads, n_workers);
  self->service = ferry_host_service_new (self->task->pool, "alpha", "0123456789abcdef", functions, note_drained, self);
  return self;
}

void
host_test_free (HostTest *self)
{
  g_clear_object (&self->service);
  task_test_free (self->task);
  g_free (self);
}

void
host_test_wait_drained (HostTest *self)
{
  ferry_test_wait_flag (&self->drained);
}

typedef struct
{
  HostTest *test;
  guint n_waiting, n_reserved, n_running;
} Counts;

static gboolean
has_counts (gpointer data)
{
  Counts *wanted = data;
  FerryHostServiceCounts counts = ferry_host_service_get_counts (wanted->test->service);

  return counts.n_waiting == wanted->n_waiting && counts.n_reserved == wanted->n_reserved &&
         counts.n_running == wanted->n_running;
}

void
host_test_wait_counts (HostTest *self, guint n_waiting, guint n_reserved, guint n_running)
{
  Counts counts = {self, n_waiting, n_reserved, n_running};

  ferry_test_run_until (has_counts, &counts);
}

/* ---- what an application is told ---- */

void
host_test_call_unref (HostTestCall *self)
{
  if (--self->references > 0)
    return;
  g_string_free (self->said, TRUE);
  g_clear_pointer (&self->result, g_variant_unref);
  g_clear_error (&self->error);
  g_free (self->trace);
  g_free (self);
}

/* What the host says of itself is not written down. */
static void
note_said (HostTestCall *self, const char *name, GVariant *said)
{
  gsize cut = g_str_has_prefix (name, FERRY_OWN_VALUE_PREFIX) ? strlen (FERRY_OWN_VALUE_PREFIX) : 0;
  gboolean is_shown = !g_str_equal (name, FERRY_BEGIN_VALUE) && self != self->application->serve;
  g_autofree char *value = is_shown ? g_variant_print (said, FALSE) : NULL;

  if (self->said->len > 0)
    g_string_append_c (self->said, ' ');
  g_string_append (self->said, name + cut);
  if (value != NULL)
    g_string_append_printf (self->said, ":%s", value);
}

/* A value that comes before the answer. */
static void
item_came (gpointer data, const char *name, GVariant *value)
{
  HostTestCall *self = data;
  HostTestApplication *application = self->application;
  FerryProgress progress;

  if (name[0] == '\0')
    self->n_items++;
  else if (g_str_equal (name, FERRY_BEGIN_VALUE))
    self->n_begins++;
  else if (g_str_equal (name, FERRY_CAPACITY_VALUE))
    application->capacity = g_variant_get_uint64 (value);
  else if (g_str_equal (name, FERRY_LOAD_VALUE))
    application->n_load++;
  else if (g_str_equal (name, FERRY_DRAIN_VALUE))
    application->told_drain = TRUE;
  else if (g_str_equal (name, FERRY_PROGRESS_VALUE))
    {
      g_assert_true (ferry_run_progress_from_variant (&progress, value, NULL));
      self->fraction = progress.fraction;
      /* How many reports come depends on time, so they are counted, and not written down. */
      self->n_progress++;
      return;
    }
  else if (g_str_equal (name, FERRY_PROCESS_VALUE))
    {
      /* Whether it comes depends on time. */
      self->process = (GPid) g_variant_get_uint64 (value);
      return;
    }
  note_said (self, name, value);
}

static void
end_came (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  g_autoptr (HostTestCall) self = data;

  g_assert_false (self->done);
  self->done = TRUE;
  self->refused = refused;
  self->result = result != NULL ? g_variant_ref (result) : NULL;
  self->error = error != NULL ? g_error_copy (error) : NULL;
  self->trace = g_strdup (trace);
}

static const FerryAnswerFuncs answer_funcs = {.item = item_came, .done = end_came};

/* ---- what an application says ---- */

static HostTestCall *
ask (HostTestApplication *self, const char *method, GVariant *arguments, FerryCallFlags flags, guint window)
{
  FerryRequest request = {.method = method, .arguments = arguments, .flags = flags, .window = (guint16) window};
  HostTestCall *call = g_new0 (HostTestCall, 1);
  g_autoptr (GError) error = NULL;

  /* One for the answer. */
  call->references = 2;
  call->application = self;
  call->said = g_string_new (NULL);
  call->xid = ferry_transport_ask (self->transport, &request, &answer_funcs, call, &error);
  g_assert_no_error (error);
  return call;
}

HostTestCall *
host_test_ask (HostTestApplication *self, const char *method, GVariant *arguments)
{
  return ask (self, method, arguments, 0, 0);
}

void
host_test_tell (HostTestApplication *self, const char *method, GVariant *arguments)
{
  FerryRequest request = {.method = method, .arguments = arguments, .flags = FERRY_CALL_ONE_WAY};
  g_autoptr (GError) error = NULL;

  ferry_transport_ask (self->transport, &request, NULL, NULL, &error);
  g_assert_no_error (error);
}

void
host_test_want (HostTestApplication *self, guint n)
{
  host_test_tell (self, FERRY_WANT_METHOD, g_variant_new_uint64 (n));
}

static gboolean
has_room_for_one (gpointer data)
{
  HostTestApplication *self = data;

  return self->n_sent < self->capacity || self->is_greedy;
}

HostTestCall *
host_test_run_fully (HostTestApplication *self, FerryRunRequest request, guint window)
{
  ferry_test_run_until (has_room_for_one, self);
  self->n_sent++;
  request.id = 7;
  request.attempt = 1;
  request.name = "a task";
  return ask (self, FERRY_RUN_METHOD, ferry_run_request_to_variant (&request), window > 0 ? FERRY_CALL_STREAM : 0,
              window);
}

static HostTestCall *
run (HostTestApplication *self, const char *function, GVariant *arguments, gboolean idempotent)
{
  g_autoptr (GVariant) sunk = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  FerryRunRequest request = {.function = function,
                             .arguments = sunk,
                             .settings = {.idempotent = idempotent, .cancel_grace = 600 * G_USEC_PER_SEC}};

  return host_test_run_fully (self, request, 0);
}

HostTestCall *
host_test_run (HostTestApplication *self, const char *function, GVariant *arguments)
{
  return run (self, function, arguments, FALSE);
}

HostTestCall *
host_test_run_idempotent (HostTestApplication *self, const char *function, GVariant *arguments)
{
  return run (self, function, arguments, TRUE);
}

void
host_test_give_leave (HostTestCall *call)
{
  host_test_tell (call->application, FERRY_LEAVE_METHOD, ferry_run_order_to_variant (call->xid, 0));
}

void
host_test_withdraw (HostTestCall *call)
{
  host_test_tell (call->application, FERRY_WITHDRAW_METHOD, ferry_run_order_to_variant (call->xid, 0));
}

void
host_test_cancel (HostTestCall *call)
{
  ferry_transport_cancel (call->application->transport, call->xid, FERRY_CANCEL_REASON_CANCELLED);
}

/* ---- waiting ---- */

static gboolean
has_begun (gpointer data)
{
  return ((HostTestCall *) data)->n_begins > 0;
}

void
host_test_wait_begin (HostTestCall *call)
{
  ferry_test_run_until (has_begun, call);
}

void
host_test_wait_done (HostTestCall *call)
{
  ferry_test_wait_flag (&call->done);
}

void
host_test_assert_result (HostTestCall *call, const char *text)
{
  g_autofree char *result = NULL;

  host_test_wait_done (call);
  g_assert_no_error (call->error);
  result = call->result != NULL ? g_variant_print (call->result, FALSE) : NULL;
  g_assert_cmpstr (result, ==, text);
}

void
host_test_assert_failed (HostTestCall *call, GQuark domain, int code)
{
  host_test_wait_done (call);
  g_assert_error (call->error, domain, code);
  g_assert_false (call->refused);
}

void
host_test_assert_refused (HostTestCall *call, GQuark domain, int code)
{
  host_test_wait_done (call);
  g_assert_error (call->error, domain, code);
  g_assert_true (call->refused);
}

typedef struct
{
  HostTestApplication *application;
  guint64 capacity;
} Room;

static gboolean
has_room (gpointer data)
{
  Room *wanted = data;

  return wanted->application->capacity >= wanted->capacity;
}

void
host_test_wait_room (HostTestApplication *self, guint64 room)
{
  Room wanted = {self, room};

  ferry_test_run_until (has_room, &wanted);
  g_assert_cmpuint (self->capacity, ==, room);
}

void
host_test_assert_ended (HostTestApplication *self, int code)
{
  host_test_assert_failed (self->serve, FERRY_ERROR, code);
}

/* ---- an application ---- */

HostTestApplication *
host_test_connect_mute (HostTest *test, const char *name)
{
  HostTestApplication *self = g_new0 (HostTestApplication, 1);
  g_autoptr (FerrySession) end = NULL;
  g_autoptr (GError) error = NULL;
  FerrySession *session;

  self->test = test;
  loop_pair_new (test->task->router, &session, &end);
  self->transport = FERRY_TRANSPORT (session);
  ferry_host_service_add (test->service, end, name, &error);
  g_assert_no_error (error);
  return self;
}

static void
ask_to_be_served (HostTestApplication *self, const char *client, guint64 start)
{
  const FerryServeRequest request = {(char *) "demo", (char *) client, start};

  self->serve = ask (self, FERRY_SERVE_METHOD, ferry_serve_request_to_variant (&request), FERRY_CALL_STREAM, 0);
}

HostTestApplication *
host_test_connect (HostTest *test, const char *name)
{
  HostTestApplication *self = host_test_connect_mute (test, name);

  ask_to_be_served (self, name, 1);
  return self;
}

HostTestApplication *
host_test_connect_as (HostTest *test, const char *name, const char *client, guint64 start)
{
  HostTestApplication *self = host_test_connect_mute (test, name);

  ask_to_be_served (self, client, start);
  return self;
}

HostTestApplication *
host_test_connect_over (HostTest *test, FerryTransport *transport, const char *name)
{
  HostTestApplication *self = g_new0 (HostTestApplication, 1);

  self->test = test;
  self->transport = g_object_ref (transport);
  ask_to_be_served (self, name, 1);
  return self;
}

void
host_test_application_free (HostTestApplication *self)
{
  ferry_transport_close (self->transport);
  if (self->serve != NULL)
    host_test_wait_done (self->serve);
  g_clear_pointer (&self->serve, host_test_call_unref);
  g_clear_object (&self->transport);
  g_free (self);
}
