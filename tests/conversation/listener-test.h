/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Listeners and persistent workers at addresses in a folder of the test's own. tests/workers/persistent-worker.c says
 * what such a worker answers. */

#pragma once

#include "call/transport-test.h"
#include "process/worker-test.h"

G_BEGIN_DECLS

/* Where nothing listens yet. */
typedef struct
{
  char *folder;
  char *address;
  guint n_fds; /* open before, as the next one */
  guint n_threads;
} ListenerTestPlace;

void listener_test_place_init (ListenerTestPlace *place);
/* What listened there must have cleaned up, or have been killed; no thread or descriptor may be left. */
void listener_test_place_clear (ListenerTestPlace *place);
/* Waits until what this process closed is closed, as the worker sees it as well: one that only hears of the closing
 * later still takes this process for attached. */
void listener_test_place_wait_left (ListenerTestPlace *place);
/* Whether there is a file at the address with that behind it. */
gboolean listener_test_exists (const ListenerTestPlace *place, const char *suffix);

/* A persistent worker. Its output ends when it does. */
typedef struct
{
  GPid pid;
  int output; /* (owned) */
} ListenerTestWorker;

/* user: as which user, or NULL. */
void listener_test_worker_start (ListenerTestWorker *worker, const char *address, const char *mode, const char *user);
/* Waits until it listens as well; expected is the line that it writes by then, or a part of it. */
void listener_test_worker_init (ListenerTestWorker *worker, const char *address, const char *mode, const char *user,
                                const char *expected);
void listener_test_worker_kill (ListenerTestWorker *worker);
/* Waits for the end, however that comes. */
void listener_test_worker_wait (ListenerTestWorker *worker);

FerryTransport *listener_test_connect (const char *address);
/* Must fail, with that code and words. */
void listener_test_connect_fails (const char *address, int code, const char *words);
/* What the worker says when it is given a number more. */
guint32 listener_test_add (FerryTransport *transport, guint32 number);
/* Asks "add" of the worker at the address, over a transport of its own. */
guint32 listener_test_visit (const char *address, guint32 number);

/* Another process that attaches; argument is (nullable). It must write what is expected, or that at least. */
GSubprocess *listener_test_application (const char *mode, const char *address, const char *argument,
                                        const char *expected);
void listener_test_kill_application (GSubprocess *application);

/* A socket that knows nothing of Ferry, and connects or listens at the address. */
int listener_test_raw_socket (const char *address, gboolean listens);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ListenerTestPlace, listener_test_place_clear)

G_END_DECLS
