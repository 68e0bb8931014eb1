/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker process, as the application sees it: its link, its sandbox, whether it is late, and its end. */

#include "config.h"

#include "process/ferry-worker-private.h"

#include <signal.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-property-private.h"
#include "base/ferry-registry-private.h"
#include "engine/ferry-exit-private.h"
#include "ferry-enums.h"
#include "process/ferry-attachment-private.h"
#include "process/ferry-launcher-private.h"
#include "route/ferry-given-sender-private.h"

/* When it is said that a worker is waited for: after this time, or after so many tenths of the time that it has. */
#define LATE_AFTER (3 * G_USEC_PER_SEC)
#define LATE_TENTHS 3

/* It is found out so long before, and said then. What the main loop had no time to handle meanwhile may be that the
 * worker has attached. */
#define LATE_DOUBT (G_USEC_PER_SEC / 10)

/* How many identifiers a worker has: that of bubblewrap, and then its own. */
#define MAX_IDENTIFIERS 2

/* The log domain of the lines that workers wrote to logged streams. */
#define LOG_DOMAIN "Ferry-Worker"

/**
 * FerryWorker:
 *
 * A worker process, as an object of the application.
 *
 * [method@Ferry.Launcher.spawn] makes a worker. The worker belongs to the router's thread, and the router holds a
 * reference until the process has ended. In every state of the worker, the process is killed when the application ends.
 *
 * A worker process has no object of this kind. The process calls [func@Ferry.Worker.get_sender].
 */
struct _FerryWorker
{
  GObject parent_instance;

  FerryRegistered registered;
  char *name;              /* const: (owned) */
  FerryLink *link;         /* main: (owned) (nullable): NULL when the worker has ended */
  FerryMonitor *monitor;   /* const: (owned) */
  FerryAffinity *affinity; /* const: (owned): the router's */
  /* The router's thread adds to these, and changes none, so any thread may keep one while it has a reference. */
  char identifiers[MAX_IDENTIFIERS][12];
  _Atomic guint n_identifiers;      /* any thread reads it; the router's thread writes it */
  _Atomic guint state;              /* a FerryWorkerState; any thread reads it; the router's thread writes it */
  FerrySandboxStrength strength;    /* main; so are the members below */
  FerryExit *exit;                  /* (owned) (nullable) */
  guint64 output_call;              /* FerryOutputLine.call of the line of the latest signal output */
  FerryTaskNameFunc task_name_func; /* (nullable): returns the name of the running task */
  gpointer task_name_data;
  FerryTimers *timers; /* (unowned) (nullable): the router's, which lives until the worker has ended */
  FerryTimer late;     /* runs while the worker is waited for */
  gint64 attach_timeout;
  gboolean is_forked;      /* a fork server was asked for the process */
  FerryLateFunc late_func; /* (nullable) */
  gpointer late_data;
};

enum
{
  PROP_NAME = 1,
  PROP_IDENTIFIER,
  PROP_STATE,
  PROP_EXIT,
  PROP_SANDBOX_STRENGTH,
  PROP_TASK_NAME,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];
static guint ended_signal;
static guint output_signal;

G_DEFINE_FINAL_TYPE (FerryWorker, ferry_worker, G_TYPE_OBJECT)

static void
ferry_worker_dispose (GObject *object)
{
  ferry_registry_remove (&FERRY_WORKER (object)->registered);
  G_OBJECT_CLASS (ferry_worker_parent_class)->dispose (object);
}

static void
ferry_worker_finalize (GObject *object)
{
  FerryWorker *self = FERRY_WORKER (object);

  g_free (self->name);
  g_clear_pointer (&self->link, ferry_link_unref);
  g_clear_pointer (&self->monitor, ferry_monitor_unref);
  g_clear_pointer (&self->affinity, ferry_affinity_unref);
  g_clear_object (&self->exit);

  G_OBJECT_CLASS (ferry_worker_parent_class)->finalize (object);
}

