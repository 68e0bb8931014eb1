/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sandbox's namespaces: starts a worker by bubblewrap. The worker sees no other process, no network, and a file
 * system that is read-only except for the granted paths. Namespaces do not restrict reading, Landlock does: a program
 * loads its libraries before it enters Landlock, and their paths are not known here.
 *
 * A trial start shows whether bubblewrap works. It may not be installed, the system may deny namespaces to ordinary
 * users, or this process may run in a container without namespaces.
 *
 * bubblewrap waits for the program that it started. The monitor watches bubblewrap's process, not the program's.
 * When the application ends, the kernel kills bubblewrap and with it all processes of its process namespace. The
 * program bubblewrap exits with the program's exit status, or with 128 plus the number of the signal that killed it. */

#include "config.h"

#include "process/ferry-sandbox-message-private.h"
#include "process/ferry-sandbox-private.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "base/ferry-watchdog-private.h"

#define PROGRAM "bwrap"
/* How long the trial may do nothing, and the time between two looks at it, in milliseconds. */
#define TRIAL_TIMEOUT_MS 10000
#define LOOK_MS 500

static char *path;       /* const after the search: (nullable): of the bubblewrap program */
static int held_program; /* const after the search */
static gsize known;      /* any: 0: nobody has asked; 1: it does not work; 2: it does */

/* (transfer full): resolves a program path in /proc/self, by which a program starts itself as a worker: in
 * bubblewrap's process it would name bubblewrap. */
static char *
resolve_own (const char *program)
{
  char *target = g_str_has_prefix (program, "/proc/self/") ? g_file_read_link (program, NULL) : NULL;

  return target != NULL ? target : g_strdup (program);
}

/* (transfer full): resolves symbolic links, over which bubblewrap does not mount. Omits paths that do not exist. */
static GPtrArray *
resolve_all (GPtrArray *paths)
{
  GPtrArray *resolved = g_ptr_array_new_with_free_func (free);

  for (guint i = 0; i < paths->len; i++)
    {
      char *target = realpath (g_ptr_array_index (paths, i), NULL);

      if (target != NULL)
        g_ptr_array_add (resolved, target);
    }
  return resolved;
}

/* Adds the mounts. The order matters, since later mounts cover earlier ones. First comes the root, then the system
 * folders, so that a writable root does not show the application's /proc, then the writable paths. */
static void
add_mounts (GStrvBuilder *argv, GPtrArray *writable)
{
  const gboolean root = g_ptr_array_find_with_equal_func (writable, "/", g_str_equal, NULL);

  g_strv_builder_add_many (argv, root ? "--bind" : "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", NULL);
  for (guint i = 0; i < writable->len; i++)
    {
      const char *file = g_ptr_array_index (writable, i);

      if (!g_str_equal (file, "/") && !g_str_equal (file, "/proc") && !g_str_has_prefix (file, "/proc/"))
        g_strv_builder_add_many (argv, "--bind-try", file, file, NULL);
    }
}

void
ferry_bubblewrap_wrap (FerrySpawnPlan *plan, const FerrySandboxMessage *sandbox)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  g_autoptr (GPtrArray) writable = resolve_all (sandbox->writable);
  g_autofree char *program = resolve_own (plan->program);
  g_auto (GStrv) before = plan->argv;

  g_strv_builder_add_many (argv, path, "--unshare-all", "--die-with-parent", "--cap-drop", "ALL", NULL);
  if (sandbox->network)
    g_strv_builder_add (argv, "--share-net");
  add_mounts (argv, writable);
  g_strv_builder_add_many (argv, "--", program, NULL);
  g_strv_builder_addv (argv, (const char **) before + 1);
  g_free (plan->program);
  plan->program = g_strdup (path);
  plan->program_fd = held_program;
  plan->argv = g_strv_builder_end (argv);
}

/* Waits for the end of a process as long as it does something. Returns FALSE when it does nothing. */
static gboolean
wait_for_end (GPid pid, int pidfd)
{
  struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
  FerryWatchdog watchdog;

  ferry_watchdog_start (&watchdog, FERRY_WATCHDOG_START, pid, TRIAL_TIMEOUT_MS * FERRY_MICROSECONDS_PER_MILLISECOND);
  while (TEMP_FAILURE_RETRY (poll (&poll_fd, 1, LOOK_MS)) != 1)
    if (g_get_monotonic_time () >= ferry_watchdog_get_next_look (&watchdog) && ferry_watchdog_look (&watchdog))
      return FALSE;
  return TRUE;
}

static gboolean
wait_for_success (GPid pid, int pidfd)
{
  siginfo_t info = {0};

  /* Kills the process group, so bubblewrap's children too. Its number is not reused before bubblewrap is reaped. */
  if (!wait_for_end (pid, pidfd))
    kill (-pid, SIGKILL);
  TEMP_FAILURE_RETRY (waitid (P_PIDFD, (id_t) pidfd, &info, WEXITED));
  ferry_link_reap_group (pid);
  return info.si_code == CLD_EXITED && info.si_status == 0;
}

/* Tries whether bubblewrap can start a program in namespaces: it starts itself and prints its version. */
static gboolean
try_to_start (void)
{
  g_autoptr (FerrySpawnPlan) plan = g_new0 (FerrySpawnPlan, 1);
  g_autoptr (FerrySandboxMessage) sandbox = ferry_sandbox_message_new ();
  const char *version[] = {path, "--version", NULL};
  FerryGuardian guardian = {.socket = -1};
  ferry_autofd pidfd = -1;
  gboolean works;
  GPid pid;

  if (!ferry_guardian_start (&guardian, NULL))
    return FALSE;
  plan->guardian = guardian.socket;
  plan->program = g_strdup (path);
  plan->argv = g_strdupv ((char **) version);
  plan->environ = g_get_environ ();
  plan->attributes.no_new_privileges = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (plan->streams); i++)
    plan->streams[i] = open ("/dev/null", O_RDWR | O_CLOEXEC);
  ferry_bubblewrap_wrap (plan, sandbox);
  works = ferry_spawn (plan, -1, &pid, &pidfd, NULL) && wait_for_success (pid, pidfd);
  ferry_clear_fd (&guardian.socket);
  return works;
}

gboolean
ferry_bubblewrap_is_known (void)
{
  return g_atomic_pointer_get (&known) != 0;
}

gboolean
ferry_bubblewrap_works (void)
{
  if (g_once_init_enter (&known))
    {
      path = g_find_program_in_path (PROGRAM);
      held_program = path != NULL ? ferry_spawn_hold_program (path) : 0;
      g_once_init_leave (&known, path != NULL && try_to_start () ? 2 : 1);
    }
  return known == 2;
}
