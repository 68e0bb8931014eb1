/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "route/ferry-sender-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "route/ferry-router-private.h"

/**
 * FerrySender:
 *
 * The writing end of a pipe.
 *
 * A sender comes from [method@Ferry.Router.pipe] in the application. There it is either passed to a worker with
 * [method@Ferry.Launcher.add_sender], or used by the application's own threads. The worker gets hold of it with
 * [func@Ferry.Worker.get_sender].
 *
 * It is started once, sends, and is stopped once, which tells the receiver that nothing is missing. Dropping the last
 * reference to a started sender stops it; dropping that to one that was neither started nor passed to a worker closes
 * the pipe, with the reason %FERRY_CLOSE_REASON_STOPPED.
 *
 * A send that returned %TRUE is kept: the receiver gets the message even when the process is killed the next instant,
 * as long as pipe and router are open. Messages of one sender arrive once, and in order.
 * On a pipe for latest values ([flags@Ferry.PipeFlags]), a newer message takes the place of one that was not delivered
 * yet.
 *
 * After it was started, a sender may be used by any number of threads at once, but by one process: in a child that a
 * worker forks, sending fails.
 *
 * Since: 0.1
 */

enum
{
  PROP_CONNECTION_ID = 1,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

GType ferry_sender_type;

G_DEFINE_FINAL_TYPE (FerrySender, ferry_sender, G_TYPE_OBJECT)

FerryPipeShare *
ferry_pipe_share_new (void)
{
  FerryPipeShare *self = g_new0 (FerryPipeShare, 1);

  atomic_init (&self->references, 1);
  return self;
}

FerryPipeShare *
ferry_pipe_share_ref (FerryPipeShare *self)
{
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

void
ferry_pipe_share_unref (FerryPipeShare *self)
{
  FerryLink *link;

  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) != 1)
    return;
  link = atomic_load_explicit (&self->link, memory_order_relaxed);
  g_clear_pointer (&link, ferry_link_unref);
  g_free (self);
}

/* any: settles who has the sender. Returns FALSE when that was settled before. */
gboolean
ferry_pipe_share_claim (FerryPipeShare *self, FerryClaim claim)
{
  gint open = FERRY_CLAIM_OPEN;

  return atomic_compare_exchange_strong_explicit (&self->claim, &open, claim, memory_order_acq_rel,
                                                  memory_order_acquire);
}

/* Sets the error of a call that the sender's state does not allow. Returns FALSE. */
gboolean
ferry_sender_refuse_state (FerrySenderState state, GError **error)
{
  switch (state)
    {
    case FERRY_SENDER_NEW:
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_NOT_STARTED,
                           "The sender was not started; call ferry_sender_start() first");
      break;
    case FERRY_SENDER_STARTED:
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_ALREADY_STARTED,
                           "The sender was started already; it is started once");
      break;
    case FERRY_SENDER_STOPPED:
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_STOPPED,
                           "The sender was stopped; open another pipe to send more");
      break;
    case FERRY_SENDER_PASSED:
    default:
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_ALREADY_STARTED,
                           "The sender was passed to a worker, and is used there");
      break;
    }
  return FALSE;
}

/* Sets the error of a pipe that is closed. Returns FALSE. */
gboolean
ferry_sender_refuse_closed (FerrySender *self, GError **error)
{
  static const char *const texts[] = {
    [FERRY_PIPE_WORD_OPEN] = "is closed",
    [FERRY_PIPE_WORD_CLOSED] = "was closed by the application; stop sending",
    [FERRY_PIPE_WORD_LINK_ENDED] = "is at its end, since the application gave up the link; stop sending",
    [FERRY_PIPE_WORD_ROUTER_STOPPED] = "is at its end, since the router was stopped; stop sending",
  };
  guint32 word = self->uplink != NULL ? ferry_uplink_get_pipe_word (self->uplink, self->index) : 0;

  g_set_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "The pipe %" G_GUINT64_FORMAT " %s", self->connection_id,
               texts[word < G_N_ELEMENTS (texts) ? word : 0]);
  return FALSE;
}

static gboolean
stop_locked (FerrySender *self, gboolean locked)
{
  atomic_store_explicit (&self->state, FERRY_SENDER_STOPPED, memory_order_relaxed);
  return ferry_uplink_write_control_and_unlock (self->uplink, FERRY_RECORD_STOP, self->connection_id, locked);
}

/* Nobody will ever send: the receiver is not to wait for it. */
static void
give_up_pipe (FerrySender *self)
{
  g_autoptr (FerryRouter) router = NULL;

  if (self->share == NULL || !ferry_pipe_share_claim (self->share, FERRY_CLAIM_CLOSED))
    return;
  router = g_weak_ref_get (&self->router);
  if (router != NULL)
    ferry_router_note_dropped_sender (router, self->connection_id);
}

