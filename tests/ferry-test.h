/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tests share: waiting for facts, and pipes with messages that are checked as they come.
 *
 * The obedient worker (tests/workers/obedient-worker.c) sends its messages through the sender "out": 8 bytes each,
 * their numbers from 0. A FerryTestPipe checks that they come once and in order. */

#pragma once

#include <ferry-objects.h>
#include <time.h>

G_BEGIN_DECLS

/* How long a test waits for a fact before it fails. It ends a hang and nothing else: a machine that has ten times as
 * much to do as it has cores is within it. */
#define FERRY_TEST_TIMEOUT_SECONDS 600

/* How often a test does again what a rare order of events could break: each time one changes the code, or each night,
 * which has FERRY_TEST_NIGHT set. */
guint ferry_test_times (guint each_time, guint each_night);

typedef gboolean (*FerryTestCondition) (gpointer data);

/* Iterates the default main context until condition holds; fails the test when it takes too long. */
void ferry_test_run_until (FerryTestCondition condition, gpointer data);
/* The same, for what no source of the main context tells of: looks over and over, and after a while each millisecond.
 */
void ferry_test_look_until (FerryTestCondition condition, gpointer data);
/* Iterates the default main context until the proxy has heard that an exporter listens. */
void ferry_test_wait_listening (FerryProxy *proxy);
/* Whether something has woken a context that has no descriptors of sources. */
gboolean ferry_test_is_woken (GMainContext *context);
/* Leaves the processor to others between two looks at a condition, while the main loop stands still. */
void ferry_test_let_others (void);
/* Until the test case ends, GTK 4.8 may say that it asked for the pointer's place over a surface that is gone: the
 * tooltip of a popover that was closed meanwhile does, wherever the pointer is. */
void ferry_test_let_tooltips_end (void);
/* Keeps the thread for a time in microseconds, of which the test is about: work that takes so long, or a stop. */
void ferry_test_take_time (gint64 time);
/* Returns a process that stops its parent for a time in microseconds once a byte is written to order. Then it lets the
 * parent go on, and whoever reads from go, a FIFO. */
GPid ferry_test_fork_stopper (const char *go, gint64 time, int *order);
/* Drops the last reference of the test, and looks until the object is finalized: what is on its way may have a
 * reference of its own, on another thread too. */
void ferry_test_finalize (gpointer object);
/* Looks until no queue has the file, of this process either: its thread may write after the queue is gone. */
void ferry_test_wait_unlocked (const char *path);
/* Iterates the default main context until *flag. */
void ferry_test_wait_flag (gboolean *flag);
/* Reads a property that is a number, an enumeration or a truth value. */
gint64 ferry_test_get_number (gpointer object, const char *property);
double ferry_test_get_double (gpointer object, const char *property);
/* The number of the process of a worker, a task or an exit record, to look it up in /proc. Fails the test where there
 * is none. */
GPid ferry_test_get_process (gpointer object);
/* The same of an identifier. */
GPid ferry_test_parse_process (const char *identifier);
/* Whether it is the process of such an object, which may have none yet. */
gboolean ferry_test_is_process (gpointer object, GPid pid);
/* Returns (transfer none) the worker of a pool that runs or ran a task. */
FerryWorker *ferry_test_get_worker (FerryPool *pool, FerryTask *task);
/* Stops a worker's process, and waits until it stands still. SIGCONT lets it go on. */
void ferry_test_stop_worker (FerryWorker *worker);
/* Returns (transfer none) (nullable) what a property has: an object or a variant, which something else keeps. */
gpointer ferry_test_get_object (gpointer object, const char *property);
GVariant *ferry_test_get_variant (gpointer object, const char *property);
/* Returns (transfer none) (nullable) a copy of what a property has. That of a text is never freed, and that of an error
 * when the property is read again. */
const char *ferry_test_get_string (gpointer object, const char *property);
const GError *ferry_test_get_error (gpointer object, const char *property);
/* Adds a path to one of the lists of paths that a sandbox grants. */
void ferry_test_grant (FerrySandbox *sandbox, const char *property, const char *path);
/* The value of a call that sends with a sender, or makes a buffer of it. It may wait for that many microseconds (0: not
 * at all; -1: without a limit), until the cancellable (nullable) is cancelled. */
#define ferry_test_within(sender, microseconds, cancel, call)                                                          \
  ({                                                                                                                   \
    FerrySender *within_ = (sender);                                                                                   \
                                                                                                                       \
    g_object_set (within_, "timeout", (gint64) (microseconds), "cancellable", (gpointer) (cancel), NULL);              \
    __typeof__ (call) result_ = (call);                                                                                \
    g_object_set (within_, "timeout", (gint64) -1, "cancellable", NULL, NULL);                                         \
    result_;                                                                                                           \
  })
