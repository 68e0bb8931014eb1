/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The object in front of the acceptor, which does the work.
 *
 * References: the acceptor knows the listener by a weak reference only, and a transport knows the acceptor, for its
 * seat. So whoever drops the listener ends the thread, on a thread that is never the acceptor's. */

#include "config.h"

#include "channel/ferry-listener.h"

#include <stdlib.h>
#include <sys/auxv.h>

#include "base/ferry-base-private.h"
#include "base/ferry-cond-private.h"
#include "channel/ferry-acceptor-private.h"
#include "worker/ferry-launcher-private.h"

/**
 * FerryListener:
 *
 * What makes a process a persistent worker: an address, to which an application attaches, leaves, and attaches again,
 * be it another one. What the worker computes and keeps goes on meanwhile.
 *
 * The address is a path, or a name in the abstract namespace with an “@” before it; a path in `XDG_RUNTIME_DIR` is the
 * better choice, since it has permissions of its own and can be waited for. It has one owner: a second one is refused.
 * Beside the socket there is a file with `.lock` behind the path. Both are removed when the listener is closed and when
 * the process calls `exit()`; what a killed process leaves behind is replaced by the next owner. A child that is forked
 * without executing another program shares the ownership as long as it runs.
 *
 * An application attaches by [func@Ferry.Transport.connect_to]. Each one that is let in is told of by
 * [signal@Ferry.Listener::attached] after [method@Ferry.Listener.start]; a worker without a main loop takes it by
 * [method@Ferry.Listener.accept]. It has left when its transport is closed, at either end. One application is attached
 * at a time unless [property@Ferry.Listener:max-attached] says otherwise; who comes meanwhile gets %FERRY_ERROR_BUSY.
 * Those who come again before their last leaving was noticed wait for that, for a second at the most. An application
 * that closes its transport leaves a moment later, when what it had sent is written; until then another process finds
 * the worker busy.
 *
 * Only processes of the same user may attach, and those of [method@Ferry.Listener.allow_user]; the kernel says who
 * they are. Others get %FERRY_ERROR_NOT_ALLOWED, and are logged, once a minute at the most.
 *
 * Any thread may use it, where nothing else is said.
 *
 * Since: 0.1
 */
struct _FerryListener
{
  GObject parent_instance;

  FerryHome *home;         /* const: (owned) */
  FerryAcceptor *acceptor; /* const: (owned) */
  char *address;           /* const: (owned) */
};

G_DEFINE_FINAL_TYPE (FerryListener, ferry_listener, G_TYPE_OBJECT)

enum
{
  PROP_MAX_ATTACHED = 1,
  PROP_N_ATTACHED,
  N_PROPERTIES,
};

enum
{
  ATTACHED,
  N_SIGNALS,
};

static GParamSpec *properties[N_PROPERTIES];
static guint signals[N_SIGNALS];

/* ---- news, in the context ---- */

static FerryTransport *
take (FerryAcceptor *acceptor)
{
  FerryTransport *transport;

  pthread_mutex_lock (&acceptor->lock);
  transport = ferry_acceptor_take_locked (acceptor);
  pthread_mutex_unlock (&acceptor->lock);
  return transport;
}

static gboolean
news_cb (gpointer data)
{
  FerryAcceptor *acceptor = data;
  g_autoptr (FerryListener) self = g_weak_ref_get (&acceptor->listener);
  FerryTransport *transport;

  /* What comes from now on is told by another call. */
  pthread_mutex_lock (&acceptor->lock);
  acceptor->telling = FALSE;
  pthread_mutex_unlock (&acceptor->lock);
  if (self == NULL)
    return G_SOURCE_REMOVE;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_ATTACHED]);
  while ((transport = take (acceptor)) != NULL)
    {
      g_signal_emit (self, signals[ATTACHED], 0, transport);
      g_object_unref (transport);
    }
  return G_SOURCE_REMOVE;
}

/* ---- the object ---- */

