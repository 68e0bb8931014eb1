/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Programs that a function runs in a worker, one after the other or at a time: ferry_job_run_command().
 *
 * The worker never forks: it is somebody's program, with threads. It becomes an application by itself, with a router, a
 * guardian and an executor of 'ferry-command', when a function first runs a command. So what is true of a command is
 * true here: who reads its progress, what ends with it, and what becomes of it when this process dies. The router has
 * a thread of its own, the home thread, which lives as long as the process.
 *
 * A command is a step of the job. The thread that runs it waits, and the home thread passes on to the job what the
 * command's task says. A pause and a cancel come to the job's second thread, which passes them on to that task. When
 * half of the grace time of a cancelled task is over, the application sends SIGTERM to this process, which would end
 * it. While a job has run commands and is cancelled, it is passed on to them instead: they are ended before the
 * application kills this process, and what the function does then has the rest of the time.
 *
 * Threads: any runs a step; "home" is for the home thread.
 * Trust:   the commands' workers are Ferry's own. */

#include "config.h"

#include "command/ferry-command.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "base/ferry-mailbox-private.h"
#include "base/ferry-thread-private.h"
#include "command/ferry-command-private.h"
#include "command/ferry-step-files-private.h"
#include "job/ferry-job-private.h"
#include "job/ferry-worker-main-private.h"
#include "process/ferry-attachment-private.h"
#include "task/ferry-task-private.h"
#include "wire/ferry-remote-error-private.h"

/* The application ends what goes on too long after a cancel, and knows how long that is. */
#define UNLIMITED_GRACE G_MAXINT64

/* How long commands have after their first signal when this process was told to end. */
#define PATIENCE_MILLISECONDS 1000

/* In bytes: what an application sends at a time. */
#define MAX_ANSWER 4096

/* The application that this worker is to its commands. */
typedef struct
{
  pid_t pid;               /* const: a child of this process has none */
  GMainContext *context;   /* const: (owned) */
  FerryExecutor *executor; /* const: (owned) */
} Home;

/* Has the reference of the thread that waits, that of the task's signals, and that of the pause's handler. */
typedef struct
{
  FerryJob *job;      /* const: (owned) */
  FerryTask *task;    /* const: (owned) */
  Home *home;         /* const: (unowned) */
  gboolean cleans_up; /* const */
  gboolean is_paused; /* home: the task was paused */
  int answers;        /* const: (owned): those to the job; -1: nobody is asked */
  GSource *asking;    /* home: (owned) (nullable): while the command asks */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  gboolean is_done; /* lock */
} Step;

/* A job that has run a step. */
typedef struct
{
  FerryJob *job;    /* const: (unowned) */
  GPtrArray *files; /* home_lock: (element-type CommandFiles) (owned): of the steps that have succeeded */
  GString *direct;  /* home_lock: (owned): the names of files that are written in place, to be shown */
  GString *harm;    /* home_lock: (owned): what steps have said of them that were ended: "; 'out' may be damaged" */
  gboolean is_over; /* home_lock: the function has returned */
} JobSteps;

/* What the home thread says of its start. */
typedef struct
{
  pthread_mutex_t lock;
  pthread_cond_t changed;
  gboolean is_over; /* lock, as the next two */
  Home *home;
  GError *error;
} Start;

static pthread_mutex_t home_lock = PTHREAD_MUTEX_INITIALIZER;
static Home *home;       /* home_lock: (owned) (nullable): for ever, since its thread is */
static GPtrArray *steps; /* home_lock: (element-type Step) (unowned) (nullable): those that run */
static GPtrArray *jobs;  /* home_lock: (element-type JobSteps) (owned) (nullable) */
static pthread_cond_t step_ended = PTHREAD_COND_INITIALIZER; /* home_lock */
static gboolean is_ending; /* home_lock: this process was told to end, and does once no job is left */

static int terminations = -1; /* const once the handler of SIGTERM is set: an eventfd */
static struct sigaction before;

/* ---- SIGTERM ---- */

static void
note_termination (int signal_number)
{
  const guint64 one = 1;
  const int failure = errno;

  if (write (terminations, &one, sizeof one) < 0)
    errno = 0;
  errno = failure;
}