/* Asserts that words are in a text that a user reads, and else shows both. */
void ferry_test_assert_says (const char *text, const char *words);
/* How often the one thread of that name went to sleep. */
guint64 ferry_test_count_sleeps_of (const char *thread);
/* The time of a clock in microseconds. */
gint64 ferry_test_read_clock (clockid_t clock);
/* The number of the system call in which a thread of a process sleeps. Negative: it runs, or has ended. */
int ferry_test_get_system_call (GPid pid, int thread);
/* From now on, membarrier() fails in all threads of this process, as in one that has restricted its own calls. */
void ferry_test_refuse_barriers (void);
/* A descriptor that is closed at the end of its block. */
#define ferry_test_autofd __attribute__ ((cleanup (ferry_test_close))) int
/* Closes a descriptor that is not negative. */
void ferry_test_close (int *fd);
/* How many descriptors the process has open. */
guint ferry_test_count_fds (void);
/* The same in a program that starts no thread, so that processes can be forked. */
guint ferry_test_count_fds_without_threads (void);
/* The lowest number of a descriptor that is not open: the next one gets it. */
guint ferry_test_get_lowest_fd (void);
/* Has this process open no descriptor of that number or a higher one. Returns the limit before. */
guint64 ferry_test_limit_fds (guint64 limit);
/* Whether the process has memory mapped that was made by that name. */
gboolean ferry_test_is_mapped (const char *name);
/* Returns a floating value of the type “as” of n names. */
GVariant *ferry_test_make_strings (guint n);
/* Whether GLib trusts a value that ferry_test_make_strings() made: it then takes its strings as they lie there. */
gboolean ferry_test_is_trusted (GVariant *strings);
/* Whether a process of that number exists and is no zombie. */
gboolean ferry_test_is_alive (GPid pid);
/* The number of its parent; 0 where there is no such process. */
GPid ferry_test_read_parent (GPid pid);
/* Whether it was stopped by a signal, and not continued. */
gboolean ferry_test_is_stopped (GPid pid);
/* For processes that are no worker's, and a worker's death that is no wish of this process. Fails the test where that
 * is no such number: kill() takes 0 and -1 for more than one process. */
void ferry_test_kill (GPid pid, int signal_number);
/* The same for a process that may have ended. */
void ferry_test_kill_if_there (GPid pid, int signal_number);
/* Sends a signal n times, each when the one before has come: of those that wait, the system keeps one. */
void ferry_test_signal_often (GPid pid, int signal_number, guint n);
/* What a child does that is killed when the thread ends that has started it. What outlives a test that has failed keeps
 * the test's output open, and who runs the test waits for that to end. */
void ferry_test_end_with_the_test (gpointer data);
/* (transfer full): of processes that do. What they print is none of the test's facts: unless the flags say where it
 * goes, it is with the test's errors. */
GSubprocessLauncher *ferry_test_launcher_new (GSubprocessFlags flags);
/* Returns (transfer full) such a process. */
GSubprocess *ferry_test_start (const char *const *argv, GSubprocessFlags flags);
/* A path beside the test programs, such as that of a worker. */
char *ferry_test_build_path (const char *name);

typedef struct
{
  FerryRouter *router;     /* (unowned) */
  FerrySender *sender;     /* (owned) */
  FerryReceiver *receiver; /* (owned) */
  guint64 n_messages;
  guint64 next;      /* the number that the next message must have */
  gboolean in_order; /* no number was missing, doubled or out of turn */
  guint n_closed;    /* how often `closed` was heard */
  guint64 at_closed; /* how many messages had come by then */
  FerryExit *exit;   /* (owned) (nullable) */
} FerryTestPipe;

/* Whether FERRY_TEST_SHORT_CUT allows the short cut. */
gboolean ferry_test_has_short_cut (void);
/* A started router, with the short cut where that is allowed. */
FerryRouter *ferry_test_router_new (void);
/* The same, not started. It does not follow the machine's power profile, so GLib starts no threads for that. */
FerryRouter *ferry_test_router_new_stopped (GMainContext *context);
/* The same with its guardian. It has the guardian's descriptors from its first launch on: for tests that count
 * descriptors. */
FerryRouter *ferry_test_router_new_with_guardian (void);
void ferry_test_router_stop (FerryRouter *router);

FerryTestPipe *ferry_test_pipe_new (FerryRouter *router);
FerryTestPipe *ferry_test_pipe_new_with_flags (FerryRouter *router, FerryPipeFlags flags);
void ferry_test_pipe_free (FerryTestPipe *pipe);
void ferry_test_pipe_wait_closed (FerryTestPipe *pipe);
void ferry_test_pipe_wait_count (FerryTestPipe *pipe, guint64 n_messages);
void ferry_test_pipe_assert_end (FerryTestPipe *pipe, FerryCloseReason reason);

/* Starts the worker program (a path) with orders, a list of strings that ends with NULL, and passes it the pipe's
 * sender as "out". pipe may be NULL. */
FerryWorker *ferry_test_spawn (FerryRouter *router, const char *program, FerryTestPipe *pipe, const char *first_order,
                               ...) G_GNUC_NULL_TERMINATED;
/* The same with the obedient worker. */
#define ferry_test_spawn_obedient(router, pipe, ...)                                                                   \
  ferry_test_spawn (router, g_getenv ("FERRY_TEST_WORKER"), pipe, __VA_ARGS__)
void ferry_test_wait_ended (FerryWorker *worker);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryTestPipe, ferry_test_pipe_free)

G_END_DECLS
