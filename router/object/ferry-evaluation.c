/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An evaluation resolves a chain at the exporter: step after step, each on the result of the step before. A step that
 * calls a method makes an invocation. The invocation's answer, which may come later, and on any thread, continues the
 * evaluation where the exporter calls methods: on its main context, or on a thread of a pool.
 *
 * An object with FERRY_CALL_POLICY_SERIAL is used by one evaluation at a time. That evaluation has the object's turn
 * from its first step on the object to its last. A method may call its own object again, in the same process and on the
 * same thread. The inner evaluation then uses the turn of the outer one.
 *
 * An evaluation that gets a turn from another evaluation is put into the thread's queue. It runs when the other
 * evaluation returns, so that waiting evaluations do not nest on the stack. Application code starts without a queue,
 * since it may wait.
 *
 * Owner:   counted references.
 * Threads: one at a time runs an evaluation; any thread may answer a call.
 * Trust:   steps, arguments and keys come from another process. */

#include "config.h"

#include "object/ferry-evaluation-private.h"

#include "base/ferry-base-private.h"
#include "conversation/ferry-demux-invocation-private.h"
#include "conversation/ferry-demux-private.h"
#include "conversation/ferry-variant-item-private.h"
#include "object/ferry-interface-private.h"
#include "wire/ferry-remote-error-private.h"

/* The shortest queue of waiting evaluations that is searched for unwanted ones: see refuse_unwanted(). */
#define LEAST_TO_SWEEP 64

/* How many evaluations of its queue a thread runs before it passes the others to the pool. */
#define MAX_IN_A_ROW 16

/* Bits of FerryEvaluation.phase: the method's function has returned; the method's answer has come. The thread that
 * sets its bit second continues the evaluation. */
#define PHASE_RETURNED 1
#define PHASE_ANSWERED 2

/* The invocation of a method, or of a function that an object is passed to. Its method name and arguments are
 * borrowed from the evaluation's request. */
typedef struct
{
  FerryInvocation base;        /* base.object is owned */
  FerryEvaluation *evaluation; /* const: (owned) */
} MethodInvocation;

struct _FerryEvaluation
{
  _Atomic gint references;
  FerryExporter *exporter;      /* const: (owned) */
  FerryObjectTable *table;      /* const: (unowned): the exporter's */
  GMainContext *context;        /* const: (owned) (nullable): the exporter's */
  FerryEvaluationCaller caller; /* const */
  guint64 begun;                /* const: ferry_trace_get_moment() when the evaluation was made */
  guint64 number;               /* const: unique among evaluations, and not 0 */
  guint64 asker; /* const: the number of the evaluation with the application code that resolves this chain, or 0 */

  /* Only for the thread that runs the evaluation. */
  FerryChainRequest request;
  guint next; /* the index of the next step */
  FerryExported
    *current;      /* (owned) (nullable): the object that the next step is done on; NULL: the step is done on value */
  GVariant *value; /* (owned) (nullable) */
  FerryExported *turn;    /* (owned) (nullable): the object of the turn that the evaluation has or waits for */
  FerryEvaluation *outer; /* (unowned) (nullable): in application code: the value of the thread's current before */
  GQueue *outer_queue;    /* (unowned) (nullable): in application code: the value of thread_queue before */
  const char *super;      /* (nullable): borrowed from the request: the class that has the function of the next call */
  GError *shortage;       /* (owned) (nullable): why no thread was to be had; then no step more is taken */
  MethodInvocation first; /* memory for the first call's invocation; unused while its evaluation is NULL */

  /* The call under way; only for the answering thread until that thread sets PHASE_ANSWERED. */
  _Atomic guint phase;
  const FerryMember *member; /* (nullable): the called method, of the object's interface; NULL for a function */
  GVariant *answer;          /* (owned) (nullable) */
  GObject *answer_object;    /* (owned) (nullable) */
  GError *answer_error;      /* (owned) (nullable) */
};

static GPrivate
  current; /* (unowned) (nullable): the evaluation that has called the application code that runs on this thread */
static GPrivate
  thread_queue; /* (unowned) (nullable): a GQueue on the thread's stack, of evaluations that the thread runs next */
/* The evaluations that wait for a thread of the pool. The pool's own items are only words that there is one: GLib keeps
 * an item for which it gets no thread, and an evaluation that is refused then must not run later. */
static pthread_mutex_t pooled_lock = PTHREAD_MUTEX_INITIALIZER;
static GQueue pooled = G_QUEUE_INIT;
static GPrivate serves; /* (unowned) (nullable): the exporter of the methods that this thread calls */

static void advance (FerryEvaluation *self);

/* Sets what the next step is done on: an object, or a value. Takes ownership of both, each (nullable). If exported
 * is the record of a value, the next step is done on that value. */
