/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker enters its sandbox.
 *
 * That is done when the library is loaded, which for a program that links it is before main(): whatever the program
 * does first, it has no thread yet and has read nothing. Where there are threads all the same, made by another library
 * that was loaded before, the layers would bind this one only, and count as not entered.
 *
 * Who has not what is required ends here, after saying so. Else the application is told what there is. */

#include "config.h"

#include "sandbox/ferry-sandbox-enter-private.h"

#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sysexits.h>

#include "base/ferry-base-private.h"
#include "link/ferry-handshake-private.h"
#include "link/ferry-link-private.h"
#include "sandbox/ferry-call-filter-private.h"
#include "sandbox/ferry-landlock-private.h"
#include "sandbox/ferry-sandbox-plan-private.h"
#include "spawn/ferry-attributes-private.h"
#include "spawn/ferry-fork-private.h"

#define MAX_THREADS 512
#define MAX_QUEUED_SIGNALS 1024

typedef struct
{
  guint32 layers;
  int landlock_errno;
  int filter_errno;
} Outcome;

static gboolean limits_memory; /* const, once main() has begun */

/* ---- limits ---- */

static gboolean
lower_limit (int resource, guint64 value)
{
  return ferry_attributes_lower_limit (resource, value) == 0;
}

/* Memory that was filled and is then only read counts as nobody's, nor do the kernel's tables of what is mapped: so
 * what is mapped is limited as well, beyond what is there now. */
static gboolean
limit_address_space (guint64 more)
{
  g_autofree char *text = NULL;
  guint64 n_pages;

  if (!g_file_get_contents ("/proc/self/statm", &text, NULL, NULL) ||
      sscanf (text, "%" G_GUINT64_FORMAT, &n_pages) != 1)
    return FALSE;
  return lower_limit (RLIMIT_AS, n_pages * (guint64) sysconf (_SC_PAGESIZE) + more);
}

/* bubblewrap's namespace of users has one. Elsewhere threads are counted with all that the user has. */
static gboolean
counts_its_own_threads (void)
{
  g_autofree char *text = NULL;
  guint inside, outside, n;

  return g_file_get_contents ("/proc/self/uid_map", &text, NULL, NULL) &&
         sscanf (text, "%u %u %u", &inside, &outside, &n) == 3 && n == 1;
}

static gboolean
enter_limits (const FerrySandboxPlan *plan)
{
  return (plan->layers & FERRY_LAYER_LIMITS) == 0 ||
         (lower_limit (RLIMIT_SIGPENDING, MAX_QUEUED_SIGNALS) &&
          (plan->address_space == 0 || limit_address_space (plan->address_space)) &&
          (!counts_its_own_threads () || lower_limit (RLIMIT_NPROC, MAX_THREADS)));
}

/* ---- layers ---- */

/* A worker of root's is not to be one. */
static gboolean
drop_capabilities (void)
{
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

  return syscall (SYS_capset, &header, none) == 0;
}

/* The filter comes last: it refuses Landlock's calls. */
static Outcome
enter_layers (const FerrySandboxPlan *plan)
{
  Outcome outcome = {0};

  if ((plan->layers & FERRY_LAYERS_OF_WORKER) == 0)
    return outcome;
  if (ferry_count_threads () != 1)
    return (Outcome){.landlock_errno = EBUSY, .filter_errno = EBUSY};
  outcome.layers = ferry_landlock_enter (plan, &outcome.landlock_errno);
  if ((plan->layers & FERRY_LAYER_NO_NEW_PRIVILEGES) != 0 && !drop_capabilities ())
    return (Outcome){.landlock_errno = errno, .filter_errno = errno};
  if ((plan->layers & FERRY_LAYER_SYSTEM_CALLS) == 0)
    return outcome;
  outcome.filter_errno = ferry_call_filter_enter (plan);
  if (outcome.filter_errno == 0)
    outcome.layers |= FERRY_LAYER_SYSTEM_CALLS;
  return outcome;
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
  g_autoptr (FerrySandboxPlan) plan = ferry_sandbox_plan_new_from_text (text);
  int control = ferry_control_find_fd ();
  Outcome outcome;
  gboolean limited;
  guint32 missing;

  if (plan == NULL)
    give_up ("what " FERRY_SANDBOX_VARIABLE " says of the sandbox was not understood; build application and worker "
             "with the same version of Ferry");
  limits_memory = plan->address_space > 0;
  limited = enter_limits (plan);
  outcome = enter_layers (plan);
  if (control >= 0)
    ferry_confinement_send (control, outcome.layers, outcome.landlock_errno, outcome.filter_errno);
  if (!limited)
    give_up ("the limits of its sandbox could not be set");
  missing = plan->required & FERRY_LAYERS_OF_WORKER & ~outcome.layers;
  if (missing != 0)
    {
      g_autofree char *names = ferry_confinement_name_layers (missing);
      g_autofree char *why = g_strconcat ("the sandbox lacks what is required: ", names, NULL);

      give_up (why);
    }
}

void
ferry_sandbox_enter (void)
{
  g_autofree char *text = NULL;

  if (getauxval (AT_SECURE) != 0)
    return;
  text = g_strdup (g_getenv (FERRY_SANDBOX_VARIABLE));
  if (text == NULL)
    return;
  /* Before there is another thread that could look at the environment. */
  g_unsetenv (FERRY_SANDBOX_VARIABLE);
  enter (text);
}

gboolean
ferry_sandbox_limits_memory (void)
{
  return limits_memory;
}

static __attribute__ ((constructor)) void
enter_when_loaded (void)
{
  ferry_sandbox_enter ();
}
