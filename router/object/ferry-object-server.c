/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Serves objects over a transport until the transport ends, on the calling thread: for workers without a main loop. */

#include "config.h"

#include "object/ferry-object-server.h"

#include "base/ferry-error.h"
#include "base/ferry-thread-private.h"
#include "call/ferry-transport-private.h"
#include "object/ferry-exporter-private.h"

typedef struct
{
  FerryTransport *transport; /* (unowned) */
  GCancellable *cancellable; /* (unowned): cancelled when the transport ends */
} Server;

static gpointer
watch_thread (gpointer data)
{
  Server *self = data;

  ferry_transport_wait_closed (self->transport);
  g_cancellable_cancel (self->cancellable);
  return NULL;
}

/* Serves requests until the transport or `turn` ends that. Returns TRUE also when the transport has ended. */
static gboolean
serve (FerryExporter *exporter, Server *server, const FerryObjectServerFuncs *funcs, gpointer data, GError **error)
{
  gint64 pause = -1;

  if (funcs->initialise != NULL && !funcs->initialise (exporter, data, error))
    return FALSE;
  if (!ferry_exporter_add_transport (exporter, server->transport, error))
    return FALSE;
  ferry_exporter_start (exporter);
  while (!g_cancellable_is_cancelled (server->cancellable) &&
         (funcs->turn == NULL || (pause = funcs->turn (exporter, data)) != G_MININT64))
    ferry_exporter_poll (exporter, pause, server->cancellable, NULL);
  ferry_exporter_stop (exporter, FERRY_STOP_MODE_DRAIN);
  ferry_exporter_process_requests (exporter);
  return TRUE;
}

/**
 * ferry_serve_objects:
 * @transport: the transport over which requests come: in a worker, that of [func@Ferry.Worker.get_transport]
 * @funcs: the program's own functions
 * @user_data: data for the functions
 * @error: return location for an error
 *
 * Serves objects on this thread until the transport has ended, or `turn` returns %G_MININT64. The function makes an
 * exporter that answers manually, and calls `initialise`, which exports objects. Then it calls `turn` and answers
 * requests, alternately. Requests that came before the end are answered. `clean_up` is called last, while the exporter
 * still exists. Objects to which only the exporter has references are freed on this thread.
 *
 * A program that computes can do so in `turn`: a little in each call, and `turn` returns 0. Then its objects need no
 * lock.
 *
 * Not on the thread of a main loop.
 *
 * Fails with the error of `initialise`. Fails with %FERRY_ERROR_ALREADY_RUNNING when the transport has a
 * [class@Ferry.Demux] already, and with %FERRY_ERROR_SYSTEM when no thread can be started. In the last case none of
 * @funcs is called, and the transport is not changed.
 *
 * Returns: whether the objects were served; the end of the transport is not a failure
 */
gboolean
ferry_serve_objects (FerryTransport *transport, const FerryObjectServerFuncs *funcs, gpointer user_data, GError **error)
{
  g_autoptr (FerryExporter) exporter = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Server server = {transport, cancellable};
  GThread *watch;
  gboolean served;

  g_return_val_if_fail (FERRY_IS_TRANSPORT (transport), FALSE);
  g_return_val_if_fail (funcs != NULL, FALSE);

  watch = ferry_thread_try_new ("ferry-server", "serving objects", watch_thread, &server, error);
  if (watch == NULL)
    return FALSE;
  exporter = g_object_new (FERRY_TYPE_EXPORTER, "manual", TRUE, NULL);
  served = serve (exporter, &server, funcs, user_data, error);
  if (funcs->clean_up != NULL)
    funcs->clean_up (exporter, user_data);
  ferry_transport_close (transport);
  g_thread_join (watch);
  /* Another thread may have closed the transport, and may have references to objects and to the exporter until it has
   * told of the end. It must not have the last ones. */
  ferry_transport_wait_ended (transport);
  ferry_exporter_leave (exporter);
  return served;
}