static void
set_current (FerryEvaluation *self, FerryExported *exported, GVariant *value)
{
  g_autoptr (FerryExported) before G_GNUC_UNUSED = g_steal_pointer (&self->current);

  g_clear_pointer (&self->value, g_variant_unref);
  if (exported != NULL && exported->value != NULL)
    {
      self->value = g_variant_ref (exported->value);
      ferry_exported_unref (exported);
      return;
    }
  self->current = exported;
  self->value = value;
}

FerryEvaluation *
ferry_evaluation_new (FerryExporter *exporter, GMainContext *context, FerryChainRequest *request, FerryExported *root,
                      const FerryEvaluationCaller *caller)
{
  static _Atomic guint64 last_number; /* relaxed: only uniqueness matters */
  FerryEvaluation *self = g_new0 (FerryEvaluation, 1);

  atomic_init (&self->references, 1);
  self->number = atomic_fetch_add_explicit (&last_number, 1, memory_order_relaxed) + 1;
  self->exporter = g_object_ref (exporter);
  self->table = root->table;
  self->context = context != NULL ? g_main_context_ref (context) : NULL;
  self->caller = *caller;
  self->begun = ferry_trace_get_moment ();
  self->request = *request;
  *request = (FerryChainRequest){0};
  set_current (self, root, NULL);
  return self;
}

static FerryEvaluation *
evaluation_ref (FerryEvaluation *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

void
ferry_evaluation_unref (FerryEvaluation *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  self->caller.destroy (self->caller.data);
  ferry_chain_request_clear (&self->request);
  g_clear_pointer (&self->current, ferry_exported_unref);
  g_clear_pointer (&self->value, g_variant_unref);
  g_assert (self->turn == NULL);
  g_clear_pointer (&self->answer, g_variant_unref);
  g_clear_object (&self->answer_object);
  g_clear_error (&self->answer_error);
  g_clear_error (&self->shortage);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_object_unref (self->exporter);
  g_free (self);
}

/* Whether the call that the evaluation answers was cancelled, or its caller has gone. */
static gboolean
is_unwanted (FerryEvaluation *self)
{
  return self->caller.invocation != NULL ? ferry_invocation_is_cancelled (self->caller.invocation)
                                         : g_cancellable_is_cancelled (self->caller.cancellable);
}

/* ---- where evaluations continue ---- */

/* Calls func later, on the exporter's main context. Does not use the mailbox: ferry_router_route_until() runs that, and
 * must not call methods. */
static void
call_later (FerryEvaluation *self, GSourceFunc func, gpointer data, GDestroyNotify destroy)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "[ferry] a chain continues");
  g_source_set_callback (source, func, data, destroy);
  g_source_attach (source, self->context);
}

static void push_to_pool (FerryEvaluation *self);

/* Runs the evaluation (transfer full), and then the evaluations that are put into the thread's queue meanwhile. A
 * busy object could fill the queue endlessly while callers of this thread wait. So a thread without a main context
 * passes the rest of the queue to the pool after MAX_IN_A_ROW evaluations. */
static void
run_here (FerryEvaluation *self)
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
    if (n++ < MAX_IN_A_ROW || self->context != NULL || self->shortage != NULL)
      {
        advance (self);
        ferry_evaluation_unref (self);
      }
    else
      push_to_pool (self);
  g_private_set (&thread_queue, NULL);
}

static gboolean
run_cb (gpointer data)
{
  run_here (evaluation_ref (data));
  return G_SOURCE_REMOVE;
}

static void
run_in_pool (gpointer word, gpointer user_data)
{
  FerryEvaluation *evaluation;

  pthread_mutex_lock (&pooled_lock);
  evaluation = g_queue_pop_head (&pooled);
  pthread_mutex_unlock (&pooled_lock);
  /* NULL: the evaluation of one word was refused. */
  if (evaluation == NULL)
    return;
  g_private_set (&serves, evaluation->exporter);
  run_here (evaluation);
  g_private_set (&serves, NULL);
}

/* Takes back the evaluation that has just been put into the pool without a new thread. Returns FALSE if a thread has
 * taken it, or will: the pool has one, which looks again before it leaves. */
static gboolean
take_back (FerryEvaluation *self, GThreadPool *pool)
{
  FERRY_AUTO_LOCK (&pooled_lock);

  return g_thread_pool_get_num_threads (pool) == 0 && g_queue_remove (&pooled, self);
}

/* Continues the evaluation (transfer full) on a thread of the pool. A thread that only answers, or that calls an
 * object of its own process, must not call methods for other callers. The pool starts a thread for each evaluation,
 * so that one method may wait for another. Where the system refuses the thread and the pool has no other, the
 * evaluation is refused with the shortage; advance() does that, in turn with others, so that they do not nest. */
