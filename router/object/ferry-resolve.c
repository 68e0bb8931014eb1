/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "object/ferry-resolve-private.h"

#include "base/ferry-base-private.h"
#include "call/ferry-mux-private.h"
#include "call/ferry-remote-error-private.h"
#include "call/ferry-transactions-private.h"
#include "call/ferry-transport-private.h"
#include "object/ferry-view-run-private.h"

/* Requests of up to so many bytes are made on the stack. */
#define PACKED_HERE 512

struct _FerryResolve
{
  _Atomic gint references;
  FerryView *view;       /* const: (owned) */
  FerryProxy *proxy;     /* const: the view's */
  FerryResolveFunc func; /* const, as the next */
  gpointer data;
  gint64 deadline;     /* const */
  _Atomic guint64 xid; /* 0: not asked yet, or in this process */
  guint8 *packed;      /* (owned) (nullable): what is asked once there is room */
  gsize packed_size;

  gboolean as_proxy; /* const: of one in this process */
  _Atomic gboolean over;
  GCancellable *cancellable; /* const: (owned) (nullable): of one in this process: for its methods */
};

void
ferry_resolved_clear (FerryResolved *self)
{
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_object (&self->object);
}

static FerryResolve *
resolve_ref (FerryResolve *self)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

void
ferry_resolve_unref (FerryResolve *self)
{
  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  g_clear_object (&self->cancellable);
  g_free (self->packed);
  ferry_view_unref (self->view);
  g_free (self);
}

/* ---- its end ---- */

/* Returns whether this is the end. */
static gboolean
claim (FerryResolve *self)
{
  return !atomic_exchange (&self->over, TRUE);
}

/* Takes result's content. raised: the object itself has failed, with whatever code. */
static void
end (FerryResolve *self, FerryResolved *result, const GError *error, gboolean raised)
{
  GVariant *default_value = ferry_view_get_default (self->view);
  gboolean is_default = error != NULL && !raised && default_value != NULL && ferry_error_says_nobody_listens (error);

  if (!claim (self))
    {
      ferry_resolved_clear (result);
      return;
    }
  if (is_default)
    result->value = g_variant_ref (default_value);
  self->func (self->data, result, is_default ? NULL : error);
  ferry_resolved_clear (result);
}

/* What a property was set to comes with the count of its changes. */
static void
unwrap_change (FerryResolve *self, FerryResolved *result)
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
  FerryResolve *self = data;
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

static void
resolve_destroy (gpointer data)
{
  ferry_resolve_unref (data);
}

static const FerryAskFuncs ask_funcs = {.done = answered, .destroy = resolve_destroy};

static gboolean
has_member (GDBusInterfaceInfo *info, const FerryStep *step, GError **error)
{
  gboolean is_call = step->kind == FERRY_STEP_CALL;

  if (is_call ? g_dbus_interface_info_lookup_method (info, step->name) != NULL
              : g_dbus_interface_info_lookup_property (info, step->name) != NULL)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER, "The interface %s has no %s “%s”", info->name,
               is_call ? "method" : "property", step->name);
  return FALSE;
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
get_mux (FerryResolve *self)
{
  return ferry_proxy_link_get_mux (ferry_proxy_get_link (self->proxy));
}

/* Any thread. Sequentially consistent, as in abandon(): of the two that set a word each and then look at the other's,
 * one sees both. */
static void
cancel (FerryResolve *self, FerryCancelReason reason)
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
  FerryResolve *self = data;
  const FerryAskRequest request = {
    .method = FERRY_OBJECT_METHOD_VIEW, .deadline = self->deadline, .packed = {self->packed, self->packed_size}};
  FerryResolved nothing = {0};
  g_autoptr (FerryResolve) kept = resolve_ref (self);
  g_autoptr (GError) error = NULL;
  guint64 xid = atomic_load (&self->over) ? 0 : ferry_mux_ask (get_mux (self), &request, &ask_funcs, self, &error);

  if (xid == 0 && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    return FALSE;
  atomic_store (&self->xid, xid);
  if (xid == 0)
    {
      if (error != NULL)
        end (self, &nothing, error, FALSE);
      ferry_resolve_unref (self);
    }
  else if (atomic_load (&self->over))
    cancel (self, FERRY_CANCEL_REASON_CANCELLED);
  return TRUE;
}

