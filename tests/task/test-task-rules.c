/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-task-rules.c, pool/ferry-task-fields.c, pool/ferry-run.c, task/ferry-task.c
 *
 * All lives that a task can have, up to a length, and in each of their moments all that cannot happen next; and what
 * follows a loss, or the end of a time, over all combinations of small numbers.
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

/* ---- losses and times ---- */

#define MOST 6

/* How often a task is begun, of which each attempt is lost; those of the first n_quits by an end in order, which is no
 * death. 0: without end. */
static guint
count_attempts (guint retries, gboolean repeats, guint death_limit, guint n_quits, FerryTaskFate *fate)
{
  const FerryTaskSettings settings = {.retries = retries};
  FerryTaskLosses losses = {.repeats = repeats, .death_limit = death_limit};

  while (losses.attempts < 1000)
    {
      losses.attempts++;
      losses.deaths += losses.attempts > n_quits;
      *fate = ferry_task_rules_judge_loss (&settings, &losses);
      if (*fate != FERRY_TASK_IS_RETRIED)
        return losses.attempts;
    }
  return 0;
}

static void
test_attempts (void)
{
  FerryTaskFate fate = FERRY_TASK_IS_RETRIED;

  for (guint retries = 0; retries < MOST; retries++)
    for (guint limit = 0; limit < MOST; limit++)
      for (guint n_quits = 0; n_quits < MOST; n_quits++)
        {
          /* As often as was asked for, and once more. */
          g_assert_cmpuint (count_attempts (retries, FALSE, limit, n_quits, &fate), ==, retries + 1);
          g_assert_cmpint (fate, ==, FERRY_TASK_IS_GIVEN_UP);
          /* Or until it has been the death of so many, if that is more. */
          g_assert_cmpuint (count_attempts (retries, TRUE, limit, n_quits, &fate), ==,
                            limit > 0 ? MAX (retries + 1, n_quits + limit) : 0);
          g_assert_cmpint (fate, ==, limit > 0 ? FERRY_TASK_IS_SET_ASIDE : FERRY_TASK_IS_RETRIED);
        }
}

/* The earlier one of two times, of which 0 is never. */
static gint64
get_earlier (gint64 one, gint64 other)
{
  return one == 0 || (other != 0 && other < one) ? other : one;
}

static void
test_expiry (void)
{
  for (gint64 deadline = 0; deadline < MOST; deadline++)
    for (gint64 timeout = 0; timeout < MOST; timeout++)
      for (gint64 since = 0; since < MOST; since++)
        {
          const FerryTaskSettings settings = {.deadline = deadline, .queue_timeout = timeout};
          const gint64 end = timeout > 0 ? since + timeout : 0;

          g_assert_cmpint (ferry_task_rules_get_limit (&settings, since, timeout), ==, get_earlier (deadline, end));
          /* While it is paused, the queue timeout stands still. */
          g_assert_cmpint (ferry_task_rules_get_expiry (&settings, since), ==,
                           get_earlier (deadline, since > 0 ? end : 0));
        }
  g_assert_cmpint (ferry_task_rules_get_limit (&(FerryTaskSettings){0}, G_MAXINT64 - 1, G_MAXINT64), ==, G_MAXINT64);
}

static void
test_in_time (void)
{
  for (gint64 now = 1; now < MOST; now++)
    {
      g_assert_false (ferry_task_rules_has_expired (0, now));
      for (gint64 expiry = 1; expiry < MOST; expiry++)
        g_assert_cmpint (ferry_task_rules_has_expired (expiry, now), ==, now >= expiry);
      /* Neither an attempt that was lost nor the rest after it counts. */
      for (gint64 rest_until = 0; rest_until < MOST; rest_until++)
        g_assert_cmpint (ferry_task_rules_get_wait_start (now, rest_until), ==, rest_until > now ? rest_until : now);
    }
}

static void
test_rests (void)
{
  static const gint64 growing[] = {2, 4, 8, 9, 9, 9};
  const FerryTaskSettings even = {.retry_pause = 2};
  const FerryTaskSettings grows = {.retry_pause = 2, .max_retry_pause = 9};
  const FerryTaskSettings shrinks = {.retry_pause = 2, .max_retry_pause = 1};
  const FerryTaskSettings none = {.max_retry_pause = 9};
  const FerryTaskSettings never = {.retry_pause = G_MAXINT64 / 2 + 1, .max_retry_pause = G_MAXINT64};

  for (guint i = 0; i < G_N_ELEMENTS (growing); i++)
    {
      g_assert_cmpint (ferry_task_rules_get_rest (&even, i + 1), ==, 2);
      g_assert_cmpint (ferry_task_rules_get_rest (&grows, i + 1), ==, growing[i]);
      g_assert_cmpint (ferry_task_rules_get_rest (&shrinks, i + 1), ==, 2);
      g_assert_cmpint (ferry_task_rules_get_rest (&none, i + 1), ==, 0);
    }
  g_assert_cmpint (ferry_task_rules_get_rest (&never, 2), ==, G_MAXINT64);
  g_assert_cmpint (ferry_task_rules_get_rest (&grows, G_MAXUINT), ==, 9);
}

