/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A view as it is resolved: its steps, turns, and where it goes on.
 *
 * A run has the object that it is at for itself where the object's policy says so, from the first step on it to the
 * last. Where the method of an object calls that object again, in its own process and on its own thread, the turn is
 * the caller's.
 *
 * A run that goes on because another one has left is put into the thread's queue, and taken up once that one is
 * through: so many that wait do not nest. An object's code begins with no queue, as it may wait.
 *
 * Threads: one at a time is at a run; who answers may be any.
 * Trust:   steps, arguments and keys come from another process. */

#include "config.h"

#include "object/ferry-evaluation-private.h"

#include "base/ferry-error.h"
#include "call/ferry-remote-error-private.h"
#include "call/ferry-variant-item-private.h"
#include "object/ferry-interface-private.h"
#include "object/ferry-method-call-private.h"

/* How many have to wait before it is worth looking who of them is not wanted any more. */
#define LEAST_TO_SWEEP 64

/* How many runs a thread takes up one after the other. */
#define MAX_IN_A_ROW 16

/* How a method's function and its answer meet. */
#define PHASE_RETURNED 1
#define PHASE_ANSWERED 2

struct _FerryEvaluation
{
  _Atomic gint references;
  const FerryEvaluationHost *host; /* const: the exporter's */
  FerryExporter *exporter;         /* const: (owned) */
  FerryEvaluationFuncs funcs;      /* const */
  gpointer data;                   /* const: (owned) */
  guint64 begun;                   /* const: ferry_trace_get_moment() when it was made */

  /* Of the thread that is at it. */
  FerryViewRequest request;
  guint next;             /* step */
  FerryExported *current; /* (owned) (nullable): what the next step is done on, or there is value */
  GVariant *value;        /* (owned) (nullable) */
  FerryExported *turn;    /* (owned) (nullable): of which this run has the turn, or waits for it */
  guint64 number;         /* const: no other run has it, and it is not 0 */
  guint64 caller;         /* const: the number of the one in whose method this was asked for, or 0 */
  FerryEvaluation *outer; /* (unowned) (nullable): in the object's code: in whose the thread was before */
  GQueue *left;           /* (unowned) (nullable): the same: what the thread is to take up when it is through */
  const char *super;      /* (nullable): of the request: the class whose implementation is called */

  /* Of the step that waits for its answer: of who answers, until PHASE_ANSWERED is set. */
  _Atomic guint phase;
  const FerryMember *member; /* (nullable): of the object's interface */
  GVariant *answer;          /* (owned) (nullable) */
  GObject *answer_object;    /* (owned) (nullable) */
  GError *answer_error;      /* (owned) (nullable) */
};

typedef enum
{
  STEP_DONE,
  STEP_FAILED,
  STEP_WAITS,
} StepOutcome;

static GPrivate current_run;  /* (unowned): whose object's code the thread is in: a method, or a property's */
static GPrivate thread_queue; /* a GQueue of runs, on the stack of who takes them up */
static GPrivate serves;       /* (unowned): the exporter whose methods this thread is there to call */

static void go_on (FerryEvaluation *self, gboolean answered);