/* main: (transfer full) (nullable): the name of the task that the worker runs. */
static char *
get_task_name (FerryWorker *self)
{
  return self->task_name_func != NULL ? self->task_name_func (self, self->task_name_data) : NULL;
}

static void
ferry_worker_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryWorker *self = FERRY_WORKER (object);

  if (property_id == PROP_NAME)
    g_value_set_string (value, self->name);
  else if (property_id == PROP_IDENTIFIER)
    g_value_set_string (value, ferry_worker_get_identifier (self));
  else if (property_id == PROP_STATE)
    g_value_set_enum (value, (int) self->state);
  else if (!ferry_affinity_check_property (self->affinity, pspec))
    return;
  else if (property_id == PROP_EXIT)
    g_value_set_object (value, self->exit);
  else if (property_id == PROP_TASK_NAME)
    g_value_take_string (value, get_task_name (self));
  else
    g_value_set_flags (value, self->strength);
}

static void
install_properties (GObjectClass *object_class)
{
  /**
   * FerryWorker:name:
   *
   * The name of the worker ([property@Ferry.Launcher:name]), or else of its program, for messages to people. Any
   * thread.
   */
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, FERRY_READABLE);
  /**
   * FerryWorker:identifier: (getter get_identifier)
   *
   * The process id, as text; %NULL until the process was started. It stays when the process has ended. Any thread may
   * read this.
   */
  properties[PROP_IDENTIFIER] = g_param_spec_string ("identifier", NULL, NULL, NULL, FERRY_READABLE);
  /**
   * FerryWorker:state: (getter get_state)
   *
   * The state of the worker.
   */
  properties[PROP_STATE] =
    g_param_spec_enum ("state", NULL, NULL, FERRY_TYPE_WORKER_STATE, FERRY_WORKER_STATE_STARTING, FERRY_READABLE);
  /**
   * FerryWorker:exit:
   *
   * The exit record, which says how the worker ended; %NULL until just before [signal@Ferry.Worker::ended] is emitted.
   * On the router's thread.
   */
  properties[PROP_EXIT] = g_param_spec_object ("exit", NULL, NULL, FERRY_TYPE_EXIT, FERRY_READABLE);
  /**
   * FerryWorker:sandbox-strength:
   *
   * The layers of the sandbox that the process really has. It was started with some, and reported to have entered
   * others before it attached. %FERRY_SANDBOX_STRENGTH_NONE before %FERRY_WORKER_STATE_OPEN, and without a sandbox. On
   * the router's thread.
   */
  properties[PROP_SANDBOX_STRENGTH] = g_param_spec_flags ("sandbox-strength", NULL, NULL, FERRY_TYPE_SANDBOX_STRENGTH,
                                                          FERRY_SANDBOX_STRENGTH_NONE, FERRY_NOTIFIED);
  /**
   * FerryWorker:task-name:
   *
   * The name of the task that a worker of a [class@Ferry.Pool] runs, or was sent to run next; %NULL for none. It is
   * looked up whenever it is read, and changes are not notified of: a worker may run 100,000 tasks a second. On the
   * router's thread.
   */
  properties[PROP_TASK_NAME] = g_param_spec_string ("task-name", NULL, NULL, NULL, FERRY_READABLE);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_worker_class_init (FerryWorkerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ferry_worker_dispose;
  object_class->finalize = ferry_worker_finalize;
  object_class->get_property = ferry_worker_get_property;
  install_properties (object_class);

  /**
   * FerryWorker::ended:
   * @self: the worker
   * @exit: the exit record, which says how the worker ended
   *
   * Emitted once on the router's thread, after the process has ended, its messages were delivered, and the receivers of
   * its pipes have emitted `closed`.
   */
  ended_signal = g_signal_new ("ended", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                               g_cclosure_marshal_VOID__OBJECT, G_TYPE_NONE, 1, FERRY_TYPE_EXIT);
  g_signal_set_va_marshaller (ended_signal, G_TYPE_FROM_CLASS (klass), g_cclosure_marshal_VOID__OBJECTv);

  /**
   * FerryWorker::output:
   * @self: the worker
   * @stream: %FERRY_STREAM_STDOUT or %FERRY_STREAM_STDERR
   * @line: the line, without its line end
   *
   * Emitted on the router's thread for each line that the worker wrote to a logged stream
   * (%FERRY_STREAM_MODE_LOG). Also emitted for a line that is shown, as it is by default, unless the main loop is far
   * behind ([enum@Ferry.StreamMode]). All lines are emitted before [signal@Ferry.Worker::ended].
   */
  output_signal = g_signal_new ("output", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 2, FERRY_TYPE_STREAM, G_TYPE_STRING);
}

