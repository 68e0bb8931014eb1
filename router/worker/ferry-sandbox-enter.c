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

#include <stdlib.h>
#include <sys/auxv.h>
#include <sysexits.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-link-private.h"
#include "worker/ferry-attachment-private.h"
#include "worker/ferry-call-filter-private.h"
#include "worker/ferry-fork-private.h"
#include "worker/ferry-landlock-private.h"
#include "worker/ferry-sandbox-private.h"

typedef struct
{
  guint32 layers;
  int landlock_errno;
  int filter_errno;
} Outcome;

/* The filter comes last: Landlock's calls are the kernel's business, which it may come to refuse. */
static Outcome
enter_layers (const FerrySandboxPlan *plan)
{
  Outcome outcome = {0};

  if ((plan->layers & FERRY_LAYERS_OF_WORKER) == 0)
    return outcome;
  if (ferry_count_threads () > 1)
    return (Outcome){.landlock_errno = EBUSY, .filter_errno = EBUSY};
  outcome.layers = ferry_landlock_enter (plan, &outcome.landlock_errno);
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
  int control = ferry_attachment_find_control_fd ();
  Outcome outcome;
  guint32 missing;

  if (plan == NULL)
    give_up ("what " FERRY_SANDBOX_VARIABLE " says of the sandbox was not understood; build application and worker "
             "with the same version of Ferry");
  outcome = enter_layers (plan);
  if (control >= 0)
    ferry_confinement_send (control, outcome.layers, outcome.landlock_errno, outcome.filter_errno);
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

static __attribute__ ((constructor)) void
enter_when_loaded (void)
{
  ferry_sandbox_enter ();
}
