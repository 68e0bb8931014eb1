/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-exporter.c, object/ferry-proxy-session.c
 *
 * References to objects, from both ends of a transport at once: in whatever order they come and go, and whatever
 * becomes of the calls that bring them, none is left. Calls are made on threads, and the main thread looks on. */

#include "config.h"

#include <locale.h>

#include "conversation/demux-test.h"
#include "object-test.h"

/* Each night. */
#define N_REFERENCES 100000
#define N_HELD 1500
#define N_THREADS 4

typedef struct
{
  FerryTransport *transport; /* (owned) */
  FerryExporter *exporter;   /* (owned): of this end's objects */
  TestCounter *counter;      /* (owned) */
  FerryProxy *other;         /* (owned): of the other end's counter */
  GQueue late; /* (element-type FerryInvocation) (owned): that wait for an answer; of the holder of lock */
  GMutex lock;
} End;

typedef struct
{
  End ends[2];
  DemuxTestPair *wires; /* (owned) (nullable) */
  guint n_fds;          /* open before */
  guint n_open;         /* and once all was set up */
} Scene;

/* ---- setting up ---- */

static void
keep_late (gpointer object, FerryInvocation *invocation, gpointer data)
{
  End *self = data;

  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->late, ferry_invocation_ref (invocation));
  g_mutex_unlock (&self->lock);
}

static void
set_up_end (End *self, FerryTransport *transport)
{
  g_autoptr (FerryInterface) interface = test_counter_create_interface ();
  g_autoptr (TestCounter) next = test_counter_new ("next");
  g_autoptr (GError) error = NULL;

  g_mutex_init (&self->lock);
  self->transport = g_object_ref (transport);
  self->counter = test_counter_new ("first");
  test_counter_set_next (self->counter, next);
  self->exporter = ferry_exporter_new ();
  g_object_set (self->exporter, "threads", 2, NULL);
  ferry_interface_add_method (interface, "late", "", "o", keep_late, self, NULL);
  ferry_exporter_export (self->exporter, "counter", G_OBJECT (self->counter), interface, FERRY_CALL_POLICY_CONCURRENT,
                         &error);
  g_assert_no_error (error);
  ferry_exporter_export_type (self->exporter, interface, FERRY_CALL_POLICY_CONCURRENT);
  ferry_exporter_add_transport (self->exporter, transport, &error);
  g_assert_no_error (error);
  ferry_exporter_start (self->exporter);
}

static gboolean
is_listening (gpointer proxy)
{
  return ferry_proxy_get_listening (proxy);
}

static void
set_up (Scene *self, gconstpointer wired)
{
  g_autoptr (FerryTransport) one = NULL;
  g_autoptr (FerryTransport) other = NULL;

  g_main_context_wakeup (NULL);
  self->n_fds = ferry_test_count_fds ();
  self->wires = wired != NULL ? demux_test_pair_new () : NULL;
  if (self->wires != NULL)
    {
      one = g_object_ref (self->wires->ends[ASKING]);
      other = g_object_ref (self->wires->ends[ASKED]);
    }
  else
    ferry_transport_new_pair (&one, &other);
  set_up_end (&self->ends[0], one);
  set_up_end (&self->ends[1], other);
  for (guint i = 0; i < 2; i++)
    {
      self->ends[i].other = ferry_proxy_new (self->ends[i].transport, "counter");
      ferry_test_look_until (is_listening, self->ends[i].other);
    }
  self->n_open = ferry_test_count_fds ();
}

static gboolean
has_no_references (gpointer exporter)
{
  return ferry_test_get_number (exporter, "n-references") == 0;
}

/* Those that have a name, and what they have next. */
static gboolean
has_four_counters (gpointer data)
{
  return test_counter_count () == 4;
}

static void
assert_nothing_left (Scene *self)
{
  for (guint i = 0; i < 2; i++)
    ferry_test_look_until (has_no_references, self->ends[i].exporter);
  ferry_test_look_until (has_four_counters, NULL);
}

static gboolean
has_fds (gpointer data)
{
  return ferry_test_count_fds () == ((Scene *) data)->n_fds;
}

