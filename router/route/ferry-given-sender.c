/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Both ends of a sender that is given to a worker that runs already.
 *
 * The sender has a link of its own, with one pipe. The worker gets the link's control socket as a descriptor, with the
 * welcome in it, and so is granted this pipe and no other.
 *
 * Owner:   what gives the sender, such as a task. The sender is given until ferry_given_sender_end().
 * Threads: any, one at a time.
 * Trust:   none in the worker, as for its own link. When the sender is given no more, the link ends, whatever the
 *          worker keeps. */

#include "config.h"

#include "route/ferry-given-sender-private.h"

#include <fcntl.h>

#include "base/ferry-base-private.h"
#include "link/ferry-downlink-private.h"
#include "wire/ferry-handshake-private.h"

/* ---- the application's end ---- */

struct _FerryGivenSender
{
  FerryMonitor *monitor; /* (owned) */
  FerryLink *link;       /* (owned) */
  int fd;                /* (owned) */
};

/* Returns (transfer full) (nullable) a new link for the sender, which cannot be used in this process any more. Its
 * welcome lies in the socket worker_end, which the caller gives to a worker. The link ends by ferry_monitor_end_link(),
 * or together with the link of worker (nullable). */
static FerryLink *
give (FerrySender *sender, FerryLink *worker, GError **error)
{
  FerryPipe *pipe = ferry_sender_get_pipe (sender);
  g_autoptr (FerryLink) link =
    ferry_sender_can_be_passed (sender, error) ? ferry_pipe_new_link (pipe, "given sender", error) : NULL;

  if (link == NULL || !ferry_link_open_socket (link, error))
    return NULL;
  /* The router's thread has no observer to tell. */
  link->visit.told_attached = TRUE;
  link->bound = worker != NULL;
  if (worker != NULL)
    ferry_link_set_worker (link, worker);
  /* It is found by its descriptor, and not by its name. */
  ferry_link_grant (link, 0, "given");
  return ferry_sender_pass (sender, error) && ferry_pipe_add_link (pipe, link, error) ? g_steal_pointer (&link) : NULL;
}

FerryGivenSender *
ferry_given_sender_new (FerrySender *sender, GError **error)
{
  FerryLink *link = give (sender, NULL, error);
  FerryGivenSender *self;

  if (link == NULL)
    return NULL;
  self = g_new (FerryGivenSender, 1);
  *self = (FerryGivenSender){
    .monitor = ferry_monitor_ref (ferry_sender_get_pipe (sender)->monitor),
    .link = link,
    .fd = ferry_steal_fd (&link->worker_end),
  };
  return self;
}

int
ferry_given_sender_get_descriptor (FerryGivenSender *self)
{
  return self->fd;
}

void
ferry_given_sender_set_worker (FerryGivenSender *self, FerryLink *worker)
{
  ferry_link_set_worker (self->link, worker);
}

void
ferry_given_sender_end (FerryGivenSender *self, FerryExit *exit)
{
  atomic_store (&self->link->was_taken_back, TRUE);
  ferry_monitor_end_link (self->monitor, self->link, exit);
  ferry_clear_fd (&self->fd);
  ferry_link_unref (self->link);
  ferry_monitor_unref (self->monitor);
  g_free (self);
}

static gboolean
refuse_to_pass (const FerryDescriptors *batch, FerryDownResult result, GError **error)
{
  switch (result)
    {
    case FERRY_DOWN_UNTAKEN:
    case FERRY_DOWN_WOULD_BLOCK:
      return ferry_set_error (error, FERRY_ERROR_BUSY,
                              "The worker has not taken what it was sent before; give it a sender of a new pipe later");
    case FERRY_DOWN_REFUSED:
      return ferry_set_error (error, FERRY_ERROR_SYSTEM,
                              "The system refused to send the sender to the worker; raise the limit of open files: %s",
                              g_strerror (batch->error_number));
    default:
      return ferry_set_error (error, FERRY_ERROR_WORKER_LOST, "The worker has ended; start another worker");
    }
}

gboolean
ferry_given_sender_pass (FerrySender *sender, FerryLink *worker, const char *name, GError **error)
{
  g_autoptr (FerryLink) link = give (sender, worker, error);
  FerryDescriptors batch = {.n_descriptors = 1};
  FerryDownResult result;
  ferry_autofd fd = -1;

  if (link == NULL)
    return FALSE;
  fd = ferry_steal_fd (&link->worker_end);
  batch.descriptors = &fd;
  result = ferry_link_send_given (worker, ferry_sender_get_connection_id (sender), name, &batch);
  if (result == FERRY_DOWN_SENT)
    return TRUE;
  ferry_monitor_end_link (ferry_sender_get_pipe (sender)->monitor, link, NULL);
  return refuse_to_pass (&batch, result, error);
}

/* ---- the worker's end ---- */

/* Makes the uplink of a given sender. control: (transfer full). */
static FerryUplink *
open_uplink (int control, FerryWelcome *welcome, GError **error)
{
  ferry_autofd memory = -1;
  ferry_autofd doorbell = -1;
  ferry_autofd arena = -1;
  ferry_autofd socket = control;
  FerryUplink *self;

  if (!ferry_control_receive_welcome (socket, welcome, &memory, &doorbell, &arena, error))
    return NULL;
  self = ferry_uplink_open (welcome, memory, &doorbell, &arena, error);
  if (self == NULL)
    return NULL;
  ferry_uplink_take_control (self, ferry_steal_fd (&socket));
  return self;
}

static gboolean
read_grant (FerryUplink *uplink, FerryDownGrant *grant, GError **error)
{
  g_autoptr (FerryDownlink) downlink = ferry_downlink_new (uplink);

  return ferry_downlink_receive_grant (downlink, grant) == FERRY_DOWN_EVENT_MESSAGE ||
         ferry_set_error (
           error, FERRY_ERROR_PROTOCOL,
           "The grant of a given sender is malformed; build application and worker with the same version "
           "of Ferry");
}

FerrySender *
ferry_given_sender_open (int fd, GError **error)
{
  g_autoptr (FerryUplink) uplink = NULL;
  FerryWelcome welcome;
  FerryDownGrant grant;
  int control;

  if (!ferry_control_check_welcome (fd, error))
    return NULL;
  control = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  if (control < 0)
    {
      ferry_set_system_error (error, "Opening a given sender (fcntl)");
      return NULL;
    }
  uplink = open_uplink (control, &welcome, error);
  if (uplink == NULL || !read_grant (uplink, &grant, error) ||
      !ferry_control_send_attach (uplink->control, welcome.segment_size, error))
    return NULL;
  return ferry_sender_new_granted (grant.connection_id, uplink, grant.index, grant.cell);
}
