/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker process' attachment to its application. It is made at the first use, and kept until the process ends.
 *
 * Threads: any; a lock guards the attachment. */

#include "config.h"

#include "worker/ferry-attachment-private.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "link/ferry-handshake-private.h"
#include "link/ferry-uplink-private.h"
#include "route/ferry-sender-private.h"
#include "sandbox/ferry-sandbox-private.h"

typedef struct
{
  FerryDownGrant granted; /* without its name, which is not valid any more */
  GWeakRef sender;
  gboolean taken;
} Grant;

typedef struct
{
  int control;
  FerryUplink *uplink;
  FerryDownlink *downlink;
  FerryDownlinkReader reader;
  GHashTable *grants; /* (element-type utf8 Grant) by the sender's name */
} Attachment;

static GMutex attachment_lock;
static Attachment *attachment;   /* lock: (nullable) */
static GError *attachment_error; /* lock: (nullable): the failure, which is final */

static gboolean forked; /* this process is a child of the worker; set by its first thread, when that is the only one */

static void
grant_free (gpointer data)
{
  Grant *grant = data;

  g_weak_ref_clear (&grant->sender);
  g_free (grant);
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

/* Sets the parent-death signal. The launcher has set it for the process that it started, but that may have started this
 * one in turn. A parent that is not the application is such a starter, or a fork server, while the socket is open. If
 * the socket is closed, the application ended before the signal was set. */
static void
end_with_application (int control, guint32 application_pid)
{
  struct pollfd poll_fd = {.fd = control, .events = 0};

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if ((guint32) getppid () == application_pid)
    return;
  if (poll (&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLHUP) != 0)
    raise (SIGKILL);
}

int
ferry_attachment_begin (FerryWelcome *welcome, int *memory, int *doorbell, GError **error)
{
  ferry_autofd control = ferry_control_take_fd (error);
  g_autoptr (GError) failure = NULL;

  if (control < 0)
    return -1;
  if (ferry_control_receive_welcome (control, welcome, memory, doorbell, &failure))
    {
      end_with_application (control, welcome->application_pid);
      return ferry_steal_fd (&control);
    }
  /* So that the application's error names both versions. It is told of no other failure. */
  if (g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_VERSION))
    ferry_control_send_attach (control, 0, NULL);
  g_propagate_error (error, g_steal_pointer (&failure));
  return -1;
}

/* Reads all grants: the application wrote them before it started the process. */
static gboolean
read_grants (Attachment *self, GError **error)
{
  FerryDownGrant granted;
  FerryDownEvent event;

  while ((event = ferry_downlink_receive_grant (self->downlink, &granted)) == FERRY_DOWN_EVENT_MESSAGE)
    {
      Grant *grant = g_new0 (Grant, 1);

      g_weak_ref_init (&grant->sender, NULL);
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
  FerrySegment segment = {0};
  FerryWelcome welcome;

  /* Loading the library entered it already, unless the program contains the library. */
  ferry_sandbox_enter ();
  self->grants = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, grant_free);
  self->control = ferry_attachment_begin (&welcome, &memory, &doorbell, error);
  if (self->control < 0 ||
      !ferry_segment_map (&segment, memory, welcome.up_capacity, welcome.n_cells, welcome.arena_size, error))
    return NULL;
  self->uplink = ferry_uplink_new (&segment, ferry_steal_fd (&doorbell), welcome.max_message_size, welcome.n_pipes);
  ferry_uplink_take_memory (self->uplink, ferry_steal_fd (&memory));
  if (self->uplink->arena != NULL && ferry_sandbox_limits_memory ())
    ferry_arena_writer_pin (self->uplink->arena);
  self->uplink->control = self->control;
  self->downlink = ferry_downlink_new (self->uplink);
  if (!read_grants (self, error) || !ferry_control_send_attach (self->control, welcome.segment_size, error))
    return NULL;
  return g_steal_pointer (&self);
}

