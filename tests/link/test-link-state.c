/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-link-state.c
 *
 * The table of a link's states, held against one that is written here once more, and gone through to exhaustion. */

#include "config.h"

#include <string.h>

#include "link/ferry-link-private.h"

#define NONE FERRY_NO_CAUSE

static const struct
{
  const char *name;
  FerryLinkEvent event;
  FerryLinkTransition expected[FERRY_N_LINK_STATES];
} table[] = {
  {"attached",
   FERRY_LINK_ATTACHED,
   {{FERRY_LINK_OPEN, NONE, FALSE},
    {FERRY_LINK_HUNG_UP, FERRY_CLOSE_REASON_PROTOCOL_ERROR, TRUE},
    {FERRY_LINK_HUNG_UP, NONE, FALSE},
    {FERRY_LINK_ENDED, NONE, FALSE}}},
  {"closed",
   FERRY_LINK_CLOSED,
   {{FERRY_LINK_HUNG_UP, NONE, FALSE},
    {FERRY_LINK_HUNG_UP, NONE, FALSE},
    {FERRY_LINK_HUNG_UP, NONE, FALSE},
    {FERRY_LINK_ENDED, NONE, FALSE}}},
  {"fault",
   FERRY_LINK_FAULT,
   {{FERRY_LINK_HUNG_UP, FERRY_CLOSE_REASON_PROTOCOL_ERROR, TRUE},
    {FERRY_LINK_HUNG_UP, FERRY_CLOSE_REASON_PROTOCOL_ERROR, TRUE},
    {FERRY_LINK_HUNG_UP, FERRY_CLOSE_REASON_PROTOCOL_ERROR, TRUE},
    {FERRY_LINK_ENDED, FERRY_CLOSE_REASON_PROTOCOL_ERROR, FALSE}}},
  {"timeout",
   FERRY_LINK_TIMEOUT,
   {{FERRY_LINK_HUNG_UP, FERRY_CLOSE_REASON_NEVER_ATTACHED, TRUE},
    {FERRY_LINK_OPEN, NONE, FALSE},
    {FERRY_LINK_HUNG_UP, FERRY_CLOSE_REASON_HUNG_UP, TRUE},
    {FERRY_LINK_ENDED, NONE, FALSE}}},
  {"process ended",
   FERRY_LINK_PROCESS_ENDED,
   {{FERRY_LINK_ENDED, NONE, FALSE},
    {FERRY_LINK_ENDED, NONE, FALSE},
    {FERRY_LINK_ENDED, NONE, FALSE},
    {FERRY_LINK_ENDED, NONE, FALSE}}},
  {"launch failed",
   FERRY_LINK_LAUNCH_FAILED,
   {{FERRY_LINK_ENDED, FERRY_CLOSE_REASON_LAUNCH_FAILED, FALSE},
    {FERRY_LINK_ENDED, FERRY_CLOSE_REASON_LAUNCH_FAILED, FALSE},
    {FERRY_LINK_ENDED, FERRY_CLOSE_REASON_LAUNCH_FAILED, FALSE},
    {FERRY_LINK_ENDED, NONE, FALSE}}},
  {"finished",
   FERRY_LINK_FINISHED,
   {{FERRY_LINK_ATTACHING, NONE, FALSE},
    {FERRY_LINK_ENDED, FERRY_CLOSE_REASON_STOPPED, FALSE},
    {FERRY_LINK_HUNG_UP, NONE, FALSE},
    {FERRY_LINK_ENDED, NONE, FALSE}}},
  {"stop",
   FERRY_LINK_STOP,
   {{FERRY_LINK_ENDED, FERRY_CLOSE_REASON_ROUTER_STOPPED, TRUE},
    {FERRY_LINK_ENDED, FERRY_CLOSE_REASON_ROUTER_STOPPED, TRUE},
    {FERRY_LINK_ENDED, FERRY_CLOSE_REASON_ROUTER_STOPPED, TRUE},
    {FERRY_LINK_ENDED, FERRY_CLOSE_REASON_ROUTER_STOPPED, FALSE}}},
};

