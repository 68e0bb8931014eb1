/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The states of a link, and what each event makes of them. */

#pragma once

#include "base/ferry-close-reason.h"

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  FERRY_LINK_ATTACHING, /* the process is starting, or has not yet answered its welcome */
  FERRY_LINK_OPEN,      /* the worker has attached; messages are sent both ways */
  FERRY_LINK_HUNG_UP,   /* the control socket is closed; the process must end within a time, or is killed */
  FERRY_LINK_ENDED,     /* the process has ended, or was never started; the up lane's tail is final */
} FerryLinkState;

#define FERRY_N_LINK_STATES 4

typedef enum
{
  FERRY_LINK_ATTACHED,      /* the worker sent a valid answer to the welcome */
  FERRY_LINK_CLOSED,        /* the worker's end of the control socket is closed */
  FERRY_LINK_FAULT,         /* the worker broke a rule of the protocol */
  FERRY_LINK_TIMEOUT,       /* the deadline of the state has passed */
  FERRY_LINK_PROCESS_ENDED, /* the process was reaped */
  FERRY_LINK_LAUNCH_FAILED, /* no process was started */
  FERRY_LINK_FINISHED,      /* a local sender stopped */
  FERRY_LINK_STOP,          /* the router was stopped */
} FerryLinkEvent;

#define FERRY_N_LINK_EVENTS 8

#define FERRY_NO_CAUSE (-1)

typedef struct
{
  FerryLinkState next;
  int cause;     /* a FerryCloseReason, which is noted if no other cause was noted before; or FERRY_NO_CAUSE */
  gboolean kill; /* whether the process is sent SIGKILL */
} FerryLinkTransition;

const FerryLinkTransition *ferry_link_state_next (FerryLinkState state, FerryLinkEvent event);

G_END_DECLS
