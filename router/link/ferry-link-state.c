/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The states of a link, as a table: what each event does in each, and the cause of its end. */

#include "config.h"

#include "link/ferry-link-state-private.h"

#define TO(state, cause, kill)                                                                                         \
  {                                                                                                                    \
    FERRY_LINK_##state, cause, kill                                                                                    \
  }

/* The transition of each state for each event. No transition leads to an earlier state. An event that means nothing in
 * a state keeps the state. For a process that exits or is killed, the cause is made from the exit status, not from this
 * table. So a process that hangs up and then ends in time gets the cause “exited”, not “hung up”. */
static const FerryLinkTransition transitions[FERRY_N_LINK_STATES][FERRY_N_LINK_EVENTS] =
  {
    [FERRY_LINK_ATTACHING] =
      {
        [FERRY_LINK_ATTACHED] = TO (OPEN, FERRY_NO_CAUSE, FALSE),
        [FERRY_LINK_CLOSED] = TO (HUNG_UP, FERRY_NO_CAUSE, FALSE),
        [FERRY_LINK_FAULT] = TO (HUNG_UP, FERRY_CLOSE_REASON_PROTOCOL_ERROR, TRUE),
        [FERRY_LINK_TIMEOUT] = TO (HUNG_UP, FERRY_CLOSE_REASON_NEVER_ATTACHED, TRUE),
        [FERRY_LINK_PROCESS_ENDED] = TO (ENDED, FERRY_NO_CAUSE, FALSE),
        [FERRY_LINK_LAUNCH_FAILED] = TO (ENDED, FERRY_CLOSE_REASON_LAUNCH_FAILED, FALSE),
        [FERRY_LINK_FINISHED] = TO (ATTACHING, FERRY_NO_CAUSE, FALSE),
        [FERRY_LINK_STOP] = TO (ENDED, FERRY_CLOSE_REASON_ROUTER_STOPPED, TRUE),
      },
    [FERRY_LINK_OPEN] =
      {
        [FERRY_LINK_ATTACHED] = TO (HUNG_UP, FERRY_CLOSE_REASON_PROTOCOL_ERROR, TRUE),
        [FERRY_LINK_CLOSED] = TO (HUNG_UP, FERRY_NO_CAUSE, FALSE),
        [FERRY_LINK_FAULT] = TO (HUNG_UP, FERRY_CLOSE_REASON_PROTOCOL_ERROR, TRUE),
        [FERRY_LINK_TIMEOUT] = TO (OPEN, FERRY_NO_CAUSE, FALSE),
        [FERRY_LINK_PROCESS_ENDED] = TO (ENDED, FERRY_NO_CAUSE, FALSE),
        [FERRY_LINK_LAUNCH_FAILED] = TO (ENDED, FERRY_CLOSE_REASON_LAUNCH_FAILED, FALSE),
        [FERRY_LINK_FINISHED] = TO (ENDED, FERRY_CLOSE_REASON_STOPPED, FALSE),
        [FERRY_LINK_STOP] = TO (ENDED, FERRY_CLOSE_REASON_ROUTER_STOPPED, TRUE),
      },
    [FERRY_LINK_HUNG_UP] =
      {
        [FERRY_LINK_ATTACHED] = TO (HUNG_UP, FERRY_NO_CAUSE, FALSE),
        [FERRY_LINK_CLOSED] = TO (HUNG_UP, FERRY_NO_CAUSE, FALSE),
        [FERRY_LINK_FAULT] = TO (HUNG_UP, FERRY_CLOSE_REASON_PROTOCOL_ERROR, TRUE),
        [FERRY_LINK_TIMEOUT] = TO (HUNG_UP, FERRY_CLOSE_REASON_HUNG_UP, TRUE),
        [FERRY_LINK_PROCESS_ENDED] = TO (ENDED, FERRY_NO_CAUSE, FALSE),
        [FERRY_LINK_LAUNCH_FAILED] = TO (ENDED, FERRY_CLOSE_REASON_LAUNCH_FAILED, FALSE),
        [FERRY_LINK_FINISHED] = TO (HUNG_UP, FERRY_NO_CAUSE, FALSE),
        [FERRY_LINK_STOP] = TO (ENDED, FERRY_CLOSE_REASON_ROUTER_STOPPED, TRUE),
      },
    [FERRY_LINK_ENDED] =
      {
        [FERRY_LINK_ATTACHED] = TO (ENDED, FERRY_NO_CAUSE, FALSE),
        [FERRY_LINK_CLOSED] = TO (ENDED, FERRY_NO_CAUSE, FALSE),
        [FERRY_LINK_FAULT] = TO (ENDED, FERRY_CLOSE_REASON_PROTOCOL_ERROR, FALSE),
        [FERRY_LINK_TIMEOUT] = TO (ENDED, FERRY_NO_CAUSE, FALSE),
        [FERRY_LINK_PROCESS_ENDED] = TO (ENDED, FERRY_NO_CAUSE, FALSE),
        [FERRY_LINK_LAUNCH_FAILED] = TO (ENDED, FERRY_NO_CAUSE, FALSE),
        [FERRY_LINK_FINISHED] = TO (ENDED, FERRY_NO_CAUSE, FALSE),
        [FERRY_LINK_STOP] = TO (ENDED, FERRY_CLOSE_REASON_ROUTER_STOPPED, FALSE),
      },
};

const FerryLinkTransition *
ferry_link_state_next (FerryLinkState state, FerryLinkEvent event)
{
  return &transitions[state][event];
}