/* What the next step is done on; takes either. */
static void
set_current (FerryEvaluation *self, FerryExported *exported, GVariant *value)
{
  g_autoptr (FerryExported) before = g_steal_pointer (&self->current);

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
ferry_evaluation_new (const FerryEvaluationHost *host, FerryExporter *exporter, FerryViewRequest *request,
                      FerryExported *root, const FerryEvaluationFuncs *funcs, gpointer data)
{
  static _Atomic guint64 last_number; /* relaxed: all that matters is that no two runs have the same */
  FerryEvaluation *self = g_new0 (FerryEvaluation, 1);

  atomic_init (&self->references, 1);
  self->number = atomic_fetch_add_explicit (&last_number, 1, memory_order_relaxed) + 1;
  self->host = host;
  self->exporter = g_object_ref (exporter);
  self->funcs = *funcs;
  self->data = data;
  self->begun = ferry_trace_get_moment ();
  self->request = *request;
  *request = (FerryViewRequest){0};
  set_current (self, root, NULL);
  return self;
}

FerryEvaluation *
ferry_evaluation_ref (FerryEvaluation *self)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

void
ferry_evaluation_unref (FerryEvaluation *self)
{
  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  self->funcs.destroy (self->data);
  ferry_view_request_clear (&self->request);
  g_clear_pointer (&self->current, ferry_exported_unref);
  g_clear_pointer (&self->value, g_variant_unref);
  g_assert (self->turn == NULL);
  g_clear_pointer (&self->answer, g_variant_unref);
  g_clear_object (&self->answer_object);
  g_clear_error (&self->answer_error);
  g_object_unref (self->exporter);
  g_free (self);
}

GCancellable *
ferry_evaluation_get_cancellable (FerryEvaluation *self)
{
  return self->funcs.get_cancellable (self->data);
}

gint64
ferry_evaluation_get_deadline (FerryEvaluation *self)
{
  return self->funcs.get_deadline (self->data);
}

guint64
ferry_evaluation_get_begun (FerryEvaluation *self)
{
  return self->begun;
}

/* ---- where runs go on ---- */

static GMainContext *
get_context (FerryEvaluation *self)
{
  return self->host->get_context (self->exporter);
}

/* Has func called on the exporter's context. */
static void
call_later (FerryEvaluation *self, GSourceFunc func, gpointer data, GDestroyNotify destroy)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "[ferry] a view goes on");
  g_source_set_callback (source, func, data, destroy);
  g_source_attach (source, get_context (self));
}

/* (transfer none) (nullable): in whose object's code the thread is. */
static FerryEvaluation *
get_current (void)
{
  return g_private_get (&current_run);
}

/* Whoever answers and the turn that it got may both call it, never at once: a run that waits for a turn has no step
 * under way. */
static void
go_on_now (FerryEvaluation *self)
{
  /* Acquire: pairs with the answer's release. */
  guint phase = atomic_exchange_explicit (&self->phase, 0, memory_order_acquire);

  go_on (self, (phase & PHASE_ANSWERED) != 0);
}

static void hand_to_thread (FerryEvaluation *self);

/* Takes up what the thread was left. Takes the run. Others may keep an object busy for ever; the thread has callers of
 * its own, so after some it leaves the rest to one that has none. */
static void
take_up (FerryEvaluation *self)
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
    if (n++ < MAX_IN_A_ROW || get_context (self) != NULL)
      {
        go_on_now (self);
        ferry_evaluation_unref (self);
      }
    else
      hand_to_thread (self);
  g_private_set (&thread_queue, NULL);
}

static gboolean
resumed_cb (gpointer data)
{
  take_up (ferry_evaluation_ref (data));
  return G_SOURCE_REMOVE;
}

/* Takes the run. */
static void
go_on_in_thread (gpointer data, gpointer user_data)
{
  g_private_set (&serves, ((FerryEvaluation *) data)->exporter);
  take_up (data);
  g_private_set (&serves, NULL);
}

/* Whoever answers, or calls an object of its own process, is not to call others' methods. As many threads as there are
 * runs: with fewer, a method that waits for another could wait for ever. Takes the run. */
static void
hand_to_thread (FerryEvaluation *self)
{
  static gsize pool = 0;

  if (g_once_init_enter (&pool))
    g_once_init_leave (&pool, (gsize) g_thread_pool_new (go_on_in_thread, NULL, -1, FALSE, NULL));
  g_thread_pool_push ((GThreadPool *) pool, self, NULL);
}

static gboolean
left_cb (gpointer data)
{
  ferry_evaluation_take_up_others ();
  return G_SOURCE_REMOVE;
}