static void
push_to_pool (FerryEvaluation *self)
{
  static gsize pool = 0;
  GError *failure = NULL;

  /* There may be a thread now. */
  g_clear_error (&self->shortage);
  if (g_once_init_enter (&pool))
    g_once_init_leave (&pool, (gsize) g_thread_pool_new (run_in_pool, NULL, -1, FALSE, NULL));
  pthread_mutex_lock (&pooled_lock);
  g_queue_push_tail (&pooled, self);
  pthread_mutex_unlock (&pooled_lock);
  if (g_thread_pool_push ((GThreadPool *) pool, &pooled, &failure))
    return;
  if (take_back (self, (GThreadPool *) pool))
    {
      ferry_set_thread_error (&self->shortage, "calling methods", failure);
      run_here (self);
    }
  else
    g_error_free (failure);
}

static gboolean
queued_cb (gpointer data)
{
  ferry_evaluation_run_queued ();
  return G_SOURCE_REMOVE;
}

/* Moves the evaluations of the thread's queue to the pool or to the main context, before application code begins. That
 * code may run the main loop, or wait for one of these evaluations. */
static void
clear_queue (GQueue *queue)
{
  for (guint n = queue->length; n > 0; n--)
    {
      FerryEvaluation *evaluation = g_queue_pop_head (queue);

      if (evaluation->context == NULL)
        push_to_pool (evaluation);
      else
        g_queue_push_tail (queue, evaluation);
    }
  if (!g_queue_is_empty (queue))
    call_later (queue->head->data, queued_cb, NULL, NULL);
}

/* Must be called before application code, and end_code() after it. Chains that the code resolves have this evaluation
 * as their asker. */
static void
begin_code (FerryEvaluation *self)
{
  self->outer = g_private_get (&current);
  self->outer_queue = g_private_get (&thread_queue);
  g_private_set (&current, self);
  g_private_set (&thread_queue, NULL);
  if (self->outer_queue != NULL)
    clear_queue (self->outer_queue);
}

static void
end_code (FerryEvaluation *self)
{
  g_private_set (&current, self->outer);
  g_private_set (&thread_queue, self->outer_queue);
}

/* Whether the evaluation only has to take the answer of its last step. That calls no application code. */
static gboolean
is_last (FerryEvaluation *self)
{
  /* Relaxed: advance() acquires the answer before the answer is taken. */
  return (atomic_load_explicit (&self->phase, memory_order_relaxed) & PHASE_ANSWERED) != 0 &&
         self->next + 1 >= self->request.n_steps;
}

/* Whether this thread may call the exporter's methods now. Returns FALSE in application code: its evaluation might have
 * the turn that this evaluation waits for. */
static gboolean
serves_now (FerryEvaluation *self)
{
  return g_private_get (&serves) == self->exporter && g_private_get (&current) == NULL;
}

/* Continues the evaluation (transfer full) on a thread where the exporter calls methods. */
static void
resume (FerryEvaluation *self)
{
  if (self->context != NULL ? g_main_context_is_owner (self->context) : serves_now (self) || is_last (self))
    run_here (self);
  else if (self->context == NULL)
    push_to_pool (self);
  else
    call_later (self, run_cb, self, (GDestroyNotify) ferry_evaluation_unref);
}

/* Runs only evaluations of exporters with a main context: clear_queue() has moved the others to the pool. */
void
ferry_evaluation_run_queued (void)
{
  for (FerryEvaluation *in = g_private_get (&current); in != NULL; in = in->outer)
    while (in->outer_queue != NULL && !g_queue_is_empty (in->outer_queue))
      run_here (g_queue_pop_head (in->outer_queue));
}

/* ---- the invocations of methods ---- */

/* Any thread, once for each call: stores the method's answer, and continues the evaluation when the method's
 * function has returned. Takes value. */
static void
answer (FerryInvocation *invocation, GVariant *value, GObject *object, const GError *failure, gboolean refused)
{
  FerryEvaluation *self = ((MethodInvocation *) invocation)->evaluation;

  self->answer = value;
  self->answer_object = object != NULL ? g_object_ref (object) : NULL;
  self->answer_error = failure != NULL ? ferry_error_copy_since (failure, self->begun) : NULL;
  /* Release the answer to the thread that continues. Acquire what the method's thread did with the evaluation. */
  if ((atomic_fetch_or_explicit (&self->phase, PHASE_ANSWERED, memory_order_acq_rel) & PHASE_RETURNED) != 0)
    resume (evaluation_ref (self));
}

static FerryTransport *
get_transport (FerryInvocation *invocation)
{
  const FerryEvaluationCaller *caller = &((MethodInvocation *) invocation)->evaluation->caller;

  return caller->invocation != NULL ? ferry_invocation_get_transport (caller->invocation) : NULL;
}

static gboolean
is_cancelled (FerryInvocation *invocation)
{
  return is_unwanted (((MethodInvocation *) invocation)->evaluation);
}

