/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The attachment of a worker process to its application, which is kept until the process ends.
 *
 * Threads: any; a lock guards the attachment. */

#include "config.h"

#include "process/ferry-attachment-private.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "link/ferry-uplink-private.h"
#include "process/ferry-crash-private.h"
#include "process/ferry-sandbox-private.h"
#include "process/ferry-spawn-private.h"
#include "route/ferry-given-sender-private.h"
#include "wire/ferry-handshake-private.h"

typedef struct
{
  FerryDownGrant granted; /* .name is not valid: it pointed into the down lane */
  gboolean is_given;      /* the sender came after the handshake, and is opened by fd; granted is not set then */
  int fd;                 /* (owned): -1 where it was not received, or the sender is taken */
  GWeakRef sender;
  gboolean taken;
} Grant;

typedef struct
{
  int control;
  guint depth;       /* const: as in the welcome */
  pid_t application; /* const: the same */
  FerryUplink *uplink;
  FerryDownlink *downlink;
  FerryDownlinkReader reader;
  GHashTable *grants; /* (element-type utf8 Grant) by the sender's name */
} Attachment;

/* A process that is the worker of a worker, and so on through this many applications, starts no further workers. All of
 * these processes live at the same time. */
#define MAX_DEPTH 8

static GMutex attachment_lock;
static Attachment *attachment;   /* lock: (nullable) */
static GError *attachment_error; /* lock: (nullable): why attaching failed; attaching is not tried again */

static gboolean forked; /* this process was forked from the worker; set in the child, while it has one thread */

static void
grant_free (gpointer data)
{
  Grant *grant = data;

  ferry_clear_fd (&grant->fd);
  g_weak_ref_clear (&grant->sender);
  g_free (grant);
}

static Grant *
grant_new (void)
{
  Grant *grant = g_new0 (Grant, 1);

  grant->fd = -1;
  g_weak_ref_init (&grant->sender, NULL);
  return grant;
}

static void
attachment_free (Attachment *self)
{
  ferry_clear_fd (&self->control);
  g_clear_pointer (&self->downlink, ferry_downlink_free);
  g_clear_pointer (&self->uplink, ferry_uplink_unref);
  g_hash_table_unref (self->grants);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Attachment, attachment_free)

/* Sets the parent-death signal, so that this process is killed when its parent ends. The launcher set the signal only
 * for the process that it started, and that process may have started this one. If the parent is not the application,
 * the parent is that process or a fork server, and the application lives while the socket is open. If the socket is
 * closed, the application ended before the signal was set, and this process kills itself. */
static void
end_with_application (int control, guint32 application_pid)
{
  struct pollfd poll_fd = {.fd = control, .events = 0};

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if ((guint32) getppid () != application_pid && poll (&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLHUP) != 0)
    raise (SIGKILL);
}

int
ferry_attachment_begin (FerryWelcome *welcome, int *memory, int *doorbell, int *arena, GError **error)
{
  ferry_autofd control = ferry_control_take_fd (error);
  g_autoptr (GError) failure = NULL;

  if (control < 0)
    return -1;
  if (ferry_control_receive_welcome (control, welcome, memory, doorbell, arena, &failure))
    {
      end_with_application (control, welcome->application_pid);
      return ferry_steal_fd (&control);
    }
  /* The application needs this answer for an error that names both versions. Other failures are not reported to it. */
  if (g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_VERSION))
    ferry_control_send_attach (control, 0, NULL);
  g_propagate_error (error, g_steal_pointer (&failure));
  return -1;
}

/* Reads all grants of senders. The application wrote all of them before it started this process. */
static gboolean
read_grants (Attachment *self, GError **error)
{
  FerryDownGrant granted;
  FerryDownEvent event;

  while ((event = ferry_downlink_receive_grant (self->downlink, &granted)) == FERRY_DOWN_EVENT_MESSAGE)
    {
      Grant *grant = grant_new ();

      grant->granted = granted;
      g_hash_table_replace (self->grants, g_strndup (granted.name, granted.name_length), grant);
    }
  if (event == FERRY_DOWN_EVENT_NOTHING)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                          "The application's list of senders is malformed; build application and worker with the same "
                          "version of Ferry");
}

