/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One run of a command, from its arguments to its result.
 *
 * A loop waits for what the command writes, for room in its input, for the end of one of its processes, for a cancel
 * and for moments. Where the command writes faster than the application hears of it, what was read is dropped here.
 *
 * A command ends with its first process. A child of it may hold the pipes, so what that writes is read for a short time
 * more. Then what is left in the session is killed; and all that descends from the command, if it did not succeed.
 *
 * A cancel is a signal to the whole session. At half of the grace time the application sends SIGTERM to this process,
 * which passes it on to the session. SIGKILL follows before the grace time is over, so that this process tidies up
 * before the application kills it.
 *
 * Threads: the one that runs the function. While a polite command runs, one that is nice follows it in its place: to
 * read a flood takes a processor. A thread alone can be nicer for a while, since only root can take it back. */

#include "command-run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "command-cause.h"
#include "command-confinement.h"
#include "command-files.h"
#include "command-options.h"
#include "command-output.h"
#include "command-pause.h"
#include "command-program.h"
#include "command-progress.h"
#include "command-session.h"

/* The least time between two messages with a line of one stream, where not all are wanted. */
#define PACE (100 * 1000)

/* How long output is read after the end of the first process, while others hold the pipe. */
#define READ_AFTER_END (1 * G_USEC_PER_SEC)

/* How long a command that is ended for another reason than a cancel has after each signal. */
#define PATIENCE (1 * G_USEC_PER_SEC)

#define NEVER G_MAXINT64

#define TERMINAL_COLUMNS 80
#define TERMINAL_ROWS 24

enum
{
  STREAM_OUTPUT,
  STREAM_ERRORS,
  N_STREAMS,
};

/* What a line of a stream is called in messages to the task. */
static const char *const line_types[N_STREAMS] = {"line", "error-line"};

typedef enum
{
  END_NONE,
  END_ASKED, /* by the signal that the application chose */
  END_TERMINATED,
  END_KILLED,
} EndStep;

typedef struct
{
  FerryJob *job;                     /* (unowned) */
  CommandOptions *options;           /* (owned) */
  CommandFiles *files;               /* (owned) (nullable) */
  CommandProgress *progress;         /* (owned) (nullable) */
  CommandSession *session;           /* (owned) (nullable) */
  CommandPause *pause;               /* (owned) (nullable): NULL: it is not paused any more */
  int ends[3];                       /* (owned): the streams of the command until it is started; -1: none */
  CommandOutput *outputs[N_STREAMS]; /* (owned) (nullable) */
  GBytes *input;                     /* (owned) (nullable) */
  gsize n_written;                   /* of the input */
  int input_fd;                      /* (owned): where the input is written; -1: nowhere any more */
  GCancellable *cancellable;         /* (unowned) */
  int cancel_fd;                     /* readable once the job is cancelled */
  EndStep end_step;                  /* how far it is with the signals that end a command */
  gint64 ending_at;                  /* when the command was asked to end; 0: it was not */
  gint64 next_step;                  /* when the next one follows; NEVER: when the application says so */
  gint64 next_pace;                  /* when a line may be sent again */
  gint64 next_nice;                  /* when the session of a polite command is to be made nice; NEVER: it is */
  gint64 ended_at;                   /* when the first process had ended; 0: it runs */
  int status;                        /* of waitpid(), if so */
  GError *failure;                   /* (owned) (nullable): why the command is ended before it is done */
} Run;

static void
clear_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static gboolean
set_system_error (GError **error, const char *what, const char *name)
{
  const int failure = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (failure), "%s '%s': %s", what, name, g_strerror (failure));
  return FALSE;
}

/* ---- streams ---- */

