/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "object/ferry-resolve-private.h"

#include "base/ferry-base-private.h"
#include "call/ferry-mux-private.h"
#include "call/ferry-remote-error-private.h"
#include "call/ferry-transactions-private.h"
#include "call/ferry-transport-private.h"
#include "object/ferry-evaluation-private.h"

/* Requests of up to so many bytes are made on the stack. */
#define PACKED_HERE 512

/* What a completion has of the view. */
typedef struct
{
  FerryView *view;    /* const: (owned) */
  FerryProxy *proxy;  /* const: the view's */
  gint64 deadline;    /* const: 0 for none */
  FerryViewFunc func; /* const, as the next one: (nullable) */
  gpointer user_data;
  _Atomic guint64 xid; /* 0: not asked yet, or in this process */
  guint8 *packed;      /* (owned) (nullable): the request that waits for room */
  gsize packed_size;

  gboolean as_proxy;         /* const: of one in this process */
  GCancellable *cancellable; /* const: (owned) (nullable): of one in this process: for its methods */
} Resolve;

void
ferry_resolved_clear (FerryResolved *self)
{
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_object (&self->object);
}

static void
resolved_free (gpointer data)
{
  ferry_resolved_clear (data);
  g_free (data);
}

static Resolve *
resolve_ref (Resolve *self)
{
  ferry_completion_ref (ferry_completion_from_data (self));
  return self;
}

static void
resolve_unref (gpointer data)
{
  ferry_completion_unref (ferry_completion_from_data (data));
}

static void
resolve_destroy (gpointer data)
{
  Resolve *self = data;

  g_clear_object (&self->cancellable);
  g_free (self->packed);
  ferry_view_unref (self->view);
}

/* ---- its end ---- */

/* Takes result's content. raised: the object itself has failed, with whatever code. */
static void
end (Resolve *self, FerryResolved *result, const GError *error, gboolean raised)
{
  GVariant *default_value = ferry_view_get_default (self->view);
  gboolean is_default = error != NULL && !raised && default_value != NULL && ferry_error_says_nobody_listens (error);

  if (is_default)
    result->value = g_variant_ref (default_value);
  if (error == NULL || is_default)
    ferry_completion_finish (ferry_completion_from_data (self), g_memdup2 (result, sizeof *result), resolved_free,
                             NULL);
  else
    {
      ferry_resolved_clear (result);
      ferry_completion_finish (ferry_completion_from_data (self), NULL, NULL, ferry_error_copy (error));
    }
}

/* What a property was set to comes with the count of its changes. */
static void
unwrap_change (Resolve *self, FerryResolved *result)
{
  g_autoptr (GVariant) change = NULL;

  if (!ferry_view_is_change (self->view) || result->value == NULL ||
      !g_variant_is_of_type (result->value, G_VARIANT_TYPE ("(tv)")))
    return;
  change = g_steal_pointer (&result->value);
  g_variant_get (change, "(tv)", &result->n_changes, &result->value);
}

/* ---- in another process ---- */

/* The receiving thread, or the one that ended the transport. */
static void
answered (gpointer data, GVariant *answer, const GError *error)
{
  Resolve *self = data;
  FerryProxy *proxy = self->proxy;
  FerryResolved result = {0};
  FerryViewResult told = {0};
  g_autoptr (GError) failure = error != NULL ? ferry_error_copy (error) : NULL;
  gboolean raised;

  if (failure == NULL && ferry_view_result_take (&told, answer, &failure))
    {
      if (told.generation != 0)
        result.object = ferry_proxy_take_object (proxy, &told);
      else
        result.value = g_steal_pointer (&told.value);
      ferry_view_result_clear (&told);
      unwrap_change (self, &result);
    }
  raised = failure != NULL && ferry_error_take_raised (failure);
  end (self, &result, failure, raised);
}

static const FerryAskFuncs ask_funcs = {.done = answered, .destroy = resolve_unref};

static gboolean
has_member (GDBusInterfaceInfo *info, const FerryStep *step, GError **error)
{
  gboolean is_call = step->kind == FERRY_STEP_CALL;

  if (is_call ? g_dbus_interface_info_lookup_method (info, step->name) != NULL
              : g_dbus_interface_info_lookup_property (info, step->name) != NULL)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_UNKNOWN_MEMBER, "The interface %s has no %s “%s”", info->name,
                          is_call ? "method" : "property", step->name);
}

