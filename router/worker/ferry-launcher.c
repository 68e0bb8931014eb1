/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "worker/ferry-launcher-private.h"

#include <fcntl.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "route/ferry-router-private.h"
#include "sandbox/ferry-sandbox-private.h"
#include "spawn/ferry-spawn-private.h"
#include "worker/ferry-nursery-private.h"
#include "worker/ferry-worker-private.h"

#define DEFAULT_ATTACH_TIMEOUT (30 * G_USEC_PER_SEC)
#define MAX_NAME 255

/**
 * FerryLauncher:
 *
 * What a worker is started with: its program and arguments, environment, working directory and standard streams, and
 * the senders that are passed to it.
 *
 * In the manner of #GSubprocessLauncher: set it up, then [method@Ferry.Launcher.spawn]. A launcher can spawn several
 * workers; the senders go to the next one, and all the rest stays as it is.
 *
 * The worker inherits its standard streams, unless it is in a sandbox, and nothing else, and is in a process group of
 * its own: it does not get the Ctrl-C of the application's terminal, and what it starts and leaves in that group ends
 * with it. The same is true when the application ends, or is killed. What has left that group by `setsid()` or
 * `setpgid()` lives on.
 *
 * A launcher belongs to one thread, the router's.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (FerryLauncher, ferry_launcher, G_TYPE_OBJECT)

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
  ferry_attributes_clear (&self->attributes);
  g_clear_object (&self->nursery);
  g_clear_object (&self->sandbox);
  g_clear_pointer (&self->home, ferry_home_unref);

  G_OBJECT_CLASS (ferry_launcher_parent_class)->finalize (object);
}

static void
ferry_launcher_class_init (FerryLauncherClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_launcher_finalize;
}

static void
ferry_launcher_init (FerryLauncher *self)
{
  self->environ = g_get_environ ();
  self->attach_timeout = DEFAULT_ATTACH_TIMEOUT;
  self->arena_size = FERRY_DEFAULT_ARENA_SIZE;
  for (guint i = 0; i < FERRY_N_STREAMS; i++)
    self->fds[i] = -1;
  self->senders = ferry_named_senders_new ();
}

void
ferry_launcher_bind (FerryLauncher *self, FerryHome *home)
{
  if (self->home == NULL)
    self->home = ferry_home_ref (home);
  if (self->sandbox != NULL)
    ferry_sandbox_bind (self->sandbox, self->home);
  if (self->nursery != NULL)
    ferry_nursery_bind (self->nursery, self->home);
}

/**
 * ferry_launcher_new:
 * @argv: (array zero-terminated=1) (element-type filename): the program and its arguments; a program without a
 *   slash is looked for in `PATH`
 *
 * Makes a launcher. The worker has the environment that the application has now, its working directory, and its
 * standard streams, unless told otherwise. Any thread.
 *
 * Returns: (transfer full): a new launcher
 *
 * Since: 0.1
 */
FerryLauncher *
ferry_launcher_new (const char *const *argv)
{
  FerryLauncher *self;

  g_return_val_if_fail (argv != NULL && argv[0] != NULL, NULL);

  self = g_object_new (FERRY_TYPE_LAUNCHER, NULL);
  ferry_launcher_set_argv (self, argv);
  return self;
}

