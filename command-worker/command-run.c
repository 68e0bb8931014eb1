/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One run of a command, from its arguments to its result.
 *
 * A loop waits for what the command writes, for room in its input, for the end of one of its processes, for a cancel
 * and for moments. Where the command writes faster than the application hears of it, what was read is dropped here.
 *
 * A command ends with its first process. A child of it may hold the pipes, so what that writes is read for a short time
 * more. Then what is left in the session is killed; and all that descends from the command, if it did not succeed. If
 * it did, what left the session goes on, and may write to its pipes, which another process reads from then on.
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "command-cause.h"
#include "command-confinement.h"
#include "command-drain.h"
#include "command-files.h"
#include "command-open.h"
#include "command-options.h"
#include "command-output.h"
#include "command-pause.h"
#include "command-program.h"
#include "command-progress.h"
#include "command-question.h"
#include "command-result.h"
#include "command-session.h"
#include "progress-programs.h"

/* The least time between two messages with a line of one stream, where not all are wanted. */
#define PACE (100 * 1000)

/* How long output is read after the end of the first process, while others hold the pipe. */
#define READ_AFTER_END (1 * G_USEC_PER_SEC)

/* How long a command that is ended for another reason than a cancel has after each signal. */
#define PATIENCE (1 * G_USEC_PER_SEC)

/* What is kept of the end of an output that is longer than its limit, and of standard error, if there is a limit. */
#define LAST_OUTPUT (512 * 1024)
#define LAST_ERRORS (64 * 1024)

#define NEVER G_MAXINT64

#define TERMINAL_COLUMNS 80
#define TERMINAL_ROWS 24

enum
{
  STREAM_OUTPUT,
  STREAM_ERRORS,
  N_STREAMS,
};

/* What a line of a stream is called in messages to the task: one that is shown, one of all, and a part of one that is
 * very long. */
static const char *const newest_types[N_STREAMS] = {"newest-line", "newest-error-line"};
static const char *const line_types[N_STREAMS] = {"line", "error-line"};
static const char *const part_types[N_STREAMS] = {"line-part", "error-line-part"};

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
  char **argv;                       /* (owned) (nullable): with the names under which files are written */
  char *output_path;                 /* (owned) (nullable): of the file for the standard output */
  CommandProgress *progress;         /* (owned) (nullable) */
  CommandSession *session;           /* (owned) (nullable) */
  CommandPause *pause;               /* (owned) (nullable): NULL: it is not paused any more */
  CommandQuestion *question;         /* (owned) (nullable): NULL: nobody is asked */
  int ends[3];                       /* (owned): the streams of the command until it is started; -1: none */
  CommandOutput *outputs[N_STREAMS]; /* (owned) (nullable) */
  int output_fd;                     /* (owned): a file to which the output is copied; -1: none */
  GByteArray *waiting;               /* (owned): output that it does not take yet */
  GBytes *input;                     /* (owned) (nullable) */
  gsize n_written;                   /* of the input */
  int input_fd;                      /* (owned): where the input is written; -1: nowhere any more */
  GCancellable *cancellable;         /* (unowned) */
  int cancel_fd;                     /* readable once the job is cancelled */
  EndStep end_step;                  /* how far it is with the signals that end a command */
  gint64 ending_at;                  /* when the command was asked to end; 0: it was not */
  gint64 next_step;                  /* when the next one follows; NEVER: when the application says so */
  gint64 next_pace;                  /* when a line may be sent again */
  gint64 next_nice; /* when the session of a polite command is to be made nice, or not any more; NEVER: it was */
  gint64 ended_at;  /* when the first process had ended; 0: it runs */
  int status;       /* of waitpid(), if so */
  gboolean is_read; /* the streams are not read any more */
  gboolean is_last; /* this process ends once the result was sent */
  GError *failure;  /* (owned) (nullable): why the command is ended before it is done */
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