static void
ferry_worker_init (FerryWorker *self)
{
}

/* main: makes the object for the worker process at the other end of link. */
FerryWorker *
ferry_worker_new (FerryLink *link, FerryRouter *router)
{
  FerryWorker *self = g_object_new (FERRY_TYPE_WORKER, NULL);

  self->name = g_strdup (link->name);
  self->link = ferry_link_ref (link);
  self->monitor = ferry_monitor_ref (router->monitor);
  self->affinity = ferry_affinity_ref (router->affinity);
  ferry_registry_add (&self->registered, FERRY_KIND_WORKER, self, NULL);
  return self;
}

guint64
ferry_worker_get_output_call (FerryWorker *self)
{
  return self->output_call;
}

/* main: returns (transfer none) (nullable) the worker's link; NULL when the worker has ended. */
FerryLink *
ferry_worker_get_link (FerryWorker *self)
{
  return self->link;
}

FerryAffinity *
ferry_worker_get_affinity (FerryWorker *self)
{
  return self->affinity;
}

static void
launched (gpointer data, GPid pid)
{
  FerryWorker *self = data;
  guint n = atomic_load_explicit (&self->n_identifiers, memory_order_relaxed);

  g_assert (n < MAX_IDENTIFIERS);

  g_snprintf (self->identifiers[n], sizeof self->identifiers[n], "%d", (int) pid);
  /* Release: with the load in ferry_worker_get_identifier(), which reads the text after it. */
  atomic_store_explicit (&self->n_identifiers, n + 1, memory_order_release);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_IDENTIFIER]);
}

static void
set_state (FerryWorker *self, FerryWorkerState state)
{
  self->state = state;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
}

/* Copies what the process reported of its sandbox. No data race: the monitor does not change link->confinement any
 * more, and the local queue orders this read after the monitor's last write. */
static void
take_confinement (FerryWorker *self)
{
  const FerryConfinement *confinement = &self->link->confinement;

  if (self->strength != (FerrySandboxStrength) confinement->layers)
    {
      self->strength = (FerrySandboxStrength) confinement->layers;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SANDBOX_STRENGTH]);
    }
  if (confinement->pid != 0 && ferry_worker_get_process_number (self) != confinement->pid)
    launched (self, confinement->pid);
}

/* (transfer full): says what the worker is waited for. How long that takes is the machine's doing as often as the
 * program's, so this blames neither. */
static char *
describe_wait (FerryWorker *self)
{
  const char *program = self->link->program != NULL ? self->link->program : self->name;
  const char *identifier = ferry_worker_get_identifier (self);

  if (identifier == NULL)
    return g_strdup_printf ("Waiting for worker '%s': %s '%s' is starting", self->name,
                            self->is_forked ? "the fork server of the program" : "the program", program);
  return g_strdup_printf ("Waiting for worker '%s' (process %s): the program '%s' is starting", self->name, identifier,
                          program);
}

static void
say_late (gpointer data)
{
  FerryWorker *self = data;
  g_autofree char *text = describe_wait (self);

  g_debug ("%s", text);
  if (self->late_func != NULL)
    self->late_func (self, text, self->late_data);
}

/* Returns the time after which it is said that the worker is waited for. */
static gint64
get_late_time (FerryWorker *self)
{
  return self->attach_timeout > 0 ? MIN (self->attach_timeout / 10 * LATE_TENTHS, LATE_AFTER) : LATE_AFTER;
}