static GCancellable *
get_cancellable (FerryInvocation *invocation)
{
  const FerryEvaluationCaller *caller = &((MethodInvocation *) invocation)->evaluation->caller;

  return caller->invocation != NULL ? ferry_invocation_get_cancellable (caller->invocation) : caller->cancellable;
}

static void
destroy (FerryInvocation *invocation)
{
  MethodInvocation *self = (MethodInvocation *) invocation;
  g_autoptr (FerryEvaluation) evaluation = self->evaluation;

  if (!ferry_invocation_is_answered (invocation))
    {
      g_autoptr (GError) reason = g_error_new (
        FERRY_ERROR, FERRY_ERROR_REFUSED,
        "The method '%s' dropped its call without an answer; have it answer each call", invocation->method);

      answer (invocation, NULL, NULL, reason, TRUE);
    }
  g_object_unref (invocation->object);
  if (self != &evaluation->first)
    g_free (self);
}

/* Returns the step's arguments (transfer none). Steps without an argument share one empty tuple. */
static GVariant *
get_arguments (const FerryStep *step)
{
  static gsize none = 0;

  if (step->argument != NULL)
    return step->argument;
  if (g_once_init_enter (&none))
    g_once_init_leave (&none, (gsize) g_variant_ref_sink (g_variant_new_tuple (NULL, 0)));
  return (GVariant *) none;
}

static FerryInvocation *
invocation_new (FerryEvaluation *evaluation, GObject *object, const FerryStep *step)
{
  static const FerryInvocationFuncs funcs = {.answer = answer,
                                             .get_transport = get_transport,
                                             .is_cancelled = is_cancelled,
                                             .get_cancellable = get_cancellable,
                                             .destroy = destroy};
  gboolean is_first = evaluation->first.evaluation == NULL;
  MethodInvocation *self = is_first ? &evaluation->first : g_new0 (MethodInvocation, 1);

  atomic_init (&self->base.references, 1);
  self->base.funcs = &funcs;
  self->base.method = step->name;
  self->base.arguments = get_arguments (step);
  self->base.object = g_object_ref (object);
  self->base.deadline = evaluation->caller.deadline;
  self->evaluation = evaluation_ref (evaluation);
  return &self->base;
}

/* ---- turns ---- */

static GError *
new_unwanted_error (void)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                              "The call was cancelled, or its caller has ended; no answer is sent");
}

/* Gives the object's turn to the evaluation, if the turn is free. Otherwise queues the evaluation, and leave_turn()
 * of another evaluation resumes it. Returns whether the evaluation has the turn. */
static gboolean
take_turn (FerryExported *exported, FerryEvaluation *evaluation)
{
  gboolean taken;
  FERRY_AUTO_LOCK (&exported->lock);

  taken = exported->holder == NULL;
  if (taken)
    exported->holder = evaluation;
  else
    g_queue_push_tail (&exported->waiting, evaluation_ref (evaluation));
  return taken;
}

/* Moves the waiting evaluations that have not begun from the object's queue to stolen; with unwanted, only the
 * unwanted ones of them. */
static void
steal_waiting_locked (FerryExported *exported, gboolean unwanted, GQueue *stolen)
{
  for (GList *l = exported->waiting.head, *next; l != NULL; l = next)
    {
      FerryEvaluation *evaluation = l->data;

      next = l->next;
      if (evaluation->next > 0 || (unwanted && !is_unwanted (evaluation)))
        continue;
      g_queue_unlink (&exported->waiting, l);
      g_queue_push_tail_link (stolen, l);
    }
}

/* Ends an evaluation that has not begun. */
static void
refuse (FerryEvaluation *self, const GError *error)
{
  if (self->caller.invocation != NULL)
    ferry_demux_invocation_turn_away (self->caller.invocation, error);
  else
    self->caller.done (self->caller.data, NULL, NULL, error);
}

/* Ends with error the evaluations of stolen, which were taken out of an object's queue. */
static void
refuse_all (GQueue *stolen, const GError *error)
{
  FerryEvaluation *evaluation;

  while ((evaluation = g_queue_pop_head (stolen)) != NULL)
    {
      /* The evaluation never got the turn, so it must not call leave_turn(). */
      g_clear_pointer (&evaluation->turn, ferry_exported_unref);
      refuse (evaluation, error);
      ferry_evaluation_unref (evaluation);
    }
}

void
ferry_evaluation_refuse_waiting (FerryExported *exported, const GError *error)
{
  GQueue stolen = G_QUEUE_INIT;

  pthread_mutex_lock (&exported->lock);
  steal_waiting_locked (exported, FALSE, &stolen);
  pthread_mutex_unlock (&exported->lock);
  refuse_all (&stolen, error);
}

/* Ends the unwanted evaluations that wait for the object's turn, where many wait. The queue is searched each time
 * its length has doubled, so that an evaluation is checked about twice on average. */