/* The input of a command that asks: a pipe that stays open, or its terminal, which open_terminal() makes. */
static gboolean
open_answers (Run *self, GError **error)
{
  int ends[2];

  if (self->options->terminal)
    return TRUE;
  if (pipe2 (ends, O_CLOEXEC) < 0)
    return set_system_error (error, "Making a pipe for", "the answers to the command");
  fcntl (ends[1], F_SETFL, O_NONBLOCK);
  self->ends[0] = ends[0];
  command_question_set_input (self->question, ends[1], NULL);
  return TRUE;
}

/* As open(). A cancel, and a signal that asks this process to end, end the wait for the other end of a FIFO. */
static int
open_file (Run *self, const char *path, int flags)
{
  const int stops[2] = {self->cancel_fd, command_session_get_signal_fd ()};

  return command_open (path, flags, stops);
}

static gboolean
open_input (Run *self, GError **error)
{
  const CommandOptions *options = self->options;
  g_autofree char *path =
    g_canonicalize_filename (options->input_file != NULL ? options->input_file : "/dev/null", options->directory);
  int ends[2];

  self->question = options->interactive ? command_question_new (self->job) : NULL;
  if (self->question != NULL)
    return open_answers (self, error);
  if (options->input == NULL)
    {
      self->ends[0] = open_file (self, path, O_RDONLY);
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

/* Makes what reads a stream. Takes fd. */
static void
read_from (Run *self, guint stream, int fd)
{
  const CommandOptions *options = self->options;
  const gboolean is_output = stream == STREAM_OUTPUT;
  const gboolean is_elsewhere = is_output && (options->output_file != NULL || options->yield_output);
  guint64 limit = options->output_limit;

  if (!is_output && limit != G_MAXUINT64)
    limit = LAST_ERRORS;
  if (is_elsewhere)
    limit = 0;
  fcntl (fd, F_SETFL, O_NONBLOCK);
  self->outputs[stream] = command_output_new (fd, limit, is_output ? (gsize) MIN (limit / 2, LAST_OUTPUT) : LAST_ERRORS,
                                              is_output && options->fail_at_output_limit);
}

/* Makes the pipe of a stream that is read. */
static gboolean
open_pipe (Run *self, guint stream, GError **error)
{
  int ends[2];

  if (pipe2 (ends, O_CLOEXEC) < 0)
    return set_system_error (error, "Making a pipe for", "the output of the command");
  read_from (self, stream, ends[0]);
  self->ends[stream + 1] = ends[1];
  return TRUE;
}

/* Has standard error be what standard output is. */
static gboolean
merge_streams (Run *self, GError **error)
{
  self->ends[2] = fcntl (self->ends[1], F_DUPFD_CLOEXEC, 0);
  return self->ends[2] >= 0 || set_system_error (error, "Copying a descriptor for", "the output of the command");
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
  read_from (self, STREAM_OUTPUT, master);
  if (grantpt (master) < 0 || unlockpt (master) < 0 || ptsname_r (master, name, sizeof name) != 0 ||
      (self->ends[1] = open (name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0 || tcgetattr (self->ends[1], &settings) < 0)
    return set_system_error (error, "Making a terminal for", "the command");
  cfmakeraw (&settings);
  /* The keys that send signals are none that a command is sent, and input is not the terminal's. */
  if (tcsetattr (self->ends[1], TCSANOW, &settings) < 0 || ioctl (self->ends[1], TIOCSWINSZ, &size) < 0)
    return set_system_error (error, "Setting the terminal of", "the command");
  if (self->question != NULL)
    {
      command_question_set_input (self->question, fcntl (master, F_DUPFD_CLOEXEC, 0), name);
      self->ends[0] = fcntl (self->ends[1], F_DUPFD_CLOEXEC, 0);
      if (self->ends[0] < 0)
        return set_system_error (error, "Copying the terminal of", "the command");
    }
  return merge_streams (self, error);
}

/* Whether the application is told of the output, so that it is read here, also where it goes to a file. */
static gboolean
is_output_told (const CommandOptions *options)
{
  return options->all_lines || options->yield_output || options->terminal;
}

static gboolean
open_outputs (Run *self, GError **error)
{
  const CommandOptions *options = self->options;
  const char *path = self->output_path;
  int fd = -1;

  if (path != NULL)
    {
      fd = open_file (self, path, O_WRONLY | O_CREAT | O_TRUNC);
      if (fd < 0)
        return set_system_error (error, "The output of the command cannot be written to", path);
    }
  if (fd >= 0 && is_output_told (options))
    {
      self->output_fd = fd;
      fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK);
    }
  else
    self->ends[1] = fd;
  if (options->terminal)
    return open_terminal (self, error);
  if (self->ends[1] < 0 && !open_pipe (self, STREAM_OUTPUT, error))
    return FALSE;
  return options->merge_streams ? merge_streams (self, error) : open_pipe (self, STREAM_ERRORS, error);
}

/* ---- while it runs ---- */

static GVariant *
new_bytes_variant (const guint8 *bytes, gsize size)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, size, 1);
}

static void
send_line_of (Run *self, guint stream, const guint8 *bytes, gsize size, gboolean is_part)
{
  const char *type = (is_part ? part_types : line_types)[stream];

  ferry_job_send (self->job, type, new_bytes_variant (bytes, size), NULL);
}

static void
send_line (const guint8 *bytes, gsize size, gboolean is_part, gpointer self)
{
  send_line_of (self, STREAM_OUTPUT, bytes, size, is_part);
}

static void
send_error_line (const guint8 *bytes, gsize size, gboolean is_part, gpointer self)
{
  send_line_of (self, STREAM_ERRORS, bytes, size, is_part);
}

static CommandLinesFunc
get_lines_func (Run *self, guint stream)
{
  if (!self->options->all_lines)
    return NULL;
  return stream == STREAM_OUTPUT ? send_line : send_error_line;
}

/* Notes why the command is to be ended. Takes failure (nullable). */
static void
take_failure (Run *self, GError *failure)
{
  if (self->failure == NULL)
    self->failure = failure;
  else
    g_clear_error (&failure);
}

/* Writes output that waits, as far as the file takes it. Nobody may read a FIFO. */
static void
write_waiting (Run *self)
{
  while (self->output_fd >= 0 && self->waiting->len > 0)
    {
      gssize n = TEMP_FAILURE_RETRY (write (self->output_fd, self->waiting->data, self->waiting->len));
      GError *failure = NULL;

      if (n < 0 && errno == EAGAIN)
        break;
      if (n < 0)
        {
          set_system_error (&failure, "The output of the command cannot be written to", self->options->output_file);
          take_failure (self, failure);
          clear_fd (&self->output_fd);
        }
      g_byte_array_remove_range (self->waiting, 0, (guint) MAX (n, 0));
    }
  /* A command that is ended is not held up. */
  if (self->output_fd < 0 || self->ending_at != 0)
    g_byte_array_set_size (self->waiting, 0);
}

/* Writes output to where it goes beside the result. */
static void
pass_output_on (Run *self, const guint8 *bytes, gsize size)
{
  /* A cancel is seen by the loop. */
  if (self->options->yield_output)
    ferry_job_yield (self->job, new_bytes_variant (bytes, size), NULL);
  if (self->output_fd < 0)
    return;
  g_byte_array_append (self->waiting, bytes, (guint) size);
  write_waiting (self);
}

static void
check_limit (Run *self)
{
  const CommandOptions *options = self->options;

  if (options->fail_at_output_limit &&
      command_output_get_n_written (self->outputs[STREAM_OUTPUT]) > options->output_limit)
    take_failure (self, g_error_new (G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE,
                                     "'%s' wrote more than %" G_GUINT64_FORMAT " bytes to its standard output; set "
                                     "'output-file' to a file for it, or raise 'output-limit'",
                                     options->argv[0], options->output_limit));
}

/* Returns FALSE when nothing was there. */
static gboolean
read_output (Run *self, guint stream)
{
  CommandOutput *output = self->outputs[stream];
  g_autoptr (GError) failure = NULL;
  const guint8 *bytes;
  gsize size;

  if (output == NULL)
    return FALSE;
  bytes = command_output_read (output, &size, get_lines_func (self, stream), self, &failure);
  if (failure != NULL)
    take_failure (self, g_steal_pointer (&failure));
  if (bytes == NULL)
    return FALSE;
  if (self->question != NULL)
    command_question_feed (self->question, stream, bytes, size, g_get_monotonic_time ());
  command_progress_feed (self->progress, self->options->terminal ? PROGRESS_TERMINAL : PROGRESS_OUTPUT + stream, bytes,
                         size, g_get_monotonic_time ());
  if (stream == STREAM_OUTPUT)
    {
      pass_output_on (self, bytes, size);
      check_limit (self);
    }
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
      ferry_job_send (self->job, newest_types[stream], g_variant_new_string (line), NULL);
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
  /* Nor is it held up by who does not read. */
  g_byte_array_set_size (self->waiting, 0);
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
  const gboolean terminated = command_session_is_terminated ();

  switch (self->end_step)
    {
    case END_NONE:
      if (!cancelled && !terminated && self->failure == NULL)
        return;
      self->ending_at = now;
      /* Somebody waits for its end, and it may have files to finish. */
      self->next_nice = self->options->polite ? now : NEVER;
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
    {.fd = -1},
    {.fd = self->waiting->len > 0 ? self->output_fd : -1, .events = POLLOUT},
  };
  const gint64 left = deadline - g_get_monotonic_time ();

  /* While output waits, no more of it is read, so that the command waits as well. */
  for (guint stream = 0; stream < N_STREAMS; stream++)
    if (self->outputs[stream] != NULL && !self->is_read && (stream != STREAM_OUTPUT || self->waiting->len == 0))
      polls[3 + stream].fd = command_output_get_fd (self->outputs[stream]);
  if (self->question != NULL)
    {
      const CommandQuestionWait wait = command_question_get_wait (self->question);

      polls[5] = (struct pollfd){.fd = wait.fd, .events = wait.events};
    }
  poll (polls, G_N_ELEMENTS (polls), deadline == NEVER ? -1 : (int) ((CLAMP (left, 0, G_MAXINT) + 999) / 1000));
  if (polls[2].revents != 0)
    write_input (self);
  if (polls[5].revents != 0)
    command_question_pass_answer (self->question);
  if (polls[6].revents != 0)
    write_waiting (self);
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
  if (command_session_has_ended (self->session, &self->status) && self->ended_at == 0)
    self->ended_at = now;
  if (self->ended_at == 0)
    return FALSE;
  /* Its pipe is not read meanwhile. */
  if (self->waiting->len > 0 && self->ending_at == 0)
    {
      self->ended_at = now;
      return FALSE;
    }
  /* Those that hold the pipes of a command that was cancelled are to end, and not to be heard. */
  return self->ending_at != 0 || self->is_read || !has_open_output (self) || now >= self->ended_at + READ_AFTER_END;
}

/* Reads what is in the pipes now. */
static void
read_rest (Run *self)
{
  for (guint stream = 0; stream < N_STREAMS; stream++)
    {
      g_autoptr (GError) failure = NULL;
      guint n = 0;

      /* Who holds the pipe could write for ever. */
      while (n++ < 16 && read_output (self, stream))
        ;
      if (self->outputs[stream] != NULL &&
          !command_output_end (self->outputs[stream], get_lines_func (self, stream), self, &failure))
        take_failure (self, g_steal_pointer (&failure));
    }
}

static void
follow_to_end (Run *self)
{
  gint64 now = g_get_monotonic_time ();

  while (!is_over (self, now))
    {
      gint64 next;

      go_on_to_end (self, now);
      if (now >= self->next_nice)
        self->next_nice = command_session_set_nice (self->session, self->ending_at == 0) ? NEVER : now + PACE;
      if (now >= self->next_pace && send_newest_lines (self))
        self->next_pace = now + PACE;
      next = MIN (self->next_step, self->ended_at != 0 ? self->ended_at + READ_AFTER_END : NEVER);
      next = MIN (next, now < self->next_pace ? self->next_pace : NEVER);
      next = MIN (next, self->next_nice);
      if (self->pause != NULL)
        next = MIN (next, command_pause_look (self->pause, now));
      next = MIN (next, command_progress_tell (self->progress, now));
      if (self->question != NULL)
        next = MIN (next, command_question_tell (self->question, now));
      wait_for_any (self, next);
      now = g_get_monotonic_time ();
    }
}

static void
follow (Run *self)
{
  follow_to_end (self);
  read_rest (self);
  self->is_read = TRUE;
  /* Until the file has taken all. */
  follow_to_end (self);
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
  /* Only the thread that runs the function may yield. */
  const gboolean may_move = self->options->polite && !self->options->yield_output;
  GThread *thread = may_move ? g_thread_try_new ("ferry-follow", follow_in_thread, self, NULL) : NULL;

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

/* Whether a line asks for what only a user knows. */
static gboolean
is_question (const char *line)
{
  static const char *const words[] = {"password", "passphrase", "y/n", "yes/no"};
  g_autofree char *folded = g_utf8_casefold (line, -1);

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (strstr (folded, words[i]) != NULL)
      return strchr (":?])", line[strlen (line) - 1]) != NULL;
  return FALSE;
}

/* (transfer full): what to add where a command has asked and nobody answers, or "". 7z says "Break signaled" then. */
static char *
describe_unanswered (Run *self)
{
  for (guint stream = 0; stream < N_STREAMS && self->question == NULL && self->options->input == NULL; stream++)
    {
      g_autofree char *lines =
        self->outputs[stream] != NULL ? g_strchomp (command_output_dup_last_lines (self->outputs[stream])) : NULL;
      const char *end = lines != NULL ? strrchr (lines, '\n') : NULL;
      const char *line = end != NULL ? end + 1 : lines;

      if (line != NULL && line[0] != '\0' && is_question (line))
        return g_strdup_printf ("; it asked '%s', and nobody answers: set FerryCommand:interactive", line);
    }
  return g_strdup ("");
}

/* (transfer full): what a command is called in messages of its end: "'7z'", or "'7z' behind 'env'", where env may have
 * failed itself. */
static char *
describe_program (Run *self)
{
  const char *const *argv = (const char *const *) self->options->argv;
  g_auto (GStrv) behind = NULL;

  if (progress_programs_find (argv, NULL, &behind) == NULL || g_str_equal (behind[0], argv[0]))
    return g_strdup_printf ("'%s'", argv[0]);
  return g_strdup_printf ("'%s' behind '%s'", behind[0], argv[0]);
}

/* Sets the error of a command that did not succeed by its status. */
static gboolean
check_status (Run *self, const char *last_lines, GError **error)
{
  const int status = self->status;
  g_autofree char *cause = command_cause_describe (last_lines, (const char *const *) self->options->argv);
  g_autofree char *name = NULL;
  g_autofree char *unanswered = NULL;

  if (WIFEXITED (status) && command_options_is_success (self->options, WEXITSTATUS (status)))
    return TRUE;
  name = describe_program (self);
  unanswered = describe_unanswered (self);
  if (WIFEXITED (status))
    g_set_error (error, G_SPAWN_EXIT_ERROR, WEXITSTATUS (status), "%s ended with status %d%s%s", name,
                 WEXITSTATUS (status), cause, unanswered);
  else
    g_set_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_FAILED, "%s was killed by signal %d (%s)%s", name,
                 WTERMSIG (status), g_strsignal (WTERMSIG (status)), cause);
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
  return ferry_job_check (self->job, error) && check_status (self, last_lines, error) &&
         ferry_job_commit (self->job, error);
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
    g_prefix_error (failure, "%s: ", left);
  else
    g_message ("'%s' is done, but %s", self->options->argv[0], left);
}

static CommandStore *
get_store (Run *self, guint stream)
{
  return self->outputs[stream] != NULL ? command_output_get_store (self->outputs[stream]) : NULL;
}

/* Tells the application of what is not in the result. */
static void
tell_truncated (Run *self)
{
  guint64 n_left_out = 0;
  guint64 place = 0;

  /* Who has set the limit to 0 knows it. */
  if (self->options->output_limit > 0 && self->options->output_file == NULL && !self->options->yield_output)
    place = command_store_get_gap (get_store (self, STREAM_OUTPUT), &n_left_out);
  if (n_left_out > 0)
    ferry_job_send (self->job, "output-truncated", g_variant_new ("(tt)", place, n_left_out), NULL);
}

/* Returns (floating) (nullable) the result, also of a command that has failed. */
static GVariant *
make_result (Run *self, GError **error)
{
  const int status = self->status;

  return command_result_new (self->job, WIFEXITED (status) ? WEXITSTATUS (status) : -WTERMSIG (status),
                             get_store (self, STREAM_OUTPUT), get_store (self, STREAM_ERRORS), error);
}

/* What a command that has failed, or was cancelled, has written all the same. The end of the application is that of its
 * commands, and nobody is there to hear what they wrote. */
static void
send_partial_result (Run *self)
{
  g_autoptr (GError) error = NULL;
  GVariant *result = make_result (self, &error);

  if ((result == NULL || !ferry_job_send_partial_result (self->job, result, &error)) &&
      !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED) &&
      !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_STOPPED))
    g_message ("What '%s' has written cannot be sent: %s", self->options->argv[0], error->message);
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
  if (is_over)
    ferry_worker_exit (EXIT_SUCCESS);
  /* In a map, the job has more items, and the process goes on. */
  command_session_ignore_signals ();
}