/**
 * ferry_launcher_set_argv:
 * @self: a launcher
 * @argv: (array zero-terminated=1) (element-type filename): the program and its arguments
 *
 * Sets what is executed, for the workers spawned after it. On the router's thread, once the launcher was used with a
 * router; before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_set_argv (FerryLauncher *self, const char *const *argv)
{
  char **copy;

  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (argv != NULL && argv[0] != NULL);
  ferry_return_if_elsewhere (self->home);

  copy = g_strdupv ((char **) argv);
  g_strfreev (self->argv);
  self->argv = copy;
}

/**
 * ferry_launcher_set_environ:
 * @self: a launcher
 * @environment: (array zero-terminated=1) (element-type filename): the environment, each entry as `NAME=value`
 *
 * Sets the whole environment of the worker. On the router's thread, once the launcher was used with a router; before
 * that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_set_environ (FerryLauncher *self, const char *const *environment)
{
  char **copy;

  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (environment != NULL);
  ferry_return_if_elsewhere (self->home);

  copy = g_strdupv ((char **) environment);
  g_strfreev (self->environ);
  self->environ = copy;
}

/**
 * ferry_launcher_setenv:
 * @self: a launcher
 * @variable: (type filename): the variable's name
 * @value: (type filename): its value
 *
 * Sets one variable of the worker's environment. On the router's thread, once the launcher was used with a router;
 * before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_setenv (FerryLauncher *self, const char *variable, const char *value)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (variable != NULL && strchr (variable, '=') == NULL);
  g_return_if_fail (value != NULL);
  ferry_return_if_elsewhere (self->home);

  self->environ = g_environ_setenv (self->environ, variable, value, TRUE);
}

/**
 * ferry_launcher_unsetenv:
 * @self: a launcher
 * @variable: (type filename): the variable's name
 *
 * Takes one variable out of the worker's environment. On the router's thread, once the launcher was used with a router;
 * before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_unsetenv (FerryLauncher *self, const char *variable)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (variable != NULL && strchr (variable, '=') == NULL);
  ferry_return_if_elsewhere (self->home);

  self->environ = g_environ_unsetenv (self->environ, variable);
}

/**
 * ferry_launcher_set_cwd:
 * @self: a launcher
 * @cwd: (nullable) (type filename): a folder; %NULL for the application's own
 *
 * Sets the working directory of the worker. On the router's thread, once the launcher was used with a router; before
 * that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_set_cwd (FerryLauncher *self, const char *cwd)
{
  char *copy;

  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  ferry_return_if_elsewhere (self->home);

  copy = g_strdup (cwd);
  g_free (self->cwd);
  self->cwd = copy;
}

/**
 * ferry_launcher_set_attach_timeout:
 * @self: a launcher
 * @timeout: how many microseconds; 0 for as long as it takes
 *
 * Sets how long the worker may take until it asks for its first sender; 30 seconds by default. One that takes longer
 * is killed, with the reason %FERRY_CLOSE_REASON_NEVER_ATTACHED. A worker that was passed no sender need not
 * attach; one whose sandbox requires layers that are its own to enter has to, and has 30 seconds where this is 0. On
 * the router's thread, once the launcher was used with a router; before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_set_attach_timeout (FerryLauncher *self, gint64 timeout)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (timeout >= 0 && timeout < G_MAXINT64 / 2);
  ferry_return_if_elsewhere (self->home);

  self->attach_timeout = timeout;
}

/**
 * ferry_launcher_set_buffer_capacity:
 * @self: a launcher
 * @capacity: how many bytes, at most 64 GiB; 0 for no buffers
 *
 * Sets how much memory the worker's buffers ([struct@Ferry.Buffer]) may take together; 1 GiB by default. What is never
 * used takes none. On the router's thread, once the launcher was used with a router; before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_set_buffer_capacity (FerryLauncher *self, guint64 capacity)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (capacity < FERRY_MAX_ARENA_SIZE);
  ferry_return_if_elsewhere (self->home);

  self->arena_size = ferry_arena_size_for (capacity);
}

/**
 * ferry_launcher_set_trusted:
 * @self: a launcher
 * @trusted: whether the worker is trusted
 *
 * Sets whether the application may look at the worker's buffers where they lie; by default it may not. A worker keeps
 * its write mapping of a buffer that it has sent, so one that was taken over by what it was given to read can change it
 * while it is looked at: of a worker that is not trusted each buffer is copied first. On the router's thread, once the
 * launcher was used with a router; before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_set_trusted (FerryLauncher *self, gboolean trusted)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  ferry_return_if_elsewhere (self->home);

  self->trusted = trusted;
}

/**
 * ferry_launcher_set_name:
 * @self: a launcher
 * @name: (nullable): a name of at most 255 bytes; %NULL for that of the program
 *
 * Sets what the workers spawned after it are called, in exit records and logs. A worker that a nursery forks, or that
 * runs [func@Ferry.Worker.main], has it as the name of its process as well; one that is executed finds it in the
 * environment as `FERRY_WORKER_NAME`. On the router's thread, once the launcher was used with a router; before that on
 * any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_set_name (FerryLauncher *self, const char *name)
{
  char *copy;

  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  ferry_return_if_fail (name == NULL || (name[0] != '\0' && strlen (name) <= MAX_NAME),
                        "A name has 1 to %d bytes, and this one has %" G_GSIZE_FORMAT, MAX_NAME, strlen (name));
  ferry_return_if_elsewhere (self->home);

  copy = g_strdup (name);
  g_free (self->attributes.name);
  self->attributes.name = copy;
}

/**
 * ferry_launcher_set_nice:
 * @self: a launcher
 * @nice: from -20, the most urgent, to 19, the least
 *
 * Sets how urgent the workers spawned after it are. To be more urgent than the application needs a privilege; without
 * it the worker ends with %FERRY_CLOSE_REASON_LAUNCH_FAILED. Unless this is called, a worker has the priority of the
 * application, or of its nursery. On the router's thread, once the launcher was used with a router; before that on any,
 * one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_set_nice (FerryLauncher *self, int nice)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (nice >= -20 && nice <= 19);
  ferry_return_if_elsewhere (self->home);

  self->attributes.nice = nice;
  self->attributes.nice_set = TRUE;
}

/**
 * ferry_launcher_set_limit:
 * @self: a launcher
 * @limit: what is limited
 * @value: how much of it the worker may have, in the unit of @limit
 *
 * Sets a limit for each of the workers spawned after it, which they cannot raise again. A limit above the application's
 * own has the worker end with %FERRY_CLOSE_REASON_LAUNCH_FAILED. On the router's thread, once the launcher was used
 * with a router; before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_set_limit (FerryLauncher *self, FerryLimit limit, guint64 value)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (limit < FERRY_N_LIMITS);
  ferry_return_if_elsewhere (self->home);

  self->attributes.limits_set |= 1u << limit;
  self->attributes.limits[limit] = value;
}

/**
 * ferry_launcher_set_sandbox:
 * @self: a launcher
 * @sandbox: (nullable): a sandbox, or %NULL for none
 *
 * Has the workers spawned after this run in a sandbox, as it is described at that time.
 *
 * Such a worker is executed, and never forked by a nursery, whose workers would share its layout of addresses: with
 * [method@Ferry.Launcher.set_nursery] as well, [method@Ferry.Launcher.spawn] fails. A pool with such a launcher, and a
 * channel, use no nursery. Neither can a worker that outlives the application have a sandbox, since it listens at an
 * address. On the router's thread, once the launcher was used with a router; before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_set_sandbox (FerryLauncher *self, FerrySandbox *sandbox)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (sandbox == NULL || FERRY_IS_SANDBOX (sandbox));
  ferry_return_if_elsewhere (self->home);

  g_set_object (&self->sandbox, sandbox);
  if (sandbox != NULL && self->home != NULL)
    ferry_sandbox_bind (sandbox, self->home);
  /* The launch needs to know, and is not to wait for it. */
  if (sandbox != NULL)
    ferry_sandbox_get_strength_async (NULL, NULL, NULL);
}

