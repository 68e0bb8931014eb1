/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Children that are copies of the test program, which has no threads. */

#pragma once

#include <ferry-classic.h>

#include "ferry-test.h"

G_BEGIN_DECLS

#define PATIENCE (FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC)

/* What a child does before it exits with status 0. */
typedef void (*CreateTestFunc) (FerryChannel *channel, gpointer data);

typedef struct
{
  guint n_fds;      /* descriptors that were open before */
  guint32 *numbers; /* memory that the children share, a page of zeros */
} CreateTest;

CreateTest *create_test_new (void);
/* Waits for all children, and asserts that no descriptor, no process, no zombie and no thread is left. */
void create_test_free (CreateTest *test);

FerryChannel *create_test_start (CreateTestFunc func, gpointer data);
void create_test_send (FerryChannel *channel, guint32 number);
/* Takes the next message, which must be a number. */
guint32 create_test_take (FerryChannel *channel);
void create_test_assert_good_end (FerryChannel *channel);
void create_test_assert_bad_end (FerryChannel *channel, GQuark domain, int code);
/* Waits for the end of the process; signal is 0 for one that exits. */
void create_test_assert_exit (FerryChannel *channel, int status, int signal);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CreateTest, create_test_free)

G_END_DECLS