static void
ferry_listener_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FerryListener *self = FERRY_LISTENER (object);

  switch (id)
    {
    case PROP_MAX_ATTACHED:
      g_value_set_uint (value, ferry_listener_get_max_attached (self));
      break;
    case PROP_N_ATTACHED:
      g_value_set_uint (value, ferry_listener_get_n_attached (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
ferry_listener_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_MAX_ATTACHED)
    ferry_listener_set_max_attached (FERRY_LISTENER (object), g_value_get_uint (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
ferry_listener_finalize (GObject *object)
{
  FerryListener *self = FERRY_LISTENER (object);

  if (self->acceptor != NULL)
    {
      ferry_acceptor_stop (self->acceptor);
      ferry_acceptor_unref (self->acceptor);
    }
  g_free (self->address);
  ferry_home_unref (self->home);

  G_OBJECT_CLASS (ferry_listener_parent_class)->finalize (object);
}

static void
ferry_listener_class_init (FerryListenerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_listener_get_property;
  object_class->set_property = ferry_listener_set_property;
  object_class->finalize = ferry_listener_finalize;

  /**
   * FerryListener:max-attached:
   *
   * How many applications are attached at once at the most.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_ATTACHED] =
    g_param_spec_uint ("max-attached", NULL, NULL, 1, G_MAXUINT, 1, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  /**
   * FerryListener:n-attached:
   *
   * How many applications are attached. Once the listener was started, notified where it was started.
   *
   * Since: 0.1
   */
  properties[PROP_N_ATTACHED] =
    g_param_spec_uint ("n-attached", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);

  /**
   * FerryListener::attached:
   * @self: a listener
   * @transport: what the application is asked and answered over
   *
   * An application has attached. Who wants to talk to it takes a reference to @transport, or makes a
   * [class@Ferry.Mux] or [class@Ferry.Demux] of it; otherwise it is closed after this. What was asked already waits.
   * Emitted in the context in which the listener was started.
   *
   * Since: 0.1
   */
  signals[ATTACHED] = g_signal_new ("attached", FERRY_TYPE_LISTENER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                    G_TYPE_NONE, 1, FERRY_TYPE_TRANSPORT);
}

static void
ferry_listener_init (FerryListener *self)
{
  self->home = ferry_home_new_here ();
}

/**
 * ferry_listener_new:
 * @address: (type filename): a path, or “@” and an abstract name
 * @error: return location for an error
 *
 * Takes an address over. From now on applications can connect, and wait until the listener is started or accepts.
 *
 * A socket gets the mode 0600. The folder must be there; one that others may write to should be sticky, as `/tmp` is.
 * Any thread.
 *
 * Fails with %FERRY_ERROR_ALREADY_RUNNING where another listener, of this process or another, has the address; the
 * message names it. With %FERRY_ERROR_BAD_ARGUMENTS for an address that cannot be one, or a path at which something
 * else is, with %FERRY_ERROR_NOT_ALLOWED where permissions are missing, and with %FERRY_ERROR_SYSTEM.
 *
 * Returns: (transfer full): a listener, or %NULL with @error set
 *
 * Since: 0.1
 */
FerryListener *
ferry_listener_new (const char *address, GError **error)
{
  g_autoptr (FerryListener) self = NULL;
  g_autoptr (FerryBinding) binding = NULL;

  g_return_val_if_fail (address != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  binding = ferry_binding_new (address, error);
  if (binding == NULL)
    return NULL;
  self = g_object_new (FERRY_TYPE_LISTENER, NULL);
  self->address = g_strdup (binding->address.text);
  self->acceptor = ferry_acceptor_new (g_steal_pointer (&binding), error);
  if (self->acceptor == NULL)
    return NULL;
  g_weak_ref_set (&self->acceptor->listener, self);
  return g_steal_pointer (&self);
}

/**
 * ferry_listener_new_from_environment:
 * @error: return location for an error
 *
 * Takes over the address that the process was given by [method@Ferry.Launcher.spawn_persistent], in the variable
 * `FERRY_LISTEN_ADDRESS`, and removes that from the environment, which is for a time without other threads.
 *
 * Any thread.
 *
 * Fails as [ctor@Ferry.Listener.new] does, and with %FERRY_ERROR_NOT_A_WORKER where no address was given.
 *
 * Returns: (transfer full): a listener, or %NULL with @error set
 *
 * Since: 0.1
 */
FerryListener *
ferry_listener_new_from_environment (GError **error)
{
  g_autofree char *address = NULL;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  address = getauxval (AT_SECURE) != 0 ? NULL : g_strdup (g_getenv (FERRY_LISTEN_ADDRESS_VARIABLE));
  if (address == NULL)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_NOT_A_WORKER,
                           "This process was given no address to listen at: start it with a launcher, or set "
                           "“" FERRY_LISTEN_ADDRESS_VARIABLE "”");
      return NULL;
    }
  g_unsetenv (FERRY_LISTEN_ADDRESS_VARIABLE);
  return ferry_listener_new (address, error);
}

/**
 * ferry_listener_get_address:
 * @self: a listener
 *
 * Gets the address at which applications find the worker. Any thread.
 *
 * Returns: (type filename): the address; of a path, the absolute one
 *
 * Since: 0.1
 */
const char *
ferry_listener_get_address (FerryListener *self)
{
  g_return_val_if_fail (FERRY_IS_LISTENER (self), NULL);

  return self->address;
}

/**
 * ferry_listener_set_max_attached:
 * @self: a listener
 * @max_attached: how many, at least 1
 *
 * Sets how many applications are attached at once at the most. Those beyond it that are attached already stay. Any
 * thread.
 *
 * Since: 0.1
 */
void
ferry_listener_set_max_attached (FerryListener *self, guint max_attached)
{
  gboolean changed;

  g_return_if_fail (FERRY_IS_LISTENER (self));
  g_return_if_fail (max_attached > 0);

  pthread_mutex_lock (&self->acceptor->lock);
  changed = self->acceptor->max_attached != max_attached;
  self->acceptor->max_attached = max_attached;
  pthread_mutex_unlock (&self->acceptor->lock);
  ferry_acceptor_wake (self->acceptor);
  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MAX_ATTACHED]);
}

/**
 * ferry_listener_get_max_attached:
 * @self: a listener
 *
 * Gets the number of applications that may be attached at once. Any thread.
 *
 * Returns: how many applications are attached at once at the most
 *
 * Since: 0.1
 */
guint
ferry_listener_get_max_attached (FerryListener *self)
{
  guint max_attached;

  g_return_val_if_fail (FERRY_IS_LISTENER (self), 0);

  pthread_mutex_lock (&self->acceptor->lock);
  max_attached = self->acceptor->max_attached;
  pthread_mutex_unlock (&self->acceptor->lock);
  return max_attached;
}

/**
 * ferry_listener_set_greeting_timeout:
 * @self: a listener
 * @timeout: how many microseconds, at least 1
 *
 * Sets how long an application that connects from now on may take to say that it is one; 5 seconds by default. Who
 * takes longer is hung up on. Meanwhile others are served. Any thread.
 *
 * Since: 0.1
 */
void
ferry_listener_set_greeting_timeout (FerryListener *self, gint64 timeout)
{
  g_return_if_fail (FERRY_IS_LISTENER (self));
  g_return_if_fail (timeout > 0);

  pthread_mutex_lock (&self->acceptor->lock);
  self->acceptor->hello_time = timeout;
  pthread_mutex_unlock (&self->acceptor->lock);
}

/**
 * ferry_listener_allow_user:
 * @self: a listener that was not closed
 * @user: the number of a user
 *
 * Lets applications of another user attach as well. The socket gets the mode 0666: it is the listener that says no to
 * the others. An application takes a worker of its own user or of root only, so this is for workers of root. Before
 * the listener is started or accepts. Any thread.
 *
 * Since: 0.1
 */
void
ferry_listener_allow_user (FerryListener *self, guint user)
{
  uid_t uid = (uid_t) user;

  g_return_if_fail (FERRY_IS_LISTENER (self));
  ferry_return_if_fail (self->acceptor->binding != NULL,
                        "the listener was closed; call this before ferry_listener_start() or ferry_listener_accept()");

  pthread_mutex_lock (&self->acceptor->lock);
  g_array_append_val (self->acceptor->users, uid);
  pthread_mutex_unlock (&self->acceptor->lock);
  ferry_binding_open_to_all (self->acceptor->binding);
}

/**
 * ferry_listener_get_n_attached:
 * @self: a listener
 *
 * Counts the applications that are attached. Those count as well that no handler was told of yet. Any thread.
 *
 * Returns: how many applications are attached, those included that nobody was told of yet
 *
 * Since: 0.1
 */
guint
ferry_listener_get_n_attached (FerryListener *self)
{
  guint n;

  g_return_val_if_fail (FERRY_IS_LISTENER (self), 0);

  pthread_mutex_lock (&self->acceptor->lock);
  n = self->acceptor->seats->len;
  pthread_mutex_unlock (&self->acceptor->lock);
  return n;
}

/**
 * ferry_listener_start:
 * @self: a listener
 * @error: return location for an error
 *
 * Lets applications in, and tells of each by [signal@Ferry.Listener::attached], in the main context that is the
 * thread's default now. Does nothing where the listener was started. On the thread that made the listener.
 *
 * Returns: whether it could; if not, with %FERRY_ERROR_CLOSED or %FERRY_ERROR_SYSTEM
 *
 * Since: 0.1
 */
gboolean
ferry_listener_start (FerryListener *self, GError **error)
{
  gboolean closed;

  g_return_val_if_fail (FERRY_IS_LISTENER (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_home_check_error (self->home, G_STRFUNC, error))
    return FALSE;
  pthread_mutex_lock (&self->acceptor->lock);
  closed = self->acceptor->stopped;
  if (!closed && self->acceptor->context == NULL)
    {
      self->acceptor->context = g_main_context_ref_thread_default ();
      self->acceptor->news = news_cb;
    }
  pthread_mutex_unlock (&self->acceptor->lock);
  if (closed)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "The listener was closed; make another one");
      return FALSE;
    }
  return ferry_acceptor_start (self->acceptor, error);
}

