/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds that a command asks, as for a password, has the application asked, and gives the command the answers. It
 * has written "Password: " or "overwrite? [y/N] ", say.
 *
 * A question is what a command has written last, when it writes no more and reads. That a process sleeps in read(), and
 * of what, is in /proc. Of one that may not be looked at, such as sudo, and of one that waits in poll(), it is not
 * known. There a line that has no end and ends as a question does is taken for one. No word of any language is looked
 * for.
 *
 * An answer may be a password. It goes from a socket to the command, and is overwritten at once.
 *
 * Threads: the one that follows the command. */

#include "command-question.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "command-processes.h"
#include "progress-pieces.h"

/* How long a command is silent before it is looked at, and how often then. */
#define SILENCE (100 * 1000)
#define LOOK (200 * 1000)

/* As much as the application sends at a time. */
#define MAX_ANSWER 4096

/* How much of a question is asked, in bytes. */
#define MAX_QUESTION 1000

#define NEVER G_MAXINT64
#define N_STREAMS 2

typedef enum
{
  READING_NO,      /* all its processes do something else */
  READING_UNKNOWN, /* one may */
  READING_YES,
} Reading;

struct _CommandQuestion
{
  FerryJob *job;                     /* (unowned) */
  int answers;                       /* (owned): -1: no more come */
  int input;                         /* (owned): -1: the command reads none any more */
  char *input_name;                  /* (owned) (nullable): what /proc says where a process has it open */
  gboolean is_terminal;              /* so "/dev/tty" is another name of it */
  ProgressPieces *pieces[N_STREAMS]; /* (owned) */
  guint latest;                      /* the stream that was written to last */
  GString *line;                     /* (owned): the latest line of it, or what there is of it */
  gboolean has_end;                  /* the line has */
  gboolean is_told;                  /* the application was asked this */
  gint64 next_look;                  /* NEVER: once something was written */
  guint8 held[MAX_ANSWER];           /* what there was no room for */
  gsize n_held;
};

CommandQuestion *
command_question_new (FerryJob *job)
{
  int answers = ferry_job_dup_answers (job, NULL);
  CommandQuestion *self;

  if (answers < 0)
    return NULL;
  self = g_new0 (CommandQuestion, 1);
  self->job = job;
  self->answers = answers;
  self->input = -1;
  self->line = g_string_new (NULL);
  self->next_look = NEVER;
  for (guint i = 0; i < N_STREAMS; i++)
    self->pieces[i] = progress_pieces_new ();
  return self;
}

static void
clear_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

void
command_question_free (CommandQuestion *self)
{
  clear_fd (&self->answers);
  clear_fd (&self->input);
  explicit_bzero (self->held, sizeof self->held);
  for (guint i = 0; i < N_STREAMS; i++)
    progress_pieces_free (self->pieces[i]);
  g_string_free (self->line, TRUE);
  g_free (self->input_name);
  g_free (self);
}

void
command_question_set_input (CommandQuestion *self, int fd, const char *terminal)
{
  struct stat status;

  self->input = fd;
  self->is_terminal = terminal != NULL;
  if (terminal != NULL)
    self->input_name = g_strdup (terminal);
  else if (fstat (fd, &status) == 0)
    self->input_name = g_strdup_printf ("pipe:[%lu]", (unsigned long) status.st_ino);
}

/* ---- who reads ---- */

/* Whether a descriptor of a process is the input of the command. */
static Reading
is_input (CommandQuestion *self, pid_t pid, unsigned long fd)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/fd/%lu", (int) pid, fd);
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_file_read_link (path, &error);

  /* What was closed meanwhile is not read. */
  if (name == NULL)
    return g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT) ? READING_NO : READING_UNKNOWN;
  if (g_strcmp0 (name, self->input_name) == 0 || (self->is_terminal && g_str_equal (name, "/dev/tty")))
    return READING_YES;
  return READING_NO;
}

/* What a thread sleeps in: the number of the system call, and its first argument. */
static Reading
look_at_thread (CommandQuestion *self, pid_t pid, const char *thread)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task/%s/syscall", (int) pid, thread);
  g_autofree char *text = NULL;
  long number;
  unsigned long fd;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return READING_UNKNOWN;
  if (sscanf (text, "%ld %lx", &number, &fd) != 2)
    return READING_NO; /* it runs */
  switch (number)
    {
    case SYS_read:
    case SYS_readv:
      return is_input (self, pid, fd);
#ifdef SYS_poll
    case SYS_poll:
#endif
#ifdef SYS_select
    case SYS_select:
#endif
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
    case SYS_ppoll:
    case SYS_pselect6:
    case SYS_epoll_pwait:
      return READING_UNKNOWN;
    default:
      return READING_NO;
    }
}

/* Whether a process has ended, or is about to, since it was listed. */
static gboolean
has_ended (const CommandProcess *process)
{
  CommandProcess now;

  return !command_process_read (process->pid, &now) || now.started != process->started ||
         !command_process_is_alive (&now) || now.is_exiting;
}

