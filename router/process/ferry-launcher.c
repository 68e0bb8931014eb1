/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A launcher: describes workers, their program, environment, limits and senders, and starts them. A worker is executed,
 * or forked by a fork server. A persistent worker is executed, and outlives the application.
 *
 * A fork server has a launcher that starts its process. The launcher of the fork server's workers is another launcher.
 *
 * Threads: the router's thread, from the first use with a router on; before that any thread, one at a time. */

#include "config.h"

#include "process/ferry-launcher-private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/ferry-base-private.h"
#include "base/ferry-property-private.h"
#include "engine/ferry-shared-queue-private.h"
#include "ferry-enums.h"
#include "process/ferry-attachment-private.h"
#include "process/ferry-attributes-private.h"
#include "process/ferry-fork-server-main-private.h"
#include "process/ferry-sandbox-private.h"
#include "process/ferry-spawn-private.h"
#include "process/ferry-symbolizer-private.h"
#include "process/ferry-worker-private.h"
#include "route/ferry-router-private.h"
#include "route/ferry-sender-private.h"
#include "wire/ferry-lane-layout.h"

#define DEFAULT_ATTACH_TIMEOUT (10 * G_USEC_PER_SEC)
/* The variable that sets another default, in seconds: for debuggers, valgrind, sanitizers and slow machines. */
#define ATTACH_TIMEOUT_VARIABLE "FERRY_ATTACH_TIMEOUT"
#define MAX_ATTACH_TIMEOUT_SECONDS (365 * 24 * 60 * 60)
/* How much sooner than the application a worker is ended when memory ends. A share of a thousandth of the memory counts
 * 1, so a worker of any size goes before an application that has up to 30 % of the memory more. */
#define DEFAULT_OOM_SCORE_ADJUST 300
#define MAX_NAME 255
#define FERRY_N_STREAMS 3

typedef enum
{
  STREAM_USUAL = FERRY_STREAM_MODE_DEFAULT, /* output is shown, input inherited (get_stream_mode()) */
  STREAM_INHERITED = FERRY_STREAM_MODE_INHERIT,
  STREAM_SILENCED = FERRY_STREAM_MODE_SILENT,
  STREAM_LOGGED = FERRY_STREAM_MODE_LOG,
  STREAM_GIVEN = FERRY_STREAM_MODE_DESCRIPTOR,
  STREAM_SHOWN, /* a copy of each line goes to the application's own stream */
} StreamMode;

typedef struct
{
  char *name;             /* (owned) */
  FerrySender *sender;    /* (owned) */
  const char *entry;      /* (unowned): the function that the worker's program must call for the sender */
  FerryPassedFunc passed; /* (nullable): NULL once it was called */
  gpointer passed_data;
} NamedSender;

/**
 * FerryLauncher:
 *
 * A description of workers: their program and arguments, environment, working directory and standard streams, and the
 * senders that are passed to them.
 *
 * A launcher is used like #GSubprocessLauncher: set it up, then call [method@Ferry.Launcher.spawn]. A launcher can
 * spawn several workers. The senders are passed to the next worker only, so they are added again for each; all other
 * settings stay.
 *
 * A worker has the user, the file mode mask and the limits that the application has when the worker is started, and the
 * nice value and cores of the router's thread; a fork server sees to that too ([class@Ferry.ForkServer]). A worker
 * inherits standard input. Each line of its standard output and error is shown on the application's own,
 * behind the worker's name and process id ([enum@Ferry.StreamMode]). A worker inherits no other
 * descriptors. A worker is in a process group of its own, so the Ctrl-C of the application's terminal does not reach
 * it. When a worker ends, the processes that it started in that group are killed. The whole group is killed when the
 * application ends or is killed. Processes that leave the group by `setsid()` or `setpgid()` live on.
 *
 * A launcher belongs to one thread. Before its first use with a router, that is any thread, one at a time. From its
 * first use with a router on, it is the router's thread. This thread is called the launcher's thread.
 */
struct _FerryLauncher
{
  GObject parent_instance;

  FerryAffinity *affinity; /* (owned) (nullable): the router's; NULL before the first use with a router */
  char *name;              /* (owned) (nullable): the workers'; NULL for the program's name */
  char **argv;             /* (owned) (nullable): NULL until it is set */
  char **environ;          /* (owned) */
  char *cwd;               /* (owned) (nullable) */
  gint64 attach_timeout;   /* -1: no limit */
  guint64 buffer_capacity;
  gboolean trusted;
  const FerryUserTexts *user_texts; /* (nullable) */
  gboolean use_fork_server;         /* for channels */
  StreamMode modes[FERRY_N_STREAMS];
  int fds[FERRY_N_STREAMS]; /* (owned): a descriptor if the mode is STREAM_GIVEN, else -1 */
  GArray *senders;          /* (owned) (element-type NamedSender) */
  /* (owned) (nullable): the name of a sender that the application added and that an earlier worker was passed */
  char *passed_name;
  FerryAttributes attributes;
  int oom_score_adjust;         /* above the application's own */
  FerryForkServer *fork_server; /* (owned) (nullable): forks the workers; NULL: they are executed */
  gboolean may_execute;         /* workers are executed when the fork server cannot fork them */
  FerrySandbox *sandbox;        /* (owned) (nullable): the sandbox that the workers run in */
  guint n_changes;              /* how often a setting was changed */
};

