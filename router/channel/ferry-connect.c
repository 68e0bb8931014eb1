/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Attaching to a persistent worker: connecting to its address, and waiting for a worker to listen there.
 *
 * Threads: any. An asynchronous attempt has a thread of its own, since it may wait for any time; GLib's pool is for
 *          work that ends.
 * Trust:   none in the process that listens at the address, until the kernel has told its user. */

#include "config.h"

#include "channel/ferry-listener.h"

#include <poll.h>
#include <sys/inotify.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "call/ferry-address-private.h"
#include "channel/ferry-hello-private.h"

/* Of ferry_transport_connect_to(). */
#define TIMEOUT (10 * G_USEC_PER_SEC)
/* A name has appeared in a folder; the folder is no longer at its path. */
#define NAME_ADDED (IN_CREATE | IN_MOVED_TO)
#define FOLDER_GONE (IN_DELETE_SELF | IN_MOVE_SELF)

typedef struct
{
  FerryAddress address;
  gboolean waits;    /* for a worker to listen at the address */
  gint64 wait_until; /* for that; monotonic, in microseconds, as the next one */
  gint64 deadline;   /* of the whole; G_MAXINT64 for none */
} Attempt;

static void
attempt_free (gpointer data)
{
  Attempt *self = data;

  ferry_address_clear (&self->address);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Attempt, attempt_free)

/* wait, timeout: as for ferry_transport_connect_to_async(). */
static Attempt *
attempt_new (const char *address, gint64 wait, gint64 timeout, GError **error)
{
  g_autoptr (Attempt) self = g_new0 (Attempt, 1);

  if (!ferry_address_init (&self->address, address, error))
    return NULL;
  self->waits = wait != 0;
  self->deadline = ferry_deadline_after (timeout);
  self->wait_until = MIN (ferry_deadline_after (wait), self->deadline);
  if (!self->waits || self->address.path != NULL)
    return g_steal_pointer (&self);
  ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                   "“%s” is an abstract name, which cannot be waited for; use a path, or do not wait", address);
  return NULL;
}

/* Waits until there is something to read. */
static gboolean
wait_readable (const Attempt *self, int fd, gint64 deadline, GCancellable *cancellable, GError **error)
{
  GPollFD cancel = {.fd = -1};
  gboolean pollable = g_cancellable_make_pollfd (cancellable, &cancel);
  struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = cancel.fd, .events = POLLIN}};
  gint64 left = (deadline - g_get_monotonic_time ()) / FERRY_MICROSECONDS_PER_MILLISECOND + 1;
  int n = TEMP_FAILURE_RETRY (poll (fds, 2, deadline == G_MAXINT64 ? -1 : (int) CLAMP (left, 0, G_MAXINT)));

  if (pollable)
    g_cancellable_release_fd (cancellable);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (n < 0)
    return ferry_set_system_error (error, "poll()");
  if (fds[0].revents != 0)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_TIMED_OUT, "No worker at “%s” let this process in in time",
                          self->address.text);
}

/* ---- one try ---- */

static void
set_connect_error (const Attempt *self, int failure, GError **error)
{
  const char *address = self->address.text;

  if (failure == ENOENT)
    ferry_set_error (error, FERRY_ERROR_NOT_LISTENING,
                     "No worker listens at “%s”: there is no such socket; start the worker first", address);
  else if (failure == ECONNREFUSED)
    ferry_set_error (error, FERRY_ERROR_NOT_LISTENING,
                     "No worker listens at “%s”: the one that did is gone; start it again", address);
  else if (failure == EACCES || failure == EPERM)
    ferry_set_error (error, FERRY_ERROR_NOT_ALLOWED, "Permissions keep this process from “%s”; check them", address);
  else if (failure == EAGAIN)
    ferry_set_error (error, FERRY_ERROR_BUSY, "Too many applications wait at “%s” already; try again later", address);
  else
    ferry_set_error (error, FERRY_ERROR_SYSTEM, "Connecting to “%s” failed: %s", address, g_strerror (failure));
}

/* Root is trusted: it could do anything to this process anyway. */
static gboolean
check_owner (const Attempt *self, int fd, GError **error)
{
  struct ucred owner;

  if (!ferry_address_get_peer (fd, &owner, error))
    return FALSE;
  if (owner.uid == geteuid () || owner.uid == 0)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_NOT_ALLOWED,
                          "Process %d, which listens at “%s”, belongs to another user, %u; use an address of your own",
                          (int) owner.pid, self->address.text, (guint) owner.uid);
}