void
ferry_launcher_set_stream (FerryLauncher *self, FerryStream stream, FerryStreamMode mode, int fd)
{
  ferry_clear_fd (&self->fds[stream]);
  self->modes[stream] = mode;
  self->fds[stream] = fd;
}

/**
 * ferry_launcher_inherit_stream:
 * @self: a launcher
 * @stream: a standard stream
 *
 * Has the worker use the application's own stream. That is the default, but for a worker in a sandbox
 * ([method@Ferry.Launcher.set_sandbox]): unless it is told so its standard input is at its end, and what it writes to
 * standard output and error is logged. A terminal that is shared could be set, and a pipe that is shared turned round,
 * whatever the sandbox. The output and error of a pool's workers ([class@Ferry.Pool]) are logged as well unless this is
 * called, and what is not logged is missing from the last words of a worker that crashed. On the router's thread, once
 * the launcher was used with a router; before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_inherit_stream (FerryLauncher *self, FerryStream stream)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (stream < FERRY_N_STREAMS);
  ferry_return_if_elsewhere (self->home);

  ferry_launcher_set_stream (self, stream, FERRY_STREAM_INHERITED, -1);
}

/**
 * ferry_launcher_silence_stream:
 * @self: a launcher
 * @stream: a standard stream
 *
 * Connects the worker's stream to nothing: it reads an end of file, and what it writes is lost. On the router's thread,
 * once the launcher was used with a router; before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_silence_stream (FerryLauncher *self, FerryStream stream)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (stream < FERRY_N_STREAMS);
  ferry_return_if_elsewhere (self->home);

  ferry_launcher_set_stream (self, stream, FERRY_STREAM_SILENCED, -1);
}

/**
 * ferry_launcher_take_stream_fd:
 * @self: a launcher
 * @stream: a standard stream
 * @fd: a descriptor, which becomes the launcher's
 *
 * Connects the stream of each worker spawned after this to a descriptor. On the router's thread, once the launcher was
 * used with a router; before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_take_stream_fd (FerryLauncher *self, FerryStream stream, int fd)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (stream < FERRY_N_STREAMS);
  g_return_if_fail (fd >= 0);
  ferry_return_if_elsewhere (self->home);

  ferry_launcher_set_stream (self, stream, FERRY_STREAM_GIVEN, fd);
}

/**
 * ferry_launcher_log_stream:
 * @self: a launcher
 * @stream: %FERRY_STREAM_STDOUT or %FERRY_STREAM_STDERR
 *
 * Has what the worker writes to a standard stream come to the application, line by line: each line is logged, and
 * emitted by [signal@Ferry.Worker::output]; the exit record has the last ones. A worker that writes more than the
 * application takes waits in its `write()`.
 *
 * A line is logged in the domain `Ferry-Worker`, at the level `INFO` for standard output and `MESSAGE` for standard
 * error, with the fields `FERRY_WORKER` (its name), `FERRY_PID` and `FERRY_STREAM`. A line of more than 4 KiB
 * is cut into pieces, and what is no UTF-8 is replaced. On the router's thread, once the launcher was used with a
 * router; before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_log_stream (FerryLauncher *self, FerryStream stream)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (stream == FERRY_STREAM_STDOUT || stream == FERRY_STREAM_STDERR);
  ferry_return_if_elsewhere (self->home);

  ferry_launcher_set_stream (self, stream, FERRY_STREAM_LOGGED, -1);
}

static int
open_output (FerryLink *link, guint stream, GError **error)
{
  if (link->output == NULL)
    link->output = ferry_output_new ();
  return ferry_output_open (link->output, stream, error);
}

/* Whoever has a terminal or a pipe of ours can do more with it than to read or write. */
static FerryStreamMode
get_stream_mode (FerryLauncher *self, guint stream)
{
  if (self->modes[stream] != FERRY_STREAM_USUAL)
    return self->modes[stream];
  if (!ferry_sandbox_is_on (self->sandbox))
    return FERRY_STREAM_INHERITED;
  return stream == FERRY_STREAM_STDIN ? FERRY_STREAM_SILENCED : FERRY_STREAM_LOGGED;
}

