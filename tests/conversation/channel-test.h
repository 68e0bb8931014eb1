/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A router and a launcher of this program. Its channel functions do as a test needs:
 *
 *   square      u: sends the square of its argument
 *   echo        sends back what comes, until the good end
 *   count       u: sends the numbers below its argument
 *   count-and   (us): the same, and then does what the word says: raise, kill, exit, hang, acknowledge
 *   mixed       sends a number, an error as a value, a number, and raises an error like that one
 *   give-pid    i: its process' number
 *   ask         u: asks for its "double" over the transport "beside", and sends the answer
 *   hold        takes nothing before its input is closed, then sends how many messages came
 *   greedy      sends without end, and reports nothing: ends when sending fails
 *   deaf        takes nothing, and never ends by itself
 *   data        u: sends the number that it was registered with, CHANNEL_TEST_DATA */

#pragma once

#include "ferry-test.h"

G_BEGIN_DECLS

#define CHANNEL_TEST_DATA 4711

typedef struct
{
  FerryRouter *router;     /* (owned) */
  FerryLauncher *launcher; /* (owned) */
  guint n_fds;             /* descriptors that were open before */
} ChannelTest;

/* To be called first in main(): in a worker, it does not return. */
void channel_test_init (int *argc, char ***argv);

ChannelTest *channel_test_new (void);
/* Waits for all workers, and asserts that no pipe, no descriptor and no process is left. */
void channel_test_free (ChannelTest *test);

FerryChannel *channel_test_start (ChannelTest *test, const char *function, GVariant *arguments);
/* Takes the next message, which must be one. */
GVariant *channel_test_take (FerryChannel *channel);
void channel_test_assert_next (FerryChannel *channel, guint expected);
void channel_test_assert_good_end (FerryChannel *channel);
void channel_test_assert_bad_end (FerryChannel *channel, GQuark domain, int code, const char *words);
void channel_test_send (FerryChannel *channel, guint number);
/* Waits for the worker's end, which must be with that status, or by that signal. */
void channel_test_assert_exit (FerryChannel *channel, int status, int signal_number);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ChannelTest, channel_test_free)

G_END_DECLS