static gint64
get_doubt_time (FerryWorker *self)
{
  return MIN (get_late_time (self) / 2, LATE_DOUBT);
}

static void
doubt (gpointer data)
{
  FerryWorker *self = data;

  ferry_timers_set (self->timers, &self->late, g_get_monotonic_time () + get_doubt_time (self), say_late, self);
}

void
ferry_worker_set_late_func (FerryWorker *self, FerryLateFunc func, gpointer data)
{
  self->late_func = func;
  self->late_data = data;
}

void
ferry_worker_expect (FerryWorker *self, FerryTimers *timers, gint64 timeout)
{
  self->timers = timers;
  self->attach_timeout = timeout;
  ferry_timers_set (timers, &self->late, g_get_monotonic_time () + get_late_time (self) - get_doubt_time (self), doubt,
                    self);
}

void
ferry_worker_set_forked (FerryWorker *self)
{
  self->is_forked = TRUE;
}

static void
expect_no_more (FerryWorker *self)
{
  if (self->timers != NULL)
    ferry_timers_drop (self->timers, &self->late);
}

static void
attached (gpointer data)
{
  expect_no_more (data);
  take_confinement (data);
  set_state (data, FERRY_WORKER_STATE_OPEN);
}

static void
log_line (FerryWorker *self, guint stream, const char *line)
{
  gboolean is_error = stream == FERRY_STREAM_STDERR;
  g_autofree char *task = get_task_name (self);
  GLogField fields[] = {
    {"MESSAGE", line, -1},
    {"PRIORITY", is_error ? "5" : "6", -1},
    {"GLIB_DOMAIN", LOG_DOMAIN, -1},
    {"FERRY_WORKER", self->name, -1},
    {"FERRY_PID", ferry_worker_get_identifier (self), -1},
    {"FERRY_STREAM", is_error ? "stderr" : "stdout", -1},
    {"FERRY_TASK", task, -1},
  };

  g_log_structured_array (is_error ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_INFO, fields,
                          G_N_ELEMENTS (fields) - (task == NULL));
}

/* The monitor has shown the lines that are to be shown. An empty line says nothing in a log. GLib itself writes one
 * before each warning. */
static void
output (gpointer data, guint stream, guint64 call, const char *line)
{
  FerryWorker *self = data;

  if (!self->link->output->pipes[stream - 1].shown && line[0] != '\0')
    log_line (self, stream, line);
  self->output_call = call;
  g_signal_emit (self, output_signal, 0, (FerryStream) stream, line);
}

/* Of one that the application has killed, the task tells where it was. */
static void
log_crash (FerryExit *exit)
{
  if (ferry_exit_has_crashed (exit))
    g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "MESSAGE", "%s. It was here:\n%s", ferry_exit_get_message (exit),
                      ferry_exit_get_backtrace (exit));
}

static void
ended (gpointer data, FerryExit *exit)
{
  FerryWorker *self = data;

  log_crash (exit);
  expect_no_more (self);
  self->exit = g_object_ref (exit);
  /* A worker that ended early may not have attached, so attached() may not have done this. */
  take_confinement (self);
  g_clear_pointer (&self->link, ferry_link_unref);
  set_state (self, FERRY_WORKER_STATE_ENDED);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_EXIT]);
  g_signal_emit (self, ended_signal, 0, exit);
}

/* main: sets the function that names the worker's task in log lines. data must live as long as the worker. */
void
ferry_worker_set_task_name_func (FerryWorker *self, FerryTaskNameFunc func, gpointer data)
{
  self->task_name_func = func;
  self->task_name_data = data;
}

/* main: makes the observer of the link. It holds a reference to the worker until the link has ended. */
FerryLinkObserver *
ferry_worker_new_observer (FerryWorker *self)
{
  FerryLinkObserver *observer = g_new (FerryLinkObserver, 1);

  *observer = (FerryLinkObserver){launched, attached, output, ended, g_object_ref (self), g_object_unref};
  return observer;
}

/* const: (transfer none): returns the name of the worker, or else of its program. */
const char *
ferry_worker_get_name (FerryWorker *self)
{
  return self->name;
}