static gboolean
fill_stream (FerryLauncher *self, FerrySpawnPlan *plan, FerryLink *link, guint stream, GError **error)
{
  const FerryStreamMode mode = get_stream_mode (self, stream);

  if (mode == FERRY_STREAM_LOGGED)
    return (plan->streams[stream] = open_output (link, stream, error)) >= 0;
  if (mode == FERRY_STREAM_SILENCED)
    plan->streams[stream] = open ("/dev/null", O_RDWR | O_CLOEXEC);
  else if (mode == FERRY_STREAM_GIVEN)
    plan->streams[stream] = fcntl (self->fds[stream], F_DUPFD_CLOEXEC, 0);
  else
    return TRUE;
  return plan->streams[stream] >= 0 || ferry_set_system_error (error, "Opening a worker's standard stream");
}

char *
ferry_launcher_find_program (FerryLauncher *self, GError **error)
{
  char *found;

  if (strchr (self->argv[0], G_DIR_SEPARATOR) != NULL)
    return g_strdup (self->argv[0]);
  found = g_find_program_in_path (self->argv[0]);
  if (found == NULL)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED,
                 "The program “%s” was not found in PATH; give its path, or install it", self->argv[0]);
  return found;
}

/* What is executed. With a nursery, nothing is: its program is there already, and only lends its name. */
static FerrySpawnPlan *
make_plan (FerryLauncher *self, FerryLink *link, gboolean executed, GError **error)
{
  g_autoptr (FerrySpawnPlan) plan = g_new0 (FerrySpawnPlan, 1);

  plan->streams[0] = plan->streams[1] = plan->streams[2] = -1;
  plan->argv = g_strdupv (self->argv);
  plan->cwd = g_strdup (self->cwd);
  plan->environ = g_strdupv (self->environ);
  ferry_attributes_copy (&plan->attributes, &self->attributes);
  if (executed)
    {
      plan->program = ferry_launcher_find_program (self, error);
      if (plan->program == NULL)
        return NULL;
      if (self->attributes.name != NULL)
        plan->environ = g_environ_setenv (plan->environ, FERRY_WORKER_NAME_VARIABLE, self->attributes.name, TRUE);
      plan->environ =
        g_environ_setenv (plan->environ, FERRY_CONTROL_FD_VARIABLE, G_STRINGIFY (FERRY_SPAWN_CONTROL_FD), TRUE);
    }
  for (guint i = 0; i < FERRY_N_STREAMS; i++)
    if (!fill_stream (self, plan, link, i, error))
      return NULL;
  return g_steal_pointer (&plan);
}

