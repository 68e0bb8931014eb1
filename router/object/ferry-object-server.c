/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Serves objects over a transport until the transport ends: for workers without a main loop. Methods are called one at
 * a time: on a thread of the exporter's, or with turns on the thread that calls ferry_serve_objects(), between the
 * turns.
 */

#include "config.h"

#include "object/ferry-object-server.h"

#include "base/ferry-error.h"
#include "base/ferry-thread-private.h"
#include "call/ferry-transport-private.h"
#include "object/ferry-exporter-private.h"

typedef struct
{
  FerryTransport *transport;           /* (unowned) */
  const FerryObjectServerFuncs *funcs; /* (unowned) */
  gpointer data;
  GCancellable *cancellable; /* (unowned): cancelled when the transport ends, where there are turns */
  GThread *watch;            /* (nullable): waits for that */
} Server;

static gpointer
watch_thread (gpointer data)
{
  Server *self = data;

  ferry_transport_wait_closed (self->transport);
  g_cancellable_cancel (self->cancellable);
  return NULL;
}

static void
serve_by_turns (FerryExporter *exporter, Server *self)
{
  gint64 pause;

  while (!g_cancellable_is_cancelled (self->cancellable) &&
         (pause = self->funcs->turn (exporter, self->data)) != G_MININT64)
    ferry_exporter_poll (exporter, pause, self->cancellable, NULL);
  ferry_exporter_stop (exporter, FERRY_STOP_MODE_DRAIN);
  ferry_exporter_process_requests (exporter);
}

/* Returns when the last method has returned. */
static void
serve_until_closed (FerryExporter *exporter, Server *self)
{
  g_autoptr (GPtrArray) sessions = ferry_exporter_list_sessions (exporter);

  ferry_transport_wait_closed (self->transport);
  ferry_exporter_stop (exporter, FERRY_STOP_MODE_DRAIN);
  ferry_transport_wait_ended (self->transport);
  for (guint i = 0; i < sessions->len; i++)
    ferry_exporter_wait_for_methods (sessions->pdata[i]);
}

/* Serves requests until the transport or `turn` ends that. Returns TRUE also when the transport has ended. */
static gboolean
serve (FerryExporter *exporter, Server *self, GError **error)
{
  if (self->funcs->initialise != NULL && !self->funcs->initialise (exporter, self->data, error))
    return FALSE;
  if (!ferry_exporter_add_transport (exporter, self->transport, error))
    return FALSE;
  ferry_exporter_start (exporter);
  if (self->funcs->turn != NULL)
    serve_by_turns (exporter, self);
  else
    serve_until_closed (exporter, self);
  return TRUE;
}

/**
 * ferry_serve_objects:
 * @transport: the transport over which requests come: in a worker, that of [func@Ferry.Worker.get_transport]
 * @funcs: the program's own functions
 * @user_data: data for the functions
 * @error: return location for an error
 *
 * Serves objects until the transport has ended, or `turn` returns %G_MININT64. The function makes an exporter, and
 * calls `initialise`, which exports objects. Requests that came before the end are answered. `clean_up` is called last,
 * while the exporter still exists. All @funcs are called on this thread.
 *
 * Without `turn`, methods are called as those of [ctor@Ferry.Exporter.new] are: one at a time, so objects need no lock.
 * A method that answers later lets the next one be called. Then what its caller chained to it is called on a thread of
 * a pool, which %FERRY_CALL_POLICY_SERIAL keeps apart from other calls of the same object.
 *
 * With `turn`, the function calls `turn` and answers requests, alternately. A program that computes can do so in
 * `turn`: a little in each call, and `turn` returns 0. All methods are called, and all properties read and set, on this
 * thread, between two turns. Objects to which only the exporter has references at the end are freed on this thread.
 *
 * Not on the thread of a main loop.
 *
 * Fails with the error of `initialise`. Fails with %FERRY_ERROR_ALREADY_RUNNING when the transport has a
 * [class@Ferry.Demux] already. With `turn`, fails with %FERRY_ERROR_SYSTEM when no thread can be started. Then none of
 * @funcs is called, and the transport is not changed.
 *
 * Returns: whether the objects were served; the end of the transport is not a failure
 */
gboolean
ferry_serve_objects (FerryTransport *transport, const FerryObjectServerFuncs *funcs, gpointer user_data, GError **error)
{
  g_autoptr (FerryExporter) exporter = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Server server = {transport, funcs, user_data, cancellable, NULL};
  gboolean served;

  g_return_val_if_fail (FERRY_IS_TRANSPORT (transport), FALSE);
  g_return_val_if_fail (funcs != NULL, FALSE);

  if (funcs->turn != NULL)
    server.watch = ferry_thread_try_new ("ferry-server", "serving objects", watch_thread, &server, error);
  if (funcs->turn != NULL && server.watch == NULL)
    return FALSE;
  exporter = g_object_new (FERRY_TYPE_EXPORTER, "manual", funcs->turn != NULL, NULL);
  served = serve (exporter, &server, error);
  if (funcs->clean_up != NULL)
    funcs->clean_up (exporter, user_data);
  ferry_transport_close (transport);
  g_clear_pointer (&server.watch, g_thread_join);
  /* Another thread may have closed the transport, and may have references to objects and to the exporter until it has
   * told of the end. It must not have the last ones. */
  ferry_transport_wait_ended (transport);
  ferry_exporter_leave (exporter);
  return served;
}
