/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proxies of objects in this process: what they ask is evaluated by the object's exporter, and no message is sent. So
 * this file knows both ends, of which the one that asks does not know the other.
 *
 * Threads: any. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "call/ferry-transport-private.h"
#include "object/ferry-evaluation-private.h"
#include "object/ferry-exporter-private.h"
#include "object/ferry-interface-private.h"
#include "object/ferry-proxy-private.h"

static FerryExported *
find_exported (FerryProxy *proxy, GError **error)
{
  const FerryLocal *local = ferry_proxy_get_local (proxy);
  FerryObjectRoot root;

  ferry_proxy_get_root (proxy, &root);
  return local->exported != NULL ? ferry_exported_ref (local->exported)
                                 : ferry_exporter_find (local->exporter, root.name, error);
}

/* Returns (transfer full) the proxy of a result: for the asker's own object, the asker. */
static FerryProxy *
get_proxy (FerryProxy *asker, FerryExported *result)
{
  g_autoptr (FerryExported) own = find_exported (asker, NULL);
  FerryLocal local = *ferry_proxy_get_local (asker);
  g_autofree char *name = NULL;
  FerryProxy *proxy;

  if (own == result)
    return g_object_ref (asker);
  local.exported = ferry_exported_ref (result);
  name = ferry_exported_dup_name (result);
  proxy = ferry_proxy_new_here (&local, name);
  ferry_proxy_set_as_proxy (proxy, ferry_proxy_get_as_proxy (asker));
  return proxy;
}

/* An evaluation fails only with errors of the object. */
static void
done (gpointer data, FerryExported *object, GVariant *value, const GError *error)
{
  FerryResolution *self = data;

  ferry_resolution_answer (self, value, object != NULL ? get_proxy (self->proxy, object) : NULL, error, TRUE);
}

static gboolean
ask (FerryResolution *resolution, GError **error)
{
  FerryExporter *exporter = ferry_proxy_get_local (resolution->proxy)->exporter;
  FerryChainRequest request = resolution->request;
  FerryEvaluationCaller caller = {
    .done = done, .destroy = ferry_resolution_unref, .data = resolution, .deadline = resolution->deadline};
  g_autoptr (FerryEvaluation) evaluation = NULL;
  FerryExported *root;

  if (!ferry_exporter_check_listening (exporter, FALSE, error))
    return FALSE;
  root = find_exported (resolution->proxy, error);
  if (root == NULL)
    return FALSE;
  /* Names stay the resolution's; arguments need references of their own. */
  request.steps = g_memdup2 (request.steps, sizeof *request.steps * request.n_steps);
  for (guint i = 0; i < request.n_steps; i++)
    if (request.steps[i].argument != NULL)
      g_variant_ref (request.steps[i].argument);
  caller.cancellable = resolution->cancellable = g_cancellable_new ();
  ferry_resolution_ref (resolution);
  evaluation = ferry_evaluation_new (exporter, ferry_exporter_get_context (exporter), &request, root, &caller);
  ferry_evaluation_start_here (evaluation);
  return TRUE;
}

static gboolean
check_may_wait (FerryProxy *proxy, const char *async_form, GError **error)
{
  GMainContext *context = ferry_exporter_get_context (ferry_proxy_get_local (proxy)->exporter);

  ferry_evaluation_run_queued ();
  return (!g_main_context_is_owner (NULL) && (context == NULL || !g_main_context_is_owner (context))) ||
         ferry_set_error (error, FERRY_ERROR_WRONG_THREAD,
                          "This thread must not wait, as its main loop would stop; use %s, or another thread",
                          async_form);
}

static GDBusInterfaceInfo *
describe (FerryProxy *proxy, GError **error)
{
  g_autoptr (FerryExported) exported = find_exported (proxy, error);

  if (exported != NULL && exported->interface == NULL)
    ferry_set_error (error, FERRY_ERROR_UNKNOWN_OBJECT,
                     "The proxy is of a value, and a value has no description; ask for that of an object");
  return exported != NULL && exported->interface != NULL ? ferry_interface_create_info (exported->interface) : NULL;
}

/* Fails with FERRY_ERROR_UNKNOWN_OBJECT and FERRY_ERROR_SYSTEM. */
static FerryProxySession *
open_session (FerryProxy *proxy, GError **error)
{
  FerryExporter *exporter = ferry_proxy_get_local (proxy)->exporter;
  g_autoptr (FerryTransport) here = NULL;
  g_autoptr (FerryTransport) there = NULL;
  FerryObjectRoot root;

  ferry_proxy_get_root (proxy, &root);
  if (root.name[0] == '\0')
    ferry_set_error (error, FERRY_ERROR_UNKNOWN_OBJECT,
                     "The object has no name, and cannot be followed in its own process; export it with a name");
  else if (ferry_transport_try_new_pair (&here, &there, error) && ferry_exporter_add_transport (exporter, there, error))
    return ferry_proxy_session_get (here);
  return NULL;
}

/**
 * ferry_proxy_new_local:
 * @exporter: an exporter of this process
 * @name: the name under which the object is exported
 *
 * Returns a proxy of an object in this process. It has the operations and rules of other proxies, but sends no
 * messages. If the exporter calls methods on threads, the thread that uses the proxy calls them; otherwise they are
 * called on the exporter's main context. Any thread.
 *
 * Returns: (transfer full): a proxy of the object
 */
FerryProxy *
ferry_proxy_new_local (FerryExporter *exporter, const char *name)
{
  static const FerryLocalFuncs funcs = {.ask = ask,
                                        .check_may_wait = check_may_wait,
                                        .describe = describe,
                                        .open_session = open_session,
                                        .drop = (GDestroyNotify) ferry_exported_unref};

  g_return_val_if_fail (FERRY_IS_EXPORTER (exporter), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  return ferry_proxy_new_here (&(const FerryLocal){&funcs, exporter, NULL}, name);
}
