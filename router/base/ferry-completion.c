/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a thread or a callback waits for what another thread ends: a result, a timeout or a cancel, of which the first
 * counts.
 *
 * A completion is pending until it gets a result or an error, its deadline passes, or its cancellable is cancelled.
 * The first of these is its end; a later one has no effect.
 *
 * One of three faces is notified of the end. The face may be set before the end or after it:
 *
 *   a thread     ferry_completion_wait() sleeps until the end
 *   a task       ferry_completion_return() returns a GTask with the result or the error
 *   a function   ferry_completion_call() sets a function, which the thread that ends the completion calls
 *
 * A completion has one face. A task or a thread comes with a deadline and a cancellable. If one of these ends the
 * completion, the completion is abandoned: FerryCompletionFuncs.abandon notifies the other side, and makes the
 * error. abandon runs at once. When its cancellable is cancelled, a task returns later, from its context, and not
 * within g_cancellable_cancel().
 *
 * The state is one word of bits, and each change of it is one atomic operation:
 *
 *   RESERVED   the end is decided; the thread that set this bit writes the result, or gets the error
 *   OVER       the result or the error is written, and does not change any more
 *   FACED      the face, a task or a function, is set, with its timer and its cancellable
 *   ASLEEP     a thread sleeps on the word, or is about to
 *   HANDED     the waiting thread has got what it needs to end the completion itself
 *   LOOK       a counter in the bits above: the sleeping thread must check its cancellable
 *
 * The thread that sets RESERVED first decides the end, so there is one end. OVER and FACED come in either order. The
 * thread that sets the second of them finds the first one set, and notifies the face, once. Each of the two threads
 * acquires what the other one wrote before.
 *
 * Threads:    any; each caller must hold a reference. No function here holds a lock while it calls a callback.
 * References: one of the thread that made the completion; one of the side that works for the end. There is one each of
 *             the face, of the timer and of the cancellable. */

#include "config.h"

#include "base/ferry-completion-private.h"

#include <stdatomic.h>

#include "base/ferry-limit-clock-private.h"
#include "base/ferry-spin-private.h"
#include "base/ferry-thread-private.h"
#include "base/ferry-timers-private.h"

/* Tests define this macro, to make another thread do something between two steps. */
#ifndef FERRY_COMPLETION_STEP
#define FERRY_COMPLETION_STEP()
#endif

#define RESERVED 1
#define OVER 2
#define FACED 4
#define ASLEEP 8
#define HANDED 16
#define LOOK 32

struct _FerryCompletion
{
  _Atomic gint references;
  _Atomic guint32 state;
  const FerryCompletionFuncs *funcs; /* const */
  FerryLimitClock clock;             /* the waiting thread's: of its deadline, by which it may wait in several places */

  gpointer result; /* (owned) (nullable): result, free_result and error are written by the thread that set RESERVED,
                      before OVER */
  GDestroyNotify free_result;
  GError *error; /* (owned) (nullable) */

  GTask *task;         /* (owned) (nullable): this and all fields down to cancel_id are written before FACED */
  gboolean is_boolean; /* the task returns a boolean: whether there is a result */
  FerryCompletionFunc func;
  GSource *timer;            /* (owned) (nullable) */
  GCancellable *cancellable; /* (owned) (nullable) */
  gulong cancel_id;

  max_align_t data[];
};

FerryCompletion *
ferry_completion_new (const FerryCompletionFuncs *funcs, gsize size)
{
  FerryCompletion *self = g_malloc0 (sizeof *self + size);

  atomic_init (&self->references, 1);
  self->funcs = funcs;
  return self;
}

FerryCompletion *
ferry_completion_ref (FerryCompletion *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

void
ferry_completion_unref (FerryCompletion *self)
{
  if (!ferry_ref_count_dec_own (&self->references))
    return;
  if (self->funcs->destroy != NULL)
    self->funcs->destroy (self->data);
  if (self->result != NULL && self->free_result != NULL)
    self->free_result (self->result);
  g_clear_error (&self->error);
  g_clear_object (&self->task);
  g_clear_pointer (&self->timer, g_source_unref);
  g_clear_object (&self->cancellable);
  g_free (self);
}

gpointer
ferry_completion_get_data (FerryCompletion *self)
{
  return self->data;
}

FerryCompletion *
ferry_completion_from_data (gpointer data)
{
  return (gpointer) ((guint8 *) data - G_STRUCT_OFFSET (FerryCompletion, data));
}

gboolean
ferry_completion_is_over (FerryCompletion *self)
{
  return (atomic_load_explicit (&self->state, memory_order_acquire) & OVER) != 0;
}

/* ---- the end ---- */

static gboolean
source_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  return callback (data);
}