static Reading
look_at_process (CommandQuestion *self, const CommandProcess *process)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task", (int) process->pid);
  g_autoptr (GDir) threads = g_dir_open (path, 0, NULL);
  Reading reading = threads != NULL ? READING_NO : READING_UNKNOWN;
  const char *thread;

  while (threads != NULL && (thread = g_dir_read_name (threads)) != NULL)
    reading = MAX (reading, look_at_thread (self, process->pid, thread));
  /* What ends says nothing of what it did, and reads no more. */
  return reading == READING_UNKNOWN && has_ended (process) ? READING_NO : reading;
}

static Reading
look_at_processes (CommandQuestion *self)
{
  g_autoptr (GArray) processes = command_processes_list ();
  Reading reading = READING_NO;

  for (guint i = 0; i < processes->len && reading != READING_YES; i++)
    {
      const CommandProcess *process = &g_array_index (processes, CommandProcess, i);

      if (command_process_is_alive (process))
        reading = MAX (reading, look_at_process (self, process));
    }
  return reading;
}

/* ---- asking ---- */

static void
set_line (CommandQuestion *self, const char *piece, gsize length, gboolean has_end)
{
  g_string_truncate (self->line, 0);
  g_string_append_len (self->line, piece, (gssize) MIN (length, MAX_QUESTION));
  self->has_end = has_end;
}

static gboolean
take_line (const char *piece, gsize length, gpointer self)
{
  set_line (self, piece, length, TRUE);
  return TRUE;
}

/* It is given once more when it has ended. */
static gboolean
take_beginning (const char *piece, gsize length, gpointer self)
{
  set_line (self, piece, length, FALSE);
  return FALSE;
}

void
command_question_feed (CommandQuestion *self, guint stream, const guint8 *bytes, gsize size, gint64 now)
{
  self->latest = MIN (stream, N_STREAMS - 1);
  progress_pieces_feed (self->pieces[self->latest], (const char *) bytes, size, take_line, self);
  /* It goes on by itself, or as it was answered. */
  if (self->is_told)
    ferry_job_ask (self->job, NULL, NULL);
  self->is_told = FALSE;
  self->next_look = now + SILENCE;
}

/* Whether a line ends as questions do, in any language. */
static gboolean
looks_like_question (const char *line)
{
  static const char *const ends[] = {":", "?", ">", "]", ")", "\357\274\232", "\357\274\237"};

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    if (g_str_has_suffix (line, ends[i]))
      return TRUE;
  return FALSE;
}

gint64
command_question_tell (CommandQuestion *self, gint64 now)
{
  g_autofree char *question = NULL;
  Reading reading;

  if (self->is_told || self->input < 0 || now < self->next_look)
    return self->is_told || self->input < 0 ? NEVER : self->next_look;
  progress_pieces_flush (self->pieces[self->latest], take_beginning, self);
  question = progress_pieces_dup_text (self->line->str, self->line->len);
  reading = question[0] != '\0' ? look_at_processes (self) : READING_NO;
  if (reading == READING_YES || (reading == READING_UNKNOWN && !self->has_end && looks_like_question (question)))
    self->is_told = ferry_job_ask (self->job, question, NULL);
  self->next_look = now + LOOK;
  return self->is_told ? NEVER : self->next_look;
}

/* ---- answers ---- */

CommandQuestionWait
command_question_get_wait (CommandQuestion *self)
{
  if (self->n_held > 0 && self->input >= 0)
    return (CommandQuestionWait){self->input, POLLOUT};
  return (CommandQuestionWait){self->input >= 0 ? self->answers : -1, POLLIN};
}

static void
write_held (CommandQuestion *self)
{
  gssize written = TEMP_FAILURE_RETRY (write (self->input, self->held, self->n_held));

  if (written < 0 && errno == EAGAIN)
    return;
  if (written < 0)
    clear_fd (&self->input);
  self->n_held = written < 0 ? 0 : self->n_held - (gsize) written;
  if (written > 0)
    memmove (self->held, self->held + written, self->n_held);
  explicit_bzero (self->held + self->n_held, sizeof self->held - self->n_held);
}

/* The application gives no more answers. On a terminal, that is a character. */
static void
end_input (CommandQuestion *self)
{
  static const guint8 end = '\004';

  if (self->is_terminal && TEMP_FAILURE_RETRY (write (self->input, &end, 1)) < 0)
    errno = 0;
  if (!self->is_terminal)
    clear_fd (&self->input);
  clear_fd (&self->answers);
}

/* What the command asks next may be the same. */
static void
forget_question (CommandQuestion *self)
{
  self->is_told = FALSE;
  g_string_truncate (self->line, 0);
  progress_pieces_free (self->pieces[self->latest]);
  self->pieces[self->latest] = progress_pieces_new ();
}

void
command_question_pass_answer (CommandQuestion *self)
{
  gssize got;

  if (self->n_held == 0)
    {
      got = TEMP_FAILURE_RETRY (recv (self->answers, self->held, sizeof self->held, MSG_DONTWAIT));
      if (got < 0 && errno == EAGAIN)
        return;
      if (got <= 0)
        {
          end_input (self);
          return;
        }
      self->n_held = (gsize) got;
      forget_question (self);
    }
  write_held (self);
}