static Attachment *
attach (GError **error)
{
  g_autoptr (Attachment) self = g_new0 (Attachment, 1);
  ferry_autofd memory = -1;
  ferry_autofd doorbell = -1;
  ferry_autofd arena = -1;
  FerryWelcome welcome;

  /* The sandbox was entered when the library was loaded, unless the library is linked statically into the program. */
  ferry_sandbox_enter ();
  self->grants = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, grant_free);
  self->control = ferry_attachment_begin (&welcome, &memory, &doorbell, &arena, error);
  self->uplink = self->control >= 0 ? ferry_uplink_open (&welcome, memory, &doorbell, &arena, error) : NULL;
  if (self->uplink == NULL)
    return NULL;
  /* With several threads, to join takes some milliseconds, and each send has the barrier of the lock. */
  if (__libc_single_threaded)
    ferry_omission_allow (&self->uplink->writer.omission, self->uplink->writer.control);
  if (self->uplink->arena != NULL && ferry_sandbox_limits_memory ())
    ferry_arena_writer_pin (self->uplink->arena);
  self->uplink->control = self->control;
  self->depth = welcome.depth;
  self->application = (pid_t) welcome.application_pid;
  self->downlink = ferry_downlink_new (self->uplink);
  if (!read_grants (self, error) || !ferry_control_send_attach (self->control, welcome.segment_size, error))
    return NULL;
  ferry_crash_install (self->control, ferry_segment_get_control (&self->uplink->segment));
  return g_steal_pointer (&self);
}

/* A handler of pthread_atfork(): runs in each child that this process forks. */
static void
forked_from_worker (void)
{
  forked = TRUE;
  if (attachment != NULL)
    ferry_uplink_mark_forked (attachment->uplink);
}

static Grant *
find_grant (Attachment *self, const char *name, GError **error)
{
  Grant *grant = g_hash_table_lookup (self->grants, name);

  if (grant == NULL)
    ferry_set_error (error, FERRY_ERROR_UNKNOWN_SENDER,
                     "The application passed no sender named '%s' so far; see ferry_launcher_add_sender() and "
                     "ferry_worker_add_sender()",
                     name);
  return grant;
}

/* Adds the senders that were given to this process since the handshake. A process without another reader of the down
 * lane looks into the lane here. A later sender takes the place of an earlier one of the same name. */
static void
take_given (Attachment *self)
{
  char *name;
  int fd;

  if (self->reader == FERRY_DOWNLINK_UNREAD)
    ferry_downlink_look_for_given (self->downlink);
  while (ferry_downlink_take_given (self->downlink, &name, &fd))
    {
      Grant *grant = grant_new ();

      grant->is_given = TRUE;
      grant->fd = fd;
      g_hash_table_replace (self->grants, name, grant);
    }
}

static FerrySender *
open_given (Grant *grant, GError **error)
{
  ferry_autofd fd = ferry_steal_fd (&grant->fd);

  if (fd >= 0)
    return ferry_given_sender_open (fd, error);
  ferry_set_error (error, FERRY_ERROR_SYSTEM,
                   "The sender was not received, since this process has too many files open; raise its limit of open "
                   "files, or close some files");
  return NULL;
}

static FerrySender *
open_sender (Attachment *self, Grant *grant, GError **error)
{
  const FerryDownGrant *granted = &grant->granted;

  if (grant->is_given)
    return open_given (grant, error);
  return ferry_sender_new_granted (granted->connection_id, self->uplink, granted->index, granted->cell);
}