static gboolean
open_input (Run *self, GError **error)
{
  const CommandOptions *options = self->options;
  g_autofree char *path =
    g_canonicalize_filename (options->input_file != NULL ? options->input_file : "/dev/null", options->directory);
  int ends[2];

  if (options->input == NULL)
    {
      self->ends[0] = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
      return self->ends[0] >= 0 || set_system_error (error, "The input of the command cannot be read from", path);
    }
  self->input = g_variant_is_of_type (options->input, G_VARIANT_TYPE_BYTESTRING)
                  ? g_variant_get_data_as_bytes (options->input)
                  : ferry_job_dup_bytes (self->job, g_variant_get_int32 (options->input), error);
  if (self->input == NULL)
    return FALSE;
  if (pipe2 (ends, O_CLOEXEC) < 0)
    return set_system_error (error, "Making a pipe for", "the input of the command");
  self->ends[0] = ends[0];
  self->input_fd = ends[1];
  fcntl (self->input_fd, F_SETFL, O_NONBLOCK);
  return TRUE;
}

/* Makes the pipe of a stream that is read. */
static gboolean
open_pipe (Run *self, guint stream, guint64 limit, GError **error)
{
  int ends[2];

  if (pipe2 (ends, O_CLOEXEC) < 0)
    return set_system_error (error, "Making a pipe for", "the output of the command");
  fcntl (ends[0], F_SETFL, O_NONBLOCK);
  self->outputs[stream] = command_output_new (ends[0], limit);
  self->ends[stream + 1] = ends[1];
  return TRUE;
}

