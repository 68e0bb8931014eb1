/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-run.c, task/ferry-task.c
 *
 * All lives that a task can have, up to a length, and in each of their moments all that cannot happen next.
 *
 * What can happen is said here once more, as rules over a few facts and not as a table of states. */

#include "config.h"

#include "task/lone-task.h"

#include <string.h>

/* So that each pair of state and event is met: the longest way to a state is start, timeout; then an event, and another
 * that it may have made impossible. */
#define MAX_LENGTH 4

typedef enum
{
  OPEN,
  GOOD,
  BAD,
  CALLED_OFF,
} Outcome;

/* What is true of a task. */
typedef struct
{
  gboolean runs;     /* a worker has it */
  gboolean unwanted; /* its end was asked for */
  gboolean late;     /* by a limit of time */
  gboolean left;     /* it is over, and its worker was not asked */
  Outcome outcome;
} Facts;

typedef enum
{
  IMPOSSIBLE,
  UNHEARD,
  HAPPENS,
} Verdict;

static const char *const event_names[FERRY_N_TASK_EVENTS] = {
  "start",  "progress", "message",     "yield",         "result", "error",   "lost",
  "return", "cancel",   "run timeout", "queue timeout", "refuse", "abandon",
};

static Verdict
end (Facts *facts, Outcome outcome)
{
  facts->outcome = facts->late ? BAD : facts->unwanted ? CALLED_OFF : outcome;
  facts->runs = FALSE;
  return HAPPENS;
}

/* What only a worker can say, and only of a task that it has; of one that it was left with nothing listens. */
static Verdict
worker_says (Facts *facts, FerryTaskEvent event)
{
  gboolean last =
    event != FERRY_TASK_EVENT_PROGRESS && event != FERRY_TASK_EVENT_MESSAGE && event != FERRY_TASK_EVENT_YIELD;

  if (facts->left)
    {
      facts->left = !last;
      return UNHEARD;
    }
  if (!facts->runs)
    return IMPOSSIBLE;
  if (last)
    return end (facts, event == FERRY_TASK_EVENT_RESULT ? GOOD : BAD);
  return facts->unwanted ? UNHEARD : HAPPENS;
}

static Verdict
clock_says (Facts *facts, FerryTaskEvent event)
{
  if ((event == FERRY_TASK_EVENT_RUN_TIMEOUT) != facts->runs)
    return IMPOSSIBLE;
  if (facts->unwanted)
    return UNHEARD;
  if (!facts->runs)
    return end (facts, BAD);
  facts->unwanted = facts->late = TRUE;
  return HAPPENS;
}

static Verdict
application_says (Facts *facts, FerryTaskEvent event)
{
  gboolean ran = facts->runs;

  switch (event)
    {
    case FERRY_TASK_EVENT_START:
      facts->runs = TRUE;
      return ran ? IMPOSSIBLE : HAPPENS;
    case FERRY_TASK_EVENT_RETURN:
      if (ran && facts->unwanted)
        return end (facts, CALLED_OFF);
      facts->runs = FALSE;
      return ran ? HAPPENS : IMPOSSIBLE;
    case FERRY_TASK_EVENT_CANCEL:
      if (facts->unwanted)
        return IMPOSSIBLE;
      facts->unwanted = TRUE;
      return ran ? HAPPENS : end (facts, CALLED_OFF);
    case FERRY_TASK_EVENT_REFUSE:
      return end (facts, BAD);
    default:
      g_assert_cmpint (event, ==, FERRY_TASK_EVENT_ABANDON);
      facts->left = ran;
      return end (facts, ran ? BAD : CALLED_OFF);
    }
}

/* Changes facts only when it happens or is left unheard. */
static Verdict
judge (Facts *facts, FerryTaskEvent event)
{
  Facts next = *facts;
  Verdict verdict;

  if (event >= FERRY_TASK_EVENT_PROGRESS && event <= FERRY_TASK_EVENT_LOST)
    verdict = worker_says (&next, event);
  else if (facts->outcome != OPEN)
    verdict = IMPOSSIBLE;
  else if (event == FERRY_TASK_EVENT_RUN_TIMEOUT || event == FERRY_TASK_EVENT_QUEUE_TIMEOUT)
    verdict = clock_says (&next, event);
  else
    verdict = application_says (&next, event);
  if (verdict != IMPOSSIBLE)
    *facts = next;
  return verdict;
}

static FerryTaskState
state_of (const Facts *facts)
{
  switch (facts->outcome)
    {
    case GOOD:
      return FERRY_TASK_STATE_COMPLETED;
    case BAD:
      return FERRY_TASK_STATE_FAILED;
    case CALLED_OFF:
      return FERRY_TASK_STATE_CANCELLED;
    case OPEN:
    default:
      if (!facts->runs)
        return FERRY_TASK_STATE_WAITING;
      return facts->unwanted ? FERRY_TASK_STATE_CANCELLING : FERRY_TASK_STATE_EXECUTING;
    }
}