enum
{
  PROP_ARGV = 1,
  PROP_ENVIRON,
  PROP_CWD,
  PROP_NAME,
  PROP_ATTACH_TIMEOUT,
  PROP_BUFFER_CAPACITY,
  PROP_TRUSTED,
  PROP_USE_FORK_SERVER,
  PROP_NICE,
  PROP_OOM_SCORE_ADJUST,
  PROP_SANDBOX,
  PROP_STDIN, /* and the next two, in the order of FerryStream */
  PROP_STDOUT,
  PROP_STDERR,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (FerryLauncher, ferry_launcher, G_TYPE_OBJECT)

/* ---- lists of senders ---- */

static void
tell (NamedSender *named, FerryWorker *worker)
{
  FerryPassedFunc passed = g_steal_pointer (&named->passed);

  if (passed != NULL)
    passed (worker, named->passed_data);
}

static void
named_sender_clear (gpointer data)
{
  NamedSender *named = data;

  tell (named, NULL);
  g_free (named->name);
  g_object_unref (named->sender);
}

static GArray *
named_senders_new (void)
{
  GArray *self = g_array_new (FALSE, FALSE, sizeof (NamedSender));

  g_array_set_clear_func (self, named_sender_clear);
  return self;
}

/* ---- the object ---- */

static void
ferry_launcher_finalize (GObject *object)
{
  FerryLauncher *self = FERRY_LAUNCHER (object);

  g_strfreev (self->argv);
  g_strfreev (self->environ);
  g_free (self->cwd);
  for (guint i = 0; i < FERRY_N_STREAMS; i++)
    ferry_clear_fd (&self->fds[i]);
  g_array_unref (self->senders);
  g_free (self->passed_name);
  g_free (self->name);
  g_clear_object (&self->fork_server);
  g_clear_object (&self->sandbox);
  g_clear_pointer (&self->affinity, ferry_affinity_unref);

  G_OBJECT_CLASS (ferry_launcher_parent_class)->finalize (object);
}

static gint64
get_default_attach_timeout (void)
{
  const char *text = g_getenv (ATTACH_TIMEOUT_VARIABLE);
  guint64 seconds;

  if (text != NULL && ferry_parse_number (text, 10, 0, MAX_ATTACH_TIMEOUT_SECONDS, &seconds))
    return seconds > 0 ? (gint64) seconds * G_USEC_PER_SEC : -1;
  return DEFAULT_ATTACH_TIMEOUT;
}

/* Returns how long the link of a worker waits for it to attach; 0: without a limit. */
static gint64
get_attach_timeout (FerryLauncher *self)
{
  return self->attach_timeout < 0 ? 0 : MAX (self->attach_timeout, 1);
}

static void
ferry_launcher_init (FerryLauncher *self)
{
  self->environ = g_get_environ ();
  self->attach_timeout = get_default_attach_timeout ();
  self->buffer_capacity = FERRY_DEFAULT_ARENA_SIZE;
  self->use_fork_server = TRUE;
  self->oom_score_adjust = DEFAULT_OOM_SCORE_ADJUST;
  for (guint i = 0; i < FERRY_N_STREAMS; i++)
    self->fds[i] = -1;
  self->senders = named_senders_new ();
}

void
ferry_launcher_bind (FerryLauncher *self, FerryAffinity *affinity)
{
  if (self->affinity == NULL)
    self->affinity = ferry_affinity_ref (affinity);
  if (self->sandbox != NULL)
    ferry_sandbox_bind (self->sandbox, self->affinity);
  if (self->fork_server != NULL)
    ferry_fork_server_bind (self->fork_server, self->affinity);
}

/**
 * ferry_launcher_new:
 * @argv: (array zero-terminated=1) (element-type filename): the program and its arguments; a program without a slash is
 *   searched for in `PATH`
 *
 * Makes a launcher. By default a worker has a copy of the environment that the application has at this call, and the
 * application's working directory and standard streams. Any thread.
 *
 * Returns: (transfer full): a new launcher
 */
FerryLauncher *
ferry_launcher_new (const char *const *argv)
{
  g_return_val_if_fail (argv != NULL && argv[0] != NULL, NULL);

  return g_object_new (FERRY_TYPE_LAUNCHER, "argv", argv, NULL);
}

/* ---- settings ---- */

static const gsize fields[N_PROPERTIES] = {
  [PROP_ARGV] = G_STRUCT_OFFSET (FerryLauncher, argv),
  [PROP_ENVIRON] = G_STRUCT_OFFSET (FerryLauncher, environ),
  [PROP_CWD] = G_STRUCT_OFFSET (FerryLauncher, cwd),
  [PROP_NAME] = G_STRUCT_OFFSET (FerryLauncher, name),
  [PROP_ATTACH_TIMEOUT] = G_STRUCT_OFFSET (FerryLauncher, attach_timeout),
  [PROP_BUFFER_CAPACITY] = G_STRUCT_OFFSET (FerryLauncher, buffer_capacity),
  [PROP_TRUSTED] = G_STRUCT_OFFSET (FerryLauncher, trusted),
  [PROP_USE_FORK_SERVER] = G_STRUCT_OFFSET (FerryLauncher, use_fork_server),
  [PROP_NICE] = G_STRUCT_OFFSET (FerryLauncher, attributes.nice),
  [PROP_OOM_SCORE_ADJUST] = G_STRUCT_OFFSET (FerryLauncher, oom_score_adjust),
  [PROP_SANDBOX] = G_STRUCT_OFFSET (FerryLauncher, sandbox),
  [PROP_STDIN] = G_STRUCT_OFFSET (FerryLauncher, modes[FERRY_STREAM_STDIN]),
  [PROP_STDOUT] = G_STRUCT_OFFSET (FerryLauncher, modes[FERRY_STREAM_STDOUT]),
  [PROP_STDERR] = G_STRUCT_OFFSET (FerryLauncher, modes[FERRY_STREAM_STDERR]),
};

static gboolean
check_argv (const char *const *argv)
{
  if (argv != NULL && argv[0] != NULL)
    return TRUE;
  ferry_critical ("FerryLauncher:argv: there is no program in it; give the program, and then its arguments");
  return FALSE;
}

static gboolean
check_environ (const char *const *environment)
{
  if (environment != NULL)
    return TRUE;
  ferry_critical ("FerryLauncher:environ: it cannot be NULL; give an empty array for an empty environment");
  return FALSE;
}

static gboolean
check_name (const char *name)
{
  if (name == NULL || (name[0] != '\0' && strlen (name) <= MAX_NAME))
    return TRUE;
  ferry_critical ("FerryLauncher:name: a name of a worker has 1 to %d bytes, and this name has %" G_GSIZE_FORMAT
                  "; use another name",
                  MAX_NAME, strlen (name));
  return FALSE;
}

/* The setters return whether the property has changed. */
static gboolean
set_nice (FerryLauncher *self, int nice)
{
  gboolean is_changed = !self->attributes.nice_set || self->attributes.nice != nice;

  self->attributes.nice = nice;
  self->attributes.nice_set = TRUE;
  return is_changed;
}

static void
prepare_sandbox (FerryLauncher *self)
{
  if (self->sandbox == NULL)
    return;
  if (self->affinity != NULL)
    ferry_sandbox_bind (self->sandbox, self->affinity);
  /* Starts measuring what the system supports now, since spawning needs the result and must not wait for it. */
  ferry_sandbox_get_strength_async (NULL, NULL, NULL);
}

static void
set_stream (FerryLauncher *self, FerryStream stream, StreamMode mode, int fd)
{
  ferry_clear_fd (&self->fds[stream]);
  self->modes[stream] = mode;
  self->fds[stream] = fd;
}

static gboolean
set_stream_mode (FerryLauncher *self, FerryStream stream, FerryStreamMode mode)
{
  const char *property = properties[PROP_STDIN + stream]->name;

  if ((FerryStreamMode) self->modes[stream] == mode)
    return FALSE;
  if (mode == FERRY_STREAM_MODE_DESCRIPTOR)
    ferry_critical ("FerryLauncher:%s: a stream is connected to a descriptor by ferry_launcher_take_stream_fd()",
                    property);
  else if (mode == FERRY_STREAM_MODE_LOG && stream == FERRY_STREAM_STDIN)
    ferry_critical ("FerryLauncher:%s: a worker writes nothing to its standard input; log another stream", property);
  else
    {
      set_stream (self, stream, (StreamMode) mode, -1);
      return TRUE;
    }
  return FALSE;
}

static gboolean
check_value (guint property_id, const GValue *value)
{
  if (property_id == PROP_ARGV)
    return check_argv (g_value_get_boxed (value));
  if (property_id == PROP_ENVIRON)
    return check_environ (g_value_get_boxed (value));
  return property_id != PROP_NAME || check_name (g_value_get_string (value));
}

static gboolean
set_value (FerryLauncher *self, guint property_id, const GValue *value)
{
  return property_id == PROP_NICE ? set_nice (self, g_value_get_int (value))
                                  : set_stream_mode (self, (FerryStream) (property_id - PROP_STDIN),
                                                     (FerryStreamMode) g_value_get_enum (value));
}

static void
ferry_launcher_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryLauncher *self = FERRY_LAUNCHER (object);