static void
refuse_unwanted (FerryExported *exported)
{
  g_autoptr (GError) error = NULL;
  GQueue stolen = G_QUEUE_INIT;

  pthread_mutex_lock (&exported->lock);
  if (exported->waiting.length >= MAX (exported->sweep_at, LEAST_TO_SWEEP))
    {
      steal_waiting_locked (exported, TRUE, &stolen);
      exported->sweep_at = 2 * exported->waiting.length;
    }
  pthread_mutex_unlock (&exported->lock);
  if (g_queue_is_empty (&stolen))
    return;
  error = new_unwanted_error ();
  refuse_all (&stolen, error);
}

/* Whether this evaluation, or one in its chain of askers, has the object's turn. An asker counts only while this
 * thread runs the asker's application code: then no other thread changes its fields. An evaluation that this thread
 * runs for other reasons, as in a main loop that a method runs, does not count. */
static gboolean
has_turn (FerryEvaluation *self, FerryExported *exported)
{
  FerryEvaluation *outer = g_private_get (&current);

  if (self->turn == exported)
    return TRUE;
  for (guint64 asker = self->asker; asker != 0; asker = outer->asker)
    {
      while (outer != NULL && outer->number != asker)
        outer = outer->outer;
      if (outer == NULL || outer->turn == exported)
        return outer != NULL;
    }
  return FALSE;
}

/* Gives a turn (transfer full) (nullable) that the evaluation has to the next evaluation that waits for it, and resumes
 * that one. */
static void
give_turn (FerryEvaluation *self, FerryExported *turn)
{
  g_autoptr (FerryExported) given = turn;
  FerryEvaluation *next;

  if (given == NULL)
    return;
  pthread_mutex_lock (&given->lock);
  g_assert (given->holder == self);
  next = g_queue_pop_head (&given->waiting);
  given->holder = next;
  pthread_mutex_unlock (&given->lock);
  if (next != NULL)
    resume (next);
}

static void
leave_turn (FerryEvaluation *self)
{
  give_turn (self, g_steal_pointer (&self->turn));
}

/* Takes the turn of the next step's object, if that object has FERRY_CALL_POLICY_SERIAL. Returns FALSE when the
 * evaluation must wait: advance() is called again when the evaluation has the turn. The evaluation leaves the turn that
 * it had when it has its place at the next object. So the evaluation behind it stays behind it. */
static gboolean
ensure_turn (FerryEvaluation *self)
{
  FerryExported *wanted = self->current;
  g_autoptr (FerryExported) held = NULL;
  g_autoptr (GError) error = NULL;
  FerryExported *before;
  gboolean taken;

  if (wanted == NULL || wanted->policy != FERRY_CALL_POLICY_SERIAL || has_turn (self, wanted))
    return TRUE;
  refuse_unwanted (wanted);
  before = self->turn;
  /* Set first: as soon as take_turn() has queued the evaluation, another thread can run it. */
  self->turn = ferry_exported_ref (wanted);
  held = ferry_exported_ref (wanted);
  taken = take_turn (wanted, self);
  give_turn (self, before);
  if (taken)
    return TRUE;
  /* A stop may have emptied the queue just before the evaluation joined it. */
  if (!ferry_object_table_check_waiting (self->table, &error))
    ferry_evaluation_refuse_waiting (held, error);
  return FALSE;
}

/* ---- the end ---- */

static void
finish (FerryEvaluation *self, GError *error)
{
  FerryExported *object = error == NULL ? self->current : NULL;
  GVariant *value = error == NULL ? self->value : NULL;
  g_autoptr (FerryExported) held = NULL;

  /* The value stays here, and the caller gets a proxy of it. */
  if (value != NULL && self->request.as_proxy)
    object = held = ferry_object_table_hold_value (self->table, value);
  if (error != NULL)
    {
      g_autofree char *inner = ferry_error_dup_trace (error, self->begun);
      g_autofree char *place = ferry_chain_request_to_string (&self->request, self->next);
      g_autofree char *trace = ferry_trace_add_place (inner, place);

      ferry_error_set_trace (error, trace);
    }
  self->caller.done (self->caller.data, object, object == NULL ? value : NULL, error);
  leave_turn (self);
}

/* ---- steps that end at once: properties and items of an object, items of a value ---- */

/* Sets *result to a value, which may be floating. Returns TRUE. */
static gboolean
give (GVariant **result, GVariant *value)
{
  *result = g_variant_ref_sink (value);
  return TRUE;
}

static gboolean
fail_unknown (FerryExported *exported, const char *what, GError **error)
{
  g_autofree char *label = ferry_exported_dup_name (exported);

  if (label == NULL)
    label = g_strdup_printf ("%s %" G_GUINT64_FORMAT, G_OBJECT_TYPE_NAME (exported->object), exported->number);
  return ferry_set_error (error, FERRY_ERROR_UNKNOWN_MEMBER, "'%s' is not exported with %s; add them to its interface",
                          label, what);
}