static FerrySender *
take_sender (Attachment *self, const char *name, GError **error)
{
  Grant *grant = find_grant (self, name, error);
  FerrySender *sender;

  if (grant == NULL)
    return NULL;
  sender = g_weak_ref_get (&grant->sender);
  if (sender != NULL)
    return sender;
  if (grant->taken)
    {
      ferry_set_error (error, FERRY_ERROR_STOPPED,
                       "The sender named '%s' was stopped, or dropped before it was started; keep a reference to it",
                       name);
      return NULL;
    }
  sender = open_sender (self, grant, error);
  if (sender == NULL)
    return NULL;
  g_weak_ref_set (&grant->sender, sender);
  grant->taken = TRUE;
  return sender;
}

gboolean
ferry_attachment_is_of_fork_server (void)
{
  return g_strcmp0 (secure_getenv (FERRY_FORK_SERVER_VARIABLE), "1") == 0 && ferry_control_find_fd () >= 0;
}

/* Returns the attachment. The first call attaches to the application. */
static Attachment *
get_attachment_locked (GError **error)
{
  if (forked)
    {
      ferry_set_error (
        error, FERRY_ERROR_NOT_A_WORKER,
        "This process was forked from a worker, and cannot use the worker's link; use the application in "
        "the worker itself, or start another worker");
      return NULL;
    }
  /* Its welcome is left to ferry_worker_main(). */
  if (attachment == NULL && ferry_attachment_is_of_fork_server ())
    {
      ferry_set_error (error, FERRY_ERROR_NOT_A_WORKER,
                       "This process is a fork server, whose workers get the senders and transports; call "
                       "ferry_worker_main() before you ask for one");
      return NULL;
    }
  if (attachment == NULL && attachment_error == NULL)
    {
      attachment = attach (&attachment_error);
      if (attachment != NULL)
        pthread_atfork (NULL, NULL, forked_from_worker);
    }
  if (attachment == NULL)
    g_propagate_error (error, g_error_copy (attachment_error));
  return attachment;
}

gboolean
ferry_attachment_is_possible (void)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&attachment_lock);

  if (forked || attachment_error != NULL)
    return FALSE;
  return attachment != NULL || ferry_control_find_fd () >= 0;
}

guint
ferry_attachment_get_depth (void)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&attachment_lock);

  return attachment != NULL ? attachment->depth : 0;
}

pid_t
ferry_attachment_get_application (void)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&attachment_lock);

  return attachment != NULL ? attachment->application : getpid ();
}

/* Returns the control socket that the process was started with, or -1. *is_unnamed: a program that is started through
 * 'env -i' has the socket, and not the variable. */
static int
find_control (gboolean *is_unnamed)
{
  /* ferry_control_take_fd() removes the variable that names the socket. */
  int control = ferry_control_find_fd ();

  *is_unnamed = control < 0 && ferry_control_has_welcome (FERRY_SPAWN_CONTROL_FD);
  return *is_unnamed ? FERRY_SPAWN_CONTROL_FD : control;
}

/* Fails in a process that was started as a worker, and has not attached. */
static gboolean
check_attached_locked (GError **error)
{
  gboolean is_unnamed;
  int control = find_control (&is_unnamed);

  if (control < 0 && !ferry_control_is_named ())
    return TRUE;
  if (control < 0)
    return ferry_set_error (
      error, FERRY_ERROR_NOT_A_WORKER,
      "This process was started by a program that runs as a worker, or goes on as one, and has closed the worker's "
      "socket, so it starts no workers of its own; leave that socket open (in Python, by close_fds=False), or "
      "remove " FERRY_CONTROL_FD_VARIABLE " from the environment of a program that is no worker");
  if (attachment_error == NULL)
    {
      ferry_control_send_word (control, FERRY_CONTROL_NO_WORKER);
      /* From now on, the application reads nothing of the socket. */
      attachment_error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_NOT_A_WORKER,
                                              "This process has started a router, and so cannot attach to the "
                                              "application that started it; attach before the first start");
    }
  return ferry_set_error (
    error, FERRY_ERROR_NOT_A_WORKER,
    "This process was started as a worker of process %d and has not attached to it, so it starts no workers of its "
    "own; call ferry_worker_main() at the beginning of main(), or ferry_worker_get_sender() before the first start%s",
    (int) getppid (),
    is_unnamed ? "; and leave " FERRY_CONTROL_FD_VARIABLE " in its environment, without which it cannot attach" : "");
}