  if (!ferry_affinity_check_property (self->affinity, pspec) || !check_value (property_id, value))
    return;
  self->n_changes++;
  if (property_id != PROP_NICE && property_id < PROP_STDIN)
    ferry_property_change (self, G_STRUCT_MEMBER_P (self, fields[property_id]), value, pspec);
  else if (set_value (self, property_id, value))
    g_object_notify_by_pspec (object, pspec);
  if (property_id == PROP_SANDBOX)
    prepare_sandbox (self);
}

static void
ferry_launcher_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryLauncher *self = FERRY_LAUNCHER (object);

  if (ferry_affinity_check_property (self->affinity, pspec))
    ferry_property_read (G_STRUCT_MEMBER_P (self, fields[property_id]), value);
}

static void
install_program_properties (void)
{
  /**
   * FerryLauncher:argv:
   *
   * The program and its arguments, for the workers spawned after this; a program without a slash is searched for in
   * `PATH`. On the launcher's thread, as all properties.
   */
  properties[PROP_ARGV] = g_param_spec_boxed ("argv", NULL, NULL, G_TYPE_STRV, FERRY_SETTABLE);

  /**
   * FerryLauncher:environ:
   *
   * The whole environment of the worker, each entry as `NAME=value`. By default the environment that the application
   * had when the launcher was made. [method@Ferry.Launcher.setenv] changes one variable.
   */
  properties[PROP_ENVIRON] = g_param_spec_boxed ("environ", NULL, NULL, G_TYPE_STRV, FERRY_SETTABLE);

  /**
   * FerryLauncher:cwd:
   *
   * The working directory of the worker; %NULL, the default, for that of the application.
   */
  properties[PROP_CWD] = g_param_spec_string ("cwd", NULL, NULL, NULL, FERRY_SETTABLE);

  /**
   * FerryLauncher:name:
   *
   * The name that the workers spawned after this have in exit records and logs: 1 to 255 bytes; %NULL, the default, for
   * the name of the program. If a fork server forks the worker, or the worker runs [func@Ferry.Worker.main], it is also
   * the name of the worker's process. A worker that is executed has the name in its environment, as
   * `FERRY_WORKER_NAME`.
   */
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, FERRY_SETTABLE);

  /**
   * FerryLauncher:nice:
   *
   * The priority of the workers spawned after this, as nice(2) has it: from -20, the most urgent, to 19, the least
   * urgent. Until it is set, it reads as 0, and workers have the priority of the router's thread, unless the launcher
   * of their fork server sets one. A worker that is more urgent than the application needs a privilege; without the
   * privilege, the worker ends with %FERRY_CLOSE_REASON_LAUNCH_FAILED.
   */
  properties[PROP_NICE] = g_param_spec_int ("nice", NULL, NULL, -20, 19, 0, FERRY_SETTABLE);

  /**
   * FerryLauncher:oom-score-adjust:
   *
   * How much sooner than the application the kernel ends the workers spawned after this when memory ends: what is added
   * to the application's own `oom_score_adj`, see proc(5); the sum is from -1000 to 1000. 300 by default, so that
   * workers go first, unless the application uses 30 % of the memory more than each of them. 0: as likely as the
   * application, as workers that run commands are unless you set it. Below 0 may need a privilege; without the
   * privilege, the worker ends with %FERRY_CLOSE_REASON_LAUNCH_FAILED.
   */
  properties[PROP_OOM_SCORE_ADJUST] =
    g_param_spec_int ("oom-score-adjust", NULL, NULL, -FERRY_MAX_OOM_SCORE_ADJUST, FERRY_MAX_OOM_SCORE_ADJUST,
                      DEFAULT_OOM_SCORE_ADJUST, FERRY_SETTABLE);
}

static void
install_stream_properties (void)
{
  /**
   * FerryLauncher:stdin:
   *
   * What the worker reads as its standard input.
   */
  properties[PROP_STDIN] =
    g_param_spec_enum ("stdin", NULL, NULL, FERRY_TYPE_STREAM_MODE, FERRY_STREAM_MODE_DEFAULT, FERRY_SETTABLE);

  /**
   * FerryLauncher:stdout:
   *
   * Where the worker's standard output goes.
   */
  properties[PROP_STDOUT] =
    g_param_spec_enum ("stdout", NULL, NULL, FERRY_TYPE_STREAM_MODE, FERRY_STREAM_MODE_DEFAULT, FERRY_SETTABLE);

  /**
   * FerryLauncher:stderr:
   *
   * Where the worker's standard error goes.
   */
  properties[PROP_STDERR] =
    g_param_spec_enum ("stderr", NULL, NULL, FERRY_TYPE_STREAM_MODE, FERRY_STREAM_MODE_DEFAULT, FERRY_SETTABLE);
}