/* The code that begins may run the main loop, or wait for what others do: these are not to wait for it. */
static void
pass_on (GQueue *queue)
{
  for (guint n = queue->length; n > 0; n--)
    {
      FerryEvaluation *run = g_queue_pop_head (queue);

      if (get_context (run) == NULL)
        hand_to_thread (run);
      else
        g_queue_push_tail (queue, run);
    }
  if (!g_queue_is_empty (queue))
    call_later (queue->head->data, left_cb, NULL, NULL);
}

/* Around the object's code. What is asked for in it is asked for in this run. It may wait for what the thread was left,
 * and for what comes meanwhile: neither waits for it. */
static void
begin_code (FerryEvaluation *self)
{
  self->outer = g_private_get (&current_run);
  self->left = g_private_get (&thread_queue);
  g_private_set (&current_run, self);
  g_private_set (&thread_queue, NULL);
  if (self->left != NULL)
    pass_on (self->left);
}

static void
end_code (FerryEvaluation *self)
{
  g_private_set (&current_run, self->outer);
  g_private_set (&thread_queue, self->left);
}

/* The answer of the last step calls nobody. */
static gboolean
is_last (FerryEvaluation *self)
{
  /* Relaxed: it goes on in any case after the answer was acquired. */
  return (atomic_load_explicit (&self->phase, memory_order_relaxed) & PHASE_ANSWERED) != 0 &&
         self->next + 1 >= self->request.n_steps;
}

/* Not in an object's code, which might have the turn that this run waits for. */
static gboolean
serves_now (FerryEvaluation *self)
{
  return g_private_get (&serves) == self->exporter && g_private_get (&current_run) == NULL;
}

/* Returns whether the run goes on here; it was given to where it does otherwise, which takes it. */
static gboolean
is_here (FerryEvaluation *self)
{
  GMainContext *context = get_context (self);

  if (context != NULL ? g_main_context_is_owner (context) : serves_now (self) || is_last (self))
    return TRUE;
  if (context == NULL)
    hand_to_thread (self);
  else
    call_later (self, resumed_cb, self, (GDestroyNotify) ferry_evaluation_unref);
  return FALSE;
}

/* Goes on where the exporter has its methods called. Takes the run. */
static void
resume (FerryEvaluation *self)
{
  if (is_here (self))
    take_up (self);
}

/* Those of threads are there already. */
void
ferry_evaluation_take_up_others (void)
{
  for (FerryEvaluation *in = g_private_get (&current_run); in != NULL; in = in->outer)
    while (in->left != NULL && !g_queue_is_empty (in->left))
      take_up (g_queue_pop_head (in->left));
}

/* ---- turns ---- */

/* Whether its first step was begun. With the lock of the object that it waits for. */
static gboolean
has_begun (FerryEvaluation *self)
{
  return self->next > 0;
}

/* Whether nobody wants its result any more. */
static gboolean
is_unwanted (FerryEvaluation *self)
{
  return self->funcs.is_cancelled != NULL && self->funcs.is_cancelled (self->data);
}

/* One that waits for its turn and was taken out of the queue: ends it with error. */
static void
refuse (FerryEvaluation *self, const GError *error)
{
  /* It waits, and has nothing yet. */
  g_clear_pointer (&self->turn, ferry_exported_unref);
  if (self->funcs.refused != NULL)
    self->funcs.refused (self->data, error);
  else
    self->funcs.done (self->data, NULL, NULL, error);
}

/* Whether run has the object for itself now; it is called later otherwise, by whoever leaves it. */
static gboolean
take_turn (FerryExported *exported, FerryEvaluation *run)
{
  gboolean taken;

  pthread_mutex_lock (&exported->lock);
  taken = exported->holder == NULL;
  if (taken)
    exported->holder = run;
  else
    g_queue_push_tail (&exported->waiting, ferry_evaluation_ref (run));
  pthread_mutex_unlock (&exported->lock);
  return taken;
}