/* What the worker's program has to call: what Ferry needs itself comes first. */
static const char *
get_entry (FerryLauncher *self)
{
  const char *entry = NULL;

  for (guint i = 0; i < self->senders->len; i++)
    {
      const FerryNamedSender *named = &g_array_index (self->senders, FerryNamedSender, i);

      if (entry == NULL || strcmp (named->entry, FERRY_MAIN_ENTRY) == 0)
        entry = named->entry;
    }
  return entry;
}

/* A link with the launcher's senders granted on it. */
static FerryLink *
make_link (FerryLauncher *self, FerryRouter *router, const char *name, gsize arena_size, GError **error)
{
  g_autofree guint64 *connection_ids = g_new (guint64, self->senders->len + 1);
  g_autofree guint32 *cells = g_new (guint32, self->senders->len + 1);
  g_autoptr (FerryLink) link = NULL;
  guint32 n_cells = 0;

  for (guint i = 0; i < self->senders->len; i++)
    {
      FerryNamedSender *named = &g_array_index (self->senders, FerryNamedSender, i);

      if (!ferry_sender_is_claimable (named->sender, error) ||
          !ferry_sender_belongs_to (named->sender, router->monitor, error))
        return NULL;
      connection_ids[i] = ferry_sender_get_connection_id (named->sender);
      cells[i] = ferry_sender_is_latest (named->sender) ? n_cells++ : FERRY_NO_CELL;
    }
  link = ferry_link_new (name, connection_ids, cells, self->senders->len, router->lane_capacity, arena_size,
                         router->max_message_size, error);
  if (link == NULL || !ferry_link_open_socket (link, error))
    return NULL;
  link->entry = get_entry (self);
  link->trusted = self->trusted;
  link->attach_timeout = self->senders->len > 0 ? self->attach_timeout : 0;
  for (guint i = 0; i < self->senders->len; i++)
    {
      FerryNamedSender *named = &g_array_index (self->senders, FerryNamedSender, i);

      if (ferry_sender_is_one_shot (named->sender))
        ferry_link_allow_one_shots (link, i);
      if (ferry_link_grant (link, i, named->name))
        continue;
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
                           "The names of the worker's senders take more than 64 KiB; use shorter ones");
      return NULL;
    }
  return g_steal_pointer (&link);
}

/* A worker that is to say what it has of its sandbox has to do so in time, also where it has no senders. */
static gboolean
confine (FerryLauncher *self, FerrySpawnPlan *plan, FerryLink *link, GError **error)
{
  if (!ferry_sandbox_is_on (self->sandbox))
    return TRUE;
  if (!ferry_sandbox_apply (self->sandbox, plan, link, error))
    return FALSE;
  if ((link->confinement.required & FERRY_LAYERS_OF_WORKER) != 0)
    link->attach_timeout = self->attach_timeout > 0 ? self->attach_timeout : DEFAULT_ATTACH_TIMEOUT;
  return TRUE;
}

/* Starts a worker through nursery, or by executing it where that is NULL. */
static FerryWorker *
spawn (FerryLauncher *self, FerryRouter *router, FerryNursery *nursery, gboolean as_nursery, GError **error)
{
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (FerryLink) link = NULL;
  g_autofree char *program = g_path_get_basename (self->argv[0]);
  const char *name = self->attributes.name != NULL ? self->attributes.name : program;
  g_autoptr (FerrySpawnPlan) plan = NULL;
  g_autoptr (GArray) passed = NULL;
  FerryNurseryLaunch *launch = NULL;

  link = make_link (self, router, name, as_nursery ? 0 : self->arena_size, error);
  if (link == NULL)
    return NULL;
  plan = make_plan (self, link, nursery == NULL, error);
  if (plan == NULL)
    return NULL;
  link->program = g_strdup (plan->program);
  if (!confine (self, plan, link, error))
    return NULL;
  plan->queue = ferry_monitor_get_shared_queue (router->monitor);
  plan->is_nursery = as_nursery;
  if (as_nursery)
    {
      link->entry = FERRY_MAIN_ENTRY;
      ferry_nursery_link_begin (link);
      link->attach_timeout = self->attach_timeout;
      plan->environ = g_environ_setenv (plan->environ, FERRY_NURSERY_VARIABLE, "1", TRUE);
    }
  if (nursery != NULL)
    {
      launch = ferry_nursery_launch_new (nursery, link, plan, error);
      if (launch == NULL)
        return NULL;
    }
  if (!ferry_launcher_pass_senders (self, error))
    {
      g_clear_pointer (&launch, ferry_nursery_launch_free);
      return NULL;
    }
  passed = g_steal_pointer (&self->senders);
  self->senders = ferry_named_senders_new ();
  worker = ferry_worker_new (name, link, router->monitor, router->home);
  if (nursery != NULL)
    ferry_nursery_watch_worker (nursery, worker);
  if (launch != NULL)
    ferry_nursery_launch_run (launch, router, ferry_worker_new_observer (worker));
  else
    ferry_router_add_link (router, link, ferry_worker_new_observer (worker), ferry_spawn, g_steal_pointer (&plan),
                           ferry_spawn_plan_free);
  ferry_named_senders_tell (passed, worker);
  return g_steal_pointer (&worker);
}