/* Stops the timer and the cancellable from abandoning the completion, which has ended. Does not wait for a handler of
 * the cancellable that is running: it may be the caller, and it holds its own reference. */
static void
disarm (FerryCompletion *self)
{
  if (self->timer != NULL)
    g_source_destroy (self->timer);
  if (self->cancel_id != 0)
    g_signal_handler_disconnect (self->cancellable, self->cancel_id);
}

static _Thread_local guint n_returns;

guint
ferry_completion_count_returns (void)
{
  return n_returns;
}

/* Calls the function, or makes the task return. Drops the face's reference. Does not keep the task: the task may have a
 * reference to the completion. */
static void
tell_face (FerryCompletion *self)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  disarm (self);
  n_returns += task != NULL;
  if (task == NULL)
    self->func (self, self->data);
  else if (self->error != NULL)
    g_task_return_error (task, g_steal_pointer (&self->error));
  else if (self->is_boolean)
    g_task_return_boolean (task, self->result != NULL);
  else
    g_task_return_pointer (task, g_steal_pointer (&self->result), self->free_result);
  ferry_completion_unref (self);
}

/* context's thread */
static gboolean
tell_face_cb (gpointer data)
{
  tell_face (data);
  return G_SOURCE_REMOVE;
}

/* Takes source, and calls func in context. */
static GSource *
attach_source (FerryCompletion *self, GSource *source, GMainContext *context, GSourceFunc func, GDestroyNotify destroy)
{
  g_source_set_callback (source, func, self, destroy);
  g_source_attach (source, context);
  return source;
}

static GSource *
new_end_source (void)
{
  static GSourceFuncs source_funcs = {.dispatch = source_dispatch};
  GSource *source = g_source_new (&source_funcs, sizeof (GSource));

  g_source_set_static_name (source, "[ferry] the end of a call");
  g_source_set_ready_time (source, 0);
  return source;
}

gboolean
ferry_completion_reserve (FerryCompletion *self)
{
  return (atomic_fetch_or_explicit (&self->state, RESERVED, memory_order_seq_cst) & RESERVED) == 0;
}

gboolean
ferry_completion_is_reserved (FerryCompletion *self)
{
  return (atomic_load_explicit (&self->state, memory_order_seq_cst) & RESERVED) != 0;
}

/* The word's memory may be gone where its thread was not asleep. */
static void
wake_thread (_Atomic guint32 *word)
{
  ferry_spin_note_wake ();
  ferry_futex_wake (word);
}

/* Must be called by the thread that set RESERVED, after it wrote the result or the error. tell_later: the task
 * returns from a source of its own, not from within this function. */
static void
complete (FerryCompletion *self, gboolean tell_later)
{
  g_autoptr (GMainContext) context = NULL;
  guint32 before;

  FERRY_COMPLETION_STEP ();
  /* Release: publishes the result. Acquire: sees what the thread that set FACED wrote. */
  before = atomic_fetch_or_explicit (&self->state, OVER, memory_order_acq_rel);
  FERRY_COMPLETION_STEP ();
  if ((before & ASLEEP) != 0)
    wake_thread (&self->state);
  if ((before & FACED) == 0)
    return;
  if (!tell_later || self->task == NULL)
    {
      tell_face (self);
      return;
    }
  /* The task, and with it its reference to the context, may go as soon as the source is attached. */
  context = g_main_context_ref (g_task_get_context (self->task));
  g_source_unref (attach_source (self, new_end_source (), context, tell_face_cb, NULL));
}

void
ferry_completion_finish_reserved (FerryCompletion *self, gpointer result, GDestroyNotify free_result, GError *error)
{
  FERRY_COMPLETION_STEP ();
  self->result = result;
  self->free_result = free_result;
  self->error = error;
  complete (self, FALSE);
}

