/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Has the names of functions of a worker that crashed looked up, by a program of the library's own, ferry-symbolizer.
 *
 * A hostile worker chooses the files that are read for that, and so what the reader of symbols has to parse. So that is
 * done in a process of its own, in a sandbox that may read files and nothing else, with limits of memory and time. The
 * thread that asks it reaps it.
 *
 * Threads: any. At most MAX_AT_ONCE of them have a program at a time; others wait.
 * Trust:   none in the answers, which are text. */

#include "config.h"

#include "process/ferry-symbolizer-private.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "link/ferry-pidfd-private.h"
#include "process/ferry-own-program-private.h"
#include "process/ferry-sandbox-private.h"
#include "process/ferry-spawn-private.h"

#define PROGRAM "ferry-symbolizer"
/* The environment variable with the path of the program, where it is neither installed nor beside the library. */
#define VARIABLE "FERRY_SYMBOLIZER"

/* How many programs run at a time, and how long the end of a worker waits for one of them, and for its answers. */
#define MAX_AT_ONCE 2
#define PATIENCE (3 * G_USEC_PER_SEC)

/* Limits of the program: its memory in bytes, its processor time in seconds. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* which have a shadow of all memory */
#define MAX_MEMORY G_MAXUINT64
#else
#define MAX_MEMORY (G_GUINT64_CONSTANT (4) << 30)
#endif
#define MAX_PROCESSOR_TIME 2

/* The most that is read of its answers. */
#define MAX_ANSWERS 65536

static pthread_mutex_t turn_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_cond;
static guint n_running; /* turn_lock */

static void
prepare_turns (void)
{
  static gsize prepared;

  if (g_once_init_enter (&prepared))
    {
      ferry_cond_init (&turn_cond);
      g_once_init_leave (&prepared, 1);
    }
}

/* Returns whether the turn came in time. */
static gboolean
take_turn (gint64 deadline)
{
  FERRY_AUTO_LOCK (&turn_lock);

  while (n_running >= MAX_AT_ONCE)
    if (!ferry_cond_wait_until (&turn_cond, &turn_lock, deadline))
      return FALSE;
  n_running++;
  return TRUE;
}

static void
give_turn (void)
{
  FERRY_AUTO_LOCK (&turn_lock);

  n_running--;
  pthread_cond_signal (&turn_cond);
}

/* (nullable): the path of the program. */
static const char *
find_program (void)
{
  static gsize known;
  static char *path;

  if (g_once_init_enter (&known))
    {
      path = ferry_find_own_program (PROGRAM, VARIABLE);
      if (!g_file_test (path, G_FILE_TEST_IS_EXECUTABLE))
        {
          g_info ("The program '%s' is missing, so the traces of crashes have no names; install Ferry completely, or "
                  "set " VARIABLE,
                  path);
          g_clear_pointer (&path, g_free);
        }
      g_once_init_leave (&known, 1);
    }
  return path;
}

/* (transfer full): the text by which the program enters its sandbox, as far as the system has the layers. */
static char *
describe_sandbox (void)
{
  g_autoptr (FerrySandboxMessage) sandbox = ferry_sandbox_message_new ();

  sandbox->layers = FERRY_LAYER_NO_NEW_PRIVILEGES | FERRY_LAYERS_OF_WORKER;
  g_ptr_array_add (sandbox->read_only, g_strdup ("/"));
  return ferry_sandbox_message_to_text (sandbox);
}

static void
set_limit (FerryAttributes *attributes, FerryLimit limit, guint64 value)
{
  attributes->limits_set |= 1u << limit;
  attributes->limits[limit] = MIN (value, ferry_attributes_get_own_limit (limit));
}