/* Returns (transfer full) (nullable): whose turn it is now. */
static FerryEvaluation *
pass_turn (FerryExported *exported, FerryEvaluation *run)
{
  FerryEvaluation *next;

  pthread_mutex_lock (&exported->lock);
  g_assert (exported->holder == run);
  next = g_queue_pop_head (&exported->waiting);
  exported->holder = next;
  pthread_mutex_unlock (&exported->lock);
  return next;
}

/* Moves those that have not begun to stolen, or only those of them that nobody wants any more. */
static void
steal_waiting_locked (FerryExported *exported, gboolean unwanted, GQueue *stolen)
{
  for (GList *l = exported->waiting.head, *next; l != NULL; l = next)
    {
      next = l->next;
      if (has_begun (l->data) || (unwanted && !is_unwanted (l->data)))
        continue;
      g_queue_unlink (&exported->waiting, l);
      g_queue_push_tail_link (stolen, l);
    }
}

static void
refuse_all (GQueue *stolen, const GError *error)
{
  FerryEvaluation *run;

  while ((run = g_queue_pop_head (stolen)) != NULL)
    {
      refuse (run, error);
      ferry_evaluation_unref (run);
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

/* Answers those that wait and that nobody wants any more, where there may be many. At each doubling of those that are
 * left: so one that waits is looked at twice, on average. */
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
  error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "Nobody wants the result any more");
  refuse_all (&stolen, error);
}

/* Those in whose methods it was asked for count, each in the next one's, and only while this thread is in them: so
 * nothing of theirs changes. What else the thread does meanwhile, as in a main loop that a method runs, has no part. */
static gboolean
has_turn (FerryEvaluation *self, FerryExported *exported)
{
  FerryEvaluation *run = get_current ();

  if (self->turn == exported)
    return TRUE;
  for (guint64 caller = self->caller; caller != 0; caller = run->caller)
    {
      while (run != NULL && run->number != caller)
        run = run->outer;
      if (run == NULL || run->turn == exported)
        return run != NULL;
    }
  return FALSE;
}

static void
leave_turn (FerryEvaluation *self)
{
  FerryExported *turn = g_steal_pointer (&self->turn);
  FerryEvaluation *next;

  if (turn == NULL)
    return;
  next = pass_turn (turn, self);
  if (next != NULL)
    resume (next);
  ferry_exported_unref (turn);
}

/* Returns FALSE when it has to wait: then it is called again. */
static gboolean
ensure_turn (FerryEvaluation *self)
{
  FerryExported *wanted = self->current;

  if (wanted == NULL || wanted->policy != FERRY_CALL_POLICY_SERIAL || has_turn (self, wanted))
    return TRUE;
  leave_turn (self);
  refuse_unwanted (wanted);
  /* Before others can see it wait, and call it. */
  self->turn = ferry_exported_ref (wanted);
  return take_turn (wanted, self);
}

/* ---- the end ---- */

/* The place where the error was raised, in the words of the caller: the view up to the step that failed. */
static void
add_place (FerryEvaluation *self, GError *error)
{
  g_autofree char *inner = ferry_error_dup_trace (error, self->begun);
  g_autofree char *place = ferry_view_request_to_string (&self->request, self->next);
  g_autofree char *trace = ferry_trace_add_place (inner, place);

  ferry_error_set_trace (error, trace);
}

static void
finish (FerryEvaluation *self, GError *error)
{
  if (error != NULL)
    add_place (self, error);
  self->funcs.done (self->data, error == NULL ? self->current : NULL, error == NULL ? self->value : NULL, error);
  leave_turn (self);
}

/* ---- steps that call nobody: on an object its properties and items, on a value its items ---- */

static gboolean
fail_unknown (FerryExported *exported, const char *what, GError **error)
{
  g_autofree char *label = ferry_exported_dup_label (exported);

  g_set_error (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER, "“%s” is not exported with %s", label, what);
  return FALSE;
}