/* Sets a property. *value is set to “(tv)”: the object's count of changes, and the property's value after that. The
 * value may be newer than the count, but never older. A newer value is also sent with its own change. */
static gboolean
set_property (FerryExported *exported, const FerryMember *member, const FerryStep *step, GVariant **value,
              GError **error)
{
  g_autoptr (GVariant) now = NULL;
  guint64 n_changes;

  if (!ferry_member_set (member, exported->object, step->argument, error))
    return FALSE;
  n_changes = atomic_load (&exported->n_changes);
  if ((member->access & G_DBUS_PROPERTY_INFO_FLAGS_READABLE) == 0 ||
      !ferry_member_get (member, exported->object, &now, NULL, NULL))
    now = g_variant_ref (get_arguments (step));
  return give (value, g_variant_new ("(tv)", n_changes, now));
}

static gboolean
set_item (FerryExported *exported, const FerryContainerFuncs *funcs, gpointer data, GVariant *argument, GError **error)
{
  g_autoptr (GVariant) key = NULL;
  g_autoptr (GVariant) value = NULL;

  g_variant_get (argument, "(vv)", &key, &value);
  return funcs->set_item (exported->object, key, value, data, error);
}

static gboolean
get_rows (FerryExported *exported, const FerryStep *step, GVariant **value, GError **error)
{
  GVariantBuilder rows;
  GListModel *list;
  guint64 position;
  guint32 wanted;
  guint n;

  if (!ferry_interface_is_list (exported->interface))
    return fail_unknown (exported, "rows", error);
  list = G_LIST_MODEL (exported->object);
  n = g_list_model_get_n_items (list);
  g_variant_get (step->argument, "(tu)", &position, &wanted);
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("av"));
  for (guint64 i = position; i < n && i - position < wanted; i++)
    {
      g_autoptr (GObject) item = g_list_model_get_item (list, (guint) i);
      g_autoptr (GVariant) row = ferry_interface_make_row (exported->interface, item);

      g_variant_builder_add (&rows, "v", row);
    }
  return give (value, g_variant_new ("(tt@av)", ferry_exported_get_revision (exported), (guint64) n,
                                     g_variant_builder_end (&rows)));
}

static gboolean
step_on_container (FerryExported *exported, const FerryStep *step, GVariant **value, GObject **object, GError **error)
{
  gpointer data = NULL;
  const FerryContainerFuncs *funcs = ferry_interface_get_container (exported->interface, &data);
  GVariant *key = step->argument;
  gboolean contains = FALSE;
  guint64 length = 0;

  if (funcs == NULL)
    return fail_unknown (exported, "items", error);
  switch (step->kind)
    {
    case FERRY_STEP_GET_ITEM:
      return funcs->get_item != NULL ? funcs->get_item (exported->object, key, value, object, data, error)
                                     : fail_unknown (exported, "items that can be read", error);
    case FERRY_STEP_SET_ITEM:
      return funcs->set_item != NULL ? set_item (exported, funcs, data, step->argument, error)
                                     : fail_unknown (exported, "items that can be set", error);
    case FERRY_STEP_DELETE_ITEM:
      return funcs->delete_item != NULL ? funcs->delete_item (exported->object, key, data, error)
                                        : fail_unknown (exported, "items that can be deleted", error);
    case FERRY_STEP_CONTAINS:
      if (funcs->contains == NULL)
        return fail_unknown (exported, "items that can be searched", error);
      return funcs->contains (exported->object, key, &contains, data, error) &&
             give (value, g_variant_new_boolean (contains));
    case FERRY_STEP_LENGTH:
      if (funcs->get_length == NULL)
        return fail_unknown (exported, "items that can be counted", error);
      return funcs->get_length (exported->object, &length, data, error) && give (value, g_variant_new_uint64 (length));
    default:
      return get_rows (exported, step, value, error);
    }
}

/* Takes a step on an object. Sets *value, *object or neither, (transfer full). Fails with
 * FERRY_ERROR_UNKNOWN_MEMBER, FERRY_ERROR_NOT_ALLOWED, FERRY_ERROR_BAD_ARGUMENTS, and the errors of the container's
 * functions. */
static gboolean
step_on_object (FerryExported *exported, const FerryStep *step, GVariant **value, GObject **object, GError **error)
{
  const FerryMember *member;

  if (step->kind != FERRY_STEP_GET && step->kind != FERRY_STEP_SET && step->kind != FERRY_STEP_DELETE)
    return step_on_container (exported, step, value, object, error);
  member = ferry_interface_find (exported->interface, FERRY_MEMBER_PROPERTY, step->name, error);
  if (member == NULL)
    return FALSE;
  return step->kind == FERRY_STEP_GET ? ferry_member_get (member, exported->object, value, object, error)
                                      : set_property (exported, member, step, value, error);
}