/* In a sandbox nothing can fork, and what is forked has its parent's layout of addresses. */
static gboolean
check_executed (FerryLauncher *self, GError **error)
{
  if (!ferry_sandbox_is_on (self->sandbox))
    return TRUE;
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                       "A worker in a sandbox is executed and never forked by a nursery; give the launcher one of the "
                       "two");
  return FALSE;
}

/* Has the workers executed from now on where that is wanted, and their program cannot be a nursery. */
static void
give_up_nursery (FerryLauncher *self)
{
  FerryExit *obstacle = self->nursery != NULL && self->may_execute ? ferry_nursery_get_obstacle (self->nursery) : NULL;

  if (obstacle == NULL)
    return;
  g_message (
    "The program “%s” cannot be a nursery, and is executed for each worker from now on, which takes longer: %s",
    self->argv[0], ferry_exit_get_message (obstacle));
  g_clear_object (&self->nursery);
}

/* main: starts the launcher's program as a nursery, which is passed no senders. The router runs. */
FerryWorker *
ferry_launcher_spawn_nursery (FerryLauncher *self, FerryRouter *router, GError **error)
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
 * @router: a running router, whose pipes the senders belong to
 * @error: return location for an error
 *
 * Starts a worker, and passes it the senders that were added. Returns before the process runs: whether it could be
 * executed is told by [signal@Ferry.Worker::ended], with the reason %FERRY_CLOSE_REASON_LAUNCH_FAILED if not.
 * With a nursery ([method@Ferry.Launcher.set_nursery]), that forks the worker, and is started where it was not. On the
 * router's thread.
 *
 * Fails with %FERRY_ERROR_NOT_RUNNING, %FERRY_ERROR_WRONG_THREAD,
 * %FERRY_ERROR_ALREADY_STARTED or %FERRY_ERROR_CLOSED when a sender cannot be passed any more,
 * %FERRY_ERROR_BAD_ARGUMENTS when it belongs to another router or the launcher has a nursery and a sandbox,
 * %FERRY_ERROR_LAUNCH_FAILED when there is no such program in `PATH`, the nursery ends again and again or the system
 * lacks what the sandbox requires,
 * %FERRY_ERROR_TOO_LARGE, and
 * %FERRY_ERROR_SYSTEM when the system has no memory or descriptors for it.
 *
 * Returns: (transfer full): the worker, or %NULL with @error set
 *
 * Since: 0.1
 */
FerryWorker *
ferry_launcher_spawn (FerryLauncher *self, FerryRouter *router, GError **error)
{
  g_return_val_if_fail (FERRY_IS_LAUNCHER (self), NULL);
  g_return_val_if_fail (FERRY_IS_ROUTER (router), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_router_check (router, error) || !ferry_home_check_error (self->home, G_STRFUNC, error))
    return NULL;
  ferry_launcher_bind (self, router->home);
  give_up_nursery (self);
  if (self->nursery != NULL && (!check_executed (self, error) || !ferry_nursery_prepare (self->nursery, router, error)))
    return NULL;
  return spawn (self, router, self->nursery, FALSE, error);
}

/* main: the same, of a worker that is called name. The launcher, which may be an application's, keeps its own. */
FerryWorker *
ferry_launcher_spawn_named (FerryLauncher *self, FerryRouter *router, const char *name, GError **error)
{
  char *own = self->attributes.name;
  FerryWorker *worker;

  self->attributes.name = (char *) name;
  worker = ferry_launcher_spawn (self, router, error);
  self->attributes.name = own;
  return worker;
}
