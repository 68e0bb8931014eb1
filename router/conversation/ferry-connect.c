/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Attaching to a persistent worker: connecting to its address, and waiting until a worker listens there.
 *
 * Threads: any. An asynchronous attempt has its own thread, since it may wait without a limit; the threads of GLib's
 *          pool are for short work.
 * Trust:   the process that listens at the address is not trusted until the kernel has reported its user. */

#include "config.h"

#include "conversation/ferry-listener.h"

#include <poll.h>
#include <sys/inotify.h>

#include "base/ferry-base-private.h"
#include "base/ferry-limit-clock-private.h"
#include "base/ferry-thread-private.h"
#include "conversation/ferry-address-private.h"
#include "conversation/ferry-hello-private.h"
#include "wire/ferry-frame-decoder-private.h"

/* The timeout of ferry_transport_connect_to(), in microseconds. */
#define TIMEOUT (10 * G_USEC_PER_SEC)
/* inotify events: a name has appeared in the watched folder; the folder is no longer at its path. */
#define NAME_ADDED (IN_CREATE | IN_MOVED_TO)
#define FOLDER_GONE (IN_DELETE_SELF | IN_MOVE_SELF)

typedef struct
{
  FerryAddress address;
  gboolean waits; /* whether to wait for a worker to listen at the address */
  FerryLimitClock clock;
  gint64 wait_until; /* until when to wait for that worker, by the clock */
  gint64 deadline;   /* of the whole attempt, by the clock; G_MAXINT64: none */
} Attempt;

static void
attempt_free (gpointer data)
{
  Attempt *self = data;

  ferry_address_clear (&self->address);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Attempt, attempt_free)

/* Makes an attempt. wait and timeout are as for ferry_transport_connect_to_async(). Fails with
 * FERRY_ERROR_BAD_ARGUMENTS. */
static Attempt *
attempt_new (const char *address, gint64 wait, gint64 timeout, GError **error)
{
  g_autoptr (Attempt) self = g_new0 (Attempt, 1);

  if (!ferry_address_init (&self->address, address, error))
    return NULL;
  self->waits = wait != 0;
  self->deadline = ferry_limit_clock_begin (&self->clock, timeout);
  self->wait_until = MIN (ferry_deadline_after (wait), self->deadline);
  if (!self->waits || self->address.path != NULL)
    return g_steal_pointer (&self);
  ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                   "'%s' is an abstract name, and Ferry can wait only for a path; use a path, or a wait of 0", address);
  return NULL;
}

static gboolean
wait_readable (Attempt *self, int fd, gint64 deadline, GCancellable *cancellable, GError **error)
{
  GPollFD cancel = {.fd = -1};
  struct pollfd fds[2];
  gboolean pollable;
  int n;

  if (cancellable != NULL && !ferry_check_free_fds (1, error))
    return FALSE;
  pollable = g_cancellable_make_pollfd (cancellable, &cancel);
  fds[0] = (struct pollfd){.fd = fd, .events = POLLIN};
  fds[1] = (struct pollfd){.fd = cancel.fd, .events = POLLIN};
  do
    {
      gint64 until = ferry_limit_clock_sleep (&self->clock, deadline);
      gint64 left = (until - g_get_monotonic_time ()) / FERRY_MICROSECONDS_PER_MILLISECOND + 1;

      n = TEMP_FAILURE_RETRY (poll (fds, 2, until == G_MAXINT64 ? -1 : (int) CLAMP (left, 0, G_MAXINT)));
    }
  while (n == 0 && ferry_limit_clock_look (&self->clock) < deadline);
  if (pollable)
    g_cancellable_release_fd (cancellable);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (n < 0)
    return ferry_set_system_error (error, "poll()");
  if (fds[0].revents != 0)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_TIMED_OUT,
                          "No worker at '%s' accepted this process in time; wait longer, or check the worker",
                          self->address.text);
}

/* ---- one try ---- */

static void
set_connect_error (const Attempt *self, int failure, GError **error)
{
  const char *address = self->address.text;

  if (failure == ENOENT)
    ferry_set_error (error, FERRY_ERROR_NOT_LISTENING,
                     "No worker listens at '%s', since there is no such socket; start the worker first", address);
  else if (failure == ECONNREFUSED)
    ferry_set_error (error, FERRY_ERROR_NOT_LISTENING, "The worker that listened at '%s' has ended; start it again",
                     address);
  else if (failure == EACCES || failure == EPERM)
    ferry_set_error (
      error, FERRY_ERROR_NOT_ALLOWED,
      "This process lacks the permission to connect to '%s'; change the permissions of the socket or its folder",
      address);
  else if (failure == EAGAIN)
    ferry_set_error (error, FERRY_ERROR_BUSY, "The queue of applications that connect to '%s' is full; try again later",
                     address);
  else
    ferry_set_error (error, FERRY_ERROR_SYSTEM, "Connecting to '%s' failed: %s", address, g_strerror (failure));
}

/* Checks that the listening process belongs to this process' user or to root, which can do anything anyway. */
static gboolean
check_owner (const Attempt *self, int fd, GError **error)
{
  struct ucred owner;

  if (!ferry_address_get_peer (fd, &owner, error))
    return FALSE;
  if (owner.uid == geteuid () || owner.uid == 0)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_NOT_ALLOWED,
                          "Process %d, which listens at '%s', belongs to another user, %u; use an address in a folder "
                          "that only your user can write to",
                          (int) owner.pid, self->address.text, (guint) owner.uid);
}