/* Tells a real task. */
static gboolean
tell (FerryTask *task, FerryTaskEvent event)
{
  FerryProgress progress = task_test_progress (0.5, "half");

  switch (event)
    {
    case FERRY_TASK_EVENT_START:
      return ferry_run_start (ferry_task_get_run (task), 77, NULL);
    case FERRY_TASK_EVENT_PROGRESS:
      return ferry_run_take_progress (ferry_task_get_run (task), &progress);
    case FERRY_TASK_EVENT_MESSAGE:
      return ferry_run_take_message (ferry_task_get_run (task), "a", g_variant_new_uint32 (1));
    case FERRY_TASK_EVENT_YIELD:
      return ferry_run_take_yield (ferry_task_get_run (task), g_variant_new_uint32 (2));
    case FERRY_TASK_EVENT_RESULT:
      return ferry_run_complete (ferry_task_get_run (task), g_variant_new_uint32 (3));
    case FERRY_TASK_EVENT_RETURN:
      return ferry_run_give_back (ferry_task_get_run (task));
    case FERRY_TASK_EVENT_CANCEL:
      return ferry_task_cancel (task);
    case FERRY_TASK_EVENT_ERROR:
    case FERRY_TASK_EVENT_LOST:
    case FERRY_TASK_EVENT_RUN_TIMEOUT:
    case FERRY_TASK_EVENT_QUEUE_TIMEOUT:
    case FERRY_TASK_EVENT_REFUSE:
    case FERRY_TASK_EVENT_ABANDON:
    default:
      return ferry_run_fail (ferry_task_get_run (task), event, task_test_error (event_names[event]), "here", NULL);
    }
}

/* What must be heard last of what happened. */
static const char *
last_word (const Facts *before, const Facts *after, FerryTaskEvent event)
{
  if (after->outcome != OPEN)
    return "done!";
  switch (event)
    {
    case FERRY_TASK_EVENT_PROGRESS:
      return "progress!";
    case FERRY_TASK_EVENT_MESSAGE:
      return "message!a";
    case FERRY_TASK_EVENT_YIELD:
      return "yielded!";
    case FERRY_TASK_EVENT_CANCEL:
    case FERRY_TASK_EVENT_RUN_TIMEOUT:
      return "can-cancel";
    default:
      return "state";
    }
}

typedef struct
{
  gboolean seen[FERRY_N_TASK_STATES][2][FERRY_N_TASK_EVENTS]; /* by state, whether the worker was left, event */
  guint n_lives;
  guint n_refused;
} Walk;

/* One more event after a life that was possible. Returns whether it belongs to it. */
static gboolean
check_step (Walk *walk, const FerryTaskEvent *events, guint length, Facts *facts)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new (&executor);
  g_autoptr (TaskTestEar) ear = task_test_ear_new (task);
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  FerryTaskEvent event = events[length];
  Facts former = *facts;
  Verdict verdict;

  for (guint i = 0; i < length; i++)
    g_assert_true (tell (task, events[i]));
  g_string_truncate (ear->heard, 0);
  before = task_test_describe (task);
  g_assert_cmpint (ferry_task_get_state (task), ==, state_of (facts));
  walk->seen[state_of (facts)][facts->left][event] = TRUE;

  verdict = judge (facts, event);
  g_assert_cmpint (tell (task, event), ==, verdict != IMPOSSIBLE);
  g_assert_cmpint (ferry_task_get_state (task), ==, state_of (facts));
  after = task_test_describe (task);
  if (verdict != HAPPENS)
    {
      g_assert_cmpstr (after, ==, before);
      task_test_assert_heard (ear, "");
    }
  else
    g_assert_true (g_str_has_suffix (ear->heard->str, last_word (&former, facts, event)));
  walk->n_refused += verdict == IMPOSSIBLE;
  return verdict != IMPOSSIBLE;
}

static void
walk_on (Walk *walk, FerryTaskEvent *events, guint length, const Facts *facts)
{
  walk->n_lives++;
  for (guint event = 0; length < MAX_LENGTH && event < FERRY_N_TASK_EVENTS; event++)
    {
      Facts next = *facts;

      events[length] = event;
      if (check_step (walk, events, length, &next))
        walk_on (walk, events, length + 1, &next);
    }
}

static void
test_every_life (void)
{
  static const struct
  {
    FerryTaskState state;
    gboolean left;
  } moments[] = {
    {FERRY_TASK_STATE_WAITING, FALSE},   {FERRY_TASK_STATE_EXECUTING, FALSE}, {FERRY_TASK_STATE_CANCELLING, FALSE},
    {FERRY_TASK_STATE_COMPLETED, FALSE}, {FERRY_TASK_STATE_FAILED, FALSE},    {FERRY_TASK_STATE_FAILED, TRUE},
    {FERRY_TASK_STATE_CANCELLED, FALSE}, {FERRY_TASK_STATE_CANCELLED, TRUE},
  };
  FerryTaskEvent events[MAX_LENGTH + 1];
  Facts facts = {.outcome = OPEN};
  Walk walk = {.n_lives = 0};

  walk_on (&walk, events, 0, &facts);
  for (guint i = 0; i < G_N_ELEMENTS (moments); i++)
    for (guint event = 0; event < FERRY_N_TASK_EVENTS; event++)
      if (!walk.seen[moments[i].state][moments[i].left][event])
        g_error ("no life has '%s' in state %d", event_names[event], moments[i].state);
  g_test_message ("%u lives, %u steps refused", walk.n_lives, walk.n_refused);
  g_assert_cmpuint (walk.n_lives, >, 300);
}

/* The table itself, where nothing of a task stands between. */
static void
test_ends_are_final (void)
{
  for (guint state = FERRY_TASK_STATE_COMPLETED; state < FERRY_N_TASK_STATES; state++)
    for (guint event = 0; event < FERRY_N_TASK_EVENTS; event++)
      g_assert_cmpint (ferry_task_state_next (state, event)->step, ==, FERRY_TASK_STEP_REFUSED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/task-state/refuses-what-no-life-of-a-task-has", test_every_life);
  g_test_add_func ("/task-state/has-no-way-out-of-an-end", test_ends_are_final);
  return g_test_run ();
}
