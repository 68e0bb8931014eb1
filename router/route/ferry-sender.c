/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The writing end of a pipe, in a worker or in the application: its states, its properties, and how it is started,
 * passed to a worker and stopped. How it sends is in the files ferry-send-*.c. What the application's end of a pipe
 * has, such as a link of its own, is in ferry-pipe.c.
 *
 * Owner:   references are counted, as of any GObject.
 * Threads: any, unless a function says otherwise. A function that ends in _locked must be called with the lane locked
 *          (ferry_uplink_lock()). */

#include "config.h"

#include "route/ferry-send-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-forks-private.h"
#include "base/ferry-property-private.h"
#include "wire/ferry-handshake-private.h"

GType ferry_sender_type;

/**
 * FerrySender:
 *
 * The writing end of a pipe.
 *
 * [method@Ferry.Router.pipe] makes a sender in the application. The sender is then either passed to a worker with
 * [method@Ferry.Launcher.add_sender], or used by the application's own threads. The worker gets it with
 * [func@Ferry.Worker.get_sender].
 *
 * A sender is started once, sends messages, and is stopped once. The stop lets the receiver know that no message is
 * missing. A worker that returns from `main()` without a stop has not said so. There a started sender lives until it is
 * stopped, whoever drops references to it; without a stop, `closed` comes when the process has ended, and says how.
 * That is why `g_autoptr(FerrySender)` is no stop in a function that fails.
 *
 * In the application, which has no end to wait for, a started sender is stopped when its last reference is dropped. The
 * pipe of one that was neither started nor passed to a worker is closed then, with the reason
 * %FERRY_CLOSE_REASON_STOPPED.
 *
 * When a send has returned %TRUE, the receiver gets the message, even if the sender's process is killed right
 * afterwards. This holds while the pipe is open and the router runs. Messages of one sender arrive once, and in order.
 * On a pipe for latest values, only the newest counts: [flags@Ferry.PipeFlags].
 *
 * After it was started, any number of threads may use a sender at once, but only one process. In a child process that a
 * worker forks, sending fails.
 */