static void
tear_down (Scene *self, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    g_clear_object (&self->ends[i].other);
  assert_nothing_left (self);
  for (guint i = 0; i < 2; i++)
    {
      g_clear_object (&self->ends[i].exporter);
      ferry_transport_close (self->ends[i].transport);
      g_clear_object (&self->ends[i].counter);
    }
  ferry_test_look_until (test_counters_are_gone, NULL);
  for (guint i = 0; i < 2; i++)
    {
      g_clear_object (&self->ends[i].transport);
      g_assert_true (g_queue_is_empty (&self->ends[i].late));
      g_mutex_clear (&self->ends[i].lock);
    }
  g_clear_pointer (&self->wires, demux_test_pair_free);
  ferry_test_look_until (has_fds, self);
}

/* ---- calls ---- */

/* Returns (transfer full). */
static FerryProxy *
get_object (FerryProxy *proxy, const char *method, GVariant *arguments)
{
  FerryProxy *object = NULL;
  g_autoptr (GError) error = NULL;

  ferry_proxy_call (proxy, method, arguments, -1, NULL, NULL, &object, &error);
  g_assert_no_error (error);
  g_assert_nonnull (object);
  return object;
}

static FerryProxy *
make (FerryProxy *proxy)
{
  return get_object (proxy, "make", g_variant_new ("(s)", "made"));
}

typedef struct
{
  Scene *scene;
  void (*func) (Scene *scene, guint number);
  guint number;
  gboolean over;
} Job;

static gpointer
job_thread (gpointer data)
{
  Job *self = data;

  self->func (self->scene, self->number);
  self->over = TRUE;
  g_main_context_wakeup (NULL);
  return NULL;
}

/* On n threads at once. */
static void
run_threads (Scene *scene, guint n, void (*func) (Scene *scene, guint number))
{
  g_autofree Job *jobs = g_new0 (Job, n);
  g_autofree GThread **threads = g_new (GThread *, n);

  for (guint i = 0; i < n; i++)
    {
      jobs[i] = (Job){scene, func, i, FALSE};
      threads[i] = g_thread_new ("caller", job_thread, &jobs[i]);
    }
  for (guint i = 0; i < n; i++)
    {
      ferry_test_wait_flag (&jobs[i].over);
      g_thread_join (threads[i]);
    }
}

/* ---- in any order ---- */

static guint32 seed;

/* An object that there is a proxy of gives that proxy. */
static void
visit (FerryProxy *proxy, GRand *rand)
{
  g_autoptr (FerryProxy) same = get_object (proxy, "get_self", NULL);
  g_autoptr (FerryProxy) next = NULL;

  g_assert_true (same == proxy);
  if (g_rand_boolean (rand))
    next = make (proxy);
}

static void
come_and_go (Scene *scene, guint number)
{
  End *end = &scene->ends[number % 2];
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed + number);
  g_autoptr (GPtrArray) proxies = g_ptr_array_new_with_free_func (g_object_unref);
  guint n_wanted = ferry_test_times (N_REFERENCES / 5, N_REFERENCES) / N_THREADS;

  for (guint n_made = 0; n_made < n_wanted;)
    {
      gint32 what = g_rand_int_range (rand, 0, 100);
      gint32 which = proxies->len > 0 ? g_rand_int_range (rand, 0, (gint32) proxies->len) : 0;

      if (proxies->len == 0 || (what < 55 && proxies->len < N_HELD))
        {
          g_ptr_array_add (proxies, make (end->other));
          n_made++;
        }
      else if (what < 97)
        g_ptr_array_remove_index_fast (proxies, (guint) which);
      else if (what < 98)
        g_ptr_array_set_size (proxies, which);
      else
        visit (proxies->pdata[which], rand);
    }
}

static void
test_random (Scene *self, gconstpointer data)
{
  seed = g_random_int ();
  g_test_message ("Seed %u", seed);
  run_threads (self, N_THREADS, come_and_go);
  assert_nothing_left (self);
}

/* ---- one object for all ---- */