/* Has this process end once the result was sent, which is when it is freed. What the command has left on purpose is
 * then a child of nobody here, and stays when the application ends. That may be at once, when it has the result: so
 * this process hears SIGTERM until its end, and is not killed before. Takes result. */
static GVariant *
make_last (Run *self, GVariant *result)
{
  LastResult *last = g_new0 (LastResult, 1);

  self->is_last = TRUE;
  last->result = g_variant_ref_sink (result);
  g_weak_ref_init (&last->job, self->job);
  return g_variant_new_from_data (g_variant_get_type (result), g_variant_get_data (result), g_variant_get_size (result),
                                  TRUE, last_result_sent, last);
}

/* Has somebody read the streams that what goes on may write to. */
static void
leave_outputs (Run *self)
{
  g_autoptr (GError) error = NULL;
  int fds[N_STREAMS];
  guint n_fds = 0;

  for (guint stream = 0; stream < N_STREAMS; stream++)
    if (self->outputs[stream] != NULL && command_output_get_fd (self->outputs[stream]) >= 0)
      fds[n_fds++] = command_output_get_fd (self->outputs[stream]);
  if (n_fds > 0 && !command_drain_start (fds, n_fds, &error))
    g_message ("What '%s' has started goes on, and ends when it writes: %s", self->options->argv[0], error->message);
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

static gboolean
prepare_files (Run *self, GError **error)
{
  const CommandOptions *options = self->options;

  self->files = command_files_prepare ((const char *const *) options->output_files, options->directory,
                                       options->replace_output_files, error);
  if (self->files == NULL)
    return FALSE;
  self->argv = g_strdupv ((char **) options->argv);
  self->output_path = g_strdup (options->output_file);
  return command_files_redirect (self->files, self->argv, &self->output_path,
                                 options->input == NULL ? options->input_file : NULL, error);
}

/* What could fail is done before a file for the output is made. */
static gboolean
start (Run *self, GError **error)
{
  const CommandOptions *options = self->options;
  g_auto (GStrv) environment = command_program_make_environment (options);
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
  /* Files for the output are made with it, too. */
  if (options->umask >= 0)
    umask ((mode_t) options->umask);
  self->progress = command_progress_new (self->job, options, error);
  if (self->progress == NULL)
    return FALSE;
  program = command_program_find (options->argv[0], environment, options->directory, error);
  if (program == NULL || !prepare_files (self, error))
    return FALSE;
  plan.program = program;
  plan.argv = (const char *const *) self->argv;
  if (options->confined)
    {
      wrapped = command_confinement_wrap (options, plan.argv, error);
      if (wrapped == NULL)
        return FALSE;
      plan.program = wrapped[0];
      plan.argv = (const char *const *) wrapped;
      if (options->has_directory)
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
  clear_fd (&self->output_fd);
  g_byte_array_unref (self->waiting);
  g_clear_pointer (&self->session, command_session_free);
  for (guint stream = 0; stream < N_STREAMS; stream++)
    g_clear_pointer (&self->outputs[stream], command_output_free);
  g_clear_pointer (&self->input, g_bytes_unref);
  g_clear_pointer (&self->question, command_question_free);
  g_clear_pointer (&self->progress, command_progress_free);
  g_clear_pointer (&self->files, command_files_free);
  g_clear_pointer (&self->argv, g_strfreev);
  g_clear_pointer (&self->output_path, g_free);
  g_clear_pointer (&self->options, command_options_free);
  g_clear_error (&self->failure);
}

/* This process was told to end, by somebody else than the task: it does, now that it has ended the command. */
static void
end_by_signal (void)
{
  command_session_ignore_signals ();
  raise (SIGTERM);
}

/* Follows the command to its end, and ends all of it. Returns (transfer full) (nullable) its result. */
static GVariant *
finish (Run *self, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autofree char *last_lines = NULL;
  GVariant *result = NULL;
  gboolean succeeded;
  gboolean is_lost;

  follow_politely (self);
  g_clear_pointer (&self->pause, command_pause_free);
  last_lines = dup_last_lines (self);
  is_lost = command_session_is_terminated () && !g_cancellable_is_cancelled (self->cancellable);
  succeeded = !is_lost && check_end (self, last_lines, &failure);
  end_rest (self, succeeded, &failure);
  if (!succeeded)
    command_files_discard (self->files, failure);
  if (is_lost)
    end_by_signal ();
  succeeded = succeeded && command_files_commit (&self->files, 1, &failure);
  command_progress_end (self->progress, succeeded);
  tell_truncated (self);
  if (succeeded)
    result = make_result (self, &failure);
  if (result != NULL && command_session_is_empty (self->session))
    return result;
  if (result != NULL)
    {
      leave_outputs (self);
      return make_last (self, result);
    }
  send_partial_result (self);
  if (last_lines[0] != '\0')
    ferry_job_fail (self->job, failure, last_lines);
  else
    g_propagate_error (error, g_steal_pointer (&failure));
  return NULL;
}

/* The job's error is that of a cancel, whatever could not be done for it. */
static void
check_cancel (Run *self, GError **error)
{
  g_autoptr (GError) cancelled = NULL;

  if (ferry_job_check (self->job, &cancelled))
    return;
  g_clear_error (error);
  g_propagate_error (error, g_steal_pointer (&cancelled));
}

/* The same where this process hears signals. */
static GVariant *
run_one (Run *self, GError **error)
{
  GVariant *result = NULL;

  if (start (self, error))
    {
      self->pause = command_pause_new (self->job, self->session);
      result = finish (self, error);
    }
  else
    {
      if (self->files != NULL)
        command_files_discard (self->files, error != NULL ? *error : NULL);
      if (command_session_is_terminated () && !g_cancellable_is_cancelled (self->cancellable))
        end_by_signal ();
      check_cancel (self, error);
    }
  return result;
}

GVariant *
command_run (FerryJob *job, GVariant *arguments, GError **error)
{
  Run self = {.job = job, .ends = {-1, -1, -1}, .input_fd = -1, .output_fd = -1, .next_step = NEVER};
  GVariant *result = NULL;

  /* A command that does not read its input closes a pipe to which this process writes. A fork server gives its workers
   * the handlers of a new program, so main() is too early for this. */
  signal (SIGPIPE, SIG_IGN);
  self.waiting = g_byte_array_new ();
  self.options = command_options_new (arguments, error);
  self.next_nice = self.options != NULL && self.options->polite ? 0 : NEVER;
  if (self.options != NULL && command_session_hear_signals (error))
    {
      self.cancellable = ferry_job_get_cancellable (job);
      self.cancel_fd = g_cancellable_get_fd (self.cancellable);
      result = run_one (&self, error);
      g_cancellable_release_fd (self.cancellable);
    }
  clear (&self);
  if (!self.is_last)
    command_session_ignore_signals ();
  return result;
}