enum
{
  PROP_CONNECTION_ID = 1,
  PROP_TIMEOUT,
  PROP_CANCELLABLE,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (FerrySender, ferry_sender, G_TYPE_OBJECT)

/* Sets the error for a sender in a state that does not allow the operation. Returns FALSE, as all refuse_…() do. */
static gboolean
refuse_state (FerrySenderState state, GError **error)
{
  static const struct
  {
    FerryError code;
    const char *text;
  } refusals[] = {
    [FERRY_SENDER_NEW] = {FERRY_ERROR_NOT_STARTED, "The sender was not started; call ferry_sender_start() first"},
    [FERRY_SENDER_STARTED] = {FERRY_ERROR_ALREADY_STARTED, "The sender was started already; start it only once"},
    [FERRY_SENDER_STOPPED] = {FERRY_ERROR_STOPPED, "The sender was stopped; open another pipe to send more"},
    [FERRY_SENDER_PASSED] = {FERRY_ERROR_ALREADY_STARTED, "The sender was passed to a worker; use it in the worker"},
  };

  return ferry_set_error (error, (gint) refusals[state].code, "%s", refusals[state].text);
}

static gboolean
refuse_closed (FerrySender *self, GError **error)
{
  static const char *const texts[] = {
    [FERRY_PIPE_WORD_OPEN] = "is closed; stop sending",
    [FERRY_PIPE_WORD_CLOSED] = "was closed by the application; stop sending",
    [FERRY_PIPE_WORD_LINK_ENDED] = "has ended, since the application ended the link; stop sending",
    [FERRY_PIPE_WORD_ROUTER_STOPPED] = "has ended, since the router was stopped; stop sending",
  };
  guint32 word = self->uplink != NULL ? ferry_uplink_get_pipe_word (self->uplink, self->index) : 0;

  return ferry_set_error (error, FERRY_ERROR_CLOSED, "The pipe %" G_GUINT64_FORMAT " %s", self->connection_id,
                          texts[word < G_N_ELEMENTS (texts) ? word : 0]);
}

gboolean
ferry_sender_refuse_ended (FerrySender *self, GError **error)
{
  FerrySenderState state = ferry_sender_get_state (self);

  return state == FERRY_SENDER_STARTED ? refuse_closed (self, error) : refuse_state (state, error);
}

gboolean
ferry_sender_refuse_wait (FerrySender *self, FerryWaitResult result, GError **error)
{
  static const struct
  {
    FerryError code;
    const char *text;
  } refusals[] = {
    [FERRY_WAIT_WOULD_BLOCK] = {FERRY_ERROR_WOULD_BLOCK,
                                "The lane is full, and this function may not wait; send again later, or send less"},
    [FERRY_WAIT_TIMED_OUT] =
      {FERRY_ERROR_TIMED_OUT,
       "The lane stayed full until the time was over; send less, or make the application handle messages faster"},
    [FERRY_WAIT_FORKED] = {FERRY_ERROR_NOT_A_WORKER,
                           "This process was forked from the worker that has the sender; send "
                           "in that worker, or start another worker"},
    [FERRY_WAIT_BROKEN] = {FERRY_ERROR_PROTOCOL, "The other end has damaged the lane; stop sending"},
  };

  if (result == FERRY_WAIT_CLOSED)
    return ferry_sender_refuse_ended (self, error);
  if (result == FERRY_WAIT_INTERRUPTED)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Sending was cancelled");
  else
    ferry_set_error (error, (gint) refusals[result].code, "%s", refusals[result].text);
  return FALSE;
}

/* ---- start and stop ---- */

/* const: whether the application passed the sender to this process. */
static gboolean
is_granted (FerrySender *self)
{
  return self->pipe == NULL;
}

/* The caller has a reference, but in dispose(), where the sender is not a granted one. */
static gboolean
stop_locked (FerrySender *self, gboolean locked)
{
  gboolean is_written;

  atomic_store_explicit (&self->state, FERRY_SENDER_STOPPED, memory_order_relaxed);
  is_written = ferry_uplink_write_control_and_unlock (self->uplink, FERRY_RECORD_STOP, self->connection_id, locked);
  /* Releases the reference of ferry_sender_start(). */
  if (is_granted (self))
    g_object_unref (self);
  return is_written;
}

/* Closes the pipe of a new sender, and makes the router's thread notify the receiver. */
static void
give_up_pipe (FerrySender *self)
{
  g_autoptr (FerryReceiver) receiver = NULL;

  if (self->pipe == NULL || ferry_pipe_is_closed (self->pipe) || !ferry_pipe_close (self->pipe))
    return;
  receiver = g_weak_ref_get (&self->receiver);
  if (receiver != NULL)
    ferry_receiver_end (receiver);
}

static void
ferry_sender_dispose (GObject *object)
{
  FerrySender *self = FERRY_SENDER (object);

  if (ferry_forks_keep (object, self->fork_number))
    return;
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
  g_clear_pointer (&self->pipe, ferry_pipe_unref);
  g_weak_ref_clear (&self->receiver);
  g_clear_object (&self->cancellable);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (ferry_sender_parent_class)->finalize (object);
}

static void
ferry_sender_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerrySender *self = FERRY_SENDER (object);

  if (property_id == PROP_CONNECTION_ID)
    g_value_set_uint64 (value, self->connection_id);
  else if (property_id == PROP_TIMEOUT)
    g_value_set_int64 (value, ferry_sender_get_timeout (self));
  else
    g_value_take_object (value, ferry_sender_dup_cancellable (self));
}

/* The fast path looks at no cancellable, so a sender that has one takes the slow path. */
static void
choose_path (FerrySender *self)
{
  gboolean has_cancellable = self->cancellable != NULL;
  gboolean is_slow = self->uplink == NULL || ferry_sender_is_latest (self) || has_cancellable;

  atomic_store_explicit (&self->has_cancellable, has_cancellable, memory_order_relaxed);
  atomic_store_explicit (&self->quick_limit, is_slow ? 0 : FERRY_MAX_RECORD_PAYLOAD + 1, memory_order_relaxed);
}

static void
ferry_sender_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerrySender *self = FERRY_SENDER (object);
  gboolean is_changed;

  if (property_id == PROP_TIMEOUT)
    {
      gint64 timeout = g_value_get_int64 (value);

      is_changed = atomic_exchange_explicit (&self->timeout, timeout, memory_order_relaxed) != timeout;
    }
  else
    {
      g_mutex_lock (&self->lock);
      is_changed = g_set_object (&self->cancellable, g_value_get_object (value));
      choose_path (self);
      g_mutex_unlock (&self->lock);
    }
  if (is_changed)
    g_object_notify_by_pspec (object, pspec);
}