/* Whether the worker was passed senders at its start, and has taken none. */
static gboolean
has_taken_nothing (Attachment *self)
{
  guint n_untaken = 0;
  GHashTableIter iter;
  Grant *grant;

  g_hash_table_iter_init (&iter, self->grants);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &grant))
    {
      if (grant->taken)
        return FALSE;
      n_untaken += !grant->is_given;
    }
  return n_untaken > 0;
}

/* Fails in a worker that does nothing of what it was started for. Its program has asked for something else, or too
 * early, and goes on as the application. */
static gboolean
check_taken (Attachment *self, GError **error)
{
  /* The socket is the parent's. */
  if (forked || !has_taken_nothing (self))
    return TRUE;
  ferry_control_send_word (self->control, FERRY_CONTROL_NO_WORKER);
  return ferry_set_error (
    error, FERRY_ERROR_NOT_A_WORKER,
    "This process was started as a worker of process %d and has taken none of the senders and transports that it was "
    "passed, so it starts no workers of its own; call ferry_worker_main() at the beginning of main(), and take them "
    "before the first start",
    (int) getppid ());
}

gboolean
ferry_attachment_check_may_start (GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&attachment_lock);

  if (attachment == NULL)
    return check_attached_locked (error);
  if (!check_taken (attachment, error))
    return FALSE;
  return attachment->depth < MAX_DEPTH ||
         ferry_set_error (error, FERRY_ERROR_LAUNCH_FAILED,
                          "This process is a worker of a worker, and so on through %u applications, and starts no "
                          "further one; return from main() in a worker, before the program goes on as the application",
                          attachment->depth);
}

FerrySender *
ferry_attachment_get_sender (const char *name, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&attachment_lock);
  Attachment *self = get_attachment_locked (error);

  if (self == NULL)
    return NULL;
  take_given (self);
  return take_sender (self, name, error);
}

gboolean
ferry_attachment_has_sender (const char *name)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&attachment_lock);
  Attachment *self = get_attachment_locked (NULL);

  return self != NULL && g_hash_table_contains (self->grants, name);
}

FerryDownlink *
ferry_attachment_get_downlink (GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&attachment_lock);
  Attachment *self = get_attachment_locked (error);

  return self != NULL ? self->downlink : NULL;
}

static gboolean
may_read_locked (Attachment *self, FerryDownlinkReader reader, GError **error)
{
  if (self->reader == FERRY_DOWNLINK_UNREAD || self->reader == reader)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_ALREADY_RUNNING, "%s",
                          self->reader == FERRY_DOWNLINK_SERVES
                            ? "This process is a worker of a pool, and its tasks read all that the application sends; "
                              "for the transport, start another worker with a launcher that no pool uses"
                            : "This process has transports, which read all that the application sends; in a worker of "
                              "a pool, get no transport and call ferry_worker_main() first");
}

FerryDownlink *
ferry_attachment_take_downlink (FerryDownlinkReader reader, const char *sender_name, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&attachment_lock);
  Attachment *self = get_attachment_locked (error);

  if (self == NULL || !may_read_locked (self, reader, error) || find_grant (self, sender_name, error) == NULL)
    return NULL;
  self->reader = reader;
  return self->downlink;
}

GStrv
ferry_attachment_list_senders (const char *prefix)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&attachment_lock);
  Attachment *self = get_attachment_locked (NULL);
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  GHashTableIter iter;
  gpointer name;

  if (self != NULL)
    {
      g_hash_table_iter_init (&iter, self->grants);
      while (g_hash_table_iter_next (&iter, &name, NULL))
        if (g_str_has_prefix (name, prefix))
          g_strv_builder_add (names, name);
    }
  return g_strv_builder_end (names);
}
