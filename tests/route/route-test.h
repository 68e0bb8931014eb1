/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tests of the route share: warnings that are wanted, threads, senders with a lane that stands still. */

#pragma once

#include "ferry-test.h"

#include "route/ferry-router-private.h"

G_BEGIN_DECLS

/* Of g_autoptr(): a router that is stopped and freed at the end, when what was declared behind it is gone. */
typedef FerryRouter FerryTestRouter;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryTestRouter, ferry_test_router_stop)

/* Catches the library's warnings, which would end a test. To be called in main(). */
void route_test_init (int *argc, char ***argv);
/* Adds a test that ThreadSanitizer cannot follow, and does not run: one with worker processes, which are started
 * without fork(), or with what changes threads under locks inside GLib: sources, slices, the table of error
 * domains. */
void route_test_add_untraceable (const char *path, GTestFunc func);
/* The warnings since the last call, a line each; "" for none. */
char *route_test_take_warnings (void);
/* Asserts that there was exactly one since, and that it matches a pattern. */
void route_test_assert_warned (const char *pattern);

/* any: sets a flag, and wakes the default main context for it. */
void route_test_raise (gint *flag);
/* Iterates the default main context until another thread raised the flag. */
void route_test_wait_raised (gint *flag);
/* Iterates the default main context until it has nothing to do. */
void route_test_settle (void);

void route_test_pipe (FerryRouter *router, FerrySender **sender, FerryReceiver **receiver);
/* A pipe with a sender that is started in this process. */
FerryTestPipe *route_test_started_pipe (FerryRouter *router);
/* Stops and frees a router that warns of open pipes. */
void route_test_stop_with_open_pipes (FerryRouter *router);

/* Sends n messages of 8 bytes, numbered from first, without waiting. */
void route_test_send_numbers (FerrySender *sender, guint64 first, guint64 n);
/* The same, and waits until they are all in the local queue, in one block. At most 2,000. */
void route_test_burst (FerrySender *sender, guint64 first, guint64 n);
/* Waits until the monitor took all that the sender sent. */
void route_test_wait_drained (FerrySender *sender);
/* Waits until what the monitor took is in the local queue. */
void route_test_wait_monitor (FerrySender *sender);
/* Has the link's share of blocks out, so that nothing more is drained until the main context runs; the lane itself
 * stays empty. Sends some messages for it, numbered from 0. Returns how many. */
guint64 route_test_use_up_window (FerryRouter *router, FerrySender *sender);
/* The same, and fills the lane as well: there is no room for anything. */
guint64 route_test_fill (FerryRouter *router, FerrySender *sender);

/* (transfer none): the link of a sender in this process. */
FerryLink *route_test_get_link (FerrySender *sender);
/* Until the condition holds, a thread sends 8 bytes as soon as the receiver has got the message before. */
void route_test_converse_until (FerryTestPipe *pipe, FerryCondition condition, gpointer data);
/* The same, but the application asks for nothing. */
void route_test_stream_until (FerryTestPipe *pipe, FerryCondition condition, gpointer data);

/* How often a thread said that it is about to wait for room in the sender's lane. */
guint route_test_count_waits (FerrySender *sender);
/* Waits until that is more than before. */
void route_test_wait_waiting (FerrySender *sender, guint before);

/* What a thread of the application sends, and how that ended. */
typedef struct
{
  FerrySender *sender; /* (unowned) */
  gconstpointer data;
  gsize size;
  GThread *thread;
  gint64 ended; /* monotonic time */
  GError *error;
  gint done;
} RouteTestSend;

/* Sends size bytes (of data, or zeroes) on a thread of its own. The sender has that timeout and that cancellable
 * (nullable) from then on. */
RouteTestSend *route_test_send_new (FerrySender *sender, gconstpointer data, gsize size, gint64 timeout,
                                    GCancellable *cancellable);
/* Joins the thread, and asserts how it ended: code of domain, or 0 for success. */
void route_test_send_finish (RouteTestSend *send, GQuark domain, int code);

G_END_DECLS