/* Makes a terminal that changes nothing of what is written to it. Both streams are it. */
static gboolean
open_terminal (Run *self, GError **error)
{
  const struct winsize size = {.ws_col = TERMINAL_COLUMNS, .ws_row = TERMINAL_ROWS};
  int master = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  struct termios settings;
  char name[64];

  if (master < 0)
    return set_system_error (error, "Making a terminal for", "the command");
  fcntl (master, F_SETFL, O_NONBLOCK);
  self->outputs[STREAM_OUTPUT] = command_output_new (master, self->options->output_limit);
  if (grantpt (master) < 0 || unlockpt (master) < 0 || ptsname_r (master, name, sizeof name) != 0 ||
      (self->ends[1] = open (name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0 || tcgetattr (self->ends[1], &settings) < 0)
    return set_system_error (error, "Making a terminal for", "the command");
  cfmakeraw (&settings);
  /* The keys that send signals are none that a command is sent, and input is not the terminal's. */
  if (tcsetattr (self->ends[1], TCSANOW, &settings) < 0 || ioctl (self->ends[1], TIOCSWINSZ, &size) < 0)
    return set_system_error (error, "Setting the terminal of", "the command");
  self->ends[2] = fcntl (self->ends[1], F_DUPFD_CLOEXEC, 0);
  return self->ends[2] >= 0 || set_system_error (error, "Copying the terminal of", "the command");
}

static gboolean
open_outputs (Run *self, GError **error)
{
  const CommandOptions *options = self->options;
  const char *path = command_files_get_output (self->files);

  if (options->terminal)
    return open_terminal (self, error);
  if (!open_pipe (self, STREAM_ERRORS, 0, error))
    return FALSE;
  if (path == NULL)
    return open_pipe (self, STREAM_OUTPUT, options->output_limit, error);
  self->ends[1] = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
  return self->ends[1] >= 0 || set_system_error (error, "The output of the command cannot be written to", path);
}

/* ---- while it runs ---- */

static void
send_line_of (Run *self, guint stream, const char *line)
{
  ferry_job_send (self->job, line_types[stream], g_variant_new_string (line), NULL);
}

static void
send_line (const char *line, gpointer self)
{
  send_line_of (self, STREAM_OUTPUT, line);
}

static void
send_error_line (const char *line, gpointer self)
{
  send_line_of (self, STREAM_ERRORS, line);
}

static CommandLineFunc
get_line_func (Run *self, guint stream)
{
  if (!self->options->all_lines)
    return NULL;
  return stream == STREAM_OUTPUT ? send_line : send_error_line;
}

/* Returns FALSE when nothing was there. */
static gboolean
read_output (Run *self, guint stream)
{
  CommandOutput *output = self->outputs[stream];
  gsize size;
  const guint8 *bytes = output != NULL ? command_output_read (output, &size, get_line_func (self, stream), self) : NULL;

  if (bytes == NULL)
    return FALSE;
  command_progress_feed (self->progress, self->options->terminal ? PROGRESS_TERMINAL : PROGRESS_OUTPUT + stream, bytes,
                         size, g_get_monotonic_time ());
  if (stream == STREAM_OUTPUT && command_output_is_over_limit (output) && self->failure == NULL)
    self->failure = g_error_new (G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE,
                                 "'%s' wrote more than %" G_GUINT64_FORMAT " bytes to its standard output; set "
                                 "'output-file' to a file for it, or raise 'output-limit'",
                                 self->options->argv[0], self->options->output_limit);
  return TRUE;
}

static void
write_input (Run *self)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (self->input, &size);
  gssize written = TEMP_FAILURE_RETRY (write (self->input_fd, bytes + self->n_written, size - self->n_written));

  if (written < 0 && errno == EAGAIN)
    return;
  self->n_written += (gsize) MAX (written, 0);
  if (written < 0 || self->n_written == size)
    clear_fd (&self->input_fd);
}

/* Sends the newest line of each stream. Returns whether there was one. */
static gboolean
send_newest_lines (Run *self)
{
  gboolean sent = FALSE;

  for (guint stream = 0; stream < N_STREAMS && !self->options->all_lines; stream++)
    {
      g_autofree char *line = self->outputs[stream] != NULL ? command_output_take_line (self->outputs[stream]) : NULL;

      if (line == NULL)
        continue;
      send_line_of (self, stream, line);
      sent = TRUE;
    }
  return sent;
}

/* ---- the end ---- */

/* Takes a step to end the command. next: when the one after it is due. */
static void
take_step (Run *self, EndStep step, gint64 next)
{
  /* A pause is over with a cancel, and the session is not to be stopped again. */
  g_clear_pointer (&self->pause, command_pause_free);
  self->end_step = step;
  self->next_step = next;
  if (step == END_KILLED)
    {
      g_free (command_session_end (self->session, COMMAND_SESSION_ALL));
      return;
    }
  command_session_signal (self->session, step == END_ASKED ? self->options->cancel_signal : SIGTERM);
  /* What is stopped hears of no other signal before. */
  command_session_signal (self->session, SIGCONT);
}

/* Takes the step that is due to end a command that has to. */
static void
go_on_to_end (Run *self, gint64 now)
{
  const gboolean cancelled = g_cancellable_is_cancelled (self->cancellable);
  const gboolean terminated = command_session_is_terminated (self->session);

  switch (self->end_step)
    {
    case END_NONE:
      if (!cancelled && !terminated && self->failure == NULL)
        return;
      self->ending_at = now;
      take_step (self, terminated ? END_TERMINATED : END_ASKED, cancelled && !terminated ? NEVER : now + PATIENCE);
      return;
    case END_ASKED:
      /* With a cancel, SIGTERM says that half of the grace time is over. */
      if (terminated || now >= self->next_step)
        take_step (self, END_TERMINATED, now + (cancelled ? (now - self->ending_at) / 2 : PATIENCE));
      return;
    case END_TERMINATED:
      if (now >= self->next_step)
        take_step (self, END_KILLED, NEVER);
      return;
    case END_KILLED:
    default:
      return;
    }
}

/* Waits for something, until a moment. */
static void
wait_for_any (Run *self, gint64 deadline)
{
  struct pollfd polls[] = {
    {.fd = command_session_get_descriptor (self->session), .events = POLLIN},
    {.fd = self->ending_at == 0 ? self->cancel_fd : -1, .events = POLLIN},
    {.fd = self->input_fd, .events = POLLOUT},
    {.fd = -1, .events = POLLIN},
    {.fd = -1, .events = POLLIN},
  };
  const gint64 left = deadline - g_get_monotonic_time ();

  for (guint stream = 0; stream < N_STREAMS; stream++)
    if (self->outputs[stream] != NULL)
      polls[3 + stream].fd = command_output_get_fd (self->outputs[stream]);
  poll (polls, G_N_ELEMENTS (polls), deadline == NEVER ? -1 : (int) ((CLAMP (left, 0, G_MAXINT) + 999) / 1000));
  if (polls[2].revents != 0)
    write_input (self);
  for (guint stream = 0; stream < N_STREAMS; stream++)
    if (polls[3 + stream].revents != 0)
      read_output (self, stream);
}

static gboolean
has_open_output (Run *self)
{
  for (guint stream = 0; stream < N_STREAMS; stream++)
    if (self->outputs[stream] != NULL && command_output_get_fd (self->outputs[stream]) >= 0)
      return TRUE;
  return FALSE;
}

/* Whether the command is over: its first process has ended, and its output was read. */
static gboolean
is_over (Run *self, gint64 now)
{
  if (self->ended_at == 0 && command_session_has_ended (self->session, &self->status))
    self->ended_at = now;
  if (self->ended_at == 0)
    return FALSE;
  /* Those that hold the pipes of a command that was cancelled are to end, and not to be heard. */
  return self->ending_at != 0 || !has_open_output (self) || now >= self->ended_at + READ_AFTER_END;
}

/* Reads what is in the pipes now. */
static void
read_rest (Run *self)
{
  for (guint stream = 0; stream < N_STREAMS; stream++)
    {
      guint n = 0;

      /* Who holds the pipe could write for ever. */
      while (n++ < 16 && read_output (self, stream))
        ;
      if (self->outputs[stream] != NULL)
        command_output_flush (self->outputs[stream], get_line_func (self, stream), self);
    }
}

static void
follow (Run *self)
{
  gint64 now = g_get_monotonic_time ();

  while (!is_over (self, now))
    {
      gint64 next;

      go_on_to_end (self, now);
      if (now >= self->next_nice)
        self->next_nice = command_session_make_nice (self->session) ? NEVER : now + PACE;
      if (now >= self->next_pace && send_newest_lines (self))
        self->next_pace = now + PACE;
      next = MIN (self->next_step, self->ended_at != 0 ? self->ended_at + READ_AFTER_END : NEVER);
      next = MIN (next, now < self->next_pace ? self->next_pace : NEVER);
      next = MIN (next, self->next_nice);
      next = MIN (next, command_progress_tell (self->progress, now));
      wait_for_any (self, next);
      now = g_get_monotonic_time ();
    }
  read_rest (self);
  send_newest_lines (self);
}

static gpointer
follow_in_thread (gpointer data)
{
  command_session_be_nice ();
  follow (data);
  return NULL;
}

static void
follow_politely (Run *self)
{
  GThread *thread = self->options->polite ? g_thread_try_new ("ferry-follow", follow_in_thread, self, NULL) : NULL;

  if (thread != NULL)
    g_thread_join (thread);
  else
    follow (self);
}

/* (transfer full): the last lines of standard error, or of the output of a command that has no other; empty: of none.
 */
static char *
dup_last_lines (Run *self)
{
  g_autofree char *errors =
    self->outputs[STREAM_ERRORS] != NULL ? command_output_dup_last_lines (self->outputs[STREAM_ERRORS]) : NULL;

  if (errors != NULL && errors[0] != '\0')
    return g_steal_pointer (&errors);
  return self->outputs[STREAM_OUTPUT] != NULL ? command_output_dup_last_lines (self->outputs[STREAM_OUTPUT])
                                              : g_strdup ("");
}

/* Sets the error of a command that did not succeed by its status. */
static gboolean
check_status (Run *self, const char *last_lines, GError **error)
{
  const char *name = self->options->argv[0];
  const int status = self->status;
  g_autofree char *cause = command_cause_describe (last_lines, (const char *const *) self->options->argv);

  if (WIFEXITED (status) && command_options_is_success (self->options, WEXITSTATUS (status)))
    return TRUE;
  if (WIFEXITED (status))
    g_set_error (error, G_SPAWN_EXIT_ERROR, WEXITSTATUS (status), "'%s' ended with status %d%s", name,
                 WEXITSTATUS (status), cause);
  else
    g_set_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_FAILED, "'%s' was killed by signal %d (%s)%s", name,
                 WTERMSIG (status), strsignal (WTERMSIG (status)), cause);
  return FALSE;
}