/* Starts the program. other: its end of a socket, for questions and answers; takes ownership. */
static gboolean
start (const char *program, int *other, GPid *pid, int *pidfd, GError **error)
{
  g_autoptr (FerrySpawnPlan) plan = g_new0 (FerrySpawnPlan, 1);
  g_autofree char *sandbox = describe_sandbox ();
  const char *argv[] = {PROGRAM, NULL};

  plan->guardian = -1;
  plan->program = g_strdup (program);
  plan->argv = g_strdupv ((char **) argv);
  plan->environ = g_environ_setenv (g_new0 (char *, 1), FERRY_SANDBOX_VARIABLE, sandbox, TRUE);
  plan->cwd = g_strdup (G_DIR_SEPARATOR_S);
  plan->streams[0] = ferry_steal_fd (other);
  plan->streams[1] = fcntl (plan->streams[0], F_DUPFD_CLOEXEC, 0);
  plan->streams[2] = open ("/dev/null", O_RDWR | O_CLOEXEC);
  plan->attributes.no_new_privileges = TRUE;
  set_limit (&plan->attributes, FERRY_LIMIT_MEMORY, MAX_MEMORY);
  set_limit (&plan->attributes, FERRY_LIMIT_CPU_TIME, MAX_PROCESSOR_TIME);
  set_limit (&plan->attributes, FERRY_LIMIT_CORE_SIZE, 0);
  set_limit (&plan->attributes, FERRY_LIMIT_FILE_SIZE, 0);
  if (plan->streams[1] < 0 || plan->streams[2] < 0)
    return ferry_set_system_error (error, "Opening the streams of " PROGRAM);
  return ferry_spawn (plan, -1, pid, pidfd, error);
}

/* The program has answered, or its time is over. */
static void
end (GPid pid, int pidfd)
{
  siginfo_t info;

  ferry_pidfd_signal (pidfd, pid, SIGKILL);
  TEMP_FAILURE_RETRY (waitid (P_PIDFD, (id_t) pidfd, &info, WEXITED));
}

/* (transfer full) (nullable): reads to the end of the answers. */
static char *
read_answers (int fd, gint64 deadline)
{
  g_autoptr (GString) answers = g_string_new (NULL);

  while (answers->len < MAX_ANSWERS)
    {
      struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
      gint64 left = deadline - g_get_monotonic_time ();
      char bytes[4096];
      gssize size;

      if (left <= 0 ||
          TEMP_FAILURE_RETRY (poll (&poll_fd, 1, (int) (left / FERRY_MICROSECONDS_PER_MILLISECOND) + 1)) != 1)
        return NULL;
      size = TEMP_FAILURE_RETRY (recv (fd, bytes, sizeof bytes, MSG_DONTWAIT));
      if (size <= 0)
        return size == 0 ? g_strdup (answers->str) : NULL;
      g_string_append_len (answers, bytes, size);
    }
  return NULL;
}

static char *
ask (const char *program, const char *questions, gint64 deadline)
{
  const gsize size = strlen (questions);
  ferry_autofd own = -1;
  ferry_autofd other = -1;
  ferry_autofd pidfd = -1;
  g_autoptr (GError) error = NULL;
  char *answers;
  int fds[2];
  GPid pid;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    return NULL;
  own = fds[0];
  other = fds[1];
  /* All questions have room in the socket. */
  if (send (own, questions, size, MSG_DONTWAIT | MSG_NOSIGNAL) != (gssize) size)
    return NULL;
  shutdown (own, SHUT_WR);
  if (!start (program, &other, &pid, &pidfd, &error))
    {
      g_info ("Names of functions could not be looked up: %s", error->message);
      return NULL;
    }
  answers = read_answers (own, deadline);
  end (pid, pidfd);
  return answers;
}

char *
ferry_symbolizer_ask (const char *questions)
{
  const gint64 deadline = g_get_monotonic_time () + PATIENCE;
  const char *program = find_program ();
  char *answers;

  prepare_turns ();
  if (program == NULL || !take_turn (deadline))
    return NULL;
  answers = ask (program, questions, deadline);
  give_turn ();
  return answers;
}