static void
ferry_sender_dispose (GObject *object)
{
  FerrySender *self = FERRY_SENDER (object);

  if (ferry_sender_get_state (self) == FERRY_SENDER_NEW)
    give_up_pipe (self);
  if (ferry_sender_get_state (self) == FERRY_SENDER_STARTED)
    stop_locked (self, ferry_uplink_lock (self->uplink));

  G_OBJECT_CLASS (ferry_sender_parent_class)->dispose (object);
}

static void
ferry_sender_finalize (GObject *object)
{
  FerrySender *self = FERRY_SENDER (object);

  for (guint i = 0; i < self->n_types; i++)
    g_free (self->types[i]);
  g_clear_pointer (&self->uplink, ferry_uplink_unref);
  g_clear_pointer (&self->monitor, ferry_monitor_unref);
  g_clear_pointer (&self->share, ferry_pipe_share_unref);
  g_weak_ref_clear (&self->router);

  G_OBJECT_CLASS (ferry_sender_parent_class)->finalize (object);
}

static void
ferry_sender_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerrySender *self = FERRY_SENDER (object);

  switch (property_id)
    {
    case PROP_CONNECTION_ID:
      g_value_set_uint64 (value, self->connection_id);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_sender_class_init (FerrySenderClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  ferry_sender_type = G_TYPE_FROM_CLASS (klass);
  object_class->dispose = ferry_sender_dispose;
  object_class->finalize = ferry_sender_finalize;
  object_class->get_property = ferry_sender_get_property;

  /**
   * FerrySender:connection-id:
   *
   * The connection id, which the pipe's receiver has as well.
   *
   * Since: 0.1
   */
  properties[PROP_CONNECTION_ID] =
    g_param_spec_uint64 ("connection-id", NULL, NULL, 0, G_MAXUINT64, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_sender_init (FerrySender *self)
{
  g_weak_ref_init (&self->router, NULL);
}

/* router's thread: the sender of a new pipe. */
FerrySender *
ferry_sender_new (guint64 connection_id, FerryPipeShare *share, FerryMonitor *monitor, GThread *router_thread,
                  gsize lane_capacity, guint64 max_message_size, gboolean latest)
{
  FerrySender *self = g_object_new (FERRY_TYPE_SENDER, NULL);

  self->connection_id = connection_id;
  self->share = ferry_pipe_share_ref (share);
  self->monitor = ferry_monitor_ref (monitor);
  self->router_thread = router_thread;
  self->lane_capacity = lane_capacity;
  self->max_message_size = max_message_size;
  self->latest = latest;
  return self;
}

/* Says where the sender writes. */
static void
take_uplink (FerrySender *self, FerryUplink *uplink)
{
  self->uplink = ferry_uplink_ref (uplink);
  if (self->latest)
    ferry_cell_writer_init (&self->writer, &uplink->segment.cells[self->cell]);
  else
    self->quick_limit = FERRY_MAX_RECORD_PAYLOAD + 1;
}

/* worker: a sender that was passed to this process. */
FerrySender *
ferry_sender_new_granted (guint64 connection_id, FerryUplink *uplink, guint index, guint32 cell)
{
  FerrySender *self = g_object_new (FERRY_TYPE_SENDER, NULL);

  self->connection_id = connection_id;
  self->index = index;
  self->latest = cell != FERRY_NO_CELL;
  self->cell = cell;
  take_uplink (self, uplink);
  self->max_message_size = uplink->max_message_size;
  return self;
}

/* router's thread: whether the sender could be passed to a worker now. */
gboolean
ferry_sender_is_claimable (FerrySender *self, GError **error)
{
  FerrySenderState state = ferry_sender_get_state (self);

  return (state == FERRY_SENDER_NEW && self->monitor != NULL) || ferry_sender_refuse_state (state, error);
}

/* router's thread: whether the sender is of a pipe of the router whose monitor this is. */
gboolean
ferry_sender_belongs_to (FerrySender *self, FerryMonitor *monitor, GError **error)
{
  if (self->monitor == monitor)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
               "The sender %" G_GUINT64_FORMAT " is of a pipe of another router, or from before this one was stopped; "
               "open a pipe with the router that runs",
               self->connection_id);
  return FALSE;
}

/* router's thread: passes the sender to a worker; it is of no more use here. */
gboolean
ferry_sender_pass (FerrySender *self, GError **error)
{
  if (!ferry_sender_is_claimable (self, error))
    return FALSE;
  if (!ferry_pipe_share_claim (self->share, FERRY_CLAIM_CLAIMED))
    {
      FerrySenderState state = ferry_sender_get_state (self);

      return state == FERRY_SENDER_NEW ? ferry_sender_refuse_closed (self, error)
                                       : ferry_sender_refuse_state (state, error);
    }
  atomic_store_explicit (&self->state, FERRY_SENDER_PASSED, memory_order_release);
  return TRUE;
}

/* Makes a link of the sender's own, both ends in this process. */
static gboolean
start_locally (FerrySender *self, GError **error)
{
  g_autoptr (FerryUplink) uplink = NULL;
  g_autoptr (FerryLink) link = NULL;
  guint32 cell = self->latest ? 0 : FERRY_NO_CELL;

  link = ferry_link_new ("local sender", &self->connection_id, &cell, 1, self->lane_capacity,
                         self->latest ? 0 : FERRY_DEFAULT_ARENA_SIZE, self->max_message_size, error);
  if (link == NULL)
    return FALSE;
  link->local = link->trusted = TRUE;
  uplink = ferry_uplink_new_local (link, self->router_thread, error);
  if (uplink == NULL)
    return FALSE;
  ferry_clear_fd (&link->memory);
  if (!ferry_pipe_share_claim (self->share, FERRY_CLAIM_CLAIMED))
    return ferry_sender_refuse_closed (self, error);
  /* Release: pairs with the router's thread, which looks for the cell. */
  if (self->latest)
    atomic_store_explicit (&self->share->link, ferry_link_ref (link), memory_order_release);
  if (!ferry_monitor_add_link (self->monitor, link, NULL, NULL, NULL))
    return ferry_sender_refuse_closed (self, error);
  /* A pipe that was closed between the two steps was not found on the monitor. Whoever closed it set this first, and
   * the monitor's lock orders its command before ours. */
  if (atomic_load_explicit (&self->share->closed, memory_order_relaxed) != 0)
    ferry_monitor_close_pipe (self->monitor, self->connection_id);
  self->cell = cell;
  take_uplink (self, uplink);
  return TRUE;
}

/**
 * ferry_sender_start:
 * @self: a sender
 * @error: return location for an error
 *
 * Starts the sender; sending is possible from then on. To be called once, by one thread. Any thread.
 *
 * Fails with %FERRY_ERROR_ALREADY_STARTED when the sender was started or passed to a worker before, with
 * %FERRY_ERROR_STOPPED when it was stopped, with %FERRY_ERROR_CLOSED when the pipe is closed, and with
 * %FERRY_ERROR_SYSTEM when the system has no memory or descriptors for it.
 *
 * Returns: %TRUE on success
 *
 * Since: 0.1
 */
gboolean
ferry_sender_start (FerrySender *self, GError **error)
{
  FerrySenderState state;

  g_return_val_if_fail (FERRY_IS_SENDER (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  state = ferry_sender_get_state (self);
  if (state != FERRY_SENDER_NEW)
    return ferry_sender_refuse_state (state, error);
  if (self->uplink == NULL && !start_locally (self, error))
    return FALSE;
  /* Release: pairs with ferry_sender_get_state(), so that uplink is seen with it. */
  atomic_store_explicit (&self->state, FERRY_SENDER_STARTED, memory_order_release);
  return TRUE;
}

/**
 * ferry_sender_stop:
 * @self: a sender
 * @error: return location for an error
 *
 * Stops the sender: the receiver hears `closed` with the reason %FERRY_CLOSE_REASON_STOPPED after the last
 * message. Never waits, also when the lane is full. Any thread.
 *
 * Fails with %FERRY_ERROR_NOT_STARTED or %FERRY_ERROR_STOPPED when there is nothing to stop, and with
 * %FERRY_ERROR_PROTOCOL when the other end has broken the lane.
 *
 * Returns: %TRUE on success
 *
 * Since: 0.1
 */
gboolean
ferry_sender_stop (FerrySender *self, GError **error)
{
  gboolean locked;
  FerrySenderState state;

  g_return_val_if_fail (FERRY_IS_SENDER (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  state = ferry_sender_get_state (self);
  if (state != FERRY_SENDER_STARTED)
    return ferry_sender_refuse_state (state, error);
  locked = ferry_uplink_lock (self->uplink);
  state = ferry_sender_get_state (self);
  if (state != FERRY_SENDER_STARTED)
    {
      ferry_uplink_unlock (self->uplink, locked);
      return ferry_sender_refuse_state (state, error);
    }
  if (stop_locked (self, locked))
    return TRUE;
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL, "The lane was damaged by its other end");
  return FALSE;
}

/**
 * ferry_sender_get_connection_id:
 * @self: a sender
 *
 * The connection id, which the pipe's receiver has as well. Any thread may call this.
 *
 * Returns: the connection id
 *
 * Since: 0.1
 */
guint64
ferry_sender_get_connection_id (FerrySender *self)
{
  g_return_val_if_fail (FERRY_IS_SENDER (self), 0);

  return self->connection_id;
}