G_STATIC_ASSERT (G_N_ELEMENTS (table) == FERRY_N_LINK_EVENTS);

static void
test_event (gconstpointer data)
{
  gsize row = GPOINTER_TO_SIZE (data);

  g_assert_cmpuint (table[row].event, ==, row);
  for (guint state = 0; state < FERRY_N_LINK_STATES; state++)
    {
      const FerryLinkTransition *found = ferry_link_state_next (state, table[row].event);
      const FerryLinkTransition *expected = &table[row].expected[state];

      g_test_message ("%s in state %u", table[row].name, (guint) state);
      g_assert_cmpuint (found->next, ==, expected->next);
      g_assert_cmpint (found->cause, ==, expected->cause);
      g_assert_cmpint (found->kill, ==, expected->kill);
    }
}

static void
test_nothing_leads_back (void)
{
  for (guint state = 0; state < FERRY_N_LINK_STATES; state++)
    for (guint event = 0; event < FERRY_N_LINK_EVENTS; event++)
      {
        g_assert_cmpuint (ferry_link_state_next (state, event)->next, >=, state);
        g_assert_cmpuint (ferry_link_state_next (state, event)->next, <, FERRY_N_LINK_STATES);
      }
}

static void
test_ended_is_never_left (void)
{
  for (guint event = 0; event < FERRY_N_LINK_EVENTS; event++)
    {
      g_assert_cmpuint (ferry_link_state_next (FERRY_LINK_ENDED, event)->next, ==, FERRY_LINK_ENDED);
      g_assert_false (ferry_link_state_next (FERRY_LINK_ENDED, event)->kill);
    }
}

/* A process that is killed is told why, and a process is always brought to its end. */
static void
test_a_kill_has_a_cause (void)
{
  for (guint state = 0; state < FERRY_N_LINK_STATES; state++)
    for (guint event = 0; event < FERRY_N_LINK_EVENTS; event++)
      if (ferry_link_state_next (state, event)->kill)
        g_assert_cmpint (ferry_link_state_next (state, event)->cause, !=, FERRY_NO_CAUSE);
}

static void
test_a_fault_kills_while_there_is_a_process (void)
{
  for (guint state = 0; state < FERRY_LINK_ENDED; state++)
    g_assert_true (ferry_link_state_next (state, FERRY_LINK_FAULT)->kill);
}

/* From every state, the process' end, a failed launch and the router's stop end the link at once. */
static void
test_every_state_can_end (void)
{
  for (guint state = 0; state < FERRY_N_LINK_STATES; state++)
    {
      g_assert_cmpuint (ferry_link_state_next (state, FERRY_LINK_PROCESS_ENDED)->next, ==, FERRY_LINK_ENDED);
      g_assert_cmpuint (ferry_link_state_next (state, FERRY_LINK_LAUNCH_FAILED)->next, ==, FERRY_LINK_ENDED);
      g_assert_cmpuint (ferry_link_state_next (state, FERRY_LINK_STOP)->next, ==, FERRY_LINK_ENDED);
    }
}

/* A sequence of events from the beginning, one letter each: (a)ttached, (c)losed, (f)ault, (t)imeout, (p)rocess ended,
 * (l)aunch failed, (n) finished, (s)top. The first cause counts. */