/* The value may be newer than the count of changes, and then its change comes as well; never older. */
static gboolean
set_property (FerryExported *exported, const FerryStep *step, GVariant **value, GError **error)
{
  const FerryMember *member = ferry_interface_find (exported->interface, FERRY_MEMBER_PROPERTY, step->name, error);
  g_autoptr (GVariant) now = NULL;
  guint64 n_changes;

  if (member == NULL || !ferry_member_set (member, exported->object, step->argument, error))
    return FALSE;
  n_changes = atomic_load (&exported->n_changes);
  if ((member->access & G_DBUS_PROPERTY_INFO_FLAGS_READABLE) == 0 ||
      !ferry_member_get (member, exported->object, &now, NULL, NULL))
    now = step->argument != NULL ? g_variant_ref (step->argument) : g_variant_ref_sink (g_variant_new_tuple (NULL, 0));
  *value = g_variant_ref_sink (g_variant_new ("(tv)", n_changes, now));
  return TRUE;
}

static gboolean
get_property (FerryExported *exported, const FerryStep *step, GVariant **value, GObject **object, GError **error)
{
  const FerryMember *member = ferry_interface_find (exported->interface, FERRY_MEMBER_PROPERTY, step->name, error);

  return member != NULL && ferry_member_get (member, exported->object, value, object, error);
}

static gboolean
get_item (FerryExported *exported, const FerryContainerFuncs *funcs, gpointer data, const FerryStep *step,
          GVariant **value, GObject **object, GError **error)
{
  if (funcs->get_item == NULL)
    return fail_unknown (exported, "items that can be read", error);
  return funcs->get_item (exported->object, step->argument, value, object, data, error);
}

static gboolean
set_item (FerryExported *exported, const FerryContainerFuncs *funcs, gpointer data, const FerryStep *step,
          GError **error)
{
  g_autoptr (GVariant) key = NULL;
  g_autoptr (GVariant) value = NULL;

  if (funcs->set_item == NULL)
    return fail_unknown (exported, "items that can be set", error);
  g_variant_get (step->argument, "(vv)", &key, &value);
  return funcs->set_item (exported->object, key, value, data, error);
}

static gboolean
delete_item (FerryExported *exported, const FerryContainerFuncs *funcs, gpointer data, const FerryStep *step,
             GError **error)
{
  if (funcs->delete_item == NULL)
    return fail_unknown (exported, "items that can be deleted", error);
  return funcs->delete_item (exported->object, step->argument, data, error);
}

static gboolean
look_for_item (FerryExported *exported, const FerryContainerFuncs *funcs, gpointer data, const FerryStep *step,
               GVariant **value, GError **error)
{
  gboolean contains = FALSE;

  if (funcs->contains == NULL)
    return fail_unknown (exported, "items that can be looked for", error);
  if (!funcs->contains (exported->object, step->argument, &contains, data, error))
    return FALSE;
  *value = g_variant_ref_sink (g_variant_new_boolean (contains));
  return TRUE;
}

static gboolean
get_length (FerryExported *exported, const FerryContainerFuncs *funcs, gpointer data, GVariant **value, GError **error)
{
  guint64 length = 0;

  if (funcs->get_length == NULL)
    return fail_unknown (exported, "items that can be counted", error);
  if (!funcs->get_length (exported->object, &length, data, error))
    return FALSE;
  *value = g_variant_ref_sink (g_variant_new_uint64 (length));
  return TRUE;
}

