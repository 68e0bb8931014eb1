/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker's first call, done once for nothing.
 *
 * A page that is written for the first time after a fork is copied then, and one that is read has to be found; for what
 * lies between a worker's fork and its first answer these are some 60 pages, and more time than the fork itself. A
 * child that waits in spare has the time: it serves a call over a link that it makes and drops, with nobody at the
 * other end, and so has been everywhere before it is asked for.
 *
 * Threads: the child's only one. */

#include "config.h"

#include "task/ferry-warm-up-private.h"

#include "base/ferry-base-private.h"
#include "route/ferry-sender-private.h"
#include "task/ferry-serve-private.h"
#include "worker/ferry-function-private.h"

#define N_PIPES 2

#define FUNCTION "ferry.warm-up"

static GVariant *
do_nothing (FerryJob *job, GVariant *arguments, GError **error)
{
  ferry_job_report (job, 1, FUNCTION, NULL);
  return g_variant_new ("(s)", FUNCTION);
}

static void
ask (FerryLink *link, guint64 connection_id)
{
  g_autoptr (GVariant) arguments = g_variant_ref_sink (g_variant_new ("(s)", FUNCTION));
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  FerryCallMessage message;

  ferry_call_message_init (&message, FERRY_CALL_REQUEST, 1, FUNCTION, arguments);
  ferry_link_send (link, connection_id, parts, ferry_call_message_get_parts (&message, parts));
  ferry_link_send_finish (link);
}

void
ferry_warm_up (void)
{
  const guint64 connection_ids[N_PIPES] = {1, 2};
  const guint32 cells[N_PIPES] = {FERRY_NO_CELL, 0};
  g_autoptr (FerryLink) link = NULL;
  g_autoptr (FerryUplink) uplink = NULL;
  g_autoptr (FerryDownlink) downlink = NULL;
  g_autoptr (FerrySender) calls = NULL;
  g_autoptr (FerrySender) progress = NULL;
  g_autoptr (FerryServe) serve = NULL;

  link = ferry_link_new ("warm-up", connection_ids, cells, N_PIPES, FERRY_MIN_LANE_CAPACITY, 0, FERRY_BLOCK_SIZE, NULL);
  if (link == NULL)
    return;
  link->local = TRUE;
  uplink = ferry_uplink_new_local (link, NULL, NULL);
  if (uplink == NULL)
    return;
  calls = ferry_sender_new_granted (connection_ids[0], uplink, 0, FERRY_NO_CELL);
  progress = ferry_sender_new_granted (connection_ids[1], uplink, 1, 0);
  downlink = ferry_downlink_new (uplink);
  serve = ferry_serve_new (downlink, calls, progress);
  ferry_function_register (FUNCTION, "(s)", "(s)", do_nothing);
  ask (link, connection_ids[0]);
  ferry_serve_run (serve, NULL);
  ferry_function_forget (FUNCTION);
}