/* Whether the command has succeeded, whose end this is. A cancelled one has not, whichever status it ended with. */
static gboolean
check_end (Run *self, const char *last_lines, GError **error)
{
  if (self->failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&self->failure));
      return FALSE;
    }
  return ferry_job_check (self->job, error) && check_status (self, last_lines, error);
}

/* Ends what is left of the command. */
static void
end_rest (Run *self, gboolean succeeded, GError **failure)
{
  const gboolean all = !succeeded || self->options->end_session;
  g_autofree char *left = command_session_end (self->session, all ? COMMAND_SESSION_ALL : COMMAND_SESSION_INSIDE);

  if (left == NULL)
    return;
  if (*failure != NULL)
    g_prefix_error (failure, "%s could not be ended, since this user may not do that: ", left);
  else
    g_message ("%s of '%s' could not be ended, since this user may not do that", left, self->options->argv[0]);
}

/* Takes the bytes. */
static GVariant *
new_bytes_variant (GByteArray *bytes)
{
  g_autoptr (GBytes) taken = g_byte_array_free_to_bytes (bytes);

  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, taken, TRUE);
}

static GVariant *
make_result (Run *self)
{
  CommandOutput *output = self->outputs[STREAM_OUTPUT];
  CommandOutput *errors = self->outputs[STREAM_ERRORS];
  GByteArray *start = output != NULL ? g_byte_array_ref (command_output_get_start (output)) : g_byte_array_new ();
  GByteArray *tail = errors != NULL ? command_output_dup_tail (errors) : g_byte_array_new ();

  return g_variant_new ("(i@ay@ay)", WEXITSTATUS (self->status), new_bytes_variant (start), new_bytes_variant (tail));
}