static void
install_worker_properties (void)
{
  /**
   * FerryLauncher:attach-timeout:
   *
   * How long a worker that has not attached may do nothing, in microseconds; -1 for no limit. It attaches when it asks
   * for its first sender. The default is 10 seconds. The environment variable `FERRY_ATTACH_TIMEOUT` sets another
   * default, in seconds, when the launcher is made; 0 is for no limit. Then the worker is killed, with the reason
   * %FERRY_CLOSE_REASON_NEVER_ATTACHED. A worker or its child that uses a processor, waits for one or for a disk, or
   * was stopped, is only slow. A stop of this process, and initialisers, take no time either.
   *
   * After 3 seconds, or three tenths of the time where that is less, tasks that wait for the worker say so by their
   * [property@Ferry.Task:text], and so does a debug message.
   *
   * A worker without senders need not attach, unless its sandbox requires layers that the worker enters itself. Such a
   * worker has 10 seconds when there is no limit.
   */
  properties[PROP_ATTACH_TIMEOUT] =
    g_param_spec_int64 ("attach-timeout", NULL, NULL, -1, G_MAXINT64, DEFAULT_ATTACH_TIMEOUT, FERRY_SETTABLE);

  /**
   * FerryLauncher:buffer-capacity:
   *
   * How much memory all buffers ([struct@Ferry.Buffer]) of the worker may use together, in bytes; 0 for none. By
   * default 1 GiB; in a program of 32 bits 128 MiB, of at most 512 MiB. Unused capacity uses no memory, and no
   * addresses of the application before the first buffer. It is at most an eighth of a limit of the application's
   * address space (`ulimit -v`), and half of one of file sizes (`ulimit -f`).
   */
  properties[PROP_BUFFER_CAPACITY] = g_param_spec_uint64 ("buffer-capacity", NULL, NULL, 0, FERRY_MAX_ARENA_SIZE - 1,
                                                          FERRY_DEFAULT_ARENA_SIZE, FERRY_SETTABLE);

  /**
   * FerryLauncher:trusted:
   *
   * Whether the application reads the worker's buffers, and results in files without seals, without copying them;
   * %FALSE by default. A worker can still write to a buffer that it has sent, also while the application reads it. So
   * it is copied unless the worker is trusted, and a large value with many texts such as `as` always is.
   */
  properties[PROP_TRUSTED] = g_param_spec_boolean ("trusted", NULL, NULL, FALSE, FERRY_SETTABLE);

  /**
   * FerryLauncher:use-fork-server:
   *
   * Whether [func@Ferry.Channel.start] and exchanges start a fork server where the launcher has none; %TRUE by default.
   * Set it to %FALSE for a program that has threads at its start, such as one in JavaScript. Such a program cannot be
   * forked. Its fork server executes the first worker and is of no more use, which costs one start of the program.
   * Pools have a property of their own.
   */
  properties[PROP_USE_FORK_SERVER] = g_param_spec_boolean ("use-fork-server", NULL, NULL, TRUE, FERRY_SETTABLE);

  /**
   * FerryLauncher:sandbox:
   *
   * The sandbox that the workers spawned after this run in, with the settings that it has when a worker is spawned;
   * %NULL, the default, for none.
   *
   * A worker in a sandbox is always executed, since the workers of a fork server share one layout of addresses. When
   * the launcher has a fork server too, [method@Ferry.Launcher.spawn] fails. A pool with such a launcher, and a
   * channel, use no fork server. A persistent worker cannot have a sandbox, since it must listen at an address.
   */
  properties[PROP_SANDBOX] = g_param_spec_object ("sandbox", NULL, NULL, FERRY_TYPE_SANDBOX, FERRY_SETTABLE);
}

static void
ferry_launcher_class_init (FerryLauncherClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = ferry_launcher_finalize;
  object_class->get_property = ferry_launcher_get_property;
  object_class->set_property = ferry_launcher_set_property;
  install_program_properties ();
  install_stream_properties ();
  install_worker_properties ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

/**
 * ferry_launcher_setenv:
 * @self: a launcher
 * @variable: (type filename): the variable's name
 * @value: (type filename) (nullable): the variable's value; %NULL to remove the variable
 *
 * Sets or removes one variable of [property@Ferry.Launcher:environ]. On the launcher's thread.
 */
void
ferry_launcher_setenv (FerryLauncher *self, const char *variable, const char *value)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (variable != NULL && strchr (variable, '=') == NULL);
  ferry_return_if_elsewhere (self->affinity);

  self->n_changes++;
  self->environ = value != NULL ? g_environ_setenv (self->environ, variable, value, TRUE)
                                : g_environ_unsetenv (self->environ, variable);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ENVIRON]);
}

/**
 * ferry_launcher_set_limit:
 * @self: a launcher
 * @limit: a limit
 * @value: the value of the limit, in the unit of @limit
 *
 * Sets a limit for each of the workers spawned after this. A worker cannot raise the limit again. If @value is above
 * the application's own limit, the worker ends with %FERRY_CLOSE_REASON_LAUNCH_FAILED. On the launcher's thread.
 */
void
ferry_launcher_set_limit (FerryLauncher *self, FerryLimit limit, guint64 value)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (limit < FERRY_N_LIMITS);
  ferry_return_if_elsewhere (self->affinity);

  self->n_changes++;
  self->attributes.limits_set |= 1u << limit;
  self->attributes.limits[limit] = value;
}

/* ---- standard streams ---- */

/**
 * ferry_launcher_take_stream_fd:
 * @self: a launcher
 * @stream: a standard stream
 * @fd: a descriptor, which the launcher owns from now on and closes
 *
 * Connects the stream of each worker spawned after this to a duplicate of a descriptor. The stream's property becomes
 * %FERRY_STREAM_MODE_DESCRIPTOR. On the launcher's thread.
 */
void
ferry_launcher_take_stream_fd (FerryLauncher *self, FerryStream stream, int fd)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (stream < FERRY_N_STREAMS);
  g_return_if_fail (fd >= 0);
  ferry_return_if_elsewhere (self->affinity);

  self->n_changes++;
  set_stream (self, stream, STREAM_GIVEN, fd);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STDIN + stream]);
}

/* Returns the mode of a stream, with the default mode resolved. By default, a worker's output is shown line by line,
 * also where the application's stream is a terminal. Lines of several processes stay apart, and each names its process.
 * So a program that needs the terminal itself must be told to inherit it. A forked worker has the stream of its fork
 * server where the application has set that. A worker in a sandbox shares no stream with the application: it could do
 * more with a terminal or a pipe than read or write. A persistent worker (link is NULL) shares none either: it outlives
 * the process that would show its lines. */
static StreamMode
get_stream_mode (FerryLauncher *self, FerryLink *link, guint stream, gboolean executed)
{
  if (link == NULL && self->modes[stream] != STREAM_GIVEN)
    return STREAM_SILENCED;
  if (self->modes[stream] != STREAM_USUAL)
    return self->modes[stream];
  if (stream == FERRY_STREAM_STDIN)
    return ferry_sandbox_is_on (self->sandbox) ? STREAM_SILENCED : STREAM_INHERITED;
  return executed || !ferry_fork_server_sets_stream (self->fork_server, stream) ? STREAM_SHOWN : STREAM_INHERITED;
}

static gboolean
fill_stream (FerryLauncher *self, FerrySpawnPlan *plan, FerryLink *link, guint stream, gboolean executed,
             GError **error)
{
  const StreamMode mode = get_stream_mode (self, link, stream, executed);

  if (mode == STREAM_LOGGED || mode == STREAM_SHOWN)
    {
      plan->streams[stream] = ferry_link_open_output (link, stream, mode == STREAM_SHOWN, error);
      return plan->streams[stream] >= 0;
    }
  if (mode == STREAM_SILENCED)
    plan->streams[stream] = open ("/dev/null", O_RDWR | O_CLOEXEC);
  else if (mode == STREAM_GIVEN)
    plan->streams[stream] = fcntl (self->fds[stream], F_DUPFD_CLOEXEC, 0);
  /* The fork server's streams need not be the application's. */
  else if (!executed && stream != FERRY_STREAM_STDIN && ferry_launcher_sets_stream (self, stream))
    plan->streams[stream] = fcntl ((int) stream, F_DUPFD_CLOEXEC, 0);
  else
    return TRUE;
  return plan->streams[stream] >= 0 || ferry_set_system_error (error, "Opening a worker's standard stream");
}