static void
install_properties (GObjectClass *object_class)
{
  /**
   * FerrySender:connection-id:
   *
   * The connection id of the pipe; the pipe's receiver has the same id.
   */
  properties[PROP_CONNECTION_ID] = g_param_spec_uint64 ("connection-id", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_READABLE);

  /**
   * FerrySender:timeout:
   *
   * How long each send and each new buffer may wait for room, in microseconds. With -1, the default, there is no limit.
   * With 0, they do not wait, and fail with %FERRY_ERROR_WOULD_BLOCK. Holds for what begins afterwards, on all threads.
   * Any thread.
   */
  properties[PROP_TIMEOUT] = g_param_spec_int64 ("timeout", NULL, NULL, -1, G_MAXINT64, -1, FERRY_SETTABLE);

  /**
   * FerrySender:cancellable:
   *
   * Ends the waits of sends and of new buffers, which then fail with %G_IO_ERROR_CANCELLED, as all that begin while it
   * is cancelled. %NULL by default; a sender without one is faster. Holds for what begins afterwards, on all threads.
   * Any thread.
   */
  properties[PROP_CANCELLABLE] = g_param_spec_object ("cancellable", NULL, NULL, G_TYPE_CANCELLABLE, FERRY_SETTABLE);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_sender_class_init (FerrySenderClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  ferry_sender_type = G_TYPE_FROM_CLASS (klass);
  object_class->dispose = ferry_sender_dispose;
  object_class->finalize = ferry_sender_finalize;
  object_class->get_property = ferry_sender_get_property;
  object_class->set_property = ferry_sender_set_property;
  install_properties (object_class);
}

static void
ferry_sender_init (FerrySender *self)
{
  self->fork_number = ferry_forks_note ();
  atomic_init (&self->timeout, -1);
  g_mutex_init (&self->lock);
  g_weak_ref_init (&self->receiver, NULL);
}

/* router's thread: makes the sender of a new pipe. */
FerrySender *
ferry_sender_new (FerryPipe *pipe)
{
  FerrySender *self = g_object_new (FERRY_TYPE_SENDER, NULL);

  self->connection_id = pipe->connection_id;
  g_weak_ref_set (&self->receiver, pipe->receiver);
  self->pipe = ferry_pipe_ref (pipe);
  self->max_message_size = pipe->max_message_size;
  self->cell = (pipe->flags & FERRY_PIPE_LATEST) != 0 ? 0 : FERRY_NO_CELL;
  return self;
}

static void
set_uplink (FerrySender *self, FerryUplink *uplink)
{
  g_mutex_lock (&self->lock);
  self->uplink = ferry_uplink_ref (uplink);
  if (ferry_sender_is_latest (self))
    ferry_cell_writer_init (&self->writer, &uplink->segment.cells[self->cell]);
  choose_path (self);
  g_mutex_unlock (&self->lock);
}

/* worker: makes a sender that was passed to this process. cell: the cell's number, or FERRY_NO_CELL. */
FerrySender *
ferry_sender_new_granted (guint64 connection_id, FerryUplink *uplink, guint index, guint32 cell)
{
  FerrySender *self = g_object_new (FERRY_TYPE_SENDER, NULL);

  self->connection_id = connection_id;
  self->index = index;
  self->cell = cell;
  set_uplink (self, uplink);
  self->max_message_size = uplink->max_message_size;
  return self;
}

/* router's thread: checks that the sender can be passed to a worker now. */
gboolean
ferry_sender_can_be_passed (FerrySender *self, GError **error)
{
  FerrySenderState state = ferry_sender_get_state (self);

  return (state == FERRY_SENDER_NEW && self->pipe != NULL) || refuse_state (state, error);
}

/* router's thread: checks that the sender's pipe belongs to the router that has this monitor. */
gboolean
ferry_sender_belongs_to (FerrySender *self, FerryMonitor *monitor, GError **error)
{
  if (self->pipe != NULL && self->pipe->monitor == monitor)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                          "The sender %" G_GUINT64_FORMAT
                          " belongs to another router, or its pipe was opened before this router was stopped; "
                          "open a pipe with the running router",
                          self->connection_id);
}

/* router's thread: marks the sender as passed to a worker. It cannot be used in this process any more. */
gboolean
ferry_sender_pass (FerrySender *self, GError **error)
{
  if (!ferry_sender_can_be_passed (self, error))
    return FALSE;
  /* Another thread may have started the sender meanwhile. */
  if (!ferry_pipe_take (self->pipe))
    return ferry_sender_can_be_passed (self, error) && refuse_closed (self, error);
  atomic_store_explicit (&self->state, FERRY_SENDER_PASSED, memory_order_release);
  return TRUE;
}

gboolean
ferry_sender_is_new (FerrySender *self)
{
  return ferry_sender_get_state (self) == FERRY_SENDER_NEW;
}

gboolean
ferry_sender_is_latest (FerrySender *self)
{
  return self->cell != FERRY_NO_CELL;
}

/* const once the sender has an uplink: returns the pipe's index in the pipe table of the uplink. */
guint
ferry_sender_get_index (FerrySender *self)
{
  return self->index;
}