static gboolean
read_all (Attempt *self, int fd, void *buffer, gsize size, GCancellable *cancellable, GError **error)
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
        return ferry_set_error (
          error, FERRY_ERROR_NOT_LISTENING,
          "The worker at '%s' ended or closed the connection before it accepted this process; start it again",
          self->address.text);
      else if (!wait_readable (self, fd, self->deadline, cancellable, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
hello (Attempt *self, int fd, GCancellable *cancellable, GError **error)
{
  guint8 greeting[FERRY_GREETING_SIZE];
  guint8 length[FERRY_FRAME_HEADER_SIZE];
  guint8 answer[FERRY_HELLO_MAX_ANSWER];
  guint32 size;

  ferry_greeting_write (greeting);
  /* A listener that has already refused this process may have closed the socket. Its answer can still be read. */
  if (send (fd, greeting, sizeof greeting, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
    return ferry_set_system_error (error, "send()");
  if (!read_all (self, fd, greeting, sizeof greeting, cancellable, error) ||
      !ferry_greeting_check (greeting, sizeof greeting, error) ||
      !read_all (self, fd, length, sizeof length, cancellable, error))
    return FALSE;
  size = ferry_read_u32 (length);
  if (size > sizeof answer)
    return ferry_set_error (
      error, FERRY_ERROR_PROTOCOL,
      "What listens at the address does not speak Ferry's protocol; check that the address is right");
  return read_all (self, fd, answer, size, cancellable, error) &&
         ferry_hello_read_answer (answer, size, self->address.text, error);
}

static FerryTransport *
try_once (Attempt *self, GCancellable *cancellable, GError **error)
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
                     "No worker can listen at '%s', since the folder '%s' does not exist; make the folder first",
                     self->address.text, folder);
  else
    ferry_set_system_error (error, "Watching the folder of an address (inotify)");
  return -1;
}

/* Reads events of the folder once: in a busy folder there are always more, and the time to wait and the cancellable are
 * looked at in between. Sets came when name may have appeared: an event has this name, or events were lost. Returns
 * FALSE when the folder is no longer at its path. */
static gboolean
take_events (int watch, const char *name, gboolean *came)
{
  union
  {
    struct inotify_event align;
    char bytes[4096];
  } buffer;
  gssize n = read (watch, buffer.bytes, sizeof buffer);

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
wait_for_socket (Attempt *self, int watch, GCancellable *cancellable, GError **error)
{
  g_autofree char *name = g_path_get_basename (self->address.path);
  gboolean came = FALSE;

  while (!came)
    {
      if (!wait_readable (self, watch, self->wait_until, cancellable, error))
        return FALSE;
      if (!take_events (watch, name, &came))
        return ferry_set_error (
          error, FERRY_ERROR_NOT_LISTENING,
          "No worker can listen at '%s' any more, since its folder was removed or moved; make the folder again",
          self->address.text);
    }
  return TRUE;
}

static FerryTransport *
attempt_run (Attempt *self, GCancellable *cancellable, GError **error)
{
  ferry_autofd watch = -1;
  g_autoptr (GError) failure = NULL;
  FerryTransport *transport;

  /* The watch begins before the first attempt to connect. So a socket that appears after this attempt is noticed. */
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
 * is closed when the worker ends. The worker continues when the transport is closed.
 *
 * Waits up to 10 seconds for the worker's answer. On the thread of a main loop, use
 * [func@Ferry.Transport.connect_to_async] instead. Any thread.
 *
 * Fails with %FERRY_ERROR_NOT_LISTENING if no worker listens at the address, also if an ended worker has left its
 * socket there. Fails with %FERRY_ERROR_BUSY if the worker accepts no more applications, or has no descriptors left.
 *
 * Fails with %FERRY_ERROR_NOT_ALLOWED if permissions or the worker refuse this process, or if the worker belongs
 * neither to this process' user nor to root. Fails with %FERRY_ERROR_REFUSED if the worker refuses for another reason,
 * which is in the message. Fails with %FERRY_ERROR_VERSION if the worker has another version of the protocol. Fails
 * also with %FERRY_ERROR_PROTOCOL, %FERRY_ERROR_TIMED_OUT, %FERRY_ERROR_BAD_ARGUMENTS and %FERRY_ERROR_SYSTEM.
 *
 * Returns: (transfer full): the transport, or %NULL with @error set
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
 * @wait: how long to wait for a worker to listen there, in microseconds; 0: do not wait, negative: without a limit
 * @timeout: how long the whole attempt may take, @wait included, in microseconds; negative: without a limit
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called in the thread-default main context of the calling thread
 * @user_data: data for @callback
 *
 * Attaches to the persistent worker at an address, without blocking. Any thread.
 *
 * While no worker listens at the path and @wait is not over, this function watches the folder of the path; the folder
 * must exist. It cannot wait for a worker at an abstract name: then a @wait other than 0 fails with
 * %FERRY_ERROR_BAD_ARGUMENTS.
 *
 * Fails as [func@Ferry.Transport.connect_to] does, with %FERRY_ERROR_TIMED_OUT after @wait or @timeout, and with
 * %G_IO_ERROR_CANCELLED. If @wait is not 0, %FERRY_ERROR_NOT_LISTENING means that the folder is missing.
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
 * @result: the result that the callback got
 * @error: return location for an error
 *
 * Ends [func@Ferry.Transport.connect_to_async]. Any thread.
 *
 * Returns: (transfer full): the transport, or %NULL with @error set
 */
FerryTransport *
ferry_transport_connect_to_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_transport_connect_to_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
