/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "channel/ferry-attempt-private.h"

#include <poll.h>
#include <sys/inotify.h>

#include "base/ferry-base-private.h"
#include "channel/ferry-hello-private.h"

/* What tells that a socket was put at a path, and that the folder is no longer where it was. */
#define SOMETHING_CAME (IN_CREATE | IN_MOVED_TO)
#define FOLDER_GONE (IN_DELETE_SELF | IN_MOVE_SELF)

FerryAttempt *
ferry_attempt_new (const char *address, gint64 timeout, gboolean wait, GError **error)
{
  g_autoptr (FerryAttempt) self = g_new0 (FerryAttempt, 1);

  if (!ferry_address_init (&self->address, address, error))
    return NULL;
  self->wait = wait;
  self->deadline = ferry_deadline_after (timeout);
  if (!wait || self->address.path != NULL)
    return g_steal_pointer (&self);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
               "Nothing tells when somebody listens at “%s”, an abstract name: use a path to wait for", address);
  return NULL;
}

void
ferry_attempt_free (FerryAttempt *self)
{
  ferry_address_clear (&self->address);
  g_free (self);
}

/* ---- waiting ---- */

static int
get_poll_timeout (const FerryAttempt *self)
{
  gint64 left = self->deadline - g_get_monotonic_time ();

  if (self->deadline == G_MAXINT64)
    return -1;
  return (int) CLAMP (left / FERRY_MICROSECONDS_PER_MILLISECOND + 1, 0, G_MAXINT);
}

/* Until there is something to read. */
static gboolean
wait_readable (const FerryAttempt *self, int fd, GCancellable *cancellable, GError **error)
{
  GPollFD cancel = {.fd = -1};
  gboolean pollable = g_cancellable_make_pollfd (cancellable, &cancel);
  struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = cancel.fd, .events = POLLIN}};
  int n = TEMP_FAILURE_RETRY (poll (fds, 2, get_poll_timeout (self)));

  if (pollable)
    g_cancellable_release_fd (cancellable);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (n < 0)
    return ferry_set_system_error (error, "poll()");
  if (fds[0].revents != 0)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "No worker at “%s” let this process in in time",
               self->address.text);
  return FALSE;
}

/* ---- one try ---- */

static gboolean
set_connect_error (const FerryAttempt *self, int failure, GError **error)
{
  const char *address = self->address.text;

  switch (failure)
    {
    case ENOENT:
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING,
                   "Nobody listens at “%s”: there is no such socket; start the worker first", address);
      break;
    case ECONNREFUSED:
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING,
                   "Nobody listens at “%s”: whoever did is gone; start the worker again", address);
      break;
    case EACCES:
    case EPERM:
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED, "Permissions keep this process from “%s”; check them",
                   address);
      break;
    case EAGAIN:
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_BUSY, "Too many wait at “%s” already; try again later", address);
      break;
    default:
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM, "Connecting to “%s” failed: %s", address,
                   g_strerror (failure));
      break;
    }
  return FALSE;
}

/* Root could do anything to this process anyway. */
static gboolean
check_owner (const FerryAttempt *self, int fd, GError **error)
{
  struct ucred owner;

  if (!ferry_address_get_peer (fd, &owner, error))
    return FALSE;
  if (owner.uid == geteuid () || owner.uid == 0)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED,
               "Who listens at “%s” (process %d) belongs to another user, %u; use an address of your own",
               self->address.text, (int) owner.pid, (guint) owner.uid);
  return FALSE;
}

static gboolean
read_all (const FerryAttempt *self, int fd, void *buffer, gsize size, GCancellable *cancellable, GError **error)
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
          g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING,
                       "The worker at “%s” ended, or hung up, before it let this process in; start it again",
                       self->address.text);
          return FALSE;
        }
      else if (!wait_readable (self, fd, cancellable, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
hello (const FerryAttempt *self, int fd, GCancellable *cancellable, GError **error)
{
  guint8 bytes[FERRY_HELLO_SIZE];
  guint8 answer[FERRY_HELLO_ANSWER_SIZE];
  char text[FERRY_HELLO_MAX_TEXT];
  guint32 status;
  guint32 text_size;
  GError *refusal;

  ferry_hello_write (bytes);
  /* Who refuses without listening may be gone by now; why it did is there to be read. */
  if (send (fd, bytes, sizeof bytes, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
    return ferry_set_system_error (error, "send()");
  if (!read_all (self, fd, answer, sizeof answer, cancellable, error) ||
      !ferry_hello_read_answer (answer, &status, &text_size, error) ||
      !read_all (self, fd, text, text_size, cancellable, error))
    return FALSE;
  if (status == FERRY_HELLO_WELCOME)
    return TRUE;
  refusal = ferry_hello_make_error (status, text, text_size, self->address.text);
  g_propagate_error (error, refusal);
  return FALSE;
}

static FerryTransport *
try_once (const FerryAttempt *self, GCancellable *cancellable, GError **error)
{
  ferry_autofd fd = ferry_address_connect (&self->address);
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GSocketConnection) connection = NULL;

  if (fd < 0)
    {
      set_connect_error (self, errno, error);
      return NULL;
    }
  if (!check_owner (self, fd, error) || !hello (self, fd, cancellable, error))
    return NULL;
  socket = g_socket_new_from_fd (fd, error);
  if (socket == NULL)
    return NULL;
  /* It is the socket's now. */
  fd = -1;
  connection = g_socket_connection_factory_create_connection (socket);
  return ferry_transport_new_for_stream (G_IO_STREAM (connection), error);
}

/* ---- until there is somebody ---- */

static int
watch_folder (const FerryAttempt *self, GError **error)
{
  ferry_autofd fd = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
  g_autofree char *folder = g_path_get_dirname (self->address.path);

  if (fd >= 0 && inotify_add_watch (fd, folder, SOMETHING_CAME | FOLDER_GONE | IN_ONLYDIR) >= 0)
    return ferry_steal_fd (&fd);
  if (fd >= 0 && (errno == ENOENT || errno == ENOTDIR))
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING,
                 "Nobody can listen at “%s”: there is no folder “%s”; make it first", self->address.text, folder);
  else
    ferry_set_system_error (error, "Watching the folder of an address (inotify)");
  return -1;
}

/* Takes what the watch has. Sets *came where it may have to do with the path; what is lost may as well. Returns FALSE
 * when the folder is gone. */
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
wait_for_socket (const FerryAttempt *self, int watch, GCancellable *cancellable, GError **error)
{
  g_autofree char *name = g_path_get_basename (self->address.path);
  gboolean came = FALSE;

  while (!came)
    {
      if (!wait_readable (self, watch, cancellable, error))
        return FALSE;
      if (!take_events (watch, name, &came))
        {
          g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING,
                       "Nobody can listen at “%s” any more: its folder is gone", self->address.text);
          return FALSE;
        }
    }
  return TRUE;
}

/* The folder is watched before the first try, so that nothing comes unnoticed in between. */
FerryTransport *
ferry_attempt_run (FerryAttempt *self, GCancellable *cancellable, GError **error)
{
  ferry_autofd watch = -1;
  g_autoptr (GError) failure = NULL;
  FerryTransport *transport;

  if (!self->wait)
    return try_once (self, cancellable, error);
  watch = watch_folder (self, error);
  if (watch < 0)
    return NULL;
  while ((transport = try_once (self, cancellable, &failure)) == NULL)
    {
      if (!g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING))
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