/* What ends this process when a result was sent. */
typedef struct
{
  GVariant *result; /* (owned) */
  GWeakRef job;
} LastResult;

static void
last_result_sent (gpointer data)
{
  LastResult *last = data;
  g_autoptr (GObject) job = g_weak_ref_get (&last->job);
  const gboolean is_over = job == NULL;

  g_weak_ref_clear (&last->job);
  g_variant_unref (last->result);
  g_free (last);
  /* In a map, the job has more items, and the process goes on. */
  if (is_over)
    ferry_worker_exit (EXIT_SUCCESS);
}

/* Has this process end once the result was sent, which is when it is freed. What the command has left on purpose is
 * then a child of nobody here, and stays when the application ends. Takes result. */
static GVariant *
make_last (Run *self, GVariant *result)
{
  LastResult *last = g_new0 (LastResult, 1);

  last->result = g_variant_ref_sink (result);
  g_weak_ref_init (&last->job, self->job);
  return g_variant_new_from_data (G_VARIANT_TYPE (COMMAND_RESULT), g_variant_get_data (result),
                                  g_variant_get_size (result), TRUE, last_result_sent, last);
}

static gboolean
check_directory (const CommandOptions *options, GError **error)
{
  if (options->directory == NULL || g_file_test (options->directory, G_FILE_TEST_IS_DIR))
    return TRUE;
  g_set_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_CHDIR, "There is no folder '%s' for '%s' to run in; check its path",
               options->directory, options->argv[0]);
  return FALSE;
}