/* ---- the senders that the next worker is passed ---- */

/* main: adds a sender as ferry_launcher_add_sender() does, but allows names that are reserved for Ferry. @entry is the
 * function that the worker's program must call to use the sender. @passed (nullable) is not called when this function
 * returns FALSE. */
gboolean
ferry_launcher_add_watched_sender (FerryLauncher *self, const char *name, FerrySender *sender, const char *entry,
                                   FerryPassedFunc passed, gpointer data, GError **error)
{
  NamedSender named;
  gboolean is_used = FALSE;
  guint n_latest = 0;

  if (!ferry_sender_can_be_passed (sender, error))
    return FALSE;
  for (guint i = 0; i < self->senders->len; i++)
    {
      const NamedSender *other = &g_array_index (self->senders, NamedSender, i);

      is_used |= other->sender == sender || strcmp (other->name, name) == 0;
      n_latest += ferry_sender_is_latest (other->sender);
    }
  if (name[0] == '\0' || strlen (name) > FERRY_MAX_SENDER_NAME || is_used)
    return ferry_set_error (
      error, FERRY_ERROR_BAD_ARGUMENTS,
      "The sender cannot be passed as '%s'; use a name of 1 to %d bytes, and each name and each sender only once", name,
      FERRY_MAX_SENDER_NAME);
  if (self->senders->len == FERRY_MAX_PIPES_PER_LINK)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE, "A worker can be passed %d senders, and no more; pass fewer",
                            FERRY_MAX_PIPES_PER_LINK);
  if (ferry_sender_is_latest (sender) && n_latest == FERRY_MAX_CELLS_PER_LINK)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "A worker can be passed %d senders of pipes for latest values, and no more; pass fewer",
                            FERRY_MAX_CELLS_PER_LINK);
  named = (NamedSender){g_strdup (name), g_object_ref (sender), entry, passed, data};
  g_array_append_val (self->senders, named);
  return TRUE;
}

/* main */
guint
ferry_launcher_count_senders (FerryLauncher *self)
{
  return self->senders->len;
}

/* main: removes the sender that was added last. The list must not be empty. */
void
ferry_launcher_drop_last_sender (FerryLauncher *self)
{
  g_array_set_size (self->senders, self->senders->len - 1);
}

/* main: removes and returns (transfer full) the senders for the next worker. A worker that is started before
 * ferry_launcher_put_senders_back() is not passed these senders. */
GArray *
ferry_launcher_set_senders_aside (FerryLauncher *self)
{
  GArray *senders = self->senders;

  self->senders = named_senders_new ();
  return senders;
}

/* main: makes @senders (transfer full), which ferry_launcher_set_senders_aside() returned, the launcher's list again.
 * Senders that were added meanwhile, and not passed to a worker, are dropped. */
void
ferry_launcher_put_senders_back (FerryLauncher *self, GArray *senders)
{
  g_array_unref (self->senders);
  self->senders = senders;
}

/* main: checks that the launcher has no senders and no transports, since the workers that it starts here would not be
 * passed them. For the error, @what names what the launcher starts, and @remedy says what to do. Fails with
 * FERRY_ERROR_BAD_ARGUMENTS. */
gboolean
ferry_launcher_check_no_senders (FerryLauncher *self, const char *what, const char *remedy, GError **error)
{
  g_autofree char *more = NULL;
  const char *name;
  gboolean is_transport;

  if (self->senders->len == 0)
    return TRUE;
  name = g_array_index (self->senders, NamedSender, 0).name;
  is_transport = g_str_has_prefix (name, FERRY_TRANSPORT_SENDER_PREFIX);
  more = self->senders->len > 1 ? g_strdup_printf (" and %u more", self->senders->len - 1) : g_strdup ("");
  return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                          "The launcher of %s has the %s '%s'%s, which its workers would not get; %s", what,
                          is_transport ? "transport" : "sender",
                          is_transport ? name + strlen (FERRY_TRANSPORT_SENDER_PREFIX) : name, more, remedy);
}

/**
 * ferry_launcher_add_sender:
 * @self: a launcher
 * @name: the name by which the worker asks for the sender
 * @sender: a sender that is not started
 * @error: return location for an error
 *
 * Adds a sender that is passed to the next worker that [method@Ferry.Launcher.spawn] or [func@Ferry.Channel.start]
 * spawns. A pool and a fork server refuse a launcher with senders, since their workers would not be passed the senders.
 * On the launcher's thread.
 *
 * Fails with %FERRY_ERROR_ALREADY_STARTED or %FERRY_ERROR_STOPPED when the sender is in use. Fails with
 * %FERRY_ERROR_BAD_ARGUMENTS when the name is empty, is longer than 255 bytes or begins with `ferry.`, or when @name or
 * @sender was added before. Fails with %FERRY_ERROR_TOO_LARGE when there are 1,024 senders already, or 64 senders of
 * pipes for latest values. Fails with %FERRY_ERROR_WRONG_THREAD.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_launcher_add_sender (FerryLauncher *self, const char *name, FerrySender *sender, GError **error)
{
  g_return_val_if_fail (FERRY_IS_LAUNCHER (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (FERRY_IS_SENDER (sender), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_affinity_check_error (self->affinity, G_STRFUNC, error))
    return FALSE;
  if (!g_str_has_prefix (name, FERRY_RESERVED_SENDER_PREFIX))
    return ferry_launcher_add_watched_sender (self, name, sender, "ferry_worker_get_sender()", NULL, NULL, error);
  return ferry_set_error (
    error, FERRY_ERROR_BAD_ARGUMENTS,
    "The sender cannot be passed as '%s': names that begin with '%s' are Ferry's own; choose another name", name,
    FERRY_RESERVED_SENDER_PREFIX);
}

/* ---- starting a worker ---- */

static char *
find_program (FerryLauncher *self, GError **error)
{
  char *found;

  if (self->argv == NULL)
    {
      ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "The launcher has no program; set FerryLauncher:argv");
      return NULL;
    }
  if (strchr (self->argv[0], G_DIR_SEPARATOR) != NULL)
    return g_strdup (self->argv[0]);
  found = g_find_program_in_path (self->argv[0]);
  if (found == NULL)
    ferry_set_error (error, FERRY_ERROR_LAUNCH_FAILED,
                     "The program '%s' was not found in PATH; give its path, or install it", self->argv[0]);
  return found;
}

/* Makes the plan by which a worker is started. The link is NULL for a persistent worker. executed: whether the worker
 * is executed, and so needs a program; FALSE when a fork server forks it. */