/* While this thread drops the last proxy, another may get the object again. */
static void
share (Scene *scene, guint number)
{
  for (guint i = 0; i < 3000; i++)
    {
      g_autoptr (FerryProxy) next = get_object (scene->ends[0].other, "get_next", NULL);
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GError) error = NULL;

      if (i % 3 == 0)
        ferry_proxy_call (next, "add", g_variant_new ("(i)", 1), -1, NULL, &value, NULL, &error);
      g_assert_no_error (error);
    }
}

static void
test_shared (Scene *self, gconstpointer data)
{
  run_threads (self, N_THREADS, share);
  assert_nothing_left (self);
}

/* ---- answers that are not waited for ---- */

typedef struct
{
  gboolean over;
  GError *error; /* (owned) (nullable) */
} Outcome;

static void
failed_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  Outcome *self = data;

  g_assert_false (ferry_proxy_call_finish (FERRY_PROXY (proxy), result, NULL, NULL, &self->error));
  self->over = TRUE;
}

static gboolean
has_late (gpointer data)
{
  End *self = data;
  gboolean has;

  g_mutex_lock (&self->lock);
  has = self->late.length > 0;
  g_mutex_unlock (&self->lock);
  return has;
}

/* Waits until the other end has taken up what was asked before. */
static void
settle (Scene *scene, guint number)
{
  g_autoptr (FerryProxy) same = get_object (scene->ends[0].other, "get_self", NULL);
}

static void
answer_late (Scene *self)
{
  g_autoptr (FerryInvocation) invocation = NULL;
  g_autoptr (TestCounter) made = test_counter_new ("late");

  ferry_test_look_until (has_late, &self->ends[1]);
  invocation = g_queue_pop_head (&self->ends[1].late);
  ferry_invocation_return_object (invocation, G_OBJECT (made));
}

typedef struct
{
  End *end;
  const Outcome *outcome;
} Late;

static gboolean
is_late_or_over (gpointer data)
{
  const Late *self = data;

  return has_late (self->end) || self->outcome->over;
}

static void
test_late (Scene *self, gconstpointer data)
{
  for (guint i = 0; i < 40;)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Outcome outcome = {0};
      gboolean cancels = i % 2 == 0;

      ferry_proxy_call_async (self->ends[0].other, "late", NULL, cancels ? -1 : 100000, cancels ? cancellable : NULL,
                              failed_cb, &outcome);
      ferry_test_look_until (is_late_or_over, &(Late){&self->ends[1], &outcome});
      if (!has_late (&self->ends[1]))
        {
          /* Its time was over before it was begun. */
          g_clear_error (&outcome.error);
          continue;
        }
      if (cancels)
        g_cancellable_cancel (cancellable);
      ferry_test_wait_flag (&outcome.over);
      if (cancels)
        g_assert_error (outcome.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      else
        g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
      g_clear_error (&outcome.error);
      answer_late (self);
      run_threads (self, 1, settle);
      assert_nothing_left (self);
      /* With the first cancellable GLib starts a thread, which stays. */
      if (i == 0)
        self->n_fds += ferry_test_count_fds () - self->n_open;
      i++;
    }
}

/* ---- no room, and the end ---- */

static GPtrArray *kept;

static void
make_many (Scene *scene, guint number)
{
  for (guint i = 0; i < 3000; i++)
    g_ptr_array_add (kept, make (scene->ends[0].other));
}

static void
test_no_room (Scene *self, gconstpointer data)
{
  kept = g_ptr_array_new_with_free_func (g_object_unref);
  run_threads (self, 1, make_many);
  g_assert_cmpint (ferry_test_get_number (self->ends[1].exporter, "n-references"), ==, 3000);
  demux_test_wire_limit (self->wires, ASKING, 5, G_MAXSIZE);
  demux_test_wire_hold (self->wires, ASKING, TRUE);
  g_clear_pointer (&kept, g_ptr_array_unref);
  g_assert_cmpuint (demux_test_wire_count (self->wires, ASKING), ==, 5);
  g_assert_cmpuint (demux_test_wire_count_refused (self->wires, ASKING), >, 0);
  g_assert_cmpint (ferry_test_get_number (self->ends[1].exporter, "n-references"), ==, 3000);
  demux_test_wire_hold (self->wires, ASKING, FALSE);
  assert_nothing_left (self);
}