/* (transfer none) (nullable): returns the uplink, which is set once, before the sender is started. */
FerryUplink *
ferry_sender_get_uplink (FerrySender *self)
{
  return self->uplink;
}

/* const: (transfer none) (nullable): returns the pipe, whose main fields are the router's; NULL in a worker. */
FerryPipe *
ferry_sender_get_pipe (FerrySender *self)
{
  return self->pipe;
}

/* Makes a link for a sender in the application, with both ends in this process. */
static gboolean
start_locally (FerrySender *self, GError **error)
{
  g_autoptr (FerryUplink) uplink = NULL;
  g_autoptr (FerryLink) link = ferry_pipe_new_link (self->pipe, "local sender", error);

  if (link == NULL)
    return FALSE;
  link->local = link->trusted = TRUE;
  uplink = ferry_uplink_new_local (link, self->pipe->router_thread, error);
  if (uplink == NULL)
    return FALSE;
  ferry_clear_fd (&link->memory);
  if (!ferry_pipe_take (self->pipe))
    return refuse_closed (self, error);
  if (!ferry_pipe_add_link (self->pipe, link, error))
    return FALSE;
  set_uplink (self, uplink);
  return TRUE;
}

/**
 * ferry_sender_start:
 * @self: a sender
 * @error: return location for an error
 *
 * Starts the sender, which can then send messages. A sender must be started only once. In a worker, it then lives until
 * [method@Ferry.Sender.stop]. Any thread.
 *
 * Fails with %FERRY_ERROR_ALREADY_STARTED when the sender was started or passed to a worker before;
 * %FERRY_ERROR_STOPPED when it was stopped; %FERRY_ERROR_CLOSED when the pipe is closed; and %FERRY_ERROR_SYSTEM when
 * the system cannot give it memory or descriptors.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_sender_start (FerrySender *self, GError **error)
{
  gint is_new = FERRY_SENDER_NEW;
  FerrySenderState state;

  g_return_val_if_fail (FERRY_IS_SENDER (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  state = ferry_sender_get_state (self);
  if (state != FERRY_SENDER_NEW)
    return refuse_state (state, error);
  if (self->uplink == NULL && !start_locally (self, error))
    return FALSE;
  /* Only a stop tells the receiver that the work is done. A worker that drops its references may be about to fail, so
   * the sender keeps itself until it is stopped. */
  if (is_granted (self))
    g_object_ref (self);
  /* Release: pairs with ferry_sender_get_state(), so that uplink is visible to a thread that reads STARTED. */
  if (atomic_compare_exchange_strong_explicit (&self->state, &is_new, FERRY_SENDER_STARTED, memory_order_release,
                                               memory_order_relaxed))
    return TRUE;
  if (is_granted (self))
    g_object_unref (self);
  return refuse_state ((FerrySenderState) is_new, error);
}

/**
 * ferry_sender_stop:
 * @self: a sender
 * @error: return location for an error
 *
 * Stops the sender: the receiver emits `closed` with the reason %FERRY_CLOSE_REASON_STOPPED after the last message.
 * This function never waits, even when the lane is full. Any thread.
 *
 * Fails with %FERRY_ERROR_NOT_STARTED or %FERRY_ERROR_STOPPED when the sender is not started or was stopped before.
 * Fails with %FERRY_ERROR_PROTOCOL when the other end has damaged the lane.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_sender_stop (FerrySender *self, GError **error)
{
  FerrySenderState state;

  g_return_val_if_fail (FERRY_IS_SENDER (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  state = ferry_sender_get_state (self);
  if (state == FERRY_SENDER_STARTED)
    {
      gboolean locked = ferry_uplink_lock (self->uplink);

      state = ferry_sender_get_state (self);
      if (state == FERRY_SENDER_STARTED)
        return stop_locked (self, locked) || ferry_sender_refuse_wait (self, FERRY_WAIT_BROKEN, error);
      ferry_uplink_unlock (self->uplink, locked);
    }
  return refuse_state (state, error);
}

/* worker, any thread: stops a sender that was granted, also one that was never started and must not be started any
 * more. */
void
ferry_sender_end (FerrySender *self)
{
  gint state = FERRY_SENDER_NEW;

  /* Relaxed: no other data goes with the state. */
  if (!atomic_compare_exchange_strong_explicit (&self->state, &state, FERRY_SENDER_STOPPED, memory_order_relaxed,
                                                memory_order_relaxed))
    ferry_sender_stop (self, NULL);
}

/* const: returns the connection id of the pipe. */
guint64
ferry_sender_get_connection_id (FerrySender *self)
{
  return self->connection_id;
}