/* Keeps request, whose bytes may be on the stack, until there is room. count: as it was before it was tried. */
static void
keep_for_later (FerryResolve *self, const FerryAskRequest *request, guint64 count)
{
  self->packed = g_memdup2 (request->packed.data, request->packed.size);
  self->packed_size = request->packed.size;
  ferry_transport_send_later (ferry_mux_get_transport (get_mux (self)), ask_later, resolve_ref (self), count);
}

/* Returns whether it was asked, or will be. */
static gboolean
ask (FerryResolve *self, const FerryAskRequest *request, FerryResolveRoom room, GCancellable *cancellable,
     GError **error)
{
  FerryMux *mux = get_mux (self);
  guint64 count = ferry_transport_get_room_count (ferry_mux_get_transport (mux));
  g_autoptr (GError) failure = NULL;
  guint64 xid;

  resolve_ref (self);
  if (room == FERRY_RESOLVE_WAIT)
    xid = ferry_mux_ask_waiting (mux, request, &ask_funcs, self, cancellable, &failure);
  else
    xid = ferry_mux_ask (mux, request, &ask_funcs, self, &failure);
  atomic_store (&self->xid, xid);
  if (xid != 0)
    return TRUE;
  ferry_resolve_unref (self);
  if (room == FERRY_RESOLVE_LATER && g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    {
      keep_for_later (self, request, count);
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

static gboolean
start_remote (FerryResolve *self, FerryViewRequest *view, FerryResolveRoom room, GCancellable *cancellable,
              GError **error)
{
  FerryAskRequest request = {.method = FERRY_OBJECT_METHOD_VIEW, .deadline = self->deadline};
  guint8 place[PACKED_HERE];
  guint8 *packed;
  gboolean asked;

  if (!ferry_proxy_link_check_listening (ferry_proxy_get_link (self->proxy), error) ||
      !check_member (self->proxy, view, error))
    return FALSE;
  packed = ferry_view_request_pack (view, place, sizeof place, &request.packed.size);
  request.packed.data = packed;
  asked = ask (self, &request, room, cancellable, error);
  if (packed != place)
    g_free (packed);
  return asked;
}

/* ---- in this process ---- */

static void
run_done (gpointer data, FerryExported *object, GVariant *value, const GError *error)
{
  FerryResolve *self = data;
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
  /* What a run fails with is the object's. */
  end (self, &result, error, TRUE);
}

static gboolean
run_is_cancelled (gpointer data)
{
  return g_cancellable_is_cancelled (((FerryResolve *) data)->cancellable);
}

static GCancellable *
run_get_cancellable (gpointer data)
{
  return ((FerryResolve *) data)->cancellable;
}

static gint64
run_get_deadline (gpointer data)
{
  return ((FerryResolve *) data)->deadline;
}

static const FerryViewRunFuncs run_funcs = {run_done, run_is_cancelled, run_get_cancellable, run_get_deadline,
                                            resolve_destroy};

static gboolean
start_local (FerryResolve *self, FerryViewRequest *view, GError **error)
{
  FerryProxy *proxy = self->proxy;
  FerryViewRequest own = *view;
  g_autoptr (FerryViewRun) run = NULL;
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
  run = ferry_exporter_new_run (ferry_proxy_get_exporter (proxy), &own, root, &run_funcs, resolve_ref (self));
  ferry_view_run_start_here (run);
  return TRUE;
}

/* ---- both ---- */

FerryResolve *
ferry_resolve_start (FerryView *view, gint64 deadline, FerryResolveRoom room, GCancellable *cancellable,
                     FerryResolveFunc func, gpointer data)
{
  FerryResolve *self = g_new0 (FerryResolve, 1);
  FerryResolved nothing = {0};
  FerryViewRequest request;
  g_autoptr (GError) error = NULL;

  atomic_init (&self->references, 1);
  self->view = ferry_view_ref (view);
  self->proxy = ferry_view_get_proxy (view);
  self->func = func;
  self->data = data;
  self->deadline = deadline;
  ferry_view_fill_request (view, &request);
  if (!ferry_view_request_check (&request, &error) ||
      !(ferry_proxy_get_link (self->proxy) != NULL ? start_remote (self, &request, room, cancellable, &error)
                                                   : start_local (self, &request, &error)))
    end (self, &nothing, error, FALSE);
  return self;
}

gboolean
ferry_resolve_abandon (FerryResolve *self, gboolean timed_out)
{
  if (!claim (self))
    return FALSE;
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  else if (ferry_proxy_get_link (self->proxy) != NULL)
    cancel (self, timed_out ? FERRY_CANCEL_REASON_DEADLINE : FERRY_CANCEL_REASON_CANCELLED);
  return TRUE;
}
