/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where runs go on.
 *
 * One that goes on because another one has left is put into the thread's queue, and taken up once that one is through:
 * so many that wait do not nest. An object's code begins with no queue, as it may wait. */

#include "config.h"

#include "object/ferry-view-run-fields-private.h"

/* How many runs a thread takes up one after the other. */
#define MAX_IN_A_ROW 16

static GPrivate current_run;  /* (unowned): whose object's code the thread is in: a method, or a property's */
static GPrivate thread_queue; /* a GQueue of runs, on the stack of who takes them up */
static GPrivate serves;       /* (unowned): the exporter whose methods this thread is there to call */

FerryViewRun *
ferry_view_run_get_current (void)
{
  return g_private_get (&current_run);
}

static void hand_to_thread (FerryViewRun *self);

/* Whoever answers and the turn that it got may both call it, never at once: a run that waits for a turn has no step
 * under way. */
static void
go_on_now (FerryViewRun *self)
{
  /* Acquire: pairs with the answer's release. */
  guint phase = atomic_exchange_explicit (&self->phase, 0, memory_order_acquire);

  ferry_view_run_go_on (self, (phase & PHASE_ANSWERED) != 0);
}

/* Takes up what the thread was left. Takes the run. Others may keep an object busy for ever; the thread has callers of
 * its own, so after some it leaves the rest to one that has none. */
static void
take_up (FerryViewRun *self)
{
  GQueue *queue = g_private_get (&thread_queue);
  GQueue own = G_QUEUE_INIT;
  guint n = 0;

  if (queue != NULL)
    {
      g_queue_push_tail (queue, self);
      return;
    }
  g_private_set (&thread_queue, &own);
  for (; self != NULL; self = g_queue_pop_head (&own))
    if (n++ < MAX_IN_A_ROW || ferry_exporter_get_context (self->exporter) != NULL)
      {
        go_on_now (self);
        ferry_view_run_unref (self);
      }
    else
      hand_to_thread (self);
  g_private_set (&thread_queue, NULL);
}

static gboolean
resumed_cb (gpointer data)
{
  take_up (ferry_view_run_ref (data));
  return G_SOURCE_REMOVE;
}

/* Takes the run. */
static void
go_on_in_thread (gpointer data, gpointer user_data)
{
  g_private_set (&serves, ((FerryViewRun *) data)->exporter);
  take_up (data);
  g_private_set (&serves, NULL);
}

/* Whoever answers, or calls an object of its own process, is not to call others' methods. As many threads as there are
 * runs: with fewer, a method that waits for another could wait for ever. Takes the run. */
static void
hand_to_thread (FerryViewRun *self)
{
  static gsize pool = 0;

  if (g_once_init_enter (&pool))
    g_once_init_leave (&pool, (gsize) g_thread_pool_new (go_on_in_thread, NULL, -1, FALSE, NULL));
  g_thread_pool_push ((GThreadPool *) pool, self, NULL);
}

static gboolean
left_cb (gpointer data)
{
  ferry_view_run_take_up_others ();
  return G_SOURCE_REMOVE;
}

/* The code that begins may run the main loop, or wait for what others do: these are not to wait for it. */
static void
pass_on (GQueue *queue)
{
  for (guint n = queue->length; n > 0; n--)
    {
      FerryViewRun *run = g_queue_pop_head (queue);

      if (ferry_exporter_get_context (run->exporter) == NULL)
        hand_to_thread (run);
      else
        g_queue_push_tail (queue, run);
    }
  if (!g_queue_is_empty (queue))
    ferry_exporter_call_later (((FerryViewRun *) queue->head->data)->exporter, left_cb, NULL, NULL);
}

void
ferry_view_run_begin_code (FerryViewRun *self)
{
  self->outer = g_private_get (&current_run);
  self->left = g_private_get (&thread_queue);
  g_private_set (&current_run, self);
  g_private_set (&thread_queue, NULL);
  if (self->left != NULL)
    pass_on (self->left);
}

void
ferry_view_run_end_code (FerryViewRun *self)
{
  g_private_set (&current_run, self->outer);
  g_private_set (&thread_queue, self->left);
}

/* The answer of the last step calls nobody. */
static gboolean
is_last (FerryViewRun *self)
{
  /* Relaxed: it goes on in any case after the answer was acquired. */
  return (atomic_load_explicit (&self->phase, memory_order_relaxed) & PHASE_ANSWERED) != 0 &&
         self->next + 1 >= self->request.n_steps;
}

/* Not in an object's code, which might have the turn that this run waits for. */
static gboolean
serves_now (FerryViewRun *self)
{
  return g_private_get (&serves) == self->exporter && g_private_get (&current_run) == NULL;
}

/* Returns whether the run goes on here; it was given to where it does otherwise, which takes it. */
static gboolean
is_here (FerryViewRun *self)
{
  GMainContext *context = ferry_exporter_get_context (self->exporter);

  if (context != NULL ? g_main_context_is_owner (context) : serves_now (self) || is_last (self))
    return TRUE;
  if (context == NULL)
    hand_to_thread (self);
  else
    ferry_exporter_call_later (self->exporter, resumed_cb, self, (GDestroyNotify) ferry_view_run_unref);
  return FALSE;
}

void
ferry_view_run_resume (FerryViewRun *self)
{
  if (is_here (self))
    take_up (self);
}

/* Those of threads are there already. */
void
ferry_view_run_take_up_others (void)
{
  for (FerryViewRun *in = g_private_get (&current_run); in != NULL; in = in->outer)
    while (in->left != NULL && !g_queue_is_empty (in->left))
      take_up (g_queue_pop_head (in->left));
}

static void
start (FerryViewRun *self)
{
  GMainContext *context = ferry_exporter_get_context (self->exporter);
  gboolean acquired = context != NULL && g_main_context_acquire (context);

  if (context == NULL || acquired)
    ferry_view_run_go_on (self, FALSE);
  else
    ferry_view_run_resume (ferry_view_run_ref (self));
  if (acquired)
    g_main_context_release (context);
}

void
ferry_view_run_start (FerryViewRun *self)
{
  gpointer before = g_private_get (&serves);

  g_private_set (&serves, self->exporter);
  start (self);
  g_private_set (&serves, before);
}

void
ferry_view_run_start_here (FerryViewRun *self)
{
  FerryViewRun *caller = g_private_get (&current_run);

  self->caller = caller != NULL ? caller->number : 0;
  start (self);
}

void
ferry_view_run_answer (FerryViewRun *self, GVariant *value, GObject *object, GError *error)
{
  self->answer = value;
  self->answer_object = object;
  self->answer_error = error;
  /* Release the answer to who goes on; acquire what the thread of the function did with the run. */
  if ((atomic_fetch_or_explicit (&self->phase, PHASE_ANSWERED, memory_order_acq_rel) & PHASE_RETURNED) != 0)
    ferry_view_run_resume (ferry_view_run_ref (self));
}