static gboolean
get_rows (FerryExported *exported, const FerryStep *step, GVariant **value, GError **error)
{
  GListModel *list = G_LIST_MODEL (exported->object);
  guint n = g_list_model_get_n_items (list);
  GVariantBuilder rows;
  guint64 position;
  guint32 wanted;

  if (!ferry_interface_is_list (exported->interface))
    return fail_unknown (exported, "rows", error);
  g_variant_get (step->argument, "(tu)", &position, &wanted);
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("av"));
  for (guint64 i = position; i < n && i - position < wanted; i++)
    {
      g_autoptr (GObject) item = g_list_model_get_item (list, (guint) i);
      g_autoptr (GVariant) row = ferry_interface_make_row (exported->interface, item);

      g_variant_builder_add (&rows, "v", row);
    }
  *value = g_variant_ref_sink (
    g_variant_new ("(tt@av)", ferry_exported_get_revision (exported), (guint64) n, g_variant_builder_end (&rows)));
  return TRUE;
}

static gboolean
step_on_container (FerryExported *exported, const FerryStep *step, GVariant **value, GObject **object, GError **error)
{
  gpointer data = NULL;
  const FerryContainerFuncs *funcs = ferry_interface_get_container (exported->interface, &data);

  if (funcs == NULL)
    return fail_unknown (exported, "items", error);
  switch (step->kind)
    {
    case FERRY_STEP_GET_ITEM:
      return get_item (exported, funcs, data, step, value, object, error);
    case FERRY_STEP_SET_ITEM:
      return set_item (exported, funcs, data, step, error);
    case FERRY_STEP_DELETE_ITEM:
      return delete_item (exported, funcs, data, step, error);
    case FERRY_STEP_CONTAINS:
      return look_for_item (exported, funcs, data, step, value, error);
    case FERRY_STEP_LENGTH:
      return get_length (exported, funcs, data, value, error);
    default:
      return get_rows (exported, step, value, error);
    }
}

/* Gives a value, an object, or neither, (transfer full). FERRY_ERROR_UNKNOWN_MEMBER, FERRY_ERROR_NOT_ALLOWED,
 * FERRY_ERROR_BAD_ARGUMENTS, and what containers fail with. */
static gboolean
step_on_object (FerryExported *exported, const FerryStep *step, GVariant **value, GObject **object, GError **error)
{
  switch (step->kind)
    {
    case FERRY_STEP_GET:
      return get_property (exported, step, value, object, error);
    case FERRY_STEP_SET:
    case FERRY_STEP_DELETE:
      return set_property (exported, step, value, error);
    default:
      return step_on_container (exported, step, value, object, error);
    }
}

/* value: (nullable) */
static gboolean
step_on_value (GVariant *value, const FerryStep *step, GVariant **result, GError **error)
{
  gboolean contains = FALSE;
  guint64 length = 0;

  if (value == NULL)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                           "The operation before gave nothing that another one could be done on");
      return FALSE;
    }
  switch (step->kind)
    {
    case FERRY_STEP_GET_ITEM:
      *result = ferry_variant_get_item (value, step->argument, error);
      return *result != NULL;
    case FERRY_STEP_CONTAINS:
      if (!ferry_variant_contains (value, step->argument, &contains, error))
        return FALSE;
      *result = g_variant_ref_sink (g_variant_new_boolean (contains));
      return TRUE;
    case FERRY_STEP_LENGTH:
      if (!ferry_variant_get_length (value, &length, error))
        return FALSE;
      *result = g_variant_ref_sink (g_variant_new_uint64 (length));
      return TRUE;
    default:
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER,
                   "A value of type “%s” has neither properties nor methods, only items and a length",
                   g_variant_get_type_string (value));
      return FALSE;
    }
}

/* ---- what methods take and give ---- */

/* Fails with FERRY_ERROR_BAD_ARGUMENTS. arguments: (nullable) */
static gboolean
check_arguments (const FerryMember *member, GVariant *arguments, GError **error)
{
  g_autofree char *expected = NULL;

  if (arguments != NULL ? g_variant_is_of_type (arguments, member->in_type)
                        : g_variant_type_n_items (member->in_type) == 0)
    return TRUE;
  expected = g_variant_type_dup_string (member->in_type);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS, "“%s” takes “%s”, and not “%s”", member->name, expected,
               arguments != NULL ? g_variant_get_type_string (arguments) : "()");
  return FALSE;
}