/* Called in a child that this process forks. */
static void
forked_from_worker (void)
{
  forked = TRUE;
  if (attachment != NULL)
    ferry_uplink_mark_forked (attachment->uplink);
}

static FerrySender *
take_sender (Attachment *self, const char *name, GError **error)
{
  Grant *grant = g_hash_table_lookup (self->grants, name);
  FerrySender *sender;

  if (grant == NULL)
    {
      ferry_set_error (error, FERRY_ERROR_UNKNOWN_SENDER,
                       "The application passed no sender named “%s”; see ferry_launcher_add_sender()", name);
      return NULL;
    }
  sender = g_weak_ref_get (&grant->sender);
  if (sender != NULL)
    return sender;
  if (grant->taken)
    {
      ferry_set_error (error, FERRY_ERROR_STOPPED,
                       "The sender named “%s” was stopped when its last reference was dropped; keep one", name);
      return NULL;
    }
  sender =
    ferry_sender_new_granted (grant->granted.connection_id, self->uplink, grant->granted.index, grant->granted.cell);
  if ((grant->granted.flags & FERRY_GRANT_ONE_SHOT) != 0)
    ferry_sender_set_one_shot (sender);
  g_weak_ref_set (&grant->sender, sender);
  grant->taken = TRUE;
  return sender;
}

/* Attaches to the application at the first call. */
static Attachment *
get_attachment_locked (GError **error)
{
  if (forked)
    {
      ferry_set_error (error, FERRY_ERROR_NOT_A_WORKER,
                       "This process was forked from a worker; do there what needs the application, or start a "
                       "worker of its own");
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

/* any: whether this process is a worker that has attached, or can attach. Does not attach. */
gboolean
ferry_attachment_is_possible (void)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&attachment_lock);

  if (forked || attachment != NULL || attachment_error != NULL)
    return !forked && attachment != NULL;
  return ferry_control_find_fd () >= 0;
}

/* any: returns the sender of that name. Attaches as well. */
FerrySender *
ferry_attachment_get_sender (const char *name, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&attachment_lock);
  Attachment *self = get_attachment_locked (error);

  return self != NULL ? take_sender (self, name, error) : NULL;
}

/* any: whether the application passed a sender of that name. Attaches as well. */
gboolean
ferry_attachment_has_sender (const char *name)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&attachment_lock);
  Attachment *self = get_attachment_locked (NULL);

  return self != NULL && g_hash_table_contains (self->grants, name);
}

/* any: returns (transfer none) the downlink, which lives until the process ends. Attaches as well. */
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
  return ferry_set_error (
    error, FERRY_ERROR_ALREADY_RUNNING, "%s",
    self->reader == FERRY_DOWNLINK_SERVES
      ? "This process serves the tasks of a pool, which takes all that the application sends; have a launcher without "
        "a pool start a worker for the transport"
      : "This process has transports, which take all that the application sends; call ferry_worker_main() first, and "
        "get no transport in a worker of a pool");
}

/* any: as ferry_attachment_get_downlink(), for its reader, from now on. sender_name: a sender that the application must
 * have passed. Fails with FERRY_ERROR_ALREADY_RUNNING where there is another reader, and with
 * FERRY_ERROR_UNKNOWN_SENDER. */
FerryDownlink *
ferry_attachment_take_downlink (FerryDownlinkReader reader, const char *sender_name, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&attachment_lock);
  Attachment *self = get_attachment_locked (error);

  if (self == NULL || !may_read_locked (self, reader, error))
    return NULL;
  if (!g_hash_table_contains (self->grants, sender_name))
    {
      ferry_set_error (error, FERRY_ERROR_UNKNOWN_SENDER, "The application passed no sender named “%s”", sender_name);
      return NULL;
    }
  self->reader = reader;
  return self->downlink;
}

/* any: returns (transfer full) the names with that prefix of the senders that were passed. Attaches as well. */
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