static FerrySpawnPlan *
make_plan (FerryLauncher *self, FerryLink *link, gboolean executed, GError **error)
{
  g_autoptr (FerrySpawnPlan) plan = g_new0 (FerrySpawnPlan, 1);

  plan->streams[0] = plan->streams[1] = plan->streams[2] = -1;
  plan->argv = g_strdupv (self->argv);
  plan->cwd = g_strdup (self->cwd);
  plan->environ = g_strdupv (self->environ);
  plan->attributes = self->attributes;
  ferry_attributes_inherit_thread (&plan->attributes);
  plan->attributes.own_set |= FERRY_OWN_OOM_SCORE;
  plan->attributes.oom_score_adjust = ferry_add_oom_score_adjust (self->oom_score_adjust);
  if (executed)
    {
      plan->program = find_program (self, error);
      if (plan->program == NULL)
        return NULL;
      if (self->name != NULL)
        plan->environ = g_environ_setenv (plan->environ, FERRY_WORKER_NAME_VARIABLE, self->name, TRUE);
      plan->environ =
        g_environ_setenv (plan->environ, FERRY_CONTROL_FD_VARIABLE, G_STRINGIFY (FERRY_SPAWN_CONTROL_FD), TRUE);
    }
  for (guint i = 0; i < FERRY_N_STREAMS; i++)
    if (!fill_stream (self, plan, link, i, executed, error))
      return NULL;
  return g_steal_pointer (&plan);
}

/* Makes a link for a new worker, and grants the launcher's senders on it. */
static FerryLink *
make_link (FerryLauncher *self, FerryRouter *router, gsize arena_size, GError **error)
{
  g_autofree char *name = ferry_launcher_dup_program_name (self);
  g_autofree guint64 *connection_ids = g_new (guint64, self->senders->len + 1);
  g_autofree guint32 *cells = g_new (guint32, self->senders->len + 1);
  g_autoptr (FerryLink) link = NULL;
  guint32 n_cells = 0;

  for (guint i = 0; i < self->senders->len; i++)
    {
      NamedSender *named = &g_array_index (self->senders, NamedSender, i);

      if (!ferry_sender_can_be_passed (named->sender, error) ||
          !ferry_sender_belongs_to (named->sender, router->monitor, error))
        return NULL;
      connection_ids[i] = ferry_sender_get_connection_id (named->sender);
      cells[i] = ferry_sender_is_latest (named->sender) ? n_cells++ : FERRY_NO_CELL;
    }
  link = ferry_link_new (name, connection_ids, cells, self->senders->len, ferry_router_choose_lane_capacity (router),
                         arena_size, router->max_message_size, error);
  if (link == NULL)
    return NULL;
  link->depth = ferry_attachment_get_depth () + 1;
  if (!ferry_link_open_socket (link, error))
    return NULL;
  link->trusted = self->trusted;
  link->attach_timeout = self->senders->len > 0 ? get_attach_timeout (self) : 0;
  for (guint i = 0; i < self->senders->len; i++)
    {
      NamedSender *named = &g_array_index (self->senders, NamedSender, i);

      if (link->entry == NULL || strcmp (named->entry, FERRY_MAIN_ENTRY) == 0)
        link->entry = named->entry;
      if (ferry_link_grant (link, i, named->name))
        continue;
      ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                       "The names of the worker's senders take more than 64 KiB; use shorter names");
      return NULL;
    }
  return g_steal_pointer (&link);
}

/* Applies the sandbox. A worker that must enter layers itself must attach in time, even without senders. */
static gboolean
confine (FerryLauncher *self, FerrySpawnPlan *plan, FerryLink *link, GError **error)
{
  if (!ferry_sandbox_is_on (self->sandbox))
    return TRUE;
  if (!ferry_sandbox_apply (self->sandbox, plan, link, error))
    return FALSE;
  if ((link->confinement.required & FERRY_LAYERS_OF_WORKER) != 0)
    link->attach_timeout = self->attach_timeout >= 0 ? get_attach_timeout (self) : DEFAULT_ATTACH_TIMEOUT;
  return TRUE;
}

/* Returns (transfer full) (nullable) the file of a program (nullable). The symbolic link of this process would not tell
 * a user which program it is. */
static char *
resolve_program (const char *program)
{
  char *target = g_strcmp0 (program, "/proc/self/exe") == 0 ? g_file_read_link (program, NULL) : NULL;

  return target != NULL ? target : g_strdup (program);
}

/* Fails if the launcher has no senders for this worker and had some for an earlier one: the worker would miss them. */
static gboolean
check_senders (FerryLauncher *self, GError **error)
{
  gboolean is_transport;

  if (self->senders->len > 0 || self->passed_name == NULL)
    return TRUE;
  is_transport = g_str_has_prefix (self->passed_name, FERRY_TRANSPORT_SENDER_PREFIX);
  return ferry_set_error (
    error, FERRY_ERROR_BAD_ARGUMENTS,
    "The %s '%s' was passed to an earlier worker of this launcher, and this worker would get none; call %s before each "
    "ferry_launcher_spawn(), or use another launcher for workers without",
    is_transport ? "transport" : "sender",
    is_transport ? self->passed_name + strlen (FERRY_TRANSPORT_SENDER_PREFIX) : self->passed_name,
    is_transport ? "ferry_launcher_add_transport()" : "ferry_launcher_add_sender()");
}

/* Notes at the pipes of the senders which worker was passed them, and at the launcher that senders of the application
 * were passed. The senders of pools and channels are their own. */
static void
note_passed (FerryLauncher *self, const GArray *passed, FerryWorker *worker)
{
  for (guint i = 0; i < passed->len; i++)
    {
      const NamedSender *named = &g_array_index (passed, NamedSender, i);
      FerryReceiver *receiver = ferry_sender_get_pipe (named->sender)->receiver;

      if (receiver != NULL)
        ferry_receiver_set_sender_name (receiver, named->name, ferry_worker_get_name (worker));
      if (self->passed_name == NULL && strcmp (named->entry, FERRY_MAIN_ENTRY) != 0)
        self->passed_name = g_strdup (named->name);
    }
}

/* Makes fork_server start a worker, or executes the worker when fork_server is NULL. With as_fork_server, the worker is
 * the process of a fork server. */