/* The answer of a method as the next step has it: without the tuple around a single value. member: NULL for a function,
 * which may give anything. *value: (transfer full) (nullable). Fails with FERRY_ERROR_BAD_RESULT. */
static gboolean
unpack (const FerryMember *member, GVariant *answer, GVariant **value, GError **error)
{
  const GVariantType *type = member != NULL ? member->out_type : NULL;
  gsize n = type != NULL ? g_variant_type_n_items (type) : 0;
  gboolean is_whole = type != NULL && answer != NULL && g_variant_is_of_type (answer, type);
  g_autofree char *expected = NULL;

  *value = NULL;
  if (n == 0 && type != NULL && (answer == NULL || is_whole))
    return TRUE;
  if (is_whole && n == 1)
    *value = g_variant_get_child_value (answer, 0);
  else if (is_whole || (n == 1 && answer != NULL && g_variant_is_of_type (answer, g_variant_type_first (type))))
    *value = g_variant_ref (answer);
  else if (type == NULL)
    *value = answer != NULL ? g_variant_ref (answer) : NULL;
  if (*value != NULL || type == NULL)
    return TRUE;
  expected = g_variant_type_dup_string (type);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_RESULT, "“%s” gave a value of type “%s”, and should give “%s”",
               member->name, answer != NULL ? g_variant_get_type_string (answer) : "()", expected);
  return FALSE;
}

/* ---- steps ---- */

static gboolean
set_current_object (FerryEvaluation *self, GObject *object, GError **error)
{
  FerryExported *exported = self->host->find_object (self->exporter, object, error);

  if (exported == NULL)
    return FALSE;
  set_current (self, exported, NULL);
  return TRUE;
}

static gboolean
take_answer_object (FerryEvaluation *self, GError **error)
{
  if (self->member != NULL && !g_variant_type_equal (self->member->out_type, G_VARIANT_TYPE ("(o)")))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_RESULT,
                   "“%s” gave an object, for which its out signature has to be “o”", self->member->name);
      return FALSE;
    }
  return set_current_object (self, self->answer_object, error);
}

/* Returns FALSE with an error. */
static gboolean
take_answer (FerryEvaluation *self, GError **error)
{
  GVariant *value = NULL;
  gboolean taken = FALSE;

  if (self->answer_error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->answer_error));
  else if (self->answer_object != NULL)
    taken = take_answer_object (self, error);
  else if ((taken = unpack (self->member, self->answer, &value, error)))
    set_current (self, NULL, value);
  g_clear_pointer (&self->answer, g_variant_unref);
  g_clear_object (&self->answer_object);
  self->member = NULL;
  return taken;
}

/* Returns whether it has its answer. */
static gboolean
call (FerryEvaluation *self, FerryMethodFunc func, gpointer user_data, const FerryStep *step)
{
  g_autoptr (FerryExported) callee = ferry_exported_ref (self->current);
  FerryMethodCall *method_call = ferry_method_call_new (self, callee->object, step->name, step->argument);

  /* Relaxed: nobody else has the call yet. */
  atomic_store_explicit (&self->phase, 0, memory_order_relaxed);
  begin_code (self);
  func (callee->object, method_call, user_data);
  /* The answer may have come, and the run gone on elsewhere: only when this thread has said that it is through. */
  end_code (self);
  ferry_method_call_unref (method_call);
  /* Acquire the answer of who came first; release what this thread did with the run to who comes now. */
  if ((atomic_fetch_or_explicit (&self->phase, PHASE_RETURNED, memory_order_acq_rel) & PHASE_ANSWERED) == 0)
    return FALSE;
  atomic_store_explicit (&self->phase, 0, memory_order_relaxed);
  return TRUE;
}