/* A member that the interface is known not to have costs no trip. */
static gboolean
check_member (FerryProxy *proxy, const FerryViewRequest *request, GError **error)
{
  const FerryStep *step = request->n_steps > 0 ? &request->steps[0] : NULL;
  GDBusInterfaceInfo *info;
  gboolean known;

  if (step == NULL || (step->kind != FERRY_STEP_CALL && step->kind != FERRY_STEP_GET && step->kind != FERRY_STEP_SET))
    return TRUE;
  info = ferry_proxy_dup_info (proxy);
  if (info == NULL)
    return TRUE;
  known = has_member (info, step, error);
  g_dbus_interface_info_unref (info);
  return known;
}

static FerryMux *
get_mux (Resolve *self)
{
  return ferry_proxy_session_get_mux (ferry_proxy_get_session (self->proxy));
}

/* Any thread. Sequentially consistent, as in abandon(): of the two that set a word each and then look at the other's,
 * one sees both. */
static void
cancel (Resolve *self, FerryCancelReason reason)
{
  guint64 xid = atomic_load (&self->xid);

  if (xid != 0)
    ferry_transactions_cancel (ferry_transport_get_transactions (ferry_mux_get_transport (get_mux (self))), xid,
                               reason);
}

/* The thread that makes room. Returns FALSE while there is not enough. */
static gboolean
ask_later (gpointer data)
{
  Resolve *self = data;
  const FerryAskRequest request = {
    .method = FERRY_OBJECT_METHOD_VIEW, .deadline = self->deadline, .packed = {self->packed, self->packed_size}};
  FerryResolved nothing = {0};
  g_autoptr (FerryCompletion) kept = ferry_completion_ref (ferry_completion_from_data (self));
  g_autoptr (GError) error = NULL;
  guint64 xid =
    ferry_completion_is_reserved (kept) ? 0 : ferry_mux_ask (get_mux (self), &request, &ask_funcs, self, &error);

  if (xid == 0 && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    return FALSE;
  atomic_store (&self->xid, xid);
  if (xid == 0)
    {
      if (error != NULL)
        end (self, &nothing, error, FALSE);
      resolve_unref (self);
    }
  else if (ferry_completion_is_reserved (kept))
    cancel (self, FERRY_CANCEL_REASON_CANCELLED);
  return TRUE;
}

/* Keeps request until there is room; its bytes may be on the stack. count: as it was before the attempt to send. */
static void
keep_for_later (Resolve *self, const FerryAskRequest *request, guint64 count)
{
  self->packed = g_memdup2 (request->packed.data, request->packed.size);
  self->packed_size = request->packed.size;
  ferry_transport_send_later (ferry_mux_get_transport (get_mux (self)), ask_later, resolve_ref (self), count);
}

/* Returns whether it was asked, or will be. */
static gboolean
ask (Resolve *self, const FerryAskRequest *request, FerryResolveRoom room, GError **error)
{
  FerryMux *mux = get_mux (self);
  guint64 count = ferry_transport_get_room_count (ferry_mux_get_transport (mux));
  g_autoptr (GError) failure = NULL;
  guint64 xid;

  resolve_ref (self);
  xid = ferry_mux_ask (mux, request, &ask_funcs, self, &failure);
  atomic_store (&self->xid, xid);
  if (xid != 0)
    return TRUE;
  resolve_unref (self);
  if (room == FERRY_RESOLVE_LATER && g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    {
      keep_for_later (self, request, count);
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

static gboolean
start_remote (Resolve *self, FerryViewRequest *view, FerryResolveRoom room, GCancellable *cancellable, GError **error)
{
  FerryAskRequest request = {.method = FERRY_OBJECT_METHOD_VIEW,
                             .deadline = self->deadline,
                             .waits = room == FERRY_RESOLVE_WAIT,
                             .cancellable = cancellable};
  guint8 place[PACKED_HERE];
  guint8 *packed;
  gboolean asked;

  if (!ferry_proxy_session_check_listening (ferry_proxy_get_session (self->proxy), error) ||
      !check_member (self->proxy, view, error))
    return FALSE;
  packed = ferry_view_request_pack (view, place, sizeof place, &request.packed.size);
  request.packed.data = packed;
  asked = ask (self, &request, room, error);
  if (packed != place)
    g_free (packed);
  return asked;
}

/* ---- in this process ---- */

static void
local_done (gpointer data, FerryExported *object, GVariant *value, const GError *error)
{
  Resolve *self = data;
  FerryProxy *proxy = self->proxy;
  FerryResolved result = {0};
  g_autoptr (FerryExported) held = NULL;

  if (error == NULL && object == NULL && value != NULL && self->as_proxy)
    object = held = ferry_exporter_hold_value (ferry_proxy_get_exporter (proxy), value);
  if (object != NULL)
    {
      g_autoptr (FerryExported) own = ferry_proxy_find_exported (proxy, NULL);

      result.object =
        own == object ? g_object_ref (proxy) : ferry_proxy_new_for_exported (ferry_proxy_get_exporter (proxy), object);
      if (own != object)
        ferry_proxy_set_as_proxy (result.object, ferry_proxy_get_as_proxy (proxy));
    }
  else if (value != NULL)
    result.value = g_variant_ref (value);
  unwrap_change (self, &result);
  /* An evaluation fails with the object's error. */
  end (self, &result, error, TRUE);
}

static gboolean
start_local (Resolve *self, FerryViewRequest *view, GError **error)
{
  FerryProxy *proxy = self->proxy;
  FerryViewRequest own = *view;
  FerryEvaluationCaller caller = {.done = local_done, .destroy = resolve_unref, .deadline = self->deadline};
  g_autoptr (FerryEvaluation) evaluation = NULL;
  FerryExported *root;

  if (!ferry_exporter_check_listening (ferry_proxy_get_exporter (proxy), FALSE, error))
    return FALSE;
  root = ferry_proxy_find_exported (proxy, error);
  if (root == NULL)
    return FALSE;
  /* The names are the view's, which this has. */
  own.steps = g_memdup2 (view->steps, sizeof *view->steps * view->n_steps);
  for (guint i = 0; i < own.n_steps; i++)
    if (own.steps[i].argument != NULL)
      g_variant_ref (own.steps[i].argument);
  self->as_proxy = view->as_proxy;
  self->cancellable = g_cancellable_new ();
  caller.cancellable = self->cancellable;
  caller.data = resolve_ref (self);
  evaluation = ferry_exporter_new_evaluation (ferry_proxy_get_exporter (proxy), &own, root, &caller);
  ferry_evaluation_start_here (evaluation);
  return TRUE;
}

/* ---- both ---- */

static GError *
resolve_abandon (gpointer data, FerryAbandonReason reason)
{
  Resolve *self = data;
  gboolean timed_out = reason == FERRY_ABANDON_DEADLINE;
  g_autofree char *text = ferry_view_to_string (self->view);

  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  else if (ferry_proxy_get_session (self->proxy) != NULL)
    cancel (self, timed_out ? FERRY_CANCEL_REASON_DEADLINE : FERRY_CANCEL_REASON_CANCELLED);
  if (timed_out)
    return g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "“%s” was not answered in time", text);
  return g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "“%s” was cancelled", text);
}

static const FerryCompletionFuncs resolve_funcs = {resolve_abandon, resolve_destroy};

FerryCompletion *
ferry_resolve_new (FerryView *view, gint64 deadline)
{
  FerryCompletion *completion = ferry_completion_new (&resolve_funcs, sizeof (Resolve));
  Resolve *self = ferry_completion_get_data (completion);

  self->view = ferry_view_ref (view);
  self->proxy = ferry_view_get_proxy (view);
  self->deadline = deadline;
  return completion;
}

void
ferry_resolve_start (FerryCompletion *completion, FerryResolveRoom room, GCancellable *cancellable)
{
  Resolve *self = ferry_completion_get_data (completion);
  FerryResolved nothing = {0};
  FerryViewRequest request;
  g_autoptr (GError) error = NULL;

  ferry_view_fill_request (self->view, &request);
  if (!ferry_view_request_check (&request, &error) ||
      !(ferry_proxy_get_session (self->proxy) != NULL ? start_remote (self, &request, room, cancellable, &error)
                                                      : start_local (self, &request, &error)))
    end (self, &nothing, error, FALSE);
}

static void
tell_func (FerryCompletion *completion, gpointer data)
{
  Resolve *self = data;
  g_autoptr (GError) error = NULL;
  FerryResolved *result = ferry_completion_take (completion, &error);

  self->func (result != NULL ? result->value : NULL, result != NULL ? result->object : NULL, error, self->user_data);
  g_clear_pointer (&result, resolved_free);
}

void
ferry_resolve_run_func (FerryView *view, FerryViewFunc func, gpointer user_data)
{
  g_autoptr (FerryCompletion) completion = ferry_resolve_new (view, 0);
  Resolve *self = ferry_completion_get_data (completion);

  self->func = func;
  self->user_data = user_data;
  ferry_completion_call (completion, tell_func);
  ferry_resolve_start (completion, FERRY_RESOLVE_FAIL, NULL);
}

void
ferry_resolve_run_task (FerryView *view, gint64 timeout, FerryResolveRoom room, GTask *task)
{
  gint64 deadline = ferry_mux_get_deadline (timeout);
  g_autoptr (FerryCompletion) completion = ferry_resolve_new (view, deadline);

  g_task_set_check_cancellable (task, FALSE);
  ferry_resolve_start (completion, room, NULL);
  ferry_completion_return (completion, task, ferry_deadline_or_never (deadline));
  g_object_unref (task);
}
