/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Turns: a run has the object that it is at for itself where the object's policy says so, from the first step on it to
 * the last. Where the method of an object calls that object again, in its own process and on its own thread, the turn
 * is the caller's.
 *
 * A run that goes on because another one has left is put into the thread's queue, and taken up once that one is
 * through: so many that wait do not nest. An object's code begins with no queue, as it may wait. */

#include "config.h"

#include "call/ferry-view-run-private.h"

#include "base/ferry-error.h"
#include "call/ferry-method-call-private.h"
#include "call/ferry-remote-error-private.h"
#include "call/ferry-view-step-private.h"

/* How a method's function and its answer meet. */
#define PHASE_RETURNED 1
#define PHASE_ANSWERED 2

struct _FerryViewRun
{
  _Atomic gint references;
  FerryExporter *exporter; /* const: (owned) */
  FerryViewRunFuncs funcs; /* const */
  gpointer data;           /* const: (owned) */

  /* Of the thread that is at it. */
  FerryViewRequest request;
  guint next;             /* step */
  FerryExported *current; /* (owned) (nullable): what the next step is done on, or there is value */
  GVariant *value;        /* (owned) (nullable) */
  FerryExported *turn;    /* (owned) (nullable): of which this run has the turn, or waits for it */
  guint64 number;         /* const: no other run has it, and it is not 0 */
  guint64 caller;         /* const: the number of the one in whose method this was asked for, or 0 */
  FerryViewRun *outer;    /* (unowned) (nullable): in the object's code: in whose the thread was before */
  GQueue *left;           /* (unowned) (nullable): the same: what the thread is to take up when it is through */
  const char *super;      /* (nullable): of the request: the class whose implementation is called */

  /* Of the step that waits for its answer: of who answers, until PHASE_ANSWERED is set. */
  _Atomic guint phase;
  const FerryMember *member; /* (nullable): of the object's interface */
  GVariant *answer;          /* (owned) (nullable) */
  GObject *answer_object;    /* (owned) (nullable) */
  GError *answer_error;      /* (owned) (nullable) */
};

static GPrivate current_run;  /* (unowned): whose object's code the thread is in: a method, or a property's */
static GPrivate thread_queue; /* a GQueue of runs, on the stack of who takes them up */
static GPrivate serves;       /* (unowned): the exporter whose methods this thread is there to call */

static void set_current (FerryViewRun *self, FerryExported *exported, GVariant *value);

FerryViewRun *
ferry_view_run_new (FerryExporter *exporter, FerryViewRequest *request, FerryExported *root,
                    const FerryViewRunFuncs *funcs, gpointer data)
{
  static _Atomic guint64 last_number; /* relaxed: all that matters is that no two runs have the same */
  FerryViewRun *self = g_new0 (FerryViewRun, 1);

  atomic_init (&self->references, 1);
  self->number = atomic_fetch_add_explicit (&last_number, 1, memory_order_relaxed) + 1;
  self->exporter = g_object_ref (exporter);
  self->funcs = *funcs;
  self->data = data;
  self->request = *request;
  *request = (FerryViewRequest){0};
  set_current (self, root, NULL);
  return self;
}

FerryViewRun *
ferry_view_run_ref (FerryViewRun *self)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

void
ferry_view_run_unref (FerryViewRun *self)
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
ferry_view_run_get_cancellable (FerryViewRun *self)
{
  return self->funcs.get_cancellable (self->data);
}

gint64
ferry_view_run_get_deadline (FerryViewRun *self)
{
  return self->funcs.get_deadline (self->data);
}

gboolean
ferry_view_run_has_begun (FerryViewRun *self)
{
  return self->next > 0;
}

/* ---- turns ---- */

static void resume (FerryViewRun *self);

/* Those in whose methods it was asked for count, each in the next one's, and only while this thread is in them: so
 * nothing of theirs changes. What else the thread does meanwhile, as in a main loop that a method runs, has no part. */