gboolean
ferry_completion_finish (FerryCompletion *self, gpointer result, GDestroyNotify free_result, GError *error)
{
  if (ferry_completion_reserve (self))
    {
      ferry_completion_finish_reserved (self, result, free_result, error);
      return TRUE;
    }
  if (result != NULL && free_result != NULL)
    free_result (result);
  g_clear_error (&error);
  return FALSE;
}

static gboolean
abandon (FerryCompletion *self, FerryAbandonReason reason, gboolean tell_later)
{
  if (!ferry_completion_reserve (self))
    return FALSE;
  FERRY_COMPLETION_STEP ();
  self->error = self->funcs->abandon (self->data, reason);
  complete (self, tell_later);
  return TRUE;
}

gboolean
ferry_completion_abandon (FerryCompletion *self, FerryAbandonReason reason)
{
  return abandon (self, reason, FALSE);
}

gpointer
ferry_completion_take (FerryCompletion *self, GError **error)
{
  g_assert (ferry_completion_is_over (self));
  if (self->error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->error));
  return g_steal_pointer (&self->result);
}

/* ---- a thread ---- */

/* Wakes the waiting thread so that it checks its cancellable. That thread cannot leave ferry_completion_wait() while
 * this runs: g_cancellable_disconnect() waits for this handler. */
static void
have_thread_look (GCancellable *cancellable, gpointer data)
{
  FerryCompletion *self = data;

  /* Release: the waiting thread, which acquires the word, then finds what was written before. */
  if ((atomic_fetch_add_explicit (&self->state, LOOK, memory_order_release) & ASLEEP) != 0)
    wake_thread (&self->state);
}

/* The waiting thread: sets ASLEEP. Returns FALSE if the state differs from seen. */
static gboolean
fall_asleep (FerryCompletion *self, guint32 seen)
{
  gboolean is_same;

  FERRY_COMPLETION_STEP ();
  /* Relaxed: it publishes nothing. A thread that changes the word after this line sees ASLEEP, and wakes this thread.
   * The word then differs from what was read before, so this thread does not sleep on. */
  is_same = atomic_compare_exchange_strong_explicit (&self->state, &seen, seen | ASLEEP, memory_order_relaxed,
                                                     memory_order_relaxed);
  FERRY_COMPLETION_STEP ();
  return is_same;
}

/* Sleeps until the state differs from seen; may return early. Returns FALSE when the deadline has passed. */
static gboolean
sleep_until_change (FerryCompletion *self, guint32 seen, gint64 deadline)
{
  return !fall_asleep (self, seen) || ferry_futex_wait (&self->state, seen | ASLEEP, deadline);
}

/* The deadline is of all places where the thread waits, and so is its clock. */
static void
begin_clock (FerryCompletion *self)
{
  if (self->clock.due == 0)
    ferry_limit_clock_begin (&self->clock, -1);
}

/* ends: the bits of the state that end the wait. */
static void
wait_until (FerryCompletion *self, guint32 ends, gint64 deadline, GCancellable *cancellable)
{
  gboolean in_time = TRUE;
  guint32 seen;

  /* Acquire: sees what the thread that set the bit wrote before. */
  while (((seen = atomic_load_explicit (&self->state, memory_order_acquire)) & ends) == 0)
    {
      gboolean is_cancelled = g_cancellable_is_cancelled (cancellable);

      if (in_time && !is_cancelled)
        in_time = sleep_until_change (self, seen, ferry_limit_clock_sleep (&self->clock, deadline)) ||
                  ferry_limit_clock_look (&self->clock) < deadline;
      /* If something else has decided the end but not written it yet, wait for OVER. */
      else if (!ferry_completion_abandon (self, is_cancelled ? FERRY_ABANDON_CANCELLED : FERRY_ABANDON_DEADLINE))
        {
          deadline = G_MAXINT64;
          cancellable = NULL;
          in_time = TRUE;
        }
    }
}

static gboolean
has_any (FerryCompletion *self, guint32 bits)
{
  return (atomic_load_explicit (&self->state, memory_order_acquire) & bits) != 0;
}

static void
wait_as_thread (FerryCompletion *self, guint32 ends, gint64 deadline, GCancellable *cancellable)
{
  gulong id;

  if (has_any (self, ends))
    return;
  begin_clock (self);
  id = cancellable != NULL ? g_cancellable_connect (cancellable, G_CALLBACK (have_thread_look), self, NULL) : 0;
  wait_until (self, ends, deadline, cancellable);
  g_cancellable_disconnect (cancellable, id);
}