/* ---- where it is ---- */

/* Nobody else may say what becomes of a task that is here, and here nobody says it of one that another may have begun:
 * but that it begins twice, if it may. A cancel asks whoever has it. */
static void
test_places (void)
{
  for (guint place = 0; place < FERRY_N_TASK_PLACES; place++)
    for (guint turn = 0; turn < FERRY_N_TASK_TURNS; turn++)
      for (guint may_repeat = 0; may_repeat < 2; may_repeat++)
        {
          const gboolean begins_twice =
            place == FERRY_TASK_IS_OUT_OF_REACH && turn == FERRY_TASK_MAY_BEGIN && may_repeat;
          const gboolean asks = place == FERRY_TASK_IS_SENT || turn == FERRY_TASK_IS_CALLED_OFF;
          const FerryTaskVerdict expected = place == FERRY_TASK_IS_HERE || begins_twice ? FERRY_TASK_HAPPENS
                                            : asks                                      ? FERRY_TASK_IS_ASKED_FOR
                                                                                        : FERRY_TASK_STAYS;

          g_assert_cmpint (ferry_task_rules_judge (place, turn, may_repeat), ==, expected);
        }
}

/* ---- what goes with a task ---- */

static GVariant *
pack (const FerryTaskSettings *settings, FerryTaskFieldsPlace place)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  ferry_task_fields_pack (settings, place, &builder);
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* A task that has the setting as it is not by default. */
static FerryTask *
new_task_with (GParamSpec *pspec)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, "work", NULL);

  if (G_IS_PARAM_SPEC_BOOLEAN (pspec))
    g_object_set (task, pspec->name, TRUE, NULL);
  else if (G_IS_PARAM_SPEC_UINT (pspec))
    g_object_set (task, pspec->name, 3, NULL);
  else
    g_object_set (task, pspec->name, G_GINT64_CONSTANT (4321), NULL);
  return task;
}

static void
test_settings (void)
{
  for (guint i = 0; i < FERRY_N_TASK_FIELDS; i++)
    {
      g_autoptr (GParamSpec) pspec = g_param_spec_ref_sink (ferry_task_field_new_property (i));
      g_autoptr (FerryTask) task = new_task_with (pspec);
      const FerryTaskSettings *settings = ferry_task_get_run (task)->settings;
      g_autoptr (GVariant) packed = pack (settings, FERRY_TASK_FIELDS_OF_FILE);
      g_autoptr (GVariant) value = g_variant_lookup_value (packed, pspec->name, NULL);
      FerryTaskSettings unpacked;

      g_assert_cmpuint (g_variant_n_children (packed), ==, 1);
      g_assert_nonnull (value);
      g_assert_true (ferry_task_fields_unpack (&unpacked, FERRY_TASK_FIELDS_OF_FILE, packed));
      g_assert_cmpmem (&unpacked, sizeof unpacked, settings, sizeof *settings);
    }
}

static gboolean
is_taken (const char *text)
{
  g_autoptr (GVariant) packed = g_variant_ref_sink (g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, NULL));
  FerryTaskSettings settings;

  return ferry_task_fields_unpack (&settings, FERRY_TASK_FIELDS_OF_STREAM, packed);
}

static void
test_hostile_settings (void)
{
  FerryTaskSettings settings;
  g_autoptr (GVariant) packed = NULL;

  g_assert_true (is_taken ("{}"));
  g_assert_true (is_taken ("{'retries': <uint32 7>, 'of-a-later-version': <'text'>}"));
  g_assert_false (is_taken ("{'retries': <7>}"));
  g_assert_false (is_taken ("{'run-timeout': <int64 -1>}"));
  g_assert_false (is_taken ("{'idempotent': <uint32 1>}"));
  /* What does not go there is not taken from there. */
  g_assert_true (is_taken ("{'window': <uint32 0>}"));
  ferry_task_fields_unpack (&settings, FERRY_TASK_FIELDS_OF_FILE, NULL);
  packed = pack (&settings, FERRY_TASK_FIELDS_OF_FILE);
  g_assert_cmpuint (g_variant_n_children (packed), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/task-rules/refuses-what-no-life-of-a-task-has", test_every_life);
  g_test_add_func ("/task-rules/has-no-way-out-of-an-end", test_ends_are_final);
  g_test_add_func ("/task-rules/lost-attempts-count-together", test_attempts);
  g_test_add_func ("/task-rules/the-earlier-of-deadline-and-queue-timeout", test_expiry);
  g_test_add_func ("/task-rules/begun-in-time-is-in-time", test_in_time);
  g_test_add_func ("/task-rules/rests-grow-up-to-a-limit", test_rests);
  g_test_add_func ("/task-rules/what-another-may-have-is-asked-for", test_places);
  g_test_add_func ("/task-rules/each-setting-goes-with-its-task", test_settings);
  g_test_add_func ("/task-rules/a-setting-out-of-range-is-refused", test_hostile_settings);
  return g_test_run ();
}