/* Takes a step on the result of the step before, where that result is a value or nothing (NULL). */
static gboolean
step_on_value (GVariant *value, const FerryStep *step, GVariant **result, GError **error)
{
  gboolean contains = FALSE;
  guint64 length = 0;

  if (value == NULL)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "The operation before this one has no result; make it the last of its chain");
  switch (step->kind)
    {
    case FERRY_STEP_GET_ITEM:
      *result = ferry_variant_get_item (value, step->argument, error);
      return *result != NULL;
    case FERRY_STEP_CONTAINS:
      return ferry_variant_contains (value, step->argument, &contains, error) &&
             give (result, g_variant_new_boolean (contains));
    case FERRY_STEP_LENGTH:
      return ferry_variant_get_length (value, &length, error) && give (result, g_variant_new_uint64 (length));
    default:
      return ferry_set_error (error, FERRY_ERROR_UNKNOWN_MEMBER,
                              "A value of type '%s' has no properties or methods; use its items or its length",
                              g_variant_get_type_string (value));
    }
}

/* ---- checks of methods' arguments and results ---- */

/* Checks the type of a method's arguments. Fails with FERRY_ERROR_BAD_ARGUMENTS. */
static gboolean
check_arguments (const FerryMember *member, GVariant *arguments, GError **error)
{
  g_autofree char *expected = NULL;

  if (g_variant_is_of_type (arguments, member->in_type))
    return TRUE;
  expected = g_variant_type_dup_string (member->in_type);
  return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                          "The method '%s' takes arguments of the type '%s', not '%s'; send arguments of its type",
                          member->name, expected, g_variant_get_type_string (arguments));
}

/* Sets *value (transfer full) (nullable) to the method's result: its answer without the tuple around a single value.
 * member: NULL for a function, which may return a value of any type. Fails with FERRY_ERROR_BAD_RESULT. */
static gboolean
unpack (const FerryMember *member, GVariant *answer, GVariant **value, GError **error)
{
  const GVariantType *type = member != NULL ? member->out_type : NULL;
  gsize n = type != NULL ? g_variant_type_n_items (type) : 0;
  g_autofree char *expected = NULL;

  if (answer == NULL && n == 0)
    return TRUE;
  if (answer != NULL && type != NULL && g_variant_is_of_type (answer, type))
    {
      if (n > 0)
        *value = n == 1 ? g_variant_get_child_value (answer, 0) : g_variant_ref (answer);
      return TRUE;
    }
  if (type == NULL || (answer != NULL && n == 1 && g_variant_is_of_type (answer, g_variant_type_first (type))))
    {
      *value = g_variant_ref (answer);
      return TRUE;
    }
  expected = g_variant_type_dup_string (type);
  return ferry_set_error (error, FERRY_ERROR_BAD_RESULT,
                          "The method '%s' returned a value of the type '%s', not '%s'; correct the method",
                          member->name, answer != NULL ? g_variant_get_type_string (answer) : "()", expected);
}

/* ---- steps ----
 *
 * Each function returns FALSE and sets an error when the step failed. It returns FALSE without an error when the
 * step waits for an answer: another thread may then continue the evaluation already. */

/* Sets what the next step is done on: object, if it is not NULL, and otherwise *value (nullable), which is taken.
 * Fails with FERRY_ERROR_NOT_ALLOWED. */
static gboolean
take_result (FerryEvaluation *self, GObject *object, GVariant **value, GError **error)
{
  FerryExported *exported = object != NULL ? ferry_object_table_find_result (self->table, object, error) : NULL;

  if (object != NULL && exported == NULL)
    return FALSE;
  set_current (self, exported, exported == NULL ? g_steal_pointer (value) : NULL);
  return TRUE;
}

/* Makes the answer of a call the result of its step. Fails with the error that the method answered, and with
 * FERRY_ERROR_BAD_RESULT. */
static gboolean
take_answer (FerryEvaluation *self, GError **error)
{
  const FerryMember *member = g_steal_pointer (&self->member);
  g_autoptr (GObject) object = g_steal_pointer (&self->answer_object);
  g_autoptr (GVariant) answer = g_steal_pointer (&self->answer);
  g_autoptr (GVariant) value = NULL;

  /* Relaxed: the call has been answered, so that no other thread changes the phase. */
  atomic_store_explicit (&self->phase, 0, memory_order_relaxed);
  if (self->answer_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&self->answer_error));
      return FALSE;
    }
  if (object != NULL && member != NULL && !g_variant_type_equal (member->out_type, G_VARIANT_TYPE ("(o)")))
    return ferry_set_error (error, FERRY_ERROR_BAD_RESULT,
                            "The method '%s' returned an object; give it the out signature 'o'", member->name);
  return (object != NULL || unpack (member, answer, &value, error)) && take_result (self, object, &value, error);
}