/* The number says which end closes it. */
static void
test_closed (Scene *self, gconstpointer data)
{
  kept = g_ptr_array_new_with_free_func (g_object_unref);
  run_threads (self, 1, make_many);
  ferry_transport_close (self->ends[g_random_int_range (0, 2)].transport);
  assert_nothing_left (self);
  g_clear_pointer (&kept, g_ptr_array_unref);
}

static void
test_exporter_gone (Scene *self, gconstpointer data)
{
  kept = g_ptr_array_new_with_free_func (g_object_unref);
  run_threads (self, 1, make_many);
  g_clear_object (&self->ends[1].exporter);
  ferry_test_look_until (has_four_counters, NULL);
  self->ends[1].exporter = ferry_exporter_new ();
  g_clear_pointer (&kept, g_ptr_array_unref);
}

/* ---- objects of a main context ---- */

static void
made_cb (GObject *proxy, GAsyncResult *result, gpointer made)
{
  g_autoptr (GError) error = NULL;

  ferry_proxy_call_finish (FERRY_PROXY (proxy), result, NULL, made, &error);
  g_assert_no_error (error);
}

static gboolean
is_made (gpointer made)
{
  return *(FerryProxy **) made != NULL;
}

static gboolean
has_one_counter (gpointer data)
{
  return test_counter_count () == 1;
}

/* They are dropped on their context. A router that is waited with there serves that. */
static void
test_routed (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryInterface) interface = test_counter_create_interface ();
  g_autoptr (TestCounter) counter = test_counter_new ("first");
  g_autoptr (FerryExporter) exporter = ferry_exporter_new ();
  g_autoptr (FerryTransport) here = NULL;
  g_autoptr (FerryTransport) there = NULL;
  g_autoptr (FerryProxy) proxy = NULL;
  g_autoptr (FerryProxy) made = NULL;
  g_autoptr (GError) error = NULL;

  ferry_transport_new_pair (&here, &there);
  ferry_exporter_set_context (exporter, NULL);
  ferry_exporter_export (exporter, "counter", G_OBJECT (counter), interface, FERRY_CALL_POLICY_SERIAL, &error);
  g_assert_no_error (error);
  ferry_exporter_export_type (exporter, interface, FERRY_CALL_POLICY_SERIAL);
  ferry_exporter_add_transport (exporter, there, &error);
  g_assert_no_error (error);
  ferry_exporter_start (exporter);
  proxy = ferry_proxy_new (here, "counter");
  ferry_test_run_until (is_listening, proxy);
  ferry_proxy_call_async (proxy, "make", g_variant_new ("(s)", "made"), -1, NULL, made_cb, &made);
  ferry_test_run_until (is_made, &made);
  g_assert_cmpuint (test_counter_count (), ==, 2);
  ferry_transport_close (here);
  ferry_router_route_until (router, has_one_counter, NULL, 60 * G_USEC_PER_SEC, &error);
  g_assert_no_error (error);
  ferry_test_router_stop (router);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  g_test_add ("/object-references/come-and-go-from-both-ends-in-any-order", Scene, NULL, set_up, test_random,
              tear_down);
  g_test_add ("/object-references/are-good-while-another-thread-drops-the-same", Scene, NULL, set_up, test_shared,
              tear_down);
  g_test_add ("/object-references/of-answers-that-nobody-waits-for-are-dropped", Scene, NULL, set_up, test_late,
              tear_down);
  g_test_add ("/object-references/are-dropped-when-there-is-room", Scene, GINT_TO_POINTER (1), set_up, test_no_room,
              tear_down);
  g_test_add ("/object-references/end-with-the-transport", Scene, NULL, set_up, test_closed, tear_down);
  g_test_add ("/object-references/end-with-the-exporter", Scene, NULL, set_up, test_exporter_gone, tear_down);
  g_test_add_func ("/object-references/are-dropped-on-the-context-that-a-router-serves", test_routed);

  return g_test_run ();
}