static const struct
{
  const char *events;
  int cause;
  guint kills;
} sequences[] = {
  {"acp", NONE, 0},
  {"ap", NONE, 0},
  {"p", NONE, 0},
  {"cp", NONE, 0},
  {"actp", FERRY_CLOSE_REASON_HUNG_UP, 1},
  {"ctp", FERRY_CLOSE_REASON_HUNG_UP, 1},
  {"afp", FERRY_CLOSE_REASON_PROTOCOL_ERROR, 1},
  {"fp", FERRY_CLOSE_REASON_PROTOCOL_ERROR, 1},
  {"acfp", FERRY_CLOSE_REASON_PROTOCOL_ERROR, 1},
  {"actfp", FERRY_CLOSE_REASON_HUNG_UP, 2},
  {"apf", FERRY_CLOSE_REASON_PROTOCOL_ERROR, 0},
  {"aftp", FERRY_CLOSE_REASON_PROTOCOL_ERROR, 2},
  {"aap", FERRY_CLOSE_REASON_PROTOCOL_ERROR, 1},
  {"tp", FERRY_CLOSE_REASON_NEVER_ATTACHED, 1},
  {"ttp", FERRY_CLOSE_REASON_NEVER_ATTACHED, 2},
  {"tap", FERRY_CLOSE_REASON_NEVER_ATTACHED, 1},
  {"l", FERRY_CLOSE_REASON_LAUNCH_FAILED, 0},
  {"an", FERRY_CLOSE_REASON_STOPPED, 0},
  {"ans", FERRY_CLOSE_REASON_STOPPED, 0},
  {"as", FERRY_CLOSE_REASON_ROUTER_STOPPED, 1},
  {"s", FERRY_CLOSE_REASON_ROUTER_STOPPED, 1},
  {"acs", FERRY_CLOSE_REASON_ROUTER_STOPPED, 1},
  {"afs", FERRY_CLOSE_REASON_PROTOCOL_ERROR, 2},
};

typedef struct
{
  FerryLinkState state;
  int cause;
  guint kills;
} Path;

static void
take_step (Path *path, FerryLinkEvent event)
{
  const FerryLinkTransition *transition = ferry_link_state_next (path->state, event);

  path->state = transition->next;
  path->kills += transition->kill;
  if (path->cause == FERRY_NO_CAUSE)
    path->cause = transition->cause;
}

static void
test_complete_sequences_end (void)
{
  const char letters[] = "acftplns";

  for (guint i = 0; i < G_N_ELEMENTS (sequences); i++)
    {
      Path path = {FERRY_LINK_ATTACHING, NONE, 0};

      g_test_message ("the sequence %s", sequences[i].events);
      for (const char *letter = sequences[i].events; *letter != '\0'; letter++)
        take_step (&path, (FerryLinkEvent) (strchr (letters, *letter) - letters));
      g_assert_cmpuint (path.state, ==, FERRY_LINK_ENDED);
      g_assert_cmpint (path.cause, ==, sequences[i].cause);
      g_assert_cmpuint (path.kills, ==, sequences[i].kills);
    }
}

/* All sequences of up to six events: a link that reaches the end stays there, and a fault is never forgotten for
 * good. */
static void
walk_all (Path path, guint depth, gboolean faulted)
{
  if (faulted)
    g_assert_cmpint (path.cause, !=, FERRY_NO_CAUSE);
  if (depth == 0)
    return;
  for (guint event = 0; event < FERRY_N_LINK_EVENTS; event++)
    {
      Path next = path;

      take_step (&next, event);
      g_assert_cmpuint (next.state, >=, path.state);
      if (path.cause != FERRY_NO_CAUSE)
        g_assert_cmpint (next.cause, ==, path.cause);
      walk_all (next, depth - 1, faulted || event == FERRY_LINK_FAULT);
    }
}

static void
test_all_sequences_keep_the_rules (void)
{
  walk_all ((Path){FERRY_LINK_ATTACHING, NONE, 0}, 6, FALSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autofree char *name = g_strdup_printf ("/link-state/%s-leads-where-documented", table[i].name);

      g_test_add_data_func (g_strdelimit (name, " ", '-'), GSIZE_TO_POINTER (i), test_event);
    }
  g_test_add_func ("/link-state/nothing-leads-back", test_nothing_leads_back);
  g_test_add_func ("/link-state/ended-is-never-left", test_ended_is_never_left);
  g_test_add_func ("/link-state/a-kill-has-a-cause", test_a_kill_has_a_cause);
  g_test_add_func ("/link-state/a-fault-kills-while-there-is-a-process", test_a_fault_kills_while_there_is_a_process);
  g_test_add_func ("/link-state/every-state-can-end", test_every_state_can_end);
  g_test_add_func ("/link-state/complete-sequences-end", test_complete_sequences_end);
  g_test_add_func ("/link-state/all-sequences-keep-the-rules", test_all_sequences_keep_the_rules);
  return g_test_run ();
}