/* home: (transfer full) (element-type FerryJob): the jobs that have run a step. */
static GPtrArray *
list_jobs (void)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (g_object_unref);
  FERRY_AUTO_LOCK (&home_lock);

  for (guint i = 0; jobs != NULL && i < jobs->len; i++)
    g_ptr_array_add (found, g_object_ref (((const JobSteps *) jobs->pdata[i])->job));
  return found;
}

/* any: (transfer full) (element-type FerryTask): those of the steps of a job; NULL: of all that do not clean up. */
static GPtrArray *
list_tasks (const FerryJob *job)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (g_object_unref);
  FERRY_AUTO_LOCK (&home_lock);

  for (guint i = 0; steps != NULL && i < steps->len; i++)
    {
      const Step *step = steps->pdata[i];

      if (job != NULL ? step->job == job : !step->cleans_up)
        g_ptr_array_add (found, g_object_ref (step->task));
    }
  return found;
}

/* home: has the workers of commands that were cancelled get SIGTERM. */
static void
give_no_time (GPtrArray *tasks)
{
  for (guint i = 0; i < tasks->len; i++)
    {
      FerryRun *run = ferry_task_get_run (tasks->pdata[i]);

      if (run->destination != NULL)
        run->destination->funcs->give_time (run->destination, run, 0);
    }
}

/* home: ends the commands that were cancelled. */
static void
end_cancelled (void)
{
  g_autoptr (GPtrArray) tasks = list_tasks (NULL);

  give_no_time (tasks);
}

static gboolean
end_cancelled_cb (gpointer data)
{
  end_cancelled ();
  return G_SOURCE_REMOVE;
}

/* any: ends this process by the signal that it got. */
static void
end_by_signal (void)
{
  sigaction (SIGTERM, &before, NULL);
  kill (getpid (), SIGTERM);
}

/* home: the application ends, or somebody else wants this process to end. Its functions are told as by a cancel, so
 * they tidy up, and it ends after the last. */