/* Calls a method or a function. Returns FALSE without an error when the call is not answered yet. */
static gboolean
call (FerryEvaluation *self, FerryMethodFunc func, gpointer user_data, const FerryStep *step, GError **error)
{
  g_autoptr (FerryExported) callee = ferry_exported_ref (self->current);
  FerryInvocation *invocation = invocation_new (self, callee->object, step);

  begin_code (self);
  func (callee->object, invocation, user_data);
  /* The answer may have come during func, but the evaluation continues on another thread only after PHASE_RETURNED
   * is set. */
  end_code (self);
  ferry_invocation_unref (invocation);
  /* Acquire an answer that came before this point; release this thread's changes to the thread of a later answer. */
  if ((atomic_fetch_or_explicit (&self->phase, PHASE_RETURNED, memory_order_acq_rel) & PHASE_ANSWERED) == 0)
    return FALSE;
  return take_answer (self, error);
}

static gboolean
call_method (FerryEvaluation *self, const FerryStep *step, GError **error)
{
  const char *super = g_steal_pointer (&self->super);
  FerryMethodFunc func = NULL;

  self->member = ferry_interface_find (self->current->interface, FERRY_MEMBER_METHOD, step->name, error);
  if (self->member != NULL && check_arguments (self->member, get_arguments (step), error))
    func = ferry_member_find_func (self->member, self->current->object, super, error);
  return func != NULL && call (self, func, self->member->user_data, step, error);
}

static gboolean
pass_to_function (FerryEvaluation *self, const FerryStep *step, GError **error)
{
  const FerryPassFunction *function = ferry_object_table_find_function (self->table, step->name, error);

  self->member = NULL;
  return function != NULL && call (self, function->func, function->user_data, step, error);
}

/* Takes a step that is not a call, and so has its result when it returns. */
static gboolean
perform (FerryEvaluation *self, const FerryStep *step, GError **error)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GObject) object = NULL;
  gboolean done;

  begin_code (self);
  done = self->current != NULL ? step_on_object (self->current, step, &value, &object, error)
                               : step_on_value (self->value, step, &value, error);
  end_code (self);
  if (!done && *error == NULL)
    ferry_set_error (error, FERRY_ERROR_BAD_RESULT,
                     "A container's function failed without an error; correct it to set one");
  return done && take_result (self, object, &value, error);
}

static gboolean
take_step (FerryEvaluation *self, GError **error)
{
  const FerryStep *step = &self->request.steps[self->next];

  if (self->current != NULL)
    switch (step->kind)
      {
      case FERRY_STEP_CALL:
        return call_method (self, step, error);
      case FERRY_STEP_PASS:
        return pass_to_function (self, step, error);
      case FERRY_STEP_SUPER:
        self->super = step->name;
        return TRUE;
      default:
        break;
      }
  return perform (self, step, error);
}

/* ---- running ---- */

/* Takes steps until the last, or until one has to wait. Called by the thread of an answer, and by the thread that
 * gives the turn. These two never call it at the same time: an evaluation that waits for a turn has no call under
 * way. */
static void
advance (FerryEvaluation *self)
{
  g_autoptr (FerryEvaluation) alive G_GNUC_UNUSED = evaluation_ref (self);
  g_autoptr (GError) error = NULL;

  /* Acquire: pairs with the release in answer(). */
  if ((atomic_load_explicit (&self->phase, memory_order_acquire) & PHASE_ANSWERED) != 0)
    {
      take_answer (self, &error);
      self->next++;
    }
  if (self->shortage != NULL && self->next == 0)
    {
      leave_turn (self);
      refuse (self, self->shortage);
      return;
    }
  if (error == NULL && self->next < self->request.n_steps)
    error = g_steal_pointer (&self->shortage);
  while (error == NULL && self->next < self->request.n_steps)
    {
      if (!ensure_turn (self))
        return;
      /* The evaluation has its place at the object: an application's code may run now. */
      ferry_demux_let_next ();
      if (self->next == 0 && !ferry_object_table_check_waiting (self->table, &error))
        {
          leave_turn (self);
          refuse (self, error);
          return;
        }
      if (is_unwanted (self))
        error = new_unwanted_error ();
      else if (!take_step (self, &error) && error == NULL)
        return;
      self->next++;
    }
  finish (self, error);
}

/* ---- beginning ---- */

static void
start (FerryEvaluation *self)
{
  gboolean acquired = self->context != NULL && g_main_context_acquire (self->context);

  if (self->context == NULL || acquired)
    advance (self);
  else
    resume (evaluation_ref (self));
  if (acquired)
    g_main_context_release (self->context);
}

void
ferry_evaluation_start (FerryEvaluation *self)
{
  gpointer before = g_private_get (&serves);

  g_private_set (&serves, self->exporter);
  start (self);
  g_private_set (&serves, before);
}

void
ferry_evaluation_start_here (FerryEvaluation *self)
{
  FerryEvaluation *asker = g_private_get (&current);

  self->asker = asker != NULL ? asker->number : 0;
  start (self);
}