/**
 * ferry_worker_get_identifier:
 * @self: a worker
 *
 * Returns what the system calls the process, its process id, as text: for people, logs and tools, such as `gdb -p` and
 * `coredumpctl`. If the sandbox uses namespaces, this is bubblewrap's until the worker has attached. It stays when the
 * process has ended, and another process may have the same id then. So it is no number, which `kill()` would take: to
 * send a signal use [method@Ferry.Worker.send_signal]. Any thread may call this.
 *
 * Returns: (nullable): the identifier, which belongs to the worker; %NULL until the process was started
 */
const char *
ferry_worker_get_identifier (FerryWorker *self)
{
  guint n;

  g_return_val_if_fail (FERRY_IS_WORKER (self), NULL);

  /* Acquire: with the store in launched(), which wrote the text before it. */
  n = atomic_load_explicit (&self->n_identifiers, memory_order_acquire);
  return n > 0 ? self->identifiers[n - 1] : NULL;
}

GPid
ferry_worker_get_process_number (FerryWorker *self)
{
  const char *identifier = ferry_worker_get_identifier (self);

  return identifier != NULL ? (GPid) g_ascii_strtoll (identifier, NULL, 10) : 0;
}

/**
 * ferry_worker_get_state:
 * @self: a worker
 *
 * Returns the state of the worker. Any thread may call this.
 *
 * Returns: the state
 */
FerryWorkerState
ferry_worker_get_state (FerryWorker *self)
{
  g_return_val_if_fail (FERRY_IS_WORKER (self), FERRY_WORKER_STATE_ENDED);

  return (FerryWorkerState) self->state;
}

typedef struct
{
  FerryWorker *worker; /* (owned) */
  int number;
} Signal;

static void
signal_free (gpointer data)
{
  Signal *self = data;

  g_object_unref (self->worker);
  g_free (self);
}

/* main */
static void
signal_func (gpointer data)
{
  Signal *self = data;

  ferry_worker_send_signal (self->worker, self->number);
}

/**
 * ferry_worker_send_signal:
 * @self: a worker
 * @signal_number: the signal, such as `SIGTERM`
 *
 * Sends the process a signal, as soon as it was started: so this function can be called right after
 * [method@Ferry.Launcher.spawn]. Does nothing when the process has ended. No other process gets the signal, also where
 * the system has given the process id to another one. Any thread may call this; the signals of other threads than the
 * router's go through the router's main context.
 */
void
ferry_worker_send_signal (FerryWorker *self, int signal_number)
{
  const Signal signal = {self, signal_number};

  g_return_if_fail (FERRY_IS_WORKER (self));
  g_return_if_fail (signal_number > 0 && signal_number < NSIG);

  if (!ferry_affinity_is_own (self->affinity))
    {
      g_object_ref (self);
      ferry_affinity_invoke (self->affinity, signal_func, g_memdup2 (&signal, sizeof signal), signal_free);
    }
  else if (self->state != FERRY_WORKER_STATE_ENDED)
    ferry_monitor_send_signal (self->monitor, self->link, signal_number);
}

void
ferry_worker_end_in_order (FerryWorker *self)
{
  if (self->state != FERRY_WORKER_STATE_ENDED)
    ferry_monitor_end_in_order (self->monitor, self->link);
}

void
ferry_worker_set_stopped (FerryWorker *self, gboolean stopped)
{
  if (self->state != FERRY_WORKER_STATE_ENDED)
    ferry_monitor_signal_group (self->monitor, self->link, stopped ? SIGSTOP : SIGCONT);
}

/**
 * ferry_worker_force_exit:
 * @self: a worker
 *
 * Kills the process: as [method@Ferry.Worker.send_signal] with `SIGKILL`. The messages that it has sent are still
 * delivered. Any thread may call this.
 */
void
ferry_worker_force_exit (FerryWorker *self)
{
  g_return_if_fail (FERRY_IS_WORKER (self));

  ferry_worker_send_signal (self, SIGKILL);
}