static gboolean
has_turn (FerryViewRun *self, FerryExported *exported)
{
  FerryViewRun *run = g_private_get (&current_run);

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
leave_turn (FerryViewRun *self)
{
  FerryExported *turn = g_steal_pointer (&self->turn);
  FerryViewRun *next;

  if (turn == NULL)
    return;
  next = ferry_exported_leave_turn (turn, self);
  if (next != NULL)
    resume (next);
  ferry_exported_unref (turn);
}

/* Returns FALSE when it has to wait: then it is called again. */
static gboolean
ensure_turn (FerryViewRun *self)
{
  FerryExported *wanted = self->current;

  if (wanted == NULL || wanted->policy != FERRY_CALL_POLICY_SERIAL || has_turn (self, wanted))
    return TRUE;
  leave_turn (self);
  /* Before others can see it wait, and call it. */
  self->turn = ferry_exported_ref (wanted);
  if (ferry_exported_take_turn (wanted, self))
    return TRUE;
  return FALSE;
}

/* ---- the end ---- */

static void
finish (FerryViewRun *self, const GError *error)
{
  self->funcs.done (self->data, error == NULL ? self->current : NULL, error == NULL ? self->value : NULL, error);
  leave_turn (self);
}

/* The place where the error was raised, in the words of whoever asked. */
static void
add_place (FerryViewRun *self, const GError *error)
{
  g_autofree char *inner = ferry_error_get_trace (error);
  g_autofree char *place = ferry_view_request_to_string (&self->request, self->next + 1);
  g_autofree char *trace = ferry_trace_add_place (inner, place);

  ferry_trace_remember (error, trace);
}

void
ferry_view_run_refuse (FerryViewRun *self, const GError *error)
{
  /* It waits, and has nothing yet. */
  g_clear_pointer (&self->turn, ferry_exported_unref);
  if (self->funcs.refused != NULL)
    self->funcs.refused (self->data, error);
  else
    self->funcs.done (self->data, NULL, NULL, error);
}

/* ---- steps ---- */

/* What the next step is done on; takes either. */
static void
set_current (FerryViewRun *self, FerryExported *exported, GVariant *value)
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

static gboolean
set_current_object (FerryViewRun *self, GObject *object, GError **error)
{
  FerryExported *exported = ferry_exporter_find_object (self->exporter, object, error);

  if (exported == NULL)
    return FALSE;
  set_current (self, exported, NULL);
  return TRUE;
}

static gboolean
take_answer_object (FerryViewRun *self, GError **error)
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
take_answer (FerryViewRun *self, GError **error)
{
  GVariant *value = NULL;
  gboolean taken = FALSE;

  if (self->answer_error != NULL)
    {
      add_place (self, self->answer_error);
      g_propagate_error (error, g_steal_pointer (&self->answer_error));
    }
  else if (self->answer_object != NULL)
    taken = take_answer_object (self, error);
  else if ((taken = ferry_view_step_unpack (self->member, self->answer, &value, error)))
    set_current (self, NULL, value);
  g_clear_pointer (&self->answer, g_variant_unref);
  g_clear_object (&self->answer_object);
  self->member = NULL;
  return taken;
}

static void pass_on (GQueue *queue);

/* What is asked for in the object's code is asked for in this run. It may wait for what the thread was left, and for
 * what comes meanwhile: neither waits for it. */
static void
begin_code (FerryViewRun *self)
{
  self->outer = g_private_get (&current_run);
  self->left = g_private_get (&thread_queue);
  g_private_set (&current_run, self);
  g_private_set (&thread_queue, NULL);
  if (self->left != NULL)
    pass_on (self->left);
}

static void
end_code (FerryViewRun *self)
{
  g_private_set (&current_run, self->outer);
  g_private_set (&thread_queue, self->left);
}

/* Returns whether it has its answer. */
static gboolean
call (FerryViewRun *self, FerryMethodFunc func, gpointer user_data, const FerryStep *step)
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

typedef enum
{
  STEP_DONE,
  STEP_FAILED,
  STEP_WAITS,
} StepOutcome;

static StepOutcome
call_method (FerryViewRun *self, const FerryStep *step, GError **error)
{
  const char *super = g_steal_pointer (&self->super);
  FerryMethodFunc func = NULL;

  self->member = ferry_interface_find (self->current->interface, FERRY_MEMBER_METHOD, step->name, error);
  if (self->member == NULL || !ferry_view_step_check_arguments (self->member, step->argument, error))
    return STEP_FAILED;
  func = ferry_member_find_func (self->member, self->current->object, super, error);
  if (func == NULL)
    return STEP_FAILED;
  if (!call (self, func, self->member->user_data, step))
    return STEP_WAITS;
  return take_answer (self, error) ? STEP_DONE : STEP_FAILED;
}

static StepOutcome
pass_to_function (FerryViewRun *self, const FerryStep *step, GError **error)
{
  const FerryPassFunction *function = ferry_exporter_find_function (self->exporter, step->name, error);

  if (function == NULL)
    return STEP_FAILED;
  self->member = NULL;
  if (!call (self, function->func, function->user_data, step))
    return STEP_WAITS;
  return take_answer (self, error) ? STEP_DONE : STEP_FAILED;
}

/* A step that is through at once. */
static StepOutcome
perform (FerryViewRun *self, const FerryStep *step, GError **error)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GObject) object = NULL;
  gboolean done;

  begin_code (self);
  done = self->current != NULL ? ferry_view_step_on_object (self->current, step, &value, &object, error)
                               : ferry_view_step_on_value (self->value, step, &value, error);
  end_code (self);
  if (!done)
    return STEP_FAILED;
  if (object != NULL)
    return set_current_object (self, object, error) ? STEP_DONE : STEP_FAILED;
  set_current (self, NULL, g_steal_pointer (&value));
  return STEP_DONE;
}

static StepOutcome
take_step (FerryViewRun *self, GError **error)
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
check_wanted (FerryViewRun *self, GError **error)
{
  if (self->funcs.is_cancelled == NULL || !self->funcs.is_cancelled (self->data))
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Nobody wants the result any more");
  return FALSE;
}

/* Takes steps until it is through, or waits. answered: the step that it waited in has its answer. */
static void
go_on (FerryViewRun *self, gboolean answered)
{
  g_autoptr (FerryViewRun) alive G_GNUC_UNUSED = ferry_view_run_ref (self);
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

/* Whoever answers and the turn that it got may both call it, never at once: a run that waits for a turn has no step
 * under way. */
static void
go_on_now (FerryViewRun *self)
{
  /* Acquire: pairs with the answer's release. */
  guint phase = atomic_exchange_explicit (&self->phase, 0, memory_order_acquire);

  go_on (self, (phase & PHASE_ANSWERED) != 0);
}

/* Takes up what the thread was left. Takes the run. */
static void
take_up (FerryViewRun *self)
{
  GQueue *queue = g_private_get (&thread_queue);
  GQueue own = G_QUEUE_INIT;

  if (queue != NULL)
    {
      g_queue_push_tail (queue, self);
      return;
    }
  g_private_set (&thread_queue, &own);
  for (; self != NULL; self = g_queue_pop_head (&own))
    {
      go_on_now (self);
      ferry_view_run_unref (self);
    }
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

/* Takes the run. */
static void
resume (FerryViewRun *self)
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
    go_on (self, FALSE);
  else
    resume (ferry_view_run_ref (self));
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
    resume (ferry_view_run_ref (self));
}