void
ferry_completion_wait (FerryCompletion *self, gint64 deadline, GCancellable *cancellable)
{
  wait_as_thread (self, OVER, deadline, cancellable);
}

/* The thread that has waited may end the completion itself, and need not wake itself. */
static void
stay_awake (FerryCompletion *self)
{
  /* Relaxed: it publishes nothing. */
  if (has_any (self, ASLEEP))
    atomic_fetch_and_explicit (&self->state, ~(guint32) ASLEEP, memory_order_relaxed);
}

gboolean
ferry_completion_wait_or_take (FerryCompletion *self, gint64 deadline, GCancellable *cancellable)
{
  wait_as_thread (self, OVER | HANDED, deadline, cancellable);
  if (!has_any (self, HANDED))
    return FALSE;
  stay_awake (self);
  return TRUE;
}

_Atomic guint32 *
ferry_completion_hand_over (FerryCompletion *self)
{
  _Atomic guint32 *word = &self->state;

  /* Release: publishes what is handed over. The waiting thread may free the completion after this. */
  return (atomic_fetch_or_explicit (word, HANDED, memory_order_acq_rel) & ASLEEP) != 0 ? word : NULL;
}

void
ferry_completion_wake (_Atomic guint32 *word)
{
  wake_thread (word);
}

/* ---- a task, a function ---- */

static gboolean
deadline_passed (gpointer data)
{
  ferry_completion_abandon (data, FERRY_ABANDON_DEADLINE);
  return G_SOURCE_REMOVE;
}

/* The task must not return within the handler of its cancellable: its callback could not disconnect from the
 * cancellable there. So the task returns in its context, later. */
static void
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  abandon (data, FERRY_ABANDON_CANCELLED, TRUE);
}

/* Sets the timer and the handler of the cancellable. Either may abandon the completion at once, before the face is
 * set; set_face() then notifies the face. */
static void
arm (FerryCompletion *self, GMainContext *context, gint64 deadline, GCancellable *cancellable)
{
  if (deadline < G_MAXINT64)
    self->timer = attach_source (ferry_completion_ref (self), ferry_limit_source_new (deadline), context,
                                 deadline_passed, (GDestroyNotify) ferry_completion_unref);
  FERRY_COMPLETION_STEP ();
  if (cancellable != NULL)
    {
      GClosure *closure = g_cclosure_new (G_CALLBACK (cancelled_cb), ferry_completion_ref (self),
                                          (GClosureNotify) (GCallback) ferry_completion_unref);

      self->cancellable = g_object_ref (cancellable);
      self->cancel_id = g_signal_connect_closure (cancellable, "cancelled", closure, FALSE);
    }
}

static void
set_face (FerryCompletion *self)
{
  ferry_completion_ref (self);
  FERRY_COMPLETION_STEP ();
  /* Release: publishes the task or the function. Acquire: sees the result. */
  if ((atomic_fetch_or_explicit (&self->state, FACED, memory_order_acq_rel) & OVER) != 0)
    tell_face (self);
}

void
ferry_completion_return (FerryCompletion *self, GTask *task, gint64 deadline)
{
  GCancellable *cancellable = g_task_get_cancellable (task);

  self->task = g_object_ref (task);
  arm (self, g_task_get_context (task), deadline, cancellable);
  set_face (self);
  FERRY_COMPLETION_STEP ();
  /* The cancellable was cancelled before its handler was connected. */
  if (g_cancellable_is_cancelled (cancellable))
    ferry_completion_abandon (self, FERRY_ABANDON_CANCELLED);
}

void
ferry_completion_return_boolean (FerryCompletion *self, GTask *task, gint64 deadline)
{
  self->is_boolean = TRUE;
  ferry_completion_return (self, task, deadline);
}

void
ferry_completion_call (FerryCompletion *self, FerryCompletionFunc func, GCancellable *cancellable)
{
  self->func = func;
  arm (self, NULL, G_MAXINT64, cancellable);
  set_face (self);
  FERRY_COMPLETION_STEP ();
  if (cancellable != NULL && g_cancellable_is_cancelled (cancellable))
    ferry_completion_abandon (self, FERRY_ABANDON_CANCELLED);
}