/**
 * ferry_worker_add_sender:
 * @self: a worker
 * @name: the name by which the worker asks for the sender
 * @sender: a sender that is not started
 * @error: return location for an error
 *
 * Gives a sender to a worker that runs already; [method@Ferry.Launcher.add_sender] is for one that does not. The worker
 * gets the sender with [func@Ferry.Worker.get_sender] as soon as it has come to this place in what it is sent: in the
 * handler of a request that was sent later, for example. A worker of a pool reads nothing while a task runs, so give
 * the sender to the task instead ([method@Ferry.Task.add_sender]). On the router's thread.
 *
 * The pipe may be of any kind. It ends when the worker has stopped or dropped the sender, or has ended. Its receiver
 * may emit `closed` after [signal@Ferry.Worker::ended].
 *
 * Fails with %FERRY_ERROR_ALREADY_STARTED, %FERRY_ERROR_STOPPED or %FERRY_ERROR_CLOSED when the sender cannot be
 * passed; %FERRY_ERROR_BAD_ARGUMENTS when the name is empty, is longer than 255 bytes or begins with `ferry.`; and
 * %FERRY_ERROR_WRONG_THREAD. In other cases the pipe ends with the error: %FERRY_ERROR_WORKER_LOST when the worker has
 * ended; %FERRY_ERROR_BUSY when the worker has not taken earlier senders; and %FERRY_ERROR_SYSTEM.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_worker_add_sender (FerryWorker *self, const char *name, FerrySender *sender, GError **error)
{
  g_return_val_if_fail (FERRY_IS_WORKER (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (FERRY_IS_SENDER (sender), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_affinity_check_error (self->affinity, G_STRFUNC, error))
    return FALSE;
  if (name[0] == '\0' || strlen (name) > FERRY_MAX_SENDER_NAME || g_str_has_prefix (name, FERRY_RESERVED_SENDER_PREFIX))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "The sender cannot be given as '%s'; use a name of 1 to %d bytes that does not begin with "
                            "'" FERRY_RESERVED_SENDER_PREFIX "'",
                            name, FERRY_MAX_SENDER_NAME);
  if (self->link != NULL)
    return ferry_given_sender_pass (sender, self->link, name, error);
  return ferry_set_error (error, FERRY_ERROR_WORKER_LOST,
                          "Worker '%s' has ended, and takes no sender; start another one", self->name);
}

/**
 * ferry_worker_get_sender:
 * @name: the name with which the application called [method@Ferry.Launcher.add_sender] or
 *   [method@Ferry.Worker.add_sender]
 * @error: return location for an error
 *
 * Returns the sender named @name, in a worker process. The sender is not started yet. The first call attaches the
 * process to the application. Calls with the same name return the same sender while there is a reference to it; a
 * started one lives until it is stopped. Any thread may call this.
 *
 * Fails with %FERRY_ERROR_NOT_A_WORKER in a process that no [class@Ferry.Launcher] started, or that was forked from a
 * worker; and in a fork server, before [func@Ferry.Worker.main] has forked the worker. Fails with
 * %FERRY_ERROR_UNKNOWN_SENDER when the application passed no sender with that name. Fails with %FERRY_ERROR_STOPPED
 * when the sender was returned before, and was stopped, or dropped before it was started. When attaching fails, fails
 * with %FERRY_ERROR_PROTOCOL, %FERRY_ERROR_TIMED_OUT, %FERRY_ERROR_SYSTEM, or %FERRY_ERROR_VERSION when application and
 * worker have different versions of Ferry.
 *
 * Returns: (transfer full): the sender
 */
FerrySender *
ferry_worker_get_sender (const char *name, GError **error)
{
  g_return_val_if_fail (name != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!g_str_has_prefix (name, FERRY_RESERVED_SENDER_PREFIX))
    return ferry_attachment_get_sender (name, error);
  ferry_set_error (error, FERRY_ERROR_UNKNOWN_SENDER,
                   "The sender '%s' is Ferry's own; ask for a sender that the application added", name);
  return NULL;
}