static StepOutcome
call_method (FerryEvaluation *self, const FerryStep *step, GError **error)
{
  const char *super = g_steal_pointer (&self->super);
  FerryMethodFunc func = NULL;

  self->member = ferry_interface_find (self->current->interface, FERRY_MEMBER_METHOD, step->name, error);
  if (self->member == NULL || !check_arguments (self->member, step->argument, error))
    return STEP_FAILED;
  func = ferry_member_find_func (self->member, self->current->object, super, error);
  if (func == NULL)
    return STEP_FAILED;
  if (!call (self, func, self->member->user_data, step))
    return STEP_WAITS;
  return take_answer (self, error) ? STEP_DONE : STEP_FAILED;
}

static StepOutcome
pass_to_function (FerryEvaluation *self, const FerryStep *step, GError **error)
{
  const FerryPassFunction *function = self->host->find_function (self->exporter, step->name, error);

  if (function == NULL)
    return STEP_FAILED;
  self->member = NULL;
  if (!call (self, function->func, function->user_data, step))
    return STEP_WAITS;
  return take_answer (self, error) ? STEP_DONE : STEP_FAILED;
}

/* A step that is through at once. */
static StepOutcome
perform (FerryEvaluation *self, const FerryStep *step, GError **error)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GObject) object = NULL;
  gboolean done;

  begin_code (self);
  done = self->current != NULL ? step_on_object (self->current, step, &value, &object, error)
                               : step_on_value (self->value, step, &value, error);
  end_code (self);
  if (!done)
    return STEP_FAILED;
  if (object != NULL)
    return set_current_object (self, object, error) ? STEP_DONE : STEP_FAILED;
  set_current (self, NULL, g_steal_pointer (&value));
  return STEP_DONE;
}

static StepOutcome
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
        return STEP_DONE;
      default:
        break;
      }
  return perform (self, step, error);
}

/* ---- running ---- */

static gboolean
check_wanted (FerryEvaluation *self, GError **error)
{
  if (!is_unwanted (self))
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Nobody wants the result any more");
  return FALSE;
}

/* Takes steps until it is through, or waits. answered: the step that it waited in has its answer. */
static void
go_on (FerryEvaluation *self, gboolean answered)
{
  g_autoptr (FerryEvaluation) alive G_GNUC_UNUSED = ferry_evaluation_ref (self);
  g_autoptr (GError) error = NULL;
  StepOutcome outcome = STEP_DONE;

  if (answered)
    {
      outcome = take_answer (self, &error) ? STEP_DONE : STEP_FAILED;
      self->next++;
    }
  while (outcome == STEP_DONE && self->next < self->request.n_steps)
    {
      if (!ensure_turn (self))
        return;
      outcome = check_wanted (self, &error) ? take_step (self, &error) : STEP_FAILED;
      if (outcome == STEP_WAITS)
        return;
      self->next++;
    }
  finish (self, error);
}

/* ---- beginning, and answers ---- */

static void
start (FerryEvaluation *self)
{
  GMainContext *context = get_context (self);
  gboolean acquired = context != NULL && g_main_context_acquire (context);

  if (context == NULL || acquired)
    go_on (self, FALSE);
  else
    resume (ferry_evaluation_ref (self));
  if (acquired)
    g_main_context_release (context);
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
  FerryEvaluation *caller = g_private_get (&current_run);

  self->caller = caller != NULL ? caller->number : 0;
  start (self);
}

void
ferry_evaluation_answer (FerryEvaluation *self, GVariant *value, GObject *object, GError *error)
{
  self->answer = value;
  self->answer_object = object;
  self->answer_error = error;
  /* Release the answer to who goes on; acquire what the thread of the function did with the run. */
  if ((atomic_fetch_or_explicit (&self->phase, PHASE_ANSWERED, memory_order_acq_rel) & PHASE_RETURNED) != 0)
    resume (ferry_evaluation_ref (self));
}
