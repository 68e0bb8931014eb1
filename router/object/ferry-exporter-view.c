/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Views that are asked for over a transport. */

#include "config.h"

#include "object/ferry-exporter-link-private.h"

#include "base/ferry-depth-private.h"
#include "base/ferry-error.h"
#include "call/ferry-invocation-private.h"
#include "call/ferry-remote-error-private.h"
#include "object/ferry-interface-private.h"
#include "object/ferry-view-run-private.h"

typedef struct
{
  FerryExporterLink *link;     /* (owned) */
  FerryInvocation *invocation; /* (owned) */
  gboolean as_proxy;
} Request;

/* Fills result; what it gives is counted. */
static gboolean
make_result (Request *self, FerryExporter *exporter, FerryExported *object, GVariant *value, FerryViewResult *result,
             GError **error)
{
  g_autoptr (FerryExported) held = NULL;

  if (object == NULL && value != NULL && self->as_proxy)
    object = held = ferry_exporter_hold_value (exporter, value);
  if (object == NULL)
    {
      result->value = value;
      return value == NULL || ferry_depth_check (value, error);
    }
  if (!ferry_references_add (ferry_exporter_link_get_references (self->link), object, error))
    return FALSE;
  result->generation = ferry_exporter_get_generation (exporter);
  result->number = object->number;
  result->interface = object->interface != NULL ? ferry_interface_get_name (object->interface) : NULL;
  return TRUE;
}

static void
request_done (gpointer data, FerryExported *object, GVariant *value, const GError *error)
{
  Request *self = data;
  g_autoptr (FerryExporter) exporter = ferry_exporter_link_dup_exporter (self->link);
  g_autoptr (GError) failure = error != NULL ? ferry_error_copy (error) : NULL;
  g_autofree char *name = object != NULL ? ferry_exported_dup_name (object) : NULL;
  FerryViewResult result = {.name = name};

  if (failure == NULL && exporter == NULL)
    failure = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The exporter is gone");
  if (error != NULL)
    ferry_error_mark_raised (failure);
  if (failure != NULL || !make_result (self, exporter, object, value, &result, &failure))
    ferry_invocation_pass_error (self->invocation, failure);
  else
    ferry_invocation_return_value (self->invocation, ferry_view_result_to_variant (&result));
}

static gboolean
request_is_cancelled (gpointer data)
{
  return ferry_invocation_is_cancelled (((Request *) data)->invocation);
}

static GCancellable *
request_get_cancellable (gpointer data)
{
  return ferry_invocation_get_cancellable (((Request *) data)->invocation);
}

static gint64
request_get_deadline (gpointer data)
{
  return ferry_invocation_get_deadline (((Request *) data)->invocation);
}

static void
request_free (gpointer data)
{
  Request *self = data;

  g_object_unref (self->link);
  ferry_invocation_unref (self->invocation);
  g_free (self);
}

static void
request_refused (gpointer data, const GError *error)
{
  ferry_invocation_turn_away (((Request *) data)->invocation, error);
}

static const FerryViewRunFuncs request_funcs = {request_done,         request_is_cancelled, request_get_cancellable,
                                                request_get_deadline, request_free,         request_refused};

/* Of a view that is not begun. */
static void
add_place (GError *error, const FerryViewRequest *view)
{
  g_autofree char *place = ferry_view_request_to_string (view, view->n_steps);
  g_autofree char *trace = ferry_trace_add_place (NULL, place);

  ferry_error_set_trace (error, trace);
}

gboolean
ferry_exporter_link_start_view (FerryExporterLink *self, FerryExporter *exporter, FerryInvocation *invocation,
                                GError **error)
{
  FerryViewRequest view;
  FerryExported *root;
  g_autoptr (FerryViewRun) run = NULL;
  Request *request;

  if (!ferry_view_request_take (&view, ferry_invocation_get_arguments (invocation), error))
    return FALSE;
  root = ferry_exporter_link_find (self, exporter, &view.root, error);
  if (root == NULL)
    {
      add_place (*error, &view);
      ferry_view_request_clear (&view);
      return FALSE;
    }
  request = g_new (Request, 1);
  *request = (Request){g_object_ref (self), ferry_invocation_ref (invocation), view.as_proxy};
  run = ferry_view_run_new (exporter, &view, root, &request_funcs, request);
  ferry_view_run_start (run);
  return TRUE;
}