static void
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  FerryAcceptor *acceptor = data;

  pthread_mutex_lock (&acceptor->lock);
  pthread_cond_broadcast (&acceptor->changed);
  pthread_mutex_unlock (&acceptor->lock);
}

/* Returns NULL with an error, or without one where the time was over. */
static FerryTransport *
wait_for_one (FerryAcceptor *acceptor, gint64 deadline, GCancellable *cancellable, GError **error)
{
  FerryTransport *transport;
  gboolean in_time = TRUE;

  pthread_mutex_lock (&acceptor->lock);
  while ((transport = ferry_acceptor_take_locked (acceptor)) == NULL && in_time && !acceptor->stopped &&
         !g_cancellable_is_cancelled (cancellable))
    in_time = ferry_cond_wait_until (&acceptor->changed, &acceptor->lock, deadline);
  if (transport == NULL && acceptor->stopped)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "The listener was closed; nobody can attach any more");
  pthread_mutex_unlock (&acceptor->lock);
  return transport;
}

/**
 * ferry_listener_accept:
 * @self: a listener that was not started
 * @timeout: how long to wait, in microseconds; negative for any time, 0 for not at all
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Waits until an application attaches. One that has left again before is passed over. For a worker without a main
 * loop; one thread at a time. Any thread.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT, %G_IO_ERROR_CANCELLED, %FERRY_ERROR_CLOSED when the listener is closed, with
 * %FERRY_ERROR_ALREADY_RUNNING where it was started, and %FERRY_ERROR_SYSTEM.
 *
 * Returns: (transfer full): what the application is asked and answered over, or %NULL with @error set
 *
 * Since: 0.1
 */
