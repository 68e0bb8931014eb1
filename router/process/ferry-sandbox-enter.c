/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker enters its sandbox when the Ferry library is loaded, which is before main() in a program that links Ferry.
 * At that time the program has no other thread and has read no data. If a library that was loaded before has made
 * threads, no layer is entered, since the layers would not apply to these threads.
 *
 * The worker reports the layers that it entered to the application, and exits when a required layer is missing. */

#include "config.h"

#include "process/ferry-sandbox-message-private.h"
#include "process/ferry-sandbox-private.h"

#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sysexits.h>

#include "base/ferry-base-private.h"
#include "link/ferry-link-private.h"
#include "process/ferry-attributes-private.h"
#include "process/ferry-fork-private.h"
#include "wire/ferry-handshake-private.h"

#define MAX_THREADS 512
#define MAX_QUEUED_SIGNALS 1024

static gboolean limits_memory; /* const after the library was loaded */

/* ---- limits ---- */

/* Limits the address space to its present size plus more bytes (RLIMIT_AS), besides RLIMIT_DATA, which counts
 * neither read-only memory nor page tables. */
static gboolean
limit_address_space (guint64 more)
{
  g_autofree char *text = NULL;
  guint64 n_pages;

  if (!g_file_get_contents ("/proc/self/statm", &text, NULL, NULL) ||
      sscanf (text, "%" G_GUINT64_FORMAT, &n_pages) != 1)
    return FALSE;
  return ferry_attributes_lower_limit (RLIMIT_AS, n_pages * (guint64) sysconf (_SC_PAGESIZE) + more);
}

/* Whether the worker's user namespace has one user only, as bubblewrap's has. In other namespaces RLIMIT_NPROC
 * counts all threads of the user, so it is not set. */
static gboolean
counts_its_own_threads (void)
{
  g_autofree char *text = NULL;
  guint inside, outside, n;

  return g_file_get_contents ("/proc/self/uid_map", &text, NULL, NULL) &&
         sscanf (text, "%u %u %u", &inside, &outside, &n) == 3 && n == 1;
}

static gboolean
enter_limits (const FerrySandboxMessage *message)
{
  return (message->layers & FERRY_LAYER_LIMITS) == 0 ||
         (ferry_attributes_lower_limit (RLIMIT_SIGPENDING, MAX_QUEUED_SIGNALS) &&
          (message->address_space == 0 || limit_address_space (message->address_space)) &&
          (!counts_its_own_threads () || ferry_attributes_lower_limit (RLIMIT_NPROC, MAX_THREADS)));
}

/* ---- layers ---- */

/* Drops all capabilities, for a worker that root starts. */
static gboolean
drop_capabilities (void)
{
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

  return syscall (SYS_capset, &header, none) == 0;
}

/* Returns the report. The filter is entered last, since it refuses Landlock's system calls. */
static FerryConfined
enter_layers (const FerrySandboxMessage *message)
{
  FerryConfined report = {0};
  int failure;

  if ((message->layers & FERRY_LAYERS_OF_WORKER) == 0)
    return report;
  if (ferry_count_threads () != 1)
    return (FerryConfined){.landlock_errno = EBUSY, .filter_errno = EBUSY};
  report.layers = ferry_landlock_enter (message, &failure);
  report.landlock_errno = (guint32) failure;
  if ((message->layers & FERRY_LAYER_NO_NEW_PRIVILEGES) != 0 && !drop_capabilities ())
    return (FerryConfined){.landlock_errno = (guint32) errno, .filter_errno = (guint32) errno};
  if ((message->layers & FERRY_LAYER_SYSTEM_CALLS) == 0)
    return report;
  report.filter_errno = (guint32) ferry_call_filter_enter (message);
  if (report.filter_errno == 0)
    report.layers |= FERRY_LAYER_SYSTEM_CALLS;
  return report;
}

static G_GNUC_NORETURN void
give_up (const char *why)
{
  g_printerr ("%s: %s\n", program_invocation_short_name, why);
  _exit (EX_UNAVAILABLE);
}

static void
enter (const char *text)
{
  g_autoptr (FerrySandboxMessage) message = ferry_sandbox_message_new_from_text (text);
  int control = ferry_control_find_fd ();
  FerryConfined report;
  gboolean limited;
  guint32 missing;

  if (message == NULL)
    give_up ("the sandbox in the variable " FERRY_SANDBOX_VARIABLE " was not understood; build application and worker "
             "with the same version of Ferry");
  limits_memory = message->address_space > 0;
  limited = enter_limits (message);
  report = enter_layers (message);
  if (control >= 0)
    ferry_control_send (control, FERRY_CONTROL_CONFINED, &report, sizeof report, NULL, 0, MSG_DONTWAIT);
  if (!limited)
    give_up ("the limits of the sandbox could not be set; set fewer limits in the sandbox");
  missing = message->required & FERRY_LAYERS_OF_WORKER & ~report.layers;
  if (missing != 0)
    {
      g_autofree char *names = ferry_confinement_name_layers (missing);
      g_autofree char *why =
        g_strconcat ("the sandbox lacks layers that are required (", names, "); require fewer layers", NULL);

      give_up (why);
    }
}

/* Enters the sandbox that the environment describes. The dynamic loader calls this when it loads the library. */
__attribute__ ((constructor)) void
ferry_sandbox_enter (void)
{
  g_autofree char *text = g_strdup (secure_getenv (FERRY_SANDBOX_VARIABLE));

  if (text == NULL)
    return;
  /* There is no other thread that may read the environment meanwhile. */
  g_unsetenv (FERRY_SANDBOX_VARIABLE);
  enter (text);
}

gboolean
ferry_sandbox_limits_memory (void)
{
  return limits_memory;
}