static void
end_in_order (GPtrArray *running)
{
  g_autoptr (GSource) source = g_timeout_source_new (PATIENCE_MILLISECONDS);

  pthread_mutex_lock (&home_lock);
  is_ending = TRUE;
  pthread_mutex_unlock (&home_lock);
  for (guint i = 0; i < running->len; i++)
    ferry_job_cancel (running->pdata[i], FERRY_CANCEL_REASON_CLOSED);
  g_source_set_static_name (source, "[ferry] SIGTERM of commands");
  g_source_set_callback (source, end_cancelled_cb, NULL, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
}

/* home */
static gboolean
take_termination (int fd, GIOCondition condition, gpointer data)
{
  g_autoptr (GPtrArray) running = list_jobs ();
  gboolean is_cancelled = FALSE;
  guint64 n;

  if (read (fd, &n, sizeof n) < 0)
    return G_SOURCE_CONTINUE;
  for (guint i = 0; i < running->len; i++)
    is_cancelled |= ferry_job_is_cancelled (running->pdata[i]);
  if (running->len == 0)
    end_by_signal ();
  else if (is_cancelled)
    end_cancelled ();
  else
    end_in_order (running);
  return G_SOURCE_CONTINUE;
}

/* home: in a worker, SIGTERM comes after half of the grace time. In an application with threads for workers it is none
 * of Ferry's business. */
static void
hear_termination (GMainContext *context)
{
  struct sigaction action = {.sa_handler = note_termination, .sa_flags = SA_RESTART};
  g_autoptr (GSource) source = NULL;

  if (!ferry_worker_main_serves () || terminations >= 0)
    return;
  terminations = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (terminations < 0)
    return;
  source = g_unix_fd_source_new (terminations, G_IO_IN);
  g_source_set_static_name (source, "[ferry] SIGTERM");
  g_source_set_callback (source, (GSourceFunc) (gpointer) take_termination, NULL, NULL);
  g_source_attach (source, context);
  sigaction (SIGTERM, &action, &before);
}

/* ---- the home thread ---- */

/* home: (transfer full) (nullable) */
static FerryExecutor *
make_executor (GMainContext *context, GError **error)
{
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new_for_commands (error);
  g_autoptr (FerryRouter) router = ferry_router_new (context);
  g_autofree char *application = g_strdup_printf ("%d", (int) ferry_attachment_get_application ());
  g_autoptr (FerryPool) pool = NULL;

  if (launcher == NULL || !ferry_router_start (router, error))
    return NULL;
  ferry_launcher_setenv (launcher, FERRY_COMMAND_APPLICATION_VARIABLE, application);
  pool = ferry_pool_new (router, launcher);
  return ferry_executor_new (pool);
}

/* home: (nullable) */
static Home *
make_home (GMainContext *context, GError **error)
{
  FerryExecutor *executor = make_executor (context, error);
  Home *self;

  if (executor == NULL)
    return NULL;
  hear_termination (context);
  self = g_new (Home, 1);
  *self = (Home){getpid (), g_main_context_ref (context), executor};
  return self;
}

static gpointer
run_home (gpointer data)
{
  Start *start = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  GError *error = NULL;
  Home *self;

  g_main_context_push_thread_default (context);
  self = make_home (context, &error);
  pthread_mutex_lock (&start->lock);
  start->home = self;
  start->error = error;
  start->is_over = TRUE;
  pthread_cond_signal (&start->changed);
  pthread_mutex_unlock (&start->lock);
  while (self != NULL)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  return NULL;
}

/* With the lock: (nullable). */
static Home *
start_home_locked (GError **error)
{
  Start start = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
  GThread *thread = ferry_thread_try_new ("ferry-commands", "running commands", run_home, &start, error);

  if (thread == NULL)
    return NULL;
  pthread_mutex_lock (&start.lock);
  while (!start.is_over)
    pthread_cond_wait (&start.changed, &start.lock);
  pthread_mutex_unlock (&start.lock);
  if (start.home != NULL)
    g_thread_unref (thread);
  else
    g_thread_join (thread);
  if (start.error != NULL)
    g_propagate_error (error, start.error);
  return start.home;
}

/* any: (transfer none) (nullable) */
static Home *
get_home (GError **error)
{
  FERRY_AUTO_LOCK (&home_lock);

  if (home == NULL || home->pid != getpid ())
    home = start_home_locked (error);
  return home;
}

/* ---- a step ---- */

static void
step_clear (gpointer data)
{
  Step *self = data;

  g_object_unref (self->job);
  g_object_unref (self->task);
  ferry_clear_fd (&self->answers);
  pthread_mutex_destroy (&self->lock);
  pthread_cond_destroy (&self->changed);
}

static void
step_unref (gpointer self)
{
  g_atomic_rc_box_release_full (self, step_clear);
}

static void
step_unref_closure (gpointer self, GClosure *closure)
{
  step_unref (self);
}

/* home */
static void
task_progressed (FerryTask *task, Step *self)
{
  g_autofree char *text = NULL;
  g_autofree char *unit = NULL;
  double fraction = ferry_task_get_run (task)->fraction;
  gboolean is_known = fraction >= 0;
  guint64 amount;

  g_object_get (task, "text", &text, "amount", &amount, "unit", &unit, NULL);
  /* An amount is one of the command, and says nothing of the whole. Without a fraction it says that something moves. */
  ferry_job_pass_progress (self->job, fraction, is_known ? 0 : amount, is_known ? NULL : unit, text);
}

/* home */
static void
task_sent (FerryTask *task, const char *type, GVariant *value, Step *self)
{
  ferry_job_pass_message (self->job, type, value);
}

/* home */
static void
stop_asking (Step *self)
{
  if (self->asking != NULL)
    g_source_destroy (self->asking);
  g_clear_pointer (&self->asking, g_source_unref);
}

/* home: of several commands, an answer is for one that asks. */
static gboolean
pass_answer (int fd, GIOCondition condition, gpointer data)
{
  Step *self = data;
  guint8 bytes[MAX_ANSWER];
  gssize size = TEMP_FAILURE_RETRY (recv (fd, bytes, sizeof bytes, MSG_DONTWAIT));

  if (size >= 0)
    ferry_task_answer (self->task, size > 0 ? bytes : NULL, (gsize) size, NULL);
  explicit_bzero (bytes, sizeof bytes);
  return G_SOURCE_CONTINUE;
}

/* home */
static void
question_changed (FerryTask *task, GParamSpec *pspec, Step *self)
{
  g_autofree char *question = NULL;

  g_object_get (task, "question", &question, NULL);
  stop_asking (self);
  ferry_job_ask (self->job, question, NULL);
  if (question == NULL)
    return;
  self->asking = g_unix_fd_source_new (self->answers, G_IO_IN);
  g_source_set_static_name (self->asking, "[ferry] answers");
  g_source_set_callback (self->asking, (GSourceFunc) (gpointer) pass_answer, g_atomic_rc_box_acquire (self),
                         step_unref);
  g_source_attach (self->asking, self->home->context);
}

/* home */
static void
task_done (FerryTask *task, Step *self)
{
  stop_asking (self);
  pthread_mutex_lock (&self->lock);
  self->is_done = TRUE;
  pthread_cond_signal (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

/* home: what was read last counts. */
static void
take_pause (gpointer data)
{
  Step *self = data;
  gboolean is_paused;

  g_object_get (self->job, "paused", &is_paused, NULL);
  if (is_paused == self->is_paused || ferry_task_get_done (self->task))
    return;
  self->is_paused = is_paused;
  if (is_paused)
    ferry_task_pause (self->task);
  else
    ferry_task_resume (self->task);
}

/* any */
static void
paused_changed (FerryJob *job, GParamSpec *pspec, Step *self)
{
  ferry_mailbox_post (self->home->context, take_pause, g_atomic_rc_box_acquire (self), step_unref);
}

static void
connect_task (Step *self, const char *signal, GCallback handler)
{
  g_signal_connect_data (self->task, signal, handler, g_atomic_rc_box_acquire (self), step_unref_closure, 0);
}

/* The handlers have references to the step, which has one to the task. */
static void
disconnect_task (Step *self)
{
  g_signal_handlers_disconnect_by_data (self->task, self);
}

/* Whether a command is for a job that was cancelled, too. */
static gboolean
is_for_cancelled (FerryTask *task)
{
  g_autoptr (GVariant) arguments = NULL;
  gboolean cleans_up = FALSE;

  g_object_get (task, "arguments", &arguments, NULL);
  if (arguments != NULL && g_variant_is_of_type (arguments, G_VARIANT_TYPE_VARDICT))
    g_variant_lookup (arguments, "cleans-up", "b", &cleans_up);
  return cleans_up;
}

/* (transfer full) (nullable) */
static Step *
step_new (FerryJob *job, FerryTask *task, gboolean cleans_up, GError **error)
{
  Home *owner = get_home (error);
  Step *self;

  if (owner == NULL)
    return NULL;
  ferry_task_set_cancel_grace (task, UNLIMITED_GRACE);
  if (!cleans_up)
    g_object_set (task, "cancellable", ferry_job_get_cancellable (job), NULL);
  self = g_atomic_rc_box_new0 (Step);
  self->job = g_object_ref (job);
  self->task = g_object_ref (task);
  self->home = owner;
  self->cleans_up = cleans_up;
  self->answers = ferry_job_dup_answers (job, NULL);
  if (self->answers < 0)
    g_object_set (task, "interactive", FALSE, NULL);
  else
    connect_task (self, "notify::question", G_CALLBACK (question_changed));
  pthread_mutex_init (&self->lock, NULL);
  pthread_cond_init (&self->changed, NULL);
  connect_task (self, "progress", G_CALLBACK (task_progressed));
  connect_task (self, "message", G_CALLBACK (task_sent));
  connect_task (self, "done", G_CALLBACK (task_done));
  return self;
}

/* Submits the task, and waits until it is done. */
static gboolean
step_run (Step *self, GError **error)
{
  gulong handler;

  if (!ferry_executor_submit_task (self->home->executor, self->task, error))
    return FALSE;
  handler = g_signal_connect_data (self->job, "notify::paused", G_CALLBACK (paused_changed),
                                   g_atomic_rc_box_acquire (self), step_unref_closure, 0);
  /* The job may be paused already. It has no thread that hears of pauses before it is asked for a cancellable. */
  ferry_job_get_cancellable (self->job);
  paused_changed (self->job, NULL, self);
  pthread_mutex_lock (&self->lock);
  while (!self->is_done)
    pthread_cond_wait (&self->changed, &self->lock);
  pthread_mutex_unlock (&self->lock);
  g_signal_handler_disconnect (self->job, handler);
  return TRUE;
}

/* ---- the job ---- */

static void
job_steps_free (gpointer data)
{
  JobSteps *self = data;

  g_ptr_array_unref (self->files);
  g_string_free (self->direct, TRUE);
  g_string_free (self->harm, TRUE);
  g_free (self);
}

/* With the lock: (transfer none) (nullable). */
static JobSteps *
find_job_locked (FerryJob *job)
{
  for (guint i = 0; jobs != NULL && i < jobs->len; i++)
    if (((JobSteps *) jobs->pdata[i])->job == job)
      return jobs->pdata[i];
  return NULL;
}

static gboolean
has_step_locked (const FerryJob *job)
{
  for (guint i = 0; steps != NULL && i < steps->len; i++)
    if (((const Step *) steps->pdata[i])->job == job)
      return TRUE;
  return FALSE;
}

/* home: ends the programs of a function that has returned, which were cancelled and have not ended. */
static gboolean
end_left_behind (gpointer data)
{
  g_autoptr (GPtrArray) tasks = list_tasks (data);

  give_no_time (tasks);
  return G_SOURCE_REMOVE;
}

/* The thread that serves: ends the programs of threads that the function has left behind, so that nothing of them runs
 * and no file of theirs is there when the task is done. */
static void
end_steps (FerryJob *job)
{
  g_autoptr (GSource) source = g_timeout_source_new (PATIENCE_MILLISECONDS);
  g_autoptr (GPtrArray) tasks = NULL;
  gboolean has_steps;

  pthread_mutex_lock (&home_lock);
  find_job_locked (job)->is_over = TRUE;
  has_steps = has_step_locked (job);
  pthread_mutex_unlock (&home_lock);
  if (!has_steps)
    return;
  tasks = list_tasks (job);
  for (guint i = 0; i < tasks->len; i++)
    ferry_task_cancel (tasks->pdata[i]);
  g_source_set_static_name (source, "[ferry] SIGTERM of commands");
  g_source_set_callback (source, end_left_behind, g_object_ref (job), g_object_unref);
  pthread_mutex_lock (&home_lock);
  g_source_attach (source, home->context);
  while (has_step_locked (job))
    pthread_cond_wait (&step_ended, &home_lock);
  pthread_mutex_unlock (&home_lock);
  g_source_destroy (source);
}

/* Adds what was harmed to the error: what the steps have said, and the files that they have written. Returns whether
 * that is anything. */
static gboolean
add_harm (GError *error, const char *of_steps, GPtrArray *files)
{
  g_autofree char *old = g_strdup (error->message);

  if (strstr (old, of_steps) == NULL)
    {
      g_free (error->message);
      error->message = g_strconcat (old, of_steps, NULL);
    }
  for (guint i = 0; i < files->len; i++)
    command_files_discard (files->pdata[i], error);
  return strcmp (old, error->message) != 0;
}

/* Removes all files. A function that is ended may fail with an error of its own, or an exception: what was harmed is
 * then told with the error that says why it was ended, as its user reads that one. */
static void
remove_files (FerryJob *job, GPtrArray *files, const char *of_steps, GError **failure)
{
  g_autoptr (GError) stop = NULL;

  if (ferry_job_check_cancelled (job, &stop) || g_str_has_prefix ((*failure)->message, stop->message))
    add_harm (*failure, of_steps, files);
  else if (add_harm (stop, of_steps, files))
    {
      g_debug ("A function that was ended has failed: %s", (*failure)->message);
      g_clear_error (failure);
      *failure = g_steal_pointer (&stop);
    }
}

/* Moves all files into place, or removes them all. */
static void
end_files (FerryJob *job, GPtrArray *files, const char *of_steps, GError **failure)
{
  if (*failure == NULL && files->len > 0)
    ferry_job_commit (job, failure);
  if (*failure != NULL)
    remove_files (job, files, of_steps, failure);
  else
    command_files_commit ((CommandFiles *const *) files->pdata, files->len, failure);
  for (guint i = 0; i < files->len; i++)
    command_files_free (files->pdata[i]);
}

/* The thread that serves: the function has returned. */
static void
job_ended (gpointer data, GError **failure)
{
  FerryJob *job = data;
  g_autoptr (GPtrArray) files = NULL;
  g_autofree char *harm = NULL;
  gboolean was_told, is_last;

  end_steps (job);
  pthread_mutex_lock (&home_lock);
  files = g_ptr_array_ref (find_job_locked (job)->files);
  harm = g_strdup (find_job_locked (job)->harm->str);
  was_told = find_job_locked (job)->direct->len > 0;
  pthread_mutex_unlock (&home_lock);
  end_files (job, files, harm, failure);
  /* The next item of a map may write nothing. */
  if (was_told)
    ferry_job_pass_unfinished (job, "");
  pthread_mutex_lock (&home_lock);
  g_ptr_array_remove_fast (jobs, find_job_locked (job));
  is_last = is_ending && jobs->len == 0;
  pthread_mutex_unlock (&home_lock);
  if (!is_last)
    return;
  ferry_job_remove_scratch_folder (job);
  end_by_signal ();
}

/* Has this module hear of the end of a job that it does not know. */
static gboolean
add_job_locked (FerryJob *job, GError **error)
{
  JobSteps *added;

  if (jobs == NULL)
    jobs = g_ptr_array_new_with_free_func (job_steps_free);
  if (!ferry_job_add_end (job, job_ended, job, error))
    return FALSE;
  added = g_new0 (JobSteps, 1);
  added->job = job;
  added->files = g_ptr_array_new ();
  added->direct = g_string_new (NULL);
  added->harm = g_string_new (NULL);
  g_ptr_array_add (jobs, added);
  return TRUE;
}

/* Has this module, and the application, know that the function runs programs, when it begins with that. */
static gboolean
add_job (FerryJob *job, GError **error)
{
  gboolean is_known, is_added;

  pthread_mutex_lock (&home_lock);
  is_known = find_job_locked (job) != NULL;
  is_added = !is_known && add_job_locked (job, error);
  pthread_mutex_unlock (&home_lock);
  if (is_added)
    ferry_job_note_programs (job);
  return is_known || is_added;
}

/* Has the application know which files (nullable) are written in place, before they are: nobody in this process may be
 * there to say so when it ends. */
static void
tell_direct (FerryJob *job, CommandFiles *files)
{
  g_auto (GStrv) names = files != NULL ? command_files_list_direct (files) : NULL;
  g_autofree char *all = NULL;
  JobSteps *found;

  if (names == NULL || names[0] == NULL)
    return;
  pthread_mutex_lock (&home_lock);
  found = find_job_locked (job);
  for (guint i = 0; found != NULL && names[i] != NULL; i++)
    {
      g_autofree char *shown = g_filename_display_name (names[i]);
      g_autofree char *quoted = g_strdup_printf ("'%s'", shown);

      if (strstr (found->direct->str, quoted) == NULL)
        g_string_append_printf (found->direct, "%s%s", found->direct->len > 0 ? ", " : "", quoted);
    }
  all = found != NULL ? g_strdup (found->direct->str) : NULL;
  pthread_mutex_unlock (&home_lock);
  if (all != NULL)
    ferry_job_pass_unfinished (job, all);
}

/* Takes files (nullable), which wait for the function's end. failure: of the step, or NULL. What a step that has failed
 * has written in place was for its worker to remove, unless that was lost. */
static void
keep_files (FerryJob *job, CommandFiles *files, GError *failure)
{
  JobSteps *found = NULL;

  if (files == NULL)
    return;
  pthread_mutex_lock (&home_lock);
  if (failure == NULL)
    found = find_job_locked (job);
  if (found != NULL)
    g_ptr_array_add (found->files, files);
  pthread_mutex_unlock (&home_lock);
  if (found != NULL)
    return;
  if (failure == NULL || g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WORKER_LOST))
    command_files_discard (files, failure);
  command_files_free (files);
}

/* Fails where the function has returned meanwhile. */
static gboolean
note_step (Step *self, GError **error)
{
  const JobSteps *found;
  FERRY_AUTO_LOCK (&home_lock);

  found = find_job_locked (self->job);
  if (found == NULL || found->is_over)
    return ferry_set_error (error, FERRY_ERROR_NOT_RUNNING,
                            "The function has returned, and runs no programs any more; join its threads before");
  if (steps == NULL)
    steps = g_ptr_array_new ();
  g_ptr_array_add (steps, self);
  return TRUE;
}

static void
forget_step (Step *self)
{
  FERRY_AUTO_LOCK (&home_lock);

  g_ptr_array_remove_fast (steps, self);
  pthread_cond_broadcast (&step_ended);
}

/* The function may end without a word of it. */
static void
note_harm (FerryJob *job, const char *harm)
{
  JobSteps *found;
  FERRY_AUTO_LOCK (&home_lock);

  found = find_job_locked (job);
  if (found != NULL)
    g_string_append (found->harm, harm);
}

/* Takes the error of the task, which is done. */
static void
take_end (Step *self, GError **error)
{
  const GError *failure = ferry_task_get_error (self->task);
  g_autoptr (GError) stop = NULL;
  g_autofree char *trace = NULL;

  /* Says why: that the task was cancelled, or that its time is over; and what the command's worker has to say. */
  if (!self->cleans_up && !ferry_job_check (self->job, &stop))
    {
      const char *harm = ferry_run_get_addition (ferry_task_get_run (self->task)->late_error);

      note_harm (self->job, harm);
      g_set_error (error, stop->domain, stop->code, "%s%s", stop->message, harm);
      return;
    }
  if (ferry_task_get_state (self->task) == FERRY_TASK_STATE_COMPLETED)
    return;
  /* The function has returned, and this thread was left behind. */
  if (failure == NULL)
    {
      g_autoptr (GVariant) none G_GNUC_UNUSED = ferry_task_get_result (self->task, error);

      return;
    }
  g_object_get (self->task, "trace", &trace, NULL);
  g_propagate_error (error, ferry_error_copy_with_trace (failure, trace));
}

static gboolean
run (FerryJob *job, FerryTask *task, gboolean cleans_up, GError **error)
{
  Step *step = step_new (job, task, cleans_up, error);
  g_autoptr (GError) failure = NULL;
  CommandFiles *files = NULL;
  gboolean has_part;

  if (step == NULL)
    return FALSE;
  if (ferry_step_files_prepare (task, &files, &failure) && note_step (step, &failure))
    {
      tell_direct (job, files);
      has_part = ferry_job_begin_own_part (job);
      if (step_run (step, &failure))
        take_end (step, &failure);
      if (failure == NULL && files != NULL)
        command_files_check (files, &failure);
      if (has_part)
        ferry_job_end_part (job);
      keep_files (job, files, failure);
      forget_step (step);
    }
  else
    keep_files (job, files, failure);
  disconnect_task (step);
  step_unref (step);
  if (failure == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

/* any: has the function hear of an orderly end as of a cancel, before it has run a program too. Where that cannot be,
 * the next worker that makes a scratch folder removes what is left. */
static gboolean
hear_end (FerryJob *job, GError **error)
{
  return !ferry_worker_main_serves () || get_home (NULL) == NULL || add_job (job, error);
}

/**
 * ferry_job_get_scratch_folder:
 * @self: a job
 * @error: return location for an error
 *
 * Gets a folder for files that nobody wants once the function has returned, such as what the first of two programs
 * writes and the second one reads ([method@Ferry.Job.run_command]). It is made when this is called first, empty and for
 * this user alone (mode 0700), in the user's cache folder. When the function has returned, it is removed with all in
 * it. A function that has one hears of the application's end as of a cancel. Where the worker was killed, the next
 * worker that makes one removes it. In a map, each item has its own. Any thread may call this.
 *
 * Fails with %FERRY_ERROR_SYSTEM when the folder cannot be made, and with %FERRY_ERROR_STOPPED when the function has
 * returned.
 *
 * Returns: (transfer none) (type filename) (nullable): the absolute path, or %NULL with an error
 */
const char *
ferry_job_get_scratch_folder (FerryJob *self, GError **error)
{
  g_return_val_if_fail (FERRY_IS_JOB (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return hear_end (self, error) ? ferry_job_make_scratch_folder (self, error) : NULL;
}

/**
 * ferry_job_run_task:
 * @self: a job
 * @task: a task of [ctor@Ferry.Task.new_for_command], which was not submitted
 * @error: return location for an error
 *
 * Runs a program in the middle of a function, as [method@Ferry.Job.run_command] does, for those who read more of its
 * end than its result and its error: the task has both, and what a program has written that has failed. Any thread may
 * call this. The task belongs to that thread again when this function returns.
 *
 * Fails as [method@Ferry.Job.run_command] does, and as [method@Ferry.Executor.submit_task] does.
 *
 * Returns: whether the program has succeeded
 */
gboolean
ferry_job_run_task (FerryJob *self, FerryTask *task, GError **error)
{
  gboolean cleans_up;

  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);
  g_return_val_if_fail (FERRY_IS_TASK (task), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  cleans_up = is_for_cancelled (task);
  /* Waits while the job is paused, too. */
  if (!ferry_job_check (self, cleans_up ? NULL : error) && !cleans_up)
    return FALSE;
  return add_job (self, error) && run (self, task, cleans_up, error);
}

/**
 * ferry_job_run_command:
 * @self: a job
 * @command: a command; what its properties are now counts
 * @result: (out) (optional) (transfer full): what the task of a command has as its result
 * @error: return location for an error
 *
 * Runs a program in the middle of a function, and waits until it has ended. So a chain of programs, a decision between
 * two of them and what is to be done whatever happens are ordinary code, and one task with one bar and one Cancel:
 *
 * ```c
 * if (!ferry_job_run_command (job, shrink, NULL, error) || !ferry_job_run_command (job, pack, NULL, error))
 *   return NULL;
 * ```
 *
 * What the program says of its progress is the job's. Between [method@Ferry.Job.begin_part] and
 * [method@Ferry.Job.end_part] it is that part's. Elsewhere each program is half of what is left of the bar, since
 * nobody knows how many follow. Lines of the program are messages of the task ([signal@Ferry.Task::message]), and what
 * it asks is asked by the task, if that is [property@Ferry.Task:interactive]. While the task is paused, the program is,
 * also where neither of them reports. A cancel ends the program, and then this function fails, at once for programs
 * that would follow. For one that must run even so, such as one that tidies up, set
 * [property@Ferry.Command:cleans-up]. All that takes place within [property@Ferry.Task:cancel-grace] of the task, which
 * is ten seconds for a function that runs programs, where none is set.
 *
 * The program's output files are in their places once the function has succeeded, and not before. If it fails, or is
 * cancelled, all that its programs have written there is removed.
 *
 * The program runs as [class@Ferry.Command] says, in a worker of this worker, which the first call starts; two more
 * processes watch over it. All of them end with this one. [method@Ferry.Job.get_scratch_folder] has a place for what
 * one program writes and the next one reads. Any thread may call this; several programs run at a time then.
 *
 * Fails as the task of a command does: with #GSpawnError, and with the exit status as code of %G_SPAWN_EXIT_ERROR; the
 * error's trace has the last lines that the program wrote. Fails with %FERRY_ERROR_BAD_ARGUMENTS for a command without
 * a program, as [method@Ferry.Job.check] does, and as [ctor@Ferry.Executor.new_for_commands] does.
 *
 * Returns: whether the program has succeeded
 */
gboolean
ferry_job_run_command (FerryJob *self, FerryCommand *command, GVariant **result, GError **error)
{
  g_autoptr (FerryTask) task = NULL;

  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);
  g_return_val_if_fail (FERRY_IS_COMMAND (command), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  task = ferry_task_new_for_command (command, error);
  if (task == NULL || !ferry_job_run_task (self, task, error))
    return FALSE;
  if (result != NULL)
    *result = ferry_task_get_result (task, NULL);
  return TRUE;
}
