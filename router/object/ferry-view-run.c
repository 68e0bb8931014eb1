/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The steps, and turns: a run has the object that it is at for itself where the object's policy says so, from the first
 * step on it to the last. Where the method of an object calls that object again, in its own process and on its own
 * thread, the turn is the caller's. */

#include "config.h"

#include "object/ferry-view-run-fields-private.h"

#include "base/ferry-error.h"
#include "call/ferry-remote-error-private.h"
#include "object/ferry-method-call-private.h"
#include "object/ferry-view-step-private.h"

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
  self->begun = ferry_trace_get_moment ();
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

guint64
ferry_view_run_get_begun (FerryViewRun *self)
{
  return self->begun;
}

gboolean
ferry_view_run_has_begun (FerryViewRun *self)
{
  return self->next > 0;
}

gboolean
ferry_view_run_is_unwanted (FerryViewRun *self)
{
  return self->funcs.is_cancelled != NULL && self->funcs.is_cancelled (self->data);
}

/* ---- turns ---- */

/* Those in whose methods it was asked for count, each in the next one's, and only while this thread is in them: so
 * nothing of theirs changes. What else the thread does meanwhile, as in a main loop that a method runs, has no part. */
static gboolean
has_turn (FerryViewRun *self, FerryExported *exported)
{
  FerryViewRun *run = ferry_view_run_get_current ();

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
    ferry_view_run_resume (next);
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
  ferry_exported_refuse_unwanted (wanted);
  /* Before others can see it wait, and call it. */
  self->turn = ferry_exported_ref (wanted);
  return ferry_exported_take_turn (wanted, self);
}

/* ---- the end ---- */

/* The place where the error was raised, in the words of the caller: the view up to the step that failed. */
static void
add_place (FerryViewRun *self, GError *error)
{
  g_autofree char *inner = ferry_error_dup_trace (error, self->begun);
  g_autofree char *place = ferry_view_request_to_string (&self->request, self->next);
  g_autofree char *trace = ferry_trace_add_place (inner, place);

  ferry_error_set_trace (error, trace);
}

static void
finish (FerryViewRun *self, GError *error)
{
  if (error != NULL)
    add_place (self, error);
  self->funcs.done (self->data, error == NULL ? self->current : NULL, error == NULL ? self->value : NULL, error);
  leave_turn (self);
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
    g_propagate_error (error, g_steal_pointer (&self->answer_error));
  else if (self->answer_object != NULL)
    taken = take_answer_object (self, error);
  else if ((taken = ferry_view_step_unpack (self->member, self->answer, &value, error)))
    set_current (self, NULL, value);
  g_clear_pointer (&self->answer, g_variant_unref);
  g_clear_object (&self->answer_object);
  self->member = NULL;
  return taken;
}

/* Returns whether it has its answer. */
static gboolean
call (FerryViewRun *self, FerryMethodFunc func, gpointer user_data, const FerryStep *step)
{
  g_autoptr (FerryExported) callee = ferry_exported_ref (self->current);
  FerryMethodCall *method_call = ferry_method_call_new (self, callee->object, step->name, step->argument);

  /* Relaxed: nobody else has the call yet. */
  atomic_store_explicit (&self->phase, 0, memory_order_relaxed);
  ferry_view_run_begin_code (self);
  func (callee->object, method_call, user_data);
  /* The answer may have come, and the run gone on elsewhere: only when this thread has said that it is through. */
  ferry_view_run_end_code (self);
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

  ferry_view_run_begin_code (self);
  done = self->current != NULL ? ferry_view_step_on_object (self->current, step, &value, &object, error)
                               : ferry_view_step_on_value (self->value, step, &value, error);
  ferry_view_run_end_code (self);
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
  if (!ferry_view_run_is_unwanted (self))
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Nobody wants the result any more");
  return FALSE;
}

void
ferry_view_run_go_on (FerryViewRun *self, gboolean answered)
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