static FerryWorker *
spawn (FerryLauncher *self, FerryRouter *router, FerryForkServer *fork_server, gboolean as_fork_server, GError **error)
{
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (FerryLink) link =
    ferry_attachment_check_may_start (error)
      ? make_link (self, router, as_fork_server ? 0 : ferry_arena_size_for (self->buffer_capacity), error)
      : NULL;
  g_autoptr (FerrySpawnPlan) plan = link != NULL ? make_plan (self, link, fork_server == NULL, error) : NULL;
  g_autoptr (FerryStartRequest) request = NULL;
  g_autoptr (GArray) passed = NULL;

  if (plan == NULL)
    return NULL;
  link->program = resolve_program (plan->program);
  link->process.symbolize = ferry_symbolizer_ask;
  if (!confine (self, plan, link, error))
    return NULL;
  plan->queue = ferry_monitor_get_shared_queue (router->monitor);
  plan->start_guardian = ferry_guardian_start;
  plan->is_fork_server = as_fork_server;
  if (as_fork_server)
    {
      link->entry = FERRY_MAIN_ENTRY;
      ferry_fork_server_link_begin (link);
      link->attach_timeout = get_attach_timeout (self);
      plan->environ = g_environ_setenv (plan->environ, FERRY_FORK_SERVER_VARIABLE, "1", TRUE);
    }
  if (fork_server != NULL &&
      (request = ferry_fork_server_new_request (fork_server, link, plan, self->may_execute, error)) == NULL)
    return NULL;
  /* When a sender's pipe was closed, the senders before it were passed, and cannot be used again. */
  for (guint i = 0; i < self->senders->len; i++)
    if (!ferry_sender_pass (g_array_index (self->senders, NamedSender, i).sender, error))
      return NULL;
  passed = ferry_launcher_set_senders_aside (self);
  worker = ferry_worker_new (link, router);
  note_passed (self, passed, worker);
  if (link->connection_ids->len > 0 || link->attach_timeout > 0 || as_fork_server)
    ferry_worker_expect (worker, router->timers, link->attach_timeout);
  if (fork_server != NULL)
    ferry_fork_server_fork (fork_server, router, worker, g_steal_pointer (&request));
  else
    ferry_router_add_link (router, link, ferry_worker_new_observer (worker), ferry_spawn, g_steal_pointer (&plan),
                           ferry_spawn_plan_free);
  for (guint i = 0; i < passed->len; i++)
    tell (&g_array_index (passed, NamedSender, i), worker);
  return g_steal_pointer (&worker);
}

/* Fails if the launcher has a sandbox: a process in it cannot fork, and forked workers share a layout of addresses. */
static gboolean
check_executed (FerryLauncher *self, GError **error)
{
  if (!ferry_sandbox_is_on (self->sandbox))
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                          "The launcher has a sandbox and a fork server, and no fork server forks a worker in a "
                          "sandbox; remove one of the two");
}

/* Drops the fork server if it fails and may_execute is set. The next workers are executed. */
static void
give_up_fork_server (FerryLauncher *self)
{
  const char *failure =
    self->fork_server != NULL && self->may_execute ? ferry_fork_server_get_failure (self->fork_server) : NULL;

  if (failure == NULL)
    return;
  g_log_structured (
    G_LOG_DOMAIN, self->user_texts != NULL ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_MESSAGE, "MESSAGE",
    "The program '%s' cannot be a fork server, and is executed for each worker from now on, which takes longer; "
    "set the property 'use-fork-server' to FALSE where this is meant: %s",
    self->argv[0], failure);
  g_clear_object (&self->fork_server);
}

/* main: starts the launcher's program as a fork server, without senders. The router must run. */
FerryWorker *
ferry_launcher_spawn_fork_server (FerryLauncher *self, FerryRouter *router, GError **error)
{
  GArray *senders;
  FerryWorker *worker;

  if (!check_executed (self, error))
    return NULL;
  senders = ferry_launcher_set_senders_aside (self);
  worker = spawn (self, router, NULL, TRUE, error);
  ferry_launcher_put_senders_back (self, senders);
  return worker;
}

/**
 * ferry_launcher_spawn:
 * @self: a launcher
 * @router: a running router, with the pipes of all added senders
 * @error: return location for an error
 *
 * Starts a worker, and passes it the senders that were added. Returns before the process runs. When the program could
 * not be executed, [signal@Ferry.Worker::ended] reports %FERRY_CLOSE_REASON_LAUNCH_FAILED. If the launcher has a fork
 * server ([method@Ferry.Launcher.set_fork_server]), the fork server forks the worker, and is started if it does not
 * run. On the router's thread.
 *
 * Fails with:
 *
 * - %FERRY_ERROR_NOT_RUNNING and %FERRY_ERROR_WRONG_THREAD
 * - %FERRY_ERROR_ALREADY_STARTED or %FERRY_ERROR_CLOSED when a sender can no longer be passed
 * - %FERRY_ERROR_BAD_ARGUMENTS when a sender belongs to another router, the launcher has a fork server and a sandbox,
 *   or no program is set; also when senders were added for an earlier worker and none for this one
 * - %FERRY_ERROR_LAUNCH_FAILED when the program is not in `PATH`, the fork server ended several times in a row, or the
 *   system lacks a required layer
 * - %FERRY_ERROR_TOO_LARGE, and %FERRY_ERROR_SYSTEM when the system has no memory or descriptors left
 * - %FERRY_ERROR_NOT_A_WORKER when this process was itself started as a worker, and has not attached to its application
 *   or has taken none of the senders and transports that it was passed. A program that is its own worker program, and
 *   forgets [func@Ferry.Worker.main], would otherwise start itself without end. For the same reason fails with
 *   %FERRY_ERROR_LAUNCH_FAILED in a worker of a worker, and so on through eight applications
 *
 * Returns: (transfer full): the worker, or %NULL with @error set
 */
FerryWorker *
ferry_launcher_spawn (FerryLauncher *self, FerryRouter *router, GError **error)
{
  g_return_val_if_fail (FERRY_IS_LAUNCHER (self), NULL);
  g_return_val_if_fail (FERRY_IS_ROUTER (router), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_router_check (router, error) || !ferry_affinity_check_error (self->affinity, G_STRFUNC, error))
    return NULL;
  ferry_launcher_bind (self, router->affinity);
  if (!check_senders (self, error))
    return NULL;
  give_up_fork_server (self);
  if (self->fork_server != NULL &&
      (!check_executed (self, error) || !ferry_fork_server_prepare (self->fork_server, router, error)))
    return NULL;
  return spawn (self, router, self->fork_server, FALSE, error);
}

/* main: does what ferry_launcher_spawn() does, with a name for this worker only. The launcher's own name is kept, since
 * the application may own the launcher. */
FerryWorker *
ferry_launcher_spawn_named (FerryLauncher *self, FerryRouter *router, const char *name, GError **error)
{
  char *own = self->name;
  FerryWorker *worker;

  self->name = (char *) name;
  worker = ferry_launcher_spawn (self, router, error);
  self->name = own;
  return worker;
}

/* ---- starting a worker that does not end with the application ----
 *
 * A persistent worker has no link, and belongs to no router. Applications connect to it by its address. */

static gboolean
check_may_persist (FerryLauncher *self, GError **error)
{
  const char *what = NULL;

  if (self->senders->len > 0)
    what = "senders";
  else if (self->fork_server != NULL)
    what = "a fork server";
  else if (ferry_sandbox_is_on (self->sandbox))
    what = "a sandbox, in which it could not listen";
  for (guint i = 0; i < FERRY_N_STREAMS; i++)
    if (self->modes[i] == STREAM_LOGGED)
      what = "logged streams";
  if (what == NULL)
    return TRUE;
  return ferry_set_error (
    error, FERRY_ERROR_BAD_ARGUMENTS,
    "A persistent worker outlives the application, and cannot have %s; use a launcher without them", what);
}