static gboolean
read_all (const Attempt *self, int fd, void *buffer, gsize size, GCancellable *cancellable, GError **error)
{
  guint8 *to = buffer;

  while (size > 0)
    {
      gssize n = recv (fd, to, size, MSG_DONTWAIT);

      if (n > 0)
        {
          to += n;
          size -= (gsize) n;
        }
      else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        {
          return ferry_set_error (error, FERRY_ERROR_NOT_LISTENING,
                                  "The worker at “%s” ended, or hung up, before it let this process in; start it again",
                                  self->address.text);
        }
      else if (!wait_readable (self, fd, self->deadline, cancellable, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
hello (const Attempt *self, int fd, GCancellable *cancellable, GError **error)
{
  guint8 bytes[FERRY_HELLO_SIZE];
  guint8 answer[FERRY_HELLO_ANSWER_SIZE];
  char text[FERRY_HELLO_MAX_TEXT];
  guint32 status;
  guint32 text_size;

  ferry_hello_write (bytes);
  /* A listener that refused already may have closed the socket; its reason can still be read. */
  if (send (fd, bytes, sizeof bytes, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
    return ferry_set_system_error (error, "send()");
  if (!read_all (self, fd, answer, sizeof answer, cancellable, error) ||
      !ferry_hello_read_answer (answer, &status, &text_size, error) ||
      !read_all (self, fd, text, text_size, cancellable, error))
    return FALSE;
  if (status == FERRY_HELLO_WELCOME)
    return TRUE;
  g_propagate_error (error, ferry_hello_make_error (status, text, text_size, self->address.text));
  return FALSE;
}

static FerryTransport *
try_once (const Attempt *self, GCancellable *cancellable, GError **error)
{
  ferry_autofd fd = ferry_address_connect (&self->address);

  if (fd >= 0 && check_owner (self, fd, error) && hello (self, fd, cancellable, error))
    return ferry_hello_make_transport (&fd, error);
  if (fd < 0)
    set_connect_error (self, errno, error);
  return NULL;
}

/* ---- waiting for a worker ---- */

static int
watch_folder (const Attempt *self, GError **error)
{
  ferry_autofd fd = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
  g_autofree char *folder = g_path_get_dirname (self->address.path);

  if (fd >= 0 && inotify_add_watch (fd, folder, NAME_ADDED | FOLDER_GONE | IN_ONLYDIR) >= 0)
    return ferry_steal_fd (&fd);
  if (fd >= 0 && (errno == ENOENT || errno == ENOTDIR))
    ferry_set_error (error, FERRY_ERROR_NOT_LISTENING,
                     "No worker can listen at “%s”: there is no folder “%s”; make it first", self->address.text,
                     folder);
  else
    ferry_set_system_error (error, "Watching the folder of an address (inotify)");
  return -1;
}

/* Reads the events of the folder. Sets came where name may have appeared, as after lost events. Returns FALSE when the
 * folder is gone. */
static gboolean
take_events (int watch, const char *name, gboolean *came)
{
  union
  {
    struct inotify_event align;
    char bytes[4096];
  } buffer;
  gssize n;

  while ((n = read (watch, buffer.bytes, sizeof buffer)) > 0)
    for (gssize at = 0; at < n;)
      {
        const struct inotify_event *event = (const void *) (buffer.bytes + at);

        if ((event->mask & (FOLDER_GONE | IN_IGNORED)) != 0)
          return FALSE;
        if ((event->mask & IN_Q_OVERFLOW) != 0 || (event->len > 0 && g_str_equal (event->name, name)))
          *came = TRUE;
        at += (gssize) (sizeof *event + event->len);
      }
  return TRUE;
}

static gboolean
wait_for_socket (const Attempt *self, int watch, GCancellable *cancellable, GError **error)
{
  g_autofree char *name = g_path_get_basename (self->address.path);
  gboolean came = FALSE;

  while (!came)
    {
      if (!wait_readable (self, watch, self->wait_until, cancellable, error))
        return FALSE;
      if (!take_events (watch, name, &came))
        return ferry_set_error (error, FERRY_ERROR_NOT_LISTENING,
                                "No worker can listen at “%s” any more: its folder is gone; make it again",
                                self->address.text);
    }
  return TRUE;
}

static FerryTransport *
attempt_run (const Attempt *self, GCancellable *cancellable, GError **error)
{
  ferry_autofd watch = -1;
  g_autoptr (GError) failure = NULL;
  FerryTransport *transport;

  /* Before the first try, so that no socket appears unnoticed after it. */
  if (self->waits && (watch = watch_folder (self, error)) < 0)
    return NULL;
  while ((transport = try_once (self, cancellable, &failure)) == NULL)
    {
      if (!self->waits || !g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return NULL;
        }
      g_clear_error (&failure);
      if (!wait_for_socket (self, watch, cancellable, error))
        return NULL;
    }
  return transport;
}

/* ---- the public functions ---- */

/**
 * ferry_transport_connect_to:
 * @address: (type filename): a path, or “@” and an abstract name
 * @error: return location for an error
 *
 * Attaches to the persistent worker at an address: the process that has a [class@Ferry.Listener] there. The transport
 * is closed when the worker ends; the worker continues when the transport is closed.
 *
 * Waits for the worker to answer, for 10 seconds at most; [func@Ferry.Transport.connect_to_async] is for the thread
 * of a main loop. Any thread.
 *
 * Fails with %FERRY_ERROR_NOT_LISTENING where there is no worker, also where one has left its socket behind. Fails with
 * %FERRY_ERROR_BUSY while the worker has as many applications as it takes, or no descriptors for one more.
 *
 * Fails with %FERRY_ERROR_NOT_ALLOWED where permissions or the worker refuse this process, or where the worker belongs
 * to another user than this one and root. Fails with %FERRY_ERROR_REFUSED and the worker's own reason,
 * %FERRY_ERROR_VERSION, %FERRY_ERROR_PROTOCOL, %FERRY_ERROR_TIMED_OUT, %FERRY_ERROR_BAD_ARGUMENTS and
 * %FERRY_ERROR_SYSTEM.
 *
 * Returns: (transfer full): the transport, or %NULL with @error set
 *
 * Since: 0.1
 */
FerryTransport *
ferry_transport_connect_to (const char *address, GError **error)
{
  g_autoptr (Attempt) attempt = NULL;

  g_return_val_if_fail (address != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  attempt = attempt_new (address, 0, TIMEOUT, error);
  return attempt != NULL ? attempt_run (attempt, NULL, error) : NULL;
}

static gpointer
attempt_main (gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  FerryTransport *transport = attempt_run (g_task_get_task_data (task), g_task_get_cancellable (task), &error);

  if (transport != NULL)
    g_task_return_pointer (task, transport, g_object_unref);
  else
    g_task_return_error (task, error);
  return NULL;
}

/**
 * ferry_transport_connect_to_async:
 * @address: (type filename): a path, or “@” and an abstract name
 * @wait: how long to wait for a worker to listen at the address, in microseconds; 0: one must listen there now,
 *   negative: for any time
 * @timeout: how long it may take altogether, in microseconds; negative for any time
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called in the thread-default main context of this thread
 * @user_data: data for @callback
 *
 * Attaches to the persistent worker at an address, without blocking. Any thread.
 *
 * While no worker listens at the path and @wait is not over, the folder of the path is watched; it must exist. An
 * abstract name cannot be waited for: then @wait other than 0 is %FERRY_ERROR_BAD_ARGUMENTS.
 *
 * Fails as [func@Ferry.Transport.connect_to] does, with %FERRY_ERROR_TIMED_OUT after either time, and with
 * %G_IO_ERROR_CANCELLED. While it waits, %FERRY_ERROR_NOT_LISTENING means that the folder is missing or was removed.
 *
 * Since: 0.1
 */
void
ferry_transport_connect_to_async (const char *address, gint64 wait, gint64 timeout, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;
  GError *error = NULL;
  GThread *thread = NULL;
  Attempt *attempt;

  g_return_if_fail (address != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_transport_connect_to_async);
  attempt = attempt_new (address, wait, timeout, &error);
  if (attempt != NULL)
    {
      g_task_set_task_data (task, attempt, attempt_free);
      thread = ferry_thread_try_new ("ferry-connect", "connecting", attempt_main, task, &error);
    }
  if (thread == NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  g_thread_unref (thread);
}

/**
 * ferry_transport_connect_to_finish:
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [func@Ferry.Transport.connect_to_async]. Any thread.
 *
 * Returns: (transfer full): the transport, or %NULL with @error set
 *
 * Since: 0.1
 */
FerryTransport *
ferry_transport_connect_to_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_transport_connect_to_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
