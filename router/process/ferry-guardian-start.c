/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starts a guardian, and another one where it was killed. It is not a child of the application, which may reap all of
 * its children. */

#include "config.h"

#include "process/ferry-spawn-private.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/ferry-base-private.h"
#include "process/ferry-own-program-private.h"

/* The environment variable with the path of the guardian's program, for a program that is neither installed nor
 * beside the library. */
#define VARIABLE "FERRY_GUARDIAN"

#define PROGRAM "ferry-guardian"

static int held_program; /* const after the first start */

/* When no such program can be executed, logs one warning. */
const char *
ferry_guardian_find_program (void)
{
  static gsize known;
  static char *path;

  if (g_once_init_enter (&known))
    {
      path = ferry_find_own_program (PROGRAM, VARIABLE);
      if (!g_file_test (path, G_FILE_TEST_IS_EXECUTABLE))
        {
          g_warning ("The guardian's program '%s' is missing, so workers may outlive this application; install Ferry "
                     "completely, or set " VARIABLE,
                     path);
          g_clear_pointer (&path, g_free);
        }
      else
        held_program = ferry_spawn_hold_program (path);
      g_once_init_leave (&known, 1);
    }
  return path;
}

/* Executes the guardian. socket: the guardian's end of the control socket; takes ownership. */
static gboolean
execute (const char *program, int *socket, GError **error)
{
  g_autoptr (FerrySpawnPlan) plan = g_new0 (FerrySpawnPlan, 1);
  const char *argv[] = {PROGRAM, NULL};

  plan->program = g_strdup (program);
  plan->program_fd = held_program;
  plan->argv = g_strdupv ((char **) argv);
  plan->environ = g_new0 (char *, 1);
  plan->cwd = g_strdup (G_DIR_SEPARATOR_S);
  plan->streams[0] = ferry_steal_fd (socket);
  plan->streams[1] = open ("/dev/null", O_RDWR | O_CLOEXEC);
  plan->streams[2] = plan->streams[1] >= 0 ? fcntl (plan->streams[1], F_DUPFD_CLOEXEC, 0) : -1;
  if (plan->streams[2] < 0)
    return ferry_set_system_error (error, "Opening /dev/null");
  return ferry_spawn_detached (plan, NULL, error);
}

gboolean
ferry_guardian_start (FerryGuardian *self, GError **error)
{
  static const struct timeval patience = {.tv_sec = FERRY_GUARDIAN_PATIENCE_SECONDS};
  const char *program = ferry_guardian_find_program ();
  ferry_autofd own = (int) syscall (SYS_pidfd_open, getpid (), 0);
  ferry_autofd end = -1;
  ferry_autofd other = -1;

  if (program == NULL)
    return TRUE;
  if (!ferry_control_socket_pair (&end, &other, error))
    return FALSE;
  setsockopt (end, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  /* Where the system has no pidfds, as under valgrind, the guardian only sees that the socket is closed. */
  if (own >= 0 && !ferry_guardian_tell (end, FERRY_GUARDIAN_APPLICATION, 0, own, MSG_DONTWAIT))
    return ferry_set_system_error (error, "Notifying a guardian of its application (sendmsg)");
  if (!execute (program, &other, error))
    return FALSE;
  self->socket = ferry_steal_fd (&end);
  self->started_at = g_get_monotonic_time ();
  return TRUE;
}