/* Fails in a persistent worker that does not know yet that it is one. ferry_listener_new_from_environment() removes the
 * variable. */
static gboolean
check_listens (GError **error)
{
  if (getauxval (AT_SECURE) != 0 || g_getenv (FERRY_LISTEN_ADDRESS_VARIABLE) == NULL)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_NOT_A_WORKER,
                          "This process was started as a persistent worker and does not listen, so it starts none "
                          "itself; call ferry_listener_new_from_environment() at the beginning of main()");
}

/**
 * ferry_launcher_spawn_persistent:
 * @self: a launcher
 * @address: (type filename): the address of the worker's listener: a path, or “@” and an abstract name
 * @identifier: (out) (optional) (transfer full): the process id of the worker, as text
 * @error: return location for an error
 *
 * Starts a worker that outlives the application. Ferry never ends such a worker; its program must exit by itself.
 *
 * The worker's program must call [ctor@Ferry.Listener.new_from_environment], which listens at @address. An application
 * attaches by [func@Ferry.Transport.connect_to_async]. When another process listens at the address already, the
 * constructor fails in the new process, which should then exit.
 *
 * The process is not a child of the application, and is in a session of its own. An application that is process 1, or a
 * subreaper, adopts it, and reaps it at its end. A service manager that ends all processes of the application's unit
 * also ends this process. A standard stream is connected to `/dev/null`, unless [method@Ferry.Launcher.take_stream_fd]
 * has set a descriptor, such as that of a log file. The launcher sets name, priority, limits, environment and working
 * directory. No router needs to run. On the launcher's thread, which waits until the program is executed.
 *
 * Fails with %FERRY_ERROR_LAUNCH_FAILED when the program cannot be executed. Fails with %FERRY_ERROR_BAD_ARGUMENTS when
 * the launcher has senders, a fork server, a sandbox or logged streams, and with %FERRY_ERROR_SYSTEM and
 * %FERRY_ERROR_WRONG_THREAD. Fails with %FERRY_ERROR_NOT_A_WORKER as [method@Ferry.Launcher.spawn] does. Also fails so
 * in a process that this function itself started, and that has not made its listener.
 *
 * Returns: %TRUE when the worker was started
 */
gboolean
ferry_launcher_spawn_persistent (FerryLauncher *self, const char *address, char **identifier, GError **error)
{
  g_autoptr (FerrySpawnPlan) plan = NULL;
  g_autofree char *path = NULL;
  GPid pid;

  g_return_val_if_fail (FERRY_IS_LAUNCHER (self), FALSE);
  g_return_val_if_fail (address != NULL && address[0] != '\0', FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_affinity_check_error (self->affinity, G_STRFUNC, error) || !check_may_persist (self, error) ||
      !ferry_attachment_check_may_start (error) || !check_listens (error))
    return FALSE;
  plan = make_plan (self, NULL, TRUE, error);
  if (plan == NULL)
    return FALSE;
  path = address[0] == '@' ? g_strdup (address) : g_canonicalize_filename (address, NULL);
  plan->environ = g_environ_unsetenv (plan->environ, FERRY_CONTROL_FD_VARIABLE);
  plan->environ = g_environ_unsetenv (plan->environ, FERRY_FORK_SERVER_VARIABLE);
  plan->environ = g_environ_setenv (plan->environ, FERRY_LISTEN_ADDRESS_VARIABLE, path, TRUE);
  if (!ferry_spawn_detached (plan, &pid, error))
    return FALSE;
  if (identifier != NULL)
    *identifier = g_strdup_printf ("%d", (int) pid);
  return TRUE;
}

/* ---- for pools, channels and fork servers ---- */

/* main: makes a copy of a launcher. The copy has no senders and no fork server. */
FerryLauncher *
ferry_launcher_new_copy (FerryLauncher *launcher)
{
  FerryLauncher *self = g_object_new (FERRY_TYPE_LAUNCHER, "environ", launcher->environ, "cwd", launcher->cwd, NULL);

  self->argv = g_strdupv (launcher->argv);
  self->attach_timeout = launcher->attach_timeout;
  self->buffer_capacity = launcher->buffer_capacity;
  self->trusted = launcher->trusted;
  self->user_texts = launcher->user_texts;
  g_set_object (&self->sandbox, launcher->sandbox);
  self->name = g_strdup (launcher->name);
  self->attributes = launcher->attributes;
  self->oom_score_adjust = launcher->oom_score_adjust;
  for (guint i = 0; i < FERRY_N_STREAMS; i++)
    {
      int fd = launcher->fds[i] >= 0 ? fcntl (launcher->fds[i], F_DUPFD_CLOEXEC, 0) : -1;

      set_stream (self, (FerryStream) i, launcher->modes[i], fd);
    }
  return self;
}

/* main: whether the application has set a standard stream. */
gboolean
ferry_launcher_sets_stream (FerryLauncher *self, guint stream)
{
  return self->modes[stream] != STREAM_USUAL;
}

/* Returns (transfer full) the name for workers of this launcher, or the name of the program when none is set. */
char *
ferry_launcher_dup_program_name (FerryLauncher *self)
{
  g_autofree char *program = NULL;

  if (self->name != NULL)
    return g_strdup (self->name);
  if (self->argv == NULL)
    return g_strdup ("worker");
  program = resolve_program (self->argv[0]);
  return g_path_get_basename (program);
}

FerryAffinity *
ferry_launcher_get_affinity (FerryLauncher *self)
{
  return self->affinity;
}

char **
ferry_launcher_get_environ (FerryLauncher *self)
{
  return self->environ;
}

const char *
ferry_launcher_get_cwd (FerryLauncher *self)
{
  return self->cwd;
}

const FerryAttributes *
ferry_launcher_get_attributes (FerryLauncher *self)
{
  return &self->attributes;
}

int
ferry_launcher_get_oom_score_adjust (FerryLauncher *self)
{
  return self->oom_score_adjust;
}

gboolean
ferry_launcher_is_confined (FerryLauncher *self)
{
  return ferry_sandbox_is_on (self->sandbox);
}

guint
ferry_launcher_get_n_changes (FerryLauncher *self)
{
  return self->n_changes;
}

FerryForkServer *
ferry_launcher_get_fork_server (FerryLauncher *self)
{
  return self->fork_server;
}

void
ferry_launcher_set_forking (FerryLauncher *self, FerryForkServer *fork_server, gboolean may_execute)
{
  self->n_changes++;
  g_set_object (&self->fork_server, fork_server);
  self->may_execute = may_execute;
}

void
ferry_launcher_set_user_texts (FerryLauncher *self, const FerryUserTexts *texts)
{
  self->user_texts = texts;
}

const FerryUserTexts *
ferry_launcher_get_user_texts (FerryLauncher *self)
{
  return self->user_texts;
}

gboolean
ferry_launcher_get_may_execute (FerryLauncher *self)
{
  return self->may_execute;
}