FerryTransport *
ferry_listener_accept (FerryListener *self, gint64 timeout, GCancellable *cancellable, GError **error)
{
  gint64 deadline = ferry_deadline_after (timeout);
  g_autoptr (GError) failure = NULL;
  FerryTransport *transport;
  gboolean started;
  gulong id;

  g_return_val_if_fail (FERRY_IS_LISTENER (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  pthread_mutex_lock (&self->acceptor->lock);
  started = self->acceptor->context != NULL;
  pthread_mutex_unlock (&self->acceptor->lock);
  if (started)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_ALREADY_RUNNING,
                           "The listener was started: its signal “attached” tells of who attaches");
      return NULL;
    }
  if (!ferry_acceptor_start (self->acceptor, error))
    return NULL;
  id = cancellable != NULL ? g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), self->acceptor, NULL) : 0;
  transport = wait_for_one (self->acceptor, deadline, cancellable, &failure);
  g_cancellable_disconnect (cancellable, id);
  if (transport != NULL)
    return transport;
  if (failure != NULL)
    g_propagate_error (error, g_steal_pointer (&failure));
  else if (!g_cancellable_set_error_if_cancelled (cancellable, error))
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "No application attached in time");
  return NULL;
}

/**
 * ferry_listener_close:
 * @self: a listener
 *
 * Gives the address up: the socket is removed, and nobody attaches any more. Those who are attached stay. Does nothing
 * where it is closed. On the thread that made the listener.
 *
 * Since: 0.1
 */
void
ferry_listener_close (FerryListener *self)
{
  g_return_if_fail (FERRY_IS_LISTENER (self));
  ferry_return_if_elsewhere (self->home);

  ferry_acceptor_stop (self->acceptor);
}