/* What could fail is done before a file for the output is made. */
static gboolean
start (Run *self, GError **error)
{
  const CommandOptions *options = self->options;
  g_auto (GStrv) environment =
    command_program_make_environment ((const char *const *) options->environment, options->terminal);
  g_autofree char *program = NULL;
  g_auto (GStrv) wrapped = NULL;
  CommandStart plan = {
    .environment = (const char *const *) environment,
    .directory = options->directory,
    .has_terminal = options->terminal,
    .is_polite = options->polite,
    .is_wrapped = options->confined,
  };

  if (!check_directory (options, error))
    return FALSE;
  self->progress = command_progress_new (self->job, options, error);
  if (self->progress == NULL)
    return FALSE;
  program = command_program_find (options->argv[0], environment, options->directory, error);
  self->files = program != NULL ? command_files_new (options, error) : NULL;
  if (self->files == NULL)
    return FALSE;
  plan.program = program;
  plan.argv = command_files_get_argv (self->files);
  if (options->confined)
    {
      wrapped = command_confinement_wrap (options, plan.argv, error);
      if (wrapped == NULL)
        return FALSE;
      plan.program = wrapped[0];
      plan.argv = (const char *const *) wrapped;
      plan.directory = NULL;
    }
  if (!open_input (self, error) || !open_outputs (self, error))
    return FALSE;
  memcpy (plan.streams, self->ends, sizeof plan.streams);
  self->session = command_session_start (&plan, error);
  for (guint i = 0; i < G_N_ELEMENTS (self->ends); i++)
    clear_fd (&self->ends[i]);
  return self->session != NULL;
}

static void
clear (Run *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->ends); i++)
    clear_fd (&self->ends[i]);
  clear_fd (&self->input_fd);
  g_clear_pointer (&self->session, command_session_free);
  for (guint stream = 0; stream < N_STREAMS; stream++)
    g_clear_pointer (&self->outputs[stream], command_output_free);
  g_clear_pointer (&self->input, g_bytes_unref);
  g_clear_pointer (&self->progress, command_progress_free);
  g_clear_pointer (&self->files, command_files_free);
  g_clear_pointer (&self->options, command_options_free);
  g_clear_error (&self->failure);
}

/* This process was told to end, by somebody else than the task: it does, now that it has ended the command. */
static void
end_by_signal (Run *self)
{
  g_clear_pointer (&self->session, command_session_free);
  raise (SIGTERM);
}

/* Follows the command to its end, and ends all of it. Returns (transfer full) (nullable) its result. */
static GVariant *
finish (Run *self, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autofree char *last_lines = NULL;
  gboolean succeeded;
  gboolean is_lost;

  follow_politely (self);
  g_clear_pointer (&self->pause, command_pause_free);
  last_lines = dup_last_lines (self);
  is_lost = command_session_is_terminated (self->session) && !g_cancellable_is_cancelled (self->cancellable);
  succeeded = !is_lost && check_end (self, last_lines, &failure);
  end_rest (self, succeeded, &failure);
  if (!succeeded)
    command_files_remove (self->files);
  if (is_lost)
    end_by_signal (self);
  succeeded = succeeded && command_files_keep (self->files, &failure);
  command_progress_end (self->progress, succeeded);
  if (succeeded)
    return command_session_is_empty (self->session) ? make_result (self) : make_last (self, make_result (self));
  if (last_lines[0] != '\0')
    ferry_job_fail (self->job, failure, last_lines);
  else
    g_propagate_error (error, g_steal_pointer (&failure));
  return NULL;
}

GVariant *
command_run (FerryJob *job, GVariant *arguments, GError **error)
{
  Run self = {.job = job, .ends = {-1, -1, -1}, .input_fd = -1, .next_step = NEVER};
  GVariant *result = NULL;

  /* A command that does not read its input closes a pipe to which this process writes. A fork server gives its workers
   * the handlers of a new program, so main() is too early for this. */
  signal (SIGPIPE, SIG_IGN);
  self.options = command_options_new (arguments, error);
  self.next_nice = self.options != NULL && self.options->polite ? 0 : NEVER;
  if (self.options != NULL && start (&self, error))
    {
      self.cancellable = ferry_job_get_cancellable (job);
      self.cancel_fd = g_cancellable_get_fd (self.cancellable);
      self.pause = command_pause_new (job, self.session);
      result = finish (&self, error);
      g_cancellable_release_fd (self.cancellable);
    }
  else if (self.files != NULL)
    command_files_remove (self.files);
  clear (&self);
  return result;
}
